#ifndef DETECTORS_TRACK_FLANK_H
#define DETECTORS_TRACK_FLANK_H

#include "tracker.h"

/*
 * Following vehicles that are seen from the side: their middle, from whichever of their ends are
 * seen, on the line that their near wheels run on.
 */

/** How far o is from where t is expected, by the end that fits better; below 1: it may be t. */
double cb_flank_miss(const struct cb_track *t, const struct cb_side_view *v,
                     const struct cb_observation *o);
/** How a point of the track comes from its patch, o. @return 0, also when it gives none; -ENOMEM */
int cb_flank_measure_own(struct cb_track *t, const struct cb_sight *s,
                         const struct cb_observation *o);
/** From a patch that another's body shares: an end of it that is where t's is expected. */
int cb_flank_measure_shared(struct cb_track *t, const struct cb_sight *s,
                            const struct cb_observation *o);
/** Whether o is a road user whose both ends are seen and that nobody who is followed explains. */
bool cb_flank_is_new(const struct cb_tracker *k, const struct cb_observation *o);
/**
 * Places all points of a track anew, now that its wheels' line and its length are known from all
 * of them: by the end that is farther from below the camera, for the other is a far corner.
 */
void cb_flank_settle(struct cb_track *t, const struct cb_side_view *v, const struct cb_road *road);
/**
 * Whether both ends of a settled track moved alike, as far as both were seen and go steadily: else
 * one of them was a shadow's, or another vehicle's.
 */
bool cb_flank_is_rigid(const struct cb_track *t, const struct cb_side_view *v);
/** Relative standard uncertainty of a settled track's speed, from that of its wheels' line and of
 * its ends. */
double cb_flank_u(const struct cb_track *t, const struct cb_side_view *v);
/** Its height, from points that cb_flank_settle placed; NaN: not known. */
double cb_flank_height_m(const struct cb_track *t, const struct cb_side_view *v);

#endif
