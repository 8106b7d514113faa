#include "gateway_role.h"

#include <errno.h>
#include <stdlib.h>

#include "config.h"
#include "store/desk.h"
#include "store/feed.h"
#include "store/store.h"

struct cb_gateway_role {
    struct cb_desk_opts desk;
    char (*trusted)[CB_KEY_LEN];
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
    struct cb_gateway_opts opts = {.listen = conf->listen,
                                   .sources = sources,
                                   .n_sources = n_sources,
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
    int r = fill_desk(g, config, reterr);
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
    free(g->trusted);
    free(g);
}
