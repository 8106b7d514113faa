#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

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

/**
 * HTTP for people and machines: GET /metrics, and GET /healthz: 200 with "ok", or with "degraded" and
 * what is wrong; 503 with "down" when a source is not well.
 */
struct cb_gateway;
/**
 * listen: "127.0.0.1:9464", "[::1]:9464", "0.0.0.0:9464"; port 0: a free one. The sources are
 * copied; their self must outlive the gateway. It serves when this returns.
 * @return 0; -EINVAL, -EADDRINUSE, …: reterr names the address
 */
int cb_gateway_create(struct cb_gateway **ret, const char *listen,
                      const struct cb_metrics_source *sources, size_t n_sources,
                      struct cb_error *reterr);
/** Takes NULL. */
void cb_gateway_destroy(struct cb_gateway **g);
uint16_t cb_gateway_port(const struct cb_gateway *g);

#endif
