#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct cb_desk_ops;
struct cb_desk_opts;

/**
 * Whoever has figures, called from the gateway's thread. print: as Prometheus text. complain: a line
 * for each thing that is not as it should be. is_well: false when it no longer does its work and a
 * restart could help. The last two may be NULL.
 */
struct cb_metrics_source {
    void *self;
    void (*print)(void *self, FILE *out);
    void (*complain)(void *self, FILE *out);
    bool (*is_well)(void *self);
};

/** Strings may be NULL or "": not configured. All but the sources is lent for the gateway's life. */
struct cb_gateway_opts {
    const char *listen; /* "127.0.0.1:9464", "[::1]:9464", "0.0.0.0:9464"; port 0: a free one */
    const struct cb_metrics_source *sources; /* copied */
    size_t n_sources;
    const struct cb_desk_ops *desk;       /* NULL: /healthz and /metrics alone */
    const struct cb_desk_opts *desk_opts; /* what desks are made with */
    const char *web_dir;                  /* the built pages */
    const char *tls_certificate, *tls_key; /* PEM files; both or none */
    const char *map_style_url;
    const char *roads;                    /* GeoJSON file */
    const char *push_services;            /* as cb_push_service_allows */
    const char *push_public_key;          /* what browsers subscribe with; NULL: no Web Push */
    const char *timezone;
    const char *version;
    bool is_behind_proxy; /* one that speaks TLS and sets X-Forwarded-For */
    int signed_s, responded_s, feedback_s;
    int n_workers;        /* connections to PostgreSQL, [1, 64] */
};

/**
 * HTTP for people and machines, as schema/openapi.yaml describes it: GET /metrics, and GET /healthz:
 * 200 with "ok", or with "degraded" and what is wrong; 503 with "down" when a source is not well;
 * and, with a desk, logins, alerts, evidence, history and field units.
 */
struct cb_gateway;
/**
 * The sources' self must outlive it. It serves when this returns; PostgreSQL need not be there yet.
 * @return 0; -EINVAL, -EADDRINUSE, …: reterr names the address or the file
 */
int cb_gateway_create(struct cb_gateway **ret, const struct cb_gateway_opts *opts,
                      struct cb_error *reterr);
/** Ends what is under way. Takes NULL. */
void cb_gateway_destroy(struct cb_gateway **g);
uint16_t cb_gateway_port(const struct cb_gateway *g);

#endif
