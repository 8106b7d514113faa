#ifndef DETECTORS_SOUND_CANDIDATE_H
#define DETECTORS_SOUND_CANDIDATE_H

#include "unseen.h"

struct cb_scene_track;

/** A vehicle's tail pipe: so far behind the point that the tracker follows, and right of it. */
struct cb_pipe {
    const struct cb_scene_track *track;
    double behind_m, aside_m;
};

/** How well a vehicle of the scene explains what was heard. */
struct cb_candidate {
    double evidence;               /* ln of the probability of what was heard, over all its pipes */
    struct cb_pipe pipe;           /* the likeliest */
    double turn_rad;               /* the array's likeliest error of mounting */
    struct cb_agreement agreement; /* of the likeliest */
    double distance_db, distance_u_db; /* at the peak, 20 lg(r / 7.5 m); NaN: not known then */
};

/**
 * As cb_way.at; self: a cb_pipe. A track goes on for some seconds beyond where it was seen, at its
 * last speed; one that stood there stands there still.
 */
bool cb_pipe_at(const void *self, int64_t t_ns, double *ret_x_m, double *ret_y_m);
/** The pipe at each moment of h; the longer it has not been seen, the less sure. */
void cb_pipe_places(const struct cb_hearing *h, const struct cb_pipe *p, struct cb_place *ret);
/** False for what has no engine, and for what was seen too far from the event's time. */
bool cb_candidate_is(const struct cb_hearing *h, const struct cb_scene_track *t);
void cb_candidate_weigh(const struct cb_hearing *h, const struct cb_scene_track *t,
                        int64_t t_peak_ns, struct cb_candidate *ret);

#endif
