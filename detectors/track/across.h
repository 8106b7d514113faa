#ifndef DETECTORS_TRACK_ACROSS_H
#define DETECTORS_TRACK_ACROSS_H

#include "track.h"

/** What is known of point i of a track; NaN: nothing. */
typedef double cb_across_value_fn(const struct cb_track *t, size_t i, const void *of);
/** The parabola in time that those values follow, but for outliers. @return false: none */
bool cb_across_fit(const struct cb_track *t, cb_across_value_fn *value, const void *of,
                   double scatter, double ret[3]);
/** What it says of point i. */
double cb_across_at(const struct cb_track *t, size_t i, const double c[3]);
/**
 * The middle of the near end jumps across as shadow and sides come and go, by far more than the
 * edge does along, and says nothing of the motion. Its scatter about a smooth line through the
 * track is brought down to the uncertainty that the samples state; along, nothing is touched.
 * @param s  out: t->n samples for the speed
 */
void cb_across_steady(const struct cb_track *t, const struct cb_road *road,
                      struct cb_speed_sample *s);
/** Moves all points across onto that smooth line, a parabola in time that outliers do not bend. */
void cb_across_smooth(struct cb_track *t);

#endif
