#ifndef DETECTORS_SOUND_UNSEEN_H
#define DETECTORS_SOUND_UNSEEN_H

#include "weigh.h"

#define CB_UNSEEN_HINTS_MAX 6

/** A source that goes straight along the road, or stands. */
struct cb_straight {
    int64_t t_ns;
    double x_m, y_m; /* at t_ns */
    double v_mps;    /* along +Y; 0: it stands */
};

/** As cb_way.at; self: a cb_straight. Always known. */
bool cb_straight_at(const void *self, int64_t t_ns, double *ret_x_m, double *ret_y_m);
/**
 * ln of the probability of what was heard, had somebody made it whom no picture shows: over all
 * lanes, places and speeds that such a source may have, each as likely as the other (Laplace's
 * approximation about the best of them).
 *
 * @param hint places to begin the search from as well, with their speed: the vehicles seen
 */
double cb_unseen_evidence(const struct cb_hearing *h, const struct cb_straight *hint,
                          size_t n_hints);

#endif
