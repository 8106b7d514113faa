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
#define LIT_STEP   (-0.5) /* where it gets much lighter: no foot, nor the dark before it, … */
#define LIT_SHARE  0.3    /* … in so many sightings: what was followed is now the foot, now the body */
#define MEMORY     0.9  /* of those before, with each that passes */
#define DRY_MIN    2.0  /* so many found the road dry … */
#define DRY_RATIO  3.0  /* … and so many times more than did not */
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

/* From the least on. @return how many, at most STEPS_MAX */
static size_t list_steps(const struct cb_track *t, double ret[STEPS_MAX])
{
    size_t n = 0, skip = t->n / STEPS_MAX + 1;
    for (size_t i = 0; i < t->n; i += skip)
        if (t->point[i].patch == CB_PATCH_OWN && isfinite(t->point[i].foot_step))
            ret[n++] = t->point[i].foot_step;
    qsort(ret, n, sizeof *ret, cb_by_value);
    return n;
}

bool cb_foot_is_mirrored(const struct cb_track *t)
{
    double step[STEPS_MAX];
    size_t n = list_steps(t, step);
    return n >= STEPS_MIN && step[n / 2] < CB_FOOT_STEP_MIN;
}

bool cb_foot_is_unsteady(const struct cb_track *t)
{
    double step[STEPS_MAX];
    size_t n = list_steps(t, step);
    return n >= STEPS_MIN && step[n / 2] >= CB_FOOT_STEP_MIN &&
           step[(size_t) (LIT_SHARE * (double) n)] < LIT_STEP;
}

bool cb_feet_are_dry(const struct cb_feet *f)
{
    return f->n_dry > DRY_MIN && f->n_dry > DRY_RATIO * f->n_mirrored;
}

void cb_feet_note(struct cb_feet *f, const struct cb_track *t)
{
    double step[STEPS_MAX];
    size_t n = list_steps(t, step);
    if (n < STEPS_MIN)
        return;
    bool is_mirrored = step[n / 2] < CB_FOOT_STEP_MIN;
    f->n_dry = MEMORY * f->n_dry + !is_mirrored;
    f->n_mirrored = MEMORY * f->n_mirrored + is_mirrored;
}
