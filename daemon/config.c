#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config_camera.h"
#include "config_limits.h"
#include "detectors/classifier.h"
#include "yaml_tree.h"

#define CAMERAS_MAX 1024

#define NODE(field) CB_OPT_AT(struct cb_node_conf, field)
#define BUS(field) CB_OPT_AT(struct cb_bus_conf, field)
#define STORE(field) CB_OPT_AT(struct cb_store_conf, field)
#define GATEWAY(field) CB_OPT_AT(struct cb_gateway_conf, field)

const struct cb_opt cb_node_opts[] = {
    {"id", CB_OPT_STRING, NODE(id), 1, 0, NULL, "name of this edge in records", NULL},
    {"data_dir", CB_OPT_STRING, NODE(data_dir), 1, 0, NULL, "evidence and outbox", NULL},
    {"signing_key", CB_OPT_STRING, NODE(signing_key), 0, 0, NULL,
     "Ed25519 secret key file of mode 0600", NULL},
    {"workers", CB_OPT_INT, NODE(n_workers), 0, 256, NULL, "detector threads, 0: one a core", NULL},
    {"ring_s", CB_OPT_DOUBLE, NODE(ring_s), 2, 300, "s", "packets kept of each camera", NULL},
    {"ring_mib", CB_OPT_INT, NODE(ring_mib), 1, 4096, "MiB", "the same in bytes", NULL},
    {"waiting_mib", CB_OPT_INT, NODE(waiting_mib), 16, 1048576, "MiB",
     "pictures and sound of all live cameras that wait for a detector", NULL},
    {"outbox_mib_max", CB_OPT_INT, NODE(outbox_mib_max), 1, 10000000, "MiB",
     "disk budget of evidence", NULL},
    {"keep_media_h", CB_OPT_DOUBLE, NODE(keep_media_h), 0, 8760, "h",
     "media stay on the edge so long after the store has them", NULL},
    {0},
};

const struct cb_opt cb_bus_opts[] = {
    {"evidence", CB_OPT_STRING, BUS(evidence), 1, 0, NULL, "endpoint of the store", NULL},
    {"alerts", CB_OPT_STRING, BUS(alerts), 1, 0, NULL, "endpoint where alerts are published", NULL},
    {"replay", CB_OPT_STRING, BUS(replay), 1, 0, NULL, "endpoint that replays alerts", NULL},
    {"curve_key", CB_OPT_STRING, BUS(curve_key), 0, 0, NULL, "CURVE secret key file (tcp)", NULL},
    {"store_key", CB_OPT_STRING, BUS(store_key), 0, 0, NULL, "the store's CURVE public key", NULL},
    {"allowed_keys", CB_OPT_STRING, BUS(allowed_keys), 0, 0, NULL,
     "file of CURVE public keys that may connect", NULL},
    {0},
};

const struct cb_opt cb_store_opts[] = {
    {"database", CB_OPT_STRING, STORE(database), 1, 0, NULL, "libpq connection string", NULL},
    {"media_dir", CB_OPT_STRING, STORE(media_dir), 1, 0, NULL, "content-addressed media", NULL},
    {"trusted_keys", CB_OPT_STRING, STORE(trusted_keys), 0, 0, NULL,
     "file of Ed25519 public keys of the edges", NULL},
    {0},
};

