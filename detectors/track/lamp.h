#ifndef DETECTORS_TRACK_LAMP_H
#define DETECTORS_TRACK_LAMP_H

#include "track.h"
#include "tracker.h"

/**
 * By night a wet road shows each lamp twice: at its height, and as far below the road. Both are narrow,
 * which the pool of a headlight on a dry road is not. Half way between them, as the camera sees it,
 * lies where the lamp is over the road.
 *
 * @param y_m, width_m  where the road user's patch begins, and how broad it is there
 * @return the lamp as the gap's body, its image as the gap's; NaN: no such pair is seen
 */
struct cb_gap cb_lamp_pair(const struct cb_sight *s, double x_m, double y_m, double width_m);

#endif
