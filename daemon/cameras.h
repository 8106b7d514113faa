#ifndef DAEMON_CAMERAS_H
#define DAEMON_CAMERAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "health_watch.h"

struct cb_config;
struct cb_minutes;
struct cb_sealing;

/**
 * The cameras of an edge and the workers they are pinned to. Cameras are exchanged while the others
 * run on. All is for the main thread but where it says otherwise.
 */
struct cb_cameras;

/** config, minutes and sealing must outlive it. Nothing runs until start. */
int cb_cameras_create(struct cb_cameras **ret, const struct cb_config *config,
                      struct cb_minutes *minutes, struct cb_sealing *sealing,
                      struct cb_error *reterr);
int cb_cameras_start(struct cb_cameras *c);
/**
 * Goes over to another configuration: who is told the same as before runs on untouched, who is told
 * something else or is gone stops, who is new starts. What a stopped camera saw is measured and
 * sealed as ever. Takes *config on 0; on < 0 nothing has changed: reterr says which camera cannot
 * be made, and why.
 */
int cb_cameras_exchange(struct cb_cameras *c, struct cb_config **config, struct cb_error *reterr);
/** Lets go of stopped cameras that are through; now and then. */
void cb_cameras_reap(struct cb_cameras *c);
/** Stops all and joins the workers; what was seen is on its way to the sealing. Twice is fine. */
void cb_cameras_finish(struct cb_cameras *c);
/** Finishes too. Nothing may wait for its evidence any more. Takes NULL. */
void cb_cameras_destroy(struct cb_cameras **c);

/** False when a worker has had one item in hand for longer than max_ns. From any thread. */
bool cb_cameras_are_well(struct cb_cameras *c, int64_t max_ns);
/** The stations' files, where it is time; the evidence thread's. */
void cb_cameras_read_weather(struct cb_cameras *c);
/** Says in the log whose clock is off and whose pictures are dropped; the evidence thread's, each second. */
void cb_cameras_look(struct cb_cameras *c);
/** Tells fn of each thing that is not as it should be with a camera. From any thread. */
void cb_cameras_complain(struct cb_cameras *c, cb_health_fn *fn, void *arg);
/** Each camera as it is now, as JSON, yours to free. From any thread. @return 0; -ENOMEM */
int cb_cameras_print_states(struct cb_cameras *c, const char *node, char **ret_json);
/** Prometheus text. From any thread. */
void cb_cameras_print_metrics(struct cb_cameras *c, FILE *out);

#endif
