#ifndef DAEMON_STORE_ROLE_H
#define DAEMON_STORE_ROLE_H

#include <stdio.h>

#include "base/err.h"
#include "schema/id.h"

struct cb_config;
struct cb_bus_context;
struct cb_bus_curve;

/** The role `store`: receives packages from the bus and keeps them in PostgreSQL and on disk. */
struct cb_store_role;

int cb_store_role_create(struct cb_store_role **ret, const struct cb_config *config,
                         struct cb_bus_context *ctx, struct cb_error *reterr);
/** Another list of the edges whose records are taken; see cb_store_trust. */
int cb_store_role_trust(struct cb_store_role *s, const char (*key)[CB_KEY_LEN], size_t n,
                        struct cb_error *reterr);
/** Another list of the edges that may deliver; see cb_bus_receiver_allow. */
int cb_store_role_allow(struct cb_store_role *s, const struct cb_bus_curve *curve);
/** Takes NULL. */
void cb_store_role_destroy(struct cb_store_role **s);
/** A line for each thing that is not as it should be; self is the struct cb_store_role. */
void cb_store_role_complain(void *self, FILE *out);
/** Prometheus text; self is the struct cb_store_role. */
void cb_store_role_print_metrics(void *self, FILE *out);

#endif
