#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>

#include "base/err.h"
#include "schema/camera.h"
#include "schema/id.h"
#include "config_sound.h"

#define CB_PATH_LEN 512
#define CB_ENDPOINT_LEN 256

struct cb_node_conf {
    char id[CB_CAMERA_ID_LEN];
    char data_dir[CB_PATH_LEN];     /* evidence, outbox, keys' default place */
    char signing_key[CB_PATH_LEN];  /* Ed25519 secret key file, 0600; "": data_dir/node.key */
    int n_workers;                  /* detector threads; 0: one a core */
    double ring_s;                  /* packets kept of each camera */
    int ring_mib;
    int waiting_mib;                /* of all live cameras, for a detector */
    int outbox_mib_max;             /* disk budget of evidence */
    double keep_media_h;            /* media stay on the edge so long after the store has them */
};

struct cb_bus_conf {
    char evidence[CB_ENDPOINT_LEN]; /* store's ROUTER: bound by store, connected by edge */
    char alerts[CB_ENDPOINT_LEN];   /* XPUB of this edge */
    char replay[CB_ENDPOINT_LEN];   /* ROUTER of this edge */
    char curve_key[CB_PATH_LEN];    /* this process's CURVE secret key file */
    char store_key[CB_PATH_LEN];    /* the store's CURVE public key file, for the edge */
    char allowed_keys[CB_PATH_LEN]; /* file of public keys that may connect */
};

struct cb_store_conf {
    char database[1024];            /* libpq connection string; "": no store role */
    char media_dir[CB_PATH_LEN];
    char trusted_keys[CB_PATH_LEN]; /* Ed25519 public keys, a line each; "": any that signs */
};

struct cb_gateway_conf {
    char listen[64]; /* "127.0.0.1:9464"; "": no gateway */
    char database[1024];           /* "": neither pages nor API */
    char web_dir[CB_PATH_LEN];     /* "": no pages */
    char tls_certificate[CB_PATH_LEN], tls_key[CB_PATH_LEN];
    bool is_behind_proxy;
    char map_style_url[512];
    char roads[CB_PATH_LEN];
    char push_services[1024];      /* "": no Web Push */
    char push_key[CB_PATH_LEN];
    char push_contact[256];
    char timezone[64];
    int signed_within_s, responded_within_s, feedback_within_s;
    int n_workers;
};

/** Of all that a camera is told: its own entry, and what it takes over from the file's other parts. */
struct cb_conf_digest {
    unsigned char bytes[32];
};

/** The whole of city.yaml. Relative paths and files are below the folder of the file itself. */
struct cb_config {
    struct cb_camera_conf *camera;
    struct cb_conf_digest *digest; /* of each camera */
    size_t n_cameras;
    struct cb_severity_table severity; /* also in every camera */
    struct cb_classifier_conf classifier; /* of every camera that has none of its own */
    struct cb_weather_conf weather;       /* likewise */
    struct cb_chase_conf chase;           /* also in every camera */
    struct cb_road_class road_class[CB_ROAD_CLASSES_MAX];
    size_t n_road_classes;
    struct cb_node_conf node;
    struct cb_bus_conf bus;
    struct cb_store_conf store;
    struct cb_gateway_conf gateway;
    char sha256[CB_SHA256_LEN]; /* of the file's bytes */
    char file[CB_PATH_LEN];
};

/**
 * Reads and checks everything that can be checked without opening a stream: keys, types, ranges,
 * ids, zones, degenerate calibrations.
 * @return 0; < 0: reterr has file:line, key and what was expected
 */
int cb_config_load(struct cb_config **ret, const char *file, struct cb_error *reterr);
/** The same from memory; folder: what relative paths are below. */
int cb_config_parse(struct cb_config **ret, const char *name, const char *folder, const char *text,
                    size_t n, struct cb_error *reterr);
void cb_config_destroy(struct cb_config **c);
/**
 * Whether a daemon that runs by `old` can go over to `c`: cameras, and what they share, may differ,
 * and the list of allowed keys. @return 0; -EPERM: reterr names the key and what was expected
 */
int cb_config_check_change(const struct cb_config *old, const struct cb_config *c,
                           struct cb_error *reterr);
/** NULL: no such camera. */
const struct cb_camera_conf *cb_config_camera(const struct cb_config *c, const char *id);

/* For docs/config.md and `citybrain check --help`. */
extern const struct cb_opt cb_node_opts[], cb_bus_opts[], cb_store_opts[], cb_gateway_opts[];

#endif
