#ifndef DAEMON_EDGE_H
#define DAEMON_EDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct cb_config;
struct cb_bus_context;
struct cb_bus_curve;

/** The role `edge`: cameras, detectors, evidence, outbox and the edge's side of the bus. */
struct cb_edge;

/**
 * Everything that can fail at start fails here, with words; nothing runs yet but the bus.
 * config and ctx must outlive it.
 */
int cb_edge_create(struct cb_edge **ret, const struct cb_config *config,
                   struct cb_bus_context *ctx, struct cb_error *reterr);
int cb_edge_start(struct cb_edge *e);
/**
 * Goes over to another configuration's cameras while the unchanged ones run on; see
 * cb_cameras_exchange. Takes *config on 0; on < 0 the old one goes on: reterr says why.
 */
int cb_edge_reload(struct cb_edge *e, struct cb_config **config, struct cb_error *reterr);
/** Another list of who may read alerts; see cb_bus_allow. */
int cb_edge_allow(struct cb_edge *e, const struct cb_bus_curve *curve);
/** Lets go of what has stopped; the main thread's, now and then. */
void cb_edge_tidy(struct cb_edge *e);
/**
 * Stops the cameras, seals what waits, then gives the bus up to deliver_ns to hand over and announce
 * what the outbox holds. What is left waits for the next start. Then only destroy it.
 */
void cb_edge_drain(struct cb_edge *e, int64_t deliver_ns);
/** False when a thread has had one item in hand for longer than any takes. From any thread. */
bool cb_edge_is_well(struct cb_edge *e);
/** Down the way of the data: ingest, workers, evidence, then the bus. Takes NULL. */
void cb_edge_destroy(struct cb_edge **e);
/** A line for each thing that is not as it should be; self is the struct cb_edge. From any thread. */
void cb_edge_complain(void *self, FILE *out);
/** Prometheus text; self is the struct cb_edge. From any thread. */
void cb_edge_print_metrics(void *self, FILE *out);

#endif
