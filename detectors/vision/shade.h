#ifndef DETECTORS_VISION_SHADE_H
#define DETECTORS_VISION_SHADE_H

#include "backdrop.h"

/**
 * A cast shadow darkens the road by nearly one ratio and leaves its texture as it was: around a
 * pixel in it the picture is the empty road times a number below one. A body brings edges of its
 * own. Pixels within one of the picture's border are none.
 */
bool cb_shade_at(const struct cb_foreground *fg, int x, int y);
/**
 * Whether the changed pixels of column x from y_low upwards, to y_top or the first gap, are a
 * cast shadow all the way.
 */
bool cb_shade_is_column(const struct cb_foreground *fg, int x, int y_low, int y_top);

#endif
