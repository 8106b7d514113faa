#ifndef DAEMON_GATEWAY_ROLE_H
#define DAEMON_GATEWAY_ROLE_H

#include "gateway/gateway.h"

struct cb_config;

/** The role `gateway`: HTTP for people and machines, with the store behind it where one is configured. */
struct cb_gateway_role;

/** config and the sources' self must outlive it. @return 0; reterr names the address or the file */
int cb_gateway_role_create(struct cb_gateway_role **ret, const struct cb_config *config,
                           const struct cb_metrics_source *sources, size_t n_sources,
                           const char *version, struct cb_error *reterr);
/** Takes NULL. */
void cb_gateway_role_destroy(struct cb_gateway_role **g);

#endif