const struct cb_opt cb_gateway_opts[] = {
    {"listen", CB_OPT_STRING, GATEWAY(listen), 0, 0, NULL,
     "address:port of pages, API, /metrics and /healthz", NULL},
    {"database", CB_OPT_STRING, GATEWAY(database), 0, 0, NULL,
     "libpq connection string of a login of citybrain_gateway; without it no pages and no API", NULL},
    {"web_dir", CB_OPT_STRING, GATEWAY(web_dir), 0, 0, NULL, "folder of the built pages", NULL},
    {"tls_certificate", CB_OPT_STRING, GATEWAY(tls_certificate), 0, 0, NULL,
     "PEM file; with it HTTPS is spoken", NULL},
    {"tls_key", CB_OPT_STRING, GATEWAY(tls_key), 0, 0, NULL, "its secret key, PEM", NULL},
    {"behind_proxy", CB_OPT_BOOL, GATEWAY(is_behind_proxy), 0, 0, NULL,
     "a proxy speaks TLS for it and sets X-Forwarded-For", NULL},
    {"map_style_url", CB_OPT_STRING, GATEWAY(map_style_url), 0, 0, NULL,
     "MapLibre style; default: a plain map of the roads", NULL},
    {"roads", CB_OPT_STRING, GATEWAY(roads), 0, 0, NULL, "GeoJSON file of the plain map", NULL},
    {"push_services", CB_OPT_STRING, GATEWAY(push_services), 0, 0, NULL,
     "origins of the push services that may be sent to, blanks between; default: no Web Push", NULL},
    {"push_key", CB_OPT_STRING, GATEWAY(push_key), 0, 0, NULL,
     "secret key of citybrain keygen --push, by which they know this city", NULL},
    {"push_contact", CB_OPT_STRING, GATEWAY(push_contact), 0, 0, NULL,
     "mailto: or https: where they can ask", NULL},
    {"timezone", CB_OPT_STRING, GATEWAY(timezone), 1, 0, NULL,
     "in which hours and weekdays are counted", NULL},
    {"signed_within_s", CB_OPT_INT, GATEWAY(signed_within_s), 1, 8640000, "s",
     "response clock: decided or dispatched", NULL},
    {"responded_within_s", CB_OPT_INT, GATEWAY(responded_within_s), 1, 8640000, "s",
     "response clock: a unit has accepted", NULL},
    {"feedback_within_s", CB_OPT_INT, GATEWAY(feedback_within_s), 1, 8640000, "s",
     "response clock: first feedback", NULL},
    {"workers", CB_OPT_INT, GATEWAY(n_workers), 1, 64, NULL, "connections to PostgreSQL", NULL},
    {0},
};

static void set_defaults(struct cb_config *c)
{
    c->node = (struct cb_node_conf){.id = "edge-1", .data_dir = "var/edge", .ring_s = 30,
                                    .ring_mib = 64, .waiting_mib = 1024, .outbox_mib_max = 16384};
    c->bus = (struct cb_bus_conf){.evidence = "inproc://evidence",
                                  .alerts = "ipc://var/alerts.sock",
                                  .replay = "ipc://var/replay.sock"};
    c->store = (struct cb_store_conf){.media_dir = "var/media"};
    c->gateway = (struct cb_gateway_conf){.timezone = "Asia/Shanghai",
                                          .signed_within_s = 600,
                                          .responded_within_s = 1800,
                                          .feedback_within_s = 172800,
                                          .n_workers = 4};
    cb_severity_table_init(&c->severity);
    struct cb_camera_conf camera;
    cb_camera_conf_init(&camera);
    c->weather = camera.weather;
    c->chase = camera.chase;
}

static int refuse_same_id(const struct cb_config *c, size_t i, const struct cb_yaml_node *n,
                          struct cb_error *reterr)
{
    for (size_t k = 0; k < i; k++)
        if (!strcmp(c->camera[k].id, c->camera[i].id))
            return cb_yaml_refuse(n, reterr, -EEXIST, "id '%.64s' is also that of line %d, "
                                  "expected an id of its own", c->camera[i].id, c->camera[k].line);
    return 0;
}

