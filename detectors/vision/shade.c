#include "shade.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define RATIO_MIN     0.2  /* of the lit road's luma over black: skylight and the code's gamma */
#define RATIO_MAX     0.97 /* the soft rim */
#define RIDGE_LEVELS  3.0  /* mean residual of the road's texture: the sensor's noise, */
#define RIDGE_NOISE   1.3  /* … more where the sensor is noisier: of the step between pixels, and … */
#define RIDGE_SHARE   0.04 /* … a soft rim's slope, by the road's luma */
#define PURE_SHARE    0.8  /* of a column's pixels: paint blurs, noise strikes */
#define SPREAD_MAX    0.3  /* of the ratio within a column, rims aside */
#define GAP_PX        2    /* unchanged pixels that end a column */
#define HEIGHT_MAX_PX 512
#define RIM_PX        1    /* at either end: mixed pixels */

static double ratio_at(const struct cb_foreground *fg, int x, int y, double *ret_residual)
{
    double img[9], bg[9], si = 0, sb = 0, residual = 0;
    for (int k = 0; k < 9; k++) {
        size_t i = (size_t) (y + k / 3 - 1) * (size_t) fg->w + (size_t) (x + k % 3 - 1);
        img[k] = fg->img[i] - fg->black;
        bg[k] = fg->bg[i] / 256.0 - fg->black;
        si += img[k];
        sb += bg[k];
    }
    if (!(sb > 9)) /* black road: nothing can darken it */
        return HUGE_VAL;
    for (int k = 0; k < 9; k++)
        residual += fabs(img[k] - bg[k] * si / sb);
    *ret_residual = residual / 9 - RIDGE_SHARE * sb / 9;
    return si / sb;
}

/* Of a cast shadow: ratio and residual, as ratio_at gives them. */
static bool is_shaded(const struct cb_foreground *fg, double ratio, double residual)
{
    return ratio > RATIO_MIN && ratio < RATIO_MAX &&
           residual < fmax(RIDGE_LEVELS, RIDGE_NOISE * fg->noise);
}

static bool is_inside(const struct cb_foreground *fg, int x, int y)
{
    return x > 0 && y > 0 && x + 1 < fg->w && y + 1 < fg->h;
}

bool cb_shade_at(const struct cb_foreground *fg, int x, int y)
{
    double residual;
    if (fg->shade || !is_inside(fg, x, y)) /* what there was has been taken out */
        return false;
    double ratio = ratio_at(fg, x, y, &residual);
    return is_shaded(fg, ratio, residual);
}

/* Row where the changed pixels from y_low upwards end. */
static int top_of_column(const struct cb_foreground *fg, int x, int y_low, int y_top)
{
    int top = y_low;
    for (int y = y_low; y >= y_top && y > top - 1 - GAP_PX; y--)
        if (fg->mask[(size_t) y * (size_t) fg->w + (size_t) x])
            top = y;
    return top;
}

bool cb_shade_is_column(const struct cb_foreground *fg, int x, int y_low, int y_top)
{
    double lo = HUGE_VAL, hi = 0, residual;
    if (fg->shade)
        return false;
    int top = top_of_column(fg, x, y_low, y_top), n = 0, n_pure = 0;
    int rim = y_low - top > 4 * RIM_PX ? RIM_PX : 0;
    for (int y = y_low - rim; y >= top + rim && n < HEIGHT_MAX_PX; y--) {
        n++;
        if (!is_inside(fg, x, y))
            continue;
        double ratio = ratio_at(fg, x, y, &residual);
        if (!is_shaded(fg, ratio, residual))
            continue;
        n_pure++;
        lo = fmin(lo, ratio);
        hi = fmax(hi, ratio);
    }
    return n_pure > 0 && n_pure >= PURE_SHARE * n && hi - lo < SPREAD_MAX;
}
