#include "gateway_role.h"

#include <errno.h>
#include <stdlib.h>

#include "config.h"
#include "push/push.h"
#include "store/desk.h"
#include "store/feed.h"
#include "store/push.h"
#include "store/store.h"

struct cb_gateway_role {
    struct cb_desk_opts desk;
    char (*trusted)[CB_KEY_LEN];
    struct cb_metrics_source *source;
    struct cb_push *push; /* NULL: not configured */
    struct cb_gateway *gateway;
};

static const struct cb_desk_ops ops = {
    .create = cb_desk_create,
    .destroy = cb_desk_destroy,
    .login_begin = cb_desk_login_begin,
    .login_end = cb_desk_login_end,
    .logout = cb_desk_logout,
    .enter = cb_desk_enter,
    .leave = cb_desk_leave,
    .ask = cb_desk_ask,
    .evidence = cb_desk_evidence,
    .file = cb_desk_file,
    .export_rows = cb_desk_export,
    .events = cb_desk_events,
    .events_since = cb_desk_events_since,
    .feed_create = cb_feed_create,
    .feed_destroy = cb_feed_destroy,
    .feed_wait = cb_feed_wait,
    .feed_spread = cb_feed_spread,
    .feed_head = cb_feed_head,
    .feed_read = cb_feed_read,
    .feed_cameras = cb_feed_cameras,
    .feed_prune = cb_feed_prune,
    .feed_check = cb_feed_check,
};

static const struct cb_push_ops push_ops = {
    .create = cb_push_feed_create,
    .destroy = cb_push_feed_destroy,
    .fd = cb_push_feed_fd,
    .take_news = cb_push_feed_take_news,
    .claim = cb_push_feed_claim,
    .done = cb_push_feed_done,
};

static void print_push(void *self, FILE *out)
{
    cb_push_print_metrics(self, out);
}

static void complain_of_push(void *self, FILE *out)
{
    cb_push_complain(self, out);
}

static int start_push(struct cb_gateway_role *g, const struct cb_gateway_conf *conf,
                      struct cb_error *reterr)
{
    struct cb_push_opts opts = {.ops = &push_ops,
                                .desk_opts = &g->desk,
                                .services = conf->push_services,
                                .key = conf->push_key,
                                .contact = conf->push_contact};
    if (!conf->push_services[0] && !conf->push_key[0] && !conf->push_contact[0])
        return 0;
    if (!conf->database[0])
        return cb_error_set(reterr, -EINVAL, "gateway.push_services",
                            "Web Push needs gateway.database, which is missing");
    return cb_push_create(&g->push, &opts, reterr);
}

/* The sources that were given, and ours. */
static int gather_sources(struct cb_gateway_role *g, const struct cb_metrics_source *sources, size_t *n,
                          struct cb_error *reterr)
{
    if (!(g->source = calloc(*n + 1, sizeof *g->source)))
        return cb_error_set(reterr, -ENOMEM, "gateway", "out of memory");
    for (size_t i = 0; i < *n; i++)
        g->source[i] = sources[i];
    if (g->push)
        g->source[(*n)++] = (struct cb_metrics_source){
            .self = g->push, .print = print_push, .complain = complain_of_push};
    return 0;
}

static int fill_desk(struct cb_gateway_role *g, const struct cb_config *c, struct cb_error *reterr)
{
    const struct cb_gateway_conf *conf = &c->gateway;
    size_t n = 0;
    int r = c->store.trusted_keys[0]
                ? cb_store_load_trusted(c->store.trusted_keys, &g->trusted, &n, reterr) : 0;
    if (r < 0)
        return r;
    g->desk = (struct cb_desk_opts){.conninfo = conf->database,
                                    .media_dir = c->store.media_dir,
                                    .timezone = conf->timezone,
                                    .trusted = (const char (*)[CB_KEY_LEN]) g->trusted,
                                    .n_trusted = n,
                                    .signed_s = conf->signed_within_s,
                                    .responded_s = conf->responded_within_s,
                                    .feedback_s = conf->feedback_within_s};
    return 0;
}

int cb_gateway_role_create(struct cb_gateway_role **ret, const struct cb_config *config,
                           const struct cb_metrics_source *sources, size_t n_sources,
                           const char *version, struct cb_error *reterr)
{
    const struct cb_gateway_conf *conf = &config->gateway;
    struct cb_gateway_role *g = calloc(1, sizeof *g);
    if (!g)
        return cb_error_set(reterr, -ENOMEM, "gateway", "out of memory");
    int r = fill_desk(g, config, reterr);
    if (r == 0)
        r = start_push(g, conf, reterr);
    if (r == 0)
        r = gather_sources(g, sources, &n_sources, reterr);
    struct cb_gateway_opts opts = {.listen = conf->listen,
                                   .sources = g->source,
                                   .n_sources = n_sources,
                                   .push_services = conf->push_services,
                                   .push_public_key = g->push ? cb_push_public_key(g->push) : NULL,
                                   .desk = conf->database[0] ? &ops : NULL,
                                   .desk_opts = &g->desk,
                                   .web_dir = conf->web_dir,
                                   .tls_certificate = conf->tls_certificate,
                                   .tls_key = conf->tls_key,
                                   .map_style_url = conf->map_style_url,
                                   .roads = conf->roads,
                                   .timezone = conf->timezone,
                                   .version = version,
                                   .is_behind_proxy = conf->is_behind_proxy,
                                   .signed_s = conf->signed_within_s,
                                   .responded_s = conf->responded_within_s,
                                   .feedback_s = conf->feedback_within_s,
                                   .n_workers = conf->n_workers};
    if (r == 0)
        r = cb_gateway_create(&g->gateway, &opts, reterr);
    if (r < 0) {
        cb_gateway_role_destroy(&g);
        return r;
    }
    *ret = g;
    return 0;
}

void cb_gateway_role_destroy(struct cb_gateway_role **role)
{
    struct cb_gateway_role *g = *role;
    if (!g)
        return;
    *role = NULL;
    cb_gateway_destroy(&g->gateway);
    cb_push_destroy(&g->push);
    free(g->source);
    free(g->trusted);
    free(g);
}