static int read_cameras(struct cb_config *c, const struct cb_yaml_node *n, struct cb_error *reterr)
{
    int count = cb_yaml_count(n, reterr);
    if (count < 0)
        return count;
    if (count < 1 || count > CAMERAS_MAX)
        return cb_yaml_refuse(n, reterr, -ERANGE, "expected 1 to %d cameras", CAMERAS_MAX);
    c->camera = calloc((size_t) count, sizeof *c->camera);
    c->digest = calloc((size_t) count, sizeof *c->digest);
    if (!c->camera || !c->digest)
        return -ENOMEM;
    for (int i = 0; i < count; i++) {
        struct cb_yaml_node item = cb_yaml_item(n, i);
        cb_camera_conf_init(&c->camera[i]);
        c->n_cameras++; /* from here on deinit is due */
        int r = cb_config_read_camera(&item, &c->camera[i], reterr);
        cb_yaml_digest(&item, c->digest[i].bytes);
        if (r == 0)
            r = refuse_same_id(c, (size_t) i, &item, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_key(void *self, const char *key, const struct cb_yaml_node *value,
                    struct cb_error *reterr)
{
    struct cb_config *c = self;
    if (!strcmp(key, "cameras"))
        return read_cameras(c, value, reterr);
    if (!strcmp(key, "severity"))
        return cb_config_read_severity(value, &c->severity, reterr);
    if (!strcmp(key, "weather"))
        return cb_config_read_weather(value, &c->weather, reterr);
    if (!strcmp(key, "chase"))
        return cb_yaml_read(value, cb_chase_opts, &c->chase, NULL, NULL, NULL, reterr);
    if (!strcmp(key, "noise_limits"))
        return cb_config_read_noise_classes(value, c->road_class, &c->n_road_classes, reterr);
    if (!strcmp(key, "classifier"))
        return cb_config_read_classifier(value, &c->classifier, reterr);
    if (!strcmp(key, "node"))
        return cb_yaml_read(value, cb_node_opts, &c->node, NULL, NULL, NULL, reterr);
    if (!strcmp(key, "bus"))
        return cb_yaml_read(value, cb_bus_opts, &c->bus, NULL, NULL, NULL, reterr);
    if (!strcmp(key, "store"))
        return cb_yaml_read(value, cb_store_opts, &c->store, NULL, NULL, NULL, reterr);
    if (!strcmp(key, "gateway"))
        return cb_yaml_read(value, cb_gateway_opts, &c->gateway, NULL, NULL, NULL, reterr);
    return -ENOENT;
}

static const char *const keys[] = {"cameras", "severity", "classifier", "weather", "chase",
                                   "noise_limits", "node", "bus", "store", "gateway", NULL};

/* What is set, has no scheme and is not absolute, lies below the folder of the file. */
static int below(const char *folder, char *path, size_t size)
{
    if (!path[0] || path[0] == '/' || strstr(path, "://"))
        return 0;
    CB_AUTO_FREE char *joined = NULL;
    int r = cb_path_join(folder, path, &joined);
    if (r < 0)
        return r;
    if (strlen(joined) >= size)
        return -ENAMETOOLONG;
    memcpy(path, joined, strlen(joined) + 1);
    return 0;
}

/* Of "ipc://x" the path is relative too. */
static int endpoint_below(const char *folder, char *endpoint)
{
    if (strncmp(endpoint, "ipc://", 6) || endpoint[6] == '@')
        return 0;
    return below(folder, endpoint + 6, CB_ENDPOINT_LEN - 6);
}

static int resolve_paths(struct cb_config *c, const char *folder)
{
    int r = 0;
    for (size_t i = 0; i < c->n_cameras && r == 0; i++) {
        r = below(folder, c->camera[i].url, sizeof c->camera[i].url);
        if (r == 0)
            r = below(folder, c->camera[i].sound_url, sizeof c->camera[i].sound_url);
        if (r == 0)
            r = below(folder, c->camera[i].classifier.model, sizeof c->camera[i].classifier.model);
        if (r == 0)
            r = below(folder, c->camera[i].weather.file, sizeof c->camera[i].weather.file);
    }
    char *path[] = {c->node.data_dir, c->node.signing_key, c->bus.curve_key, c->bus.store_key,
                    c->bus.allowed_keys, c->store.media_dir, c->store.trusted_keys,
                    c->gateway.web_dir, c->gateway.tls_certificate, c->gateway.tls_key,
                    c->gateway.roads, c->gateway.push_key};
    for (size_t i = 0; i < CB_LEN(path) && r == 0; i++)
        r = below(folder, path[i], CB_PATH_LEN);
    char *endpoint[] = {c->bus.evidence, c->bus.alerts, c->bus.replay};
    for (size_t i = 0; i < CB_LEN(endpoint) && r == 0; i++)
        r = endpoint_below(folder, endpoint[i]);
    return r;
}

static void hash(const char *text, size_t n, char ret[CB_SHA256_LEN])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *) text, n);
    sodium_bin2hex(ret, CB_SHA256_LEN, digest, sizeof digest);
}

