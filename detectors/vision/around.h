#ifndef DETECTORS_VISION_AROUND_H
#define DETECTORS_VISION_AROUND_H

#include <math.h>
#include <stddef.h>

#include "backdrop.h"

/** Picture and empty road over black in the 3 × 3 pixels around one, levels · 16, row by row. */
struct cb_around {
    int img[9], bg[9], sum_img, sum_bg;
};

#define CB_AROUND_RATIO_MIN 0.2 /* of the lit road's luma over black: skylight and the code's gamma */

/** px at must not be of the picture's outermost. */
static inline void cb_around_read(const struct cb_foreground *fg, size_t at, struct cb_around *ret)
{
    ret->sum_img = ret->sum_bg = 0;
    for (int k = 0, y = -1; y <= 1; y++) {
        size_t row = (size_t) ((ptrdiff_t) at + (ptrdiff_t) y * fg->w);
        for (size_t i = row - 1; i <= row + 1; i++, k++) {
            ret->img[k] = (fg->img[i] - fg->black) * 16;
            ret->bg[k] = (fg->bg[i] >> 4) - fg->black * 16;
            ret->sum_img += ret->img[k];
            ret->sum_bg += ret->bg[k];
        }
    }
}

/** Mean residual, in levels, that noise leaves of the road's texture beneath a shadow: the
 * sensor's, and more where the step between pixels is. */
static inline double cb_around_ridge(const struct cb_foreground *fg)
{
    return fmax(3.0, 1.3 * fg->noise);
}

#endif
