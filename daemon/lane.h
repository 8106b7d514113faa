#ifndef DAEMON_LANE_H
#define DAEMON_LANE_H

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "detectors/detector.h"

struct cb_budget;
struct cb_camera_conf;
struct cb_config;
struct cb_packet_ring;
struct cb_weather;

/**
 * One camera's way through the edge: ingest thread → bounded queue → pipeline, which one worker
 * runs; and the ring that clips and stills are cut from.
 */
struct cb_lane;

/**
 * conf is one of config's cameras; config and sink's self must outlive it.
 * @param waiting what all live cameras may have waiting together; outlives it
 * @param sink called on the worker's thread
 * @param wake posted whenever there is something for the worker
 */
int cb_lane_create(struct cb_lane **ret, const struct cb_camera_conf *conf,
                   const struct cb_config *config, struct cb_budget *waiting,
                   const struct cb_sink *sink, sem_t *wake, struct cb_error *reterr);
int cb_lane_start(struct cb_lane *l);
/** Stops ingest and joins it; what it has pushed stays to be worked. Takes NULL. */
void cb_lane_stop(struct cb_lane *l);
/** After the worker has been joined. Takes NULL. */
void cb_lane_destroy(struct cb_lane **l);

/**
 * Works on at most one item of the queue, or flushes the pipeline once the stream has ended or the
 * lane has stopped. The worker's thread only. @return true when there was something to do
 */
bool cb_lane_work(struct cb_lane *l);

/** The weather at the camera from now on; from any thread. */
void cb_lane_set_weather(struct cb_lane *l, const struct cb_weather *w);
const struct cb_camera_conf *cb_lane_conf(const struct cb_lane *l);
struct cb_packet_ring *cb_lane_ring(struct cb_lane *l);
/** SHA-256 of the configuration file that this camera was started with. */
const char *cb_lane_config_sha256(const struct cb_lane *l);
/** A violation of this camera waits for its evidence, or no longer does; from any thread. */
void cb_lane_hold(struct cb_lane *l);
void cb_lane_let_go(struct cb_lane *l);
/** True when it has stopped, all of it is worked, and no violation waits: nothing more comes. */
bool cb_lane_is_done(struct cb_lane *l);
/** UTC of a stream time by the lane's own anchor: for recordings, which have no UTC. */
int64_t cb_lane_utc_offset_ns(struct cb_lane *l);
/**
 * The camera's own clock (RTCP) less the host's, by the picture that was least under way in the
 * last minute or two; s. NaN: its pictures are timed by the host, or none has come. From any thread.
 */
double cb_lane_clock_difference_s(struct cb_lane *l);
/** Whether that means that the camera's clock is off. From any thread. */
bool cb_lane_is_clock_off(struct cb_lane *l);
/** True while its stream comes in. From any thread. */
bool cb_lane_is_live(struct cb_lane *l);
/** Pictures that had to go because the worker did not keep up. From any thread. */
uint64_t cb_lane_n_dropped(struct cb_lane *l);
/** True when nothing newer will come into the ring. */
bool cb_lane_has_ended(struct cb_lane *l);
struct cb_camera_state;
/** Fills state, fps, last frame and what was dropped. From any thread. */
void cb_lane_get_state(struct cb_lane *l, struct cb_camera_state *ret);
/** Prometheus text of this camera. From any thread. */
void cb_lane_print_metrics(struct cb_lane *l, FILE *out);

#endif