/* What is said once for the roads of a class. */
static int hand_down_limits(const struct cb_config *c, struct cb_camera_conf *camera,
                            const struct cb_yaml_node *root, struct cb_error *reterr)
{
    if (!camera->road_class[0])
        return 0;
    size_t i = 0;
    while (i < c->n_road_classes && strcmp(c->road_class[i].name, camera->road_class))
        i++;
    if (i == c->n_road_classes)
        return cb_yaml_refuse(root, reterr, -EINVAL, "noise_limits has no road_class '%s', which "
                              "camera '%s' is of", camera->road_class, camera->id);
    if (isnan(camera->microphone.limit.default_dba))
        camera->microphone.limit = c->road_class[i].limit;
    if (camera->has_microphone && camera->microphone.limit.n_periods && !camera->timezone.n)
        return cb_yaml_refuse(root, reterr, -EINVAL, "timezone of camera '%s' is missing, expected "
                              "that of its noise_limits' schedule", camera->id);
    return 0;
}

/* What is said once for all cameras. */
static void hand_down(const struct cb_config *c, struct cb_camera_conf *camera)
{
    camera->severity = c->severity;
    camera->chase = c->chase;
    if (!camera->weather.is_set)
        camera->weather = c->weather;
    if (!camera->classifier.model[0])
        camera->classifier = c->classifier;
}

/* Which of the file's other parts hold for a camera. */
static bool takes_over(const struct cb_camera_conf *own, const char *key)
{
    if (!strcmp(key, "classifier"))
        return !own->classifier.model[0];
    if (!strcmp(key, "weather"))
        return !own->weather.is_set;
    if (!strcmp(key, "noise_limits"))
        return own->road_class[0];
    return !strcmp(key, "severity") || !strcmp(key, "chase");
}

struct shared {
    const struct cb_camera_conf *own; /* before anything was handed down */
    struct cb_conf_digest *digest;
};

static int add_shared(void *self, const char *key, const struct cb_yaml_node *value,
                      struct cb_error *reterr)
{
    struct shared *s = self;
    unsigned char both[2][CB_YAML_DIGEST_LEN];
    (void) reterr;
    if (!takes_over(s->own, key))
        return 0;
    crypto_hash_sha256(both[0], (const unsigned char *) key, strlen(key));
    cb_yaml_digest(value, both[1]);
    crypto_hash_sha256(both[0], both[0], sizeof both);
    sodium_add(s->digest->bytes, both[0], sizeof s->digest->bytes);
    return 0;
}

/* Each model once, however many cameras share it. */
static int try_classifiers(const struct cb_config *c, const char *name, struct cb_error *reterr)
{
    int r = 0;
    for (size_t i = 0; i < c->n_cameras && r == 0; i++) {
        const struct cb_camera_conf *cam = &c->camera[i];
        size_t k = 0;
        while (k < i && strcmp(c->camera[k].classifier.model, cam->classifier.model))
            k++;
        if (k < i || !cam->classifier.model[0])
            continue;
        struct cb_classifier *net = NULL;
        struct cb_error e = {0};
        r = cb_classifier_create(&net, &cam->classifier, &e);
        cb_classifier_destroy(&net);
        if (r < 0) {
            char where[192];
            snprintf(where, sizeof where, "%.80s:%d classifier.model", name, cam->line);
            r = cb_error_set(reterr, r, where, "%.120s %.130s", e.where, e.text);
        }
    }
    return r;
}

