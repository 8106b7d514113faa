#include "foot.h"

#include <math.h>
#include <stdlib.h>

#include "vision/backdrop.h"
#include "speed/numeric.h"

#define BEFORE_M   0.1  /* upright, below the edge, */
#define ABOVE_M    0.2  /* and up to here above it: there it is darkest */
#define ASIDE_M    0.3  /* of the middle */
#define DAY_LUMA   60   /* of the road over black; darker ones are lit by lamps */
#define STEPS_MIN  5
#define STEPS_MAX  64

double cb_foot_ratio(const struct cb_foreground *fg, double x, double y, double half)
{
    int row = (int) lround(y), x0 = (int) fmax(0, x - half), x1 = (int) fmin(fg->w - 1, x + half);
    double is = 0, was = 0;
    if (row < 0 || row >= fg->h)
        return NAN;
    for (int i = x0; i <= x1; i++) {
        size_t at = (size_t) row * (size_t) fg->w + (size_t) i;
        is += fg->img[at] - fg->black;
        was += fg->bg[at] / 256.0 - fg->black;
    }
    return x1 >= x0 && was > DAY_LUMA * (x1 - x0 + 1) ? is / was : NAN;
}

double cb_foot_step(const struct cb_sight *s, double x_m, double y_m)
{
    struct cb_vec2 px;
    double j[4];
    if (cb_road_to_px(s->road, (struct cb_vec2){x_m, y_m}, &px) < 0 ||
        cb_road_jacobian(s->road, px, j) < 0)
        return NAN;
    double px_per_m = 1 / (fmax(hypot(j[0], j[2]), 1e-6) * s->region->factor);
    struct cb_vec2 p = cb_region_from_full(s->region, px);
    double half = ASIDE_M * px_per_m, darkest = HUGE_VAL;
    for (double up = 0; up <= fmax(2, ABOVE_M * px_per_m); up++)
        darkest = fmin(darkest, cb_foot_ratio(s->fg, p.x, p.y - up, half));
    return cb_foot_ratio(s->fg, p.x, p.y + fmax(1, BEFORE_M * px_per_m), half) - darkest;
}

bool cb_foot_is_mirrored(const struct cb_track *t)
{
    double step[STEPS_MAX];
    size_t n = 0, skip = t->n / STEPS_MAX + 1;
    for (size_t i = 0; i < t->n; i += skip)
        if (t->point[i].patch == CB_PATCH_OWN && isfinite(t->point[i].foot_step))
            step[n++] = t->point[i].foot_step;
    if (n < STEPS_MIN)
        return false;
    qsort(step, n, sizeof *step, cb_by_value);
    return step[n / 2] < CB_FOOT_STEP_MIN;
}
