#include "store_role.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/bus.h"
#include "config.h"
#include "curve_keys.h"
#include "store/store.h"

struct cb_store_role {
    struct cb_store *store;
    struct cb_bus_curve curve;
    struct cb_bus_receiver *receiver;
};

static void put(void *self, const struct cb_package *const *p, size_t n,
                struct cb_package_verdict *ret)
{
    struct cb_store_role *s = self;
    cb_store_put(s->store, p, n, ret);
}

static int put_minutes(void *self, const char *json, size_t n, struct cb_error *reterr)
{
    struct cb_store_role *s = self;
    return cb_store_put_minutes(s->store, json, n, reterr);
}

static int is_ready(void *self)
{
    struct cb_store_role *s = self;
    return cb_store_is_ready(s->store);
}

static void put_cameras(void *self, const char *json, size_t n)
{
    struct cb_store_role *s = self;
    cb_store_put_cameras(s->store, json, n);
}

static int create_store(struct cb_store_role *s, const struct cb_store_conf *conf,
                        struct cb_error *reterr)
{
    char (*trusted)[CB_KEY_LEN] = NULL;
    size_t n_trusted = 0;
    int r = conf->trusted_keys[0]
                ? cb_store_load_trusted(conf->trusted_keys, &trusted, &n_trusted, reterr)
                : 0;
    if (r < 0)
        return r;
    struct cb_store_opts opts = {.conninfo = conf->database,
                                 .media_dir = conf->media_dir,
                                 .trusted = (const char (*)[CB_KEY_LEN]) trusted,
                                 .n_trusted = n_trusted};
    r = cb_store_create(&s->store, &opts, reterr);
    free(trusted);
    return r;
}

static int create(struct cb_store_role *s, const struct cb_config *config,
                  struct cb_bus_context *ctx, struct cb_error *reterr)
{
    if (!config->store.database[0])
        return cb_error_set(reterr, -EINVAL, config->file,
                            "store.database is missing, expected a libpq connection string");
    int r;
    if ((r = create_store(s, &config->store, reterr)) < 0 ||
        (r = cb_curve_keys_load(&config->bus, &s->curve, reterr)) < 0)
        return r;
    struct cb_bus_handler handler = {s, put, put_minutes, is_ready, put_cameras};
    struct cb_bus_receiver_opts opts = {config->bus.evidence,
                                        config->bus.curve_key[0] ? &s->curve : NULL};
    return cb_bus_receiver_create(&s->receiver, ctx, &handler, &opts, reterr);
}

int cb_store_role_create(struct cb_store_role **ret, const struct cb_config *config,
                         struct cb_bus_context *ctx, struct cb_error *reterr)
{
    struct cb_store_role *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    int r = create(s, config, ctx, reterr);
    if (r < 0) {
        cb_store_role_destroy(&s);
        return r;
    }
    *ret = s;
    return 0;
}

int cb_store_role_trust(struct cb_store_role *s, const char (*key)[CB_KEY_LEN], size_t n,
                        struct cb_error *reterr)
{
    return cb_store_trust(s->store, key, n, reterr);
}

int cb_store_role_allow(struct cb_store_role *s, const struct cb_bus_curve *curve)
{
    return cb_bus_receiver_allow(s->receiver, curve);
}

void cb_store_role_destroy(struct cb_store_role **role)
{
    struct cb_store_role *s = *role;
    if (!s)
        return;
    *role = NULL;
    cb_bus_receiver_destroy(&s->receiver);
    cb_bus_curve_deinit(&s->curve);
    cb_store_destroy(&s->store);
    free(s);
}

void cb_store_role_complain(void *self, FILE *out)
{
    struct cb_store_role *s = self;
    struct cb_store_stats t = cb_store_stats(s->store);
    bool was_asked = t.n_stored + t.n_again + t.n_refused + t.n_deferred > 0;
    if (was_asked && !t.is_connected)
        fputs("store: PostgreSQL is away\n", out);
}

void cb_store_role_print_metrics(void *self, FILE *out)
{
    struct cb_store_role *s = self;
    cb_store_print_metrics(s->store, out);
    cb_bus_receiver_print_metrics(s->receiver, out);
}