static int fill(struct cb_config *c, struct cb_yaml *y, const char *folder, struct cb_error *reterr)
{
    struct cb_yaml_node root = cb_yaml_root(y);
    int r = cb_yaml_read(&root, NULL, NULL, read_key, c, keys, reterr);
    if (r < 0)
        return r;
    if (!c->n_cameras)
        return cb_yaml_refuse(&root, reterr, -EINVAL, "cameras is missing, expected a list");
    for (size_t i = 0; i < c->n_cameras; i++) {
        struct shared shared = {&c->camera[i], &c->digest[i]};
        cb_yaml_read(&root, NULL, NULL, add_shared, &shared, keys, NULL);
        hand_down(c, &c->camera[i]);
        r = hand_down_limits(c, &c->camera[i], &root, reterr);
        if (r < 0)
            return r;
    }
    r = resolve_paths(c, folder);
    if (r < 0)
        return cb_yaml_refuse(&root, reterr, r, "a path is too long");
    return try_classifiers(c, c->file, reterr);
}

int cb_config_parse(struct cb_config **ret, const char *name, const char *folder, const char *text,
                    size_t n, struct cb_error *reterr)
{
    struct cb_yaml *y = NULL;
    int r = cb_yaml_parse(&y, name, text, n, reterr);
    if (r < 0)
        return r;
    struct cb_config *c = calloc(1, sizeof *c);
    if (c) {
        set_defaults(c);
        snprintf(c->file, sizeof c->file, "%s", name);
        hash(text, n, c->sha256);
    }
    r = c ? fill(c, y, folder, reterr) : -ENOMEM;
    cb_yaml_close(&y);
    if (r < 0) {
        cb_config_destroy(&c);
        return r;
    }
    *ret = c;
    return 0;
}

int cb_config_load(struct cb_config **ret, const char *file, struct cb_error *reterr)
{
    CB_AUTO_FREE char *text = NULL;
    size_t n = 0;
    int r = cb_yaml_read_file(file, &text, &n, reterr);
    if (r < 0)
        return r;
    CB_AUTO_FREE char *copy = strdup(file); /* dirname may write into it */
    if (!copy)
        return -ENOMEM;
    return cb_config_parse(ret, file, dirname(copy), text, n, reterr);
}

void cb_config_destroy(struct cb_config **config)
{
    struct cb_config *c = *config;
    if (!c)
        return;
    *config = NULL;
    for (size_t i = 0; i < c->n_cameras; i++)
        cb_camera_conf_deinit(&c->camera[i]);
    free(c->camera);
    free(c->digest);
    free(c);
}

static bool is_same(const struct cb_opt *o, const void *a, const void *b)
{
    const char *x = (const char *) a + o->offset, *y = (const char *) b + o->offset;
    return o->type == CB_OPT_STRING ? !strcmp(x, y) : !memcmp(x, y, o->size);
}

static int check_part(const char *part, const struct cb_opt *table, const void *old,
                      const void *now, const char *file, struct cb_error *reterr)
{
    for (const struct cb_opt *o = table; o->key; o++) {
        char where[160];
        if (is_same(o, old, now) || (table == cb_bus_opts && !strcmp(o->key, "allowed_keys")))
            continue;
        snprintf(where, sizeof where, "%.120s %s.%s", file, part, o->key);
        if (o->type == CB_OPT_STRING)
            return cb_error_set(reterr, -EPERM, where, "cannot be changed while the daemon runs, "
                                "expected '%s' as at the start; restart it instead",
                                (const char *) old + o->offset);
        return cb_error_set(reterr, -EPERM, where, "cannot be changed while the daemon runs; "
                            "restart it instead");
    }
    return 0;
}

int cb_config_check_change(const struct cb_config *old, const struct cb_config *c,
                           struct cb_error *reterr)
{
    int r;
    if ((r = check_part("node", cb_node_opts, &old->node, &c->node, c->file, reterr)) < 0 ||
        (r = check_part("bus", cb_bus_opts, &old->bus, &c->bus, c->file, reterr)) < 0 ||
        (r = check_part("store", cb_store_opts, &old->store, &c->store, c->file, reterr)) < 0)
        return r;
    return check_part("gateway", cb_gateway_opts, &old->gateway, &c->gateway, c->file, reterr);
}

const struct cb_camera_conf *cb_config_camera(const struct cb_config *c, const char *id)
{
    for (size_t i = 0; i < c->n_cameras; i++)
        if (!strcmp(c->camera[i].id, id))
            return &c->camera[i];
    return NULL;
}
