#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/** Whoever has figures: prints them as Prometheus text. Called from the gateway's thread. */
struct cb_metrics_source {
    void *self;
    void (*print)(void *self, FILE *out);
};

/** HTTP for people and machines: GET /healthz and GET /metrics. */
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
