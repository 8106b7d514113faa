#include "shade.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "around.h"

#define RATIO_MAX     0.97 /* the soft rim */
#define RIM_SLOPE     0.04 /* of the road's luma: what a soft rim adds to its texture's residual */
#define PURE_SHARE    0.8  /* of a column's pixels: paint blurs, noise strikes */
#define SPREAD_MAX    0.3  /* of the ratio within a column, rims aside */
#define GAP_PX        2    /* unchanged pixels that end a column */
#define HEIGHT_MAX_PX 512
#define RIM_PX        1    /* at either end: mixed pixels */

static double ratio_at(const struct cb_foreground *fg, int x, int y, double *ret_residual)
{
    struct cb_around a;
    cb_around_read(fg, (size_t) y * (size_t) fg->w + (size_t) x, &a);
    if (!(a.sum_bg > 9 * 16)) /* black road: nothing can darken it */
        return HUGE_VAL;
    double ratio = (double) a.sum_img / a.sum_bg, residual = 0;
    for (int k = 0; k < 9; k++)
        residual += fabs(a.img[k] - a.bg[k] * ratio);
    *ret_residual = (residual - RIM_SLOPE * a.sum_bg) / (9 * 16);
    return ratio;
}

/* Of a cast shadow: ratio and residual, as ratio_at gives them. */
static bool is_shaded(const struct cb_foreground *fg, double ratio, double residual)
{
    return ratio > CB_AROUND_RATIO_MIN && ratio < RATIO_MAX && residual < cb_around_ridge(fg);
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
