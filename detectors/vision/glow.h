#ifndef DETECTORS_VISION_GLOW_H
#define DETECTORS_VISION_GLOW_H

#include "backdrop.h"

/** What the lowest stretch of a patch is in one of its columns. */
enum cb_glow {
    CB_GLOW_NONE,  /* a body or its shadow, from the lowest pixel on */
    CB_GLOW_FAINT, /* a soft brightening, without an end to be seen */
    CB_GLOW_ALONE, /* light on the road and nothing behind it */
    CB_GLOW_BODY,  /* light on the road, up to where a body cuts it off */
};

/**
 * Headlights light the road ahead of a vehicle: a brightening that begins softly, and ends where
 * the vehicle's dark lower front stands in it.
 * @param y_low, y_top  rows of the patch's lowest and highest pixel in column x
 * @param ret_y         the body's lowest row, where there is one
 */
enum cb_glow cb_glow_in_column(const struct cb_foreground *fg, int x, int y_low, int y_top,
                               int *ret_y);

#endif
