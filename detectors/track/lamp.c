#include "lamp.h"

#include <math.h>

#define HEIGHT_MAX_M 1.3  /* of a lamp over the road, */
#define APART_M      0.7  /* upright: from the lowest lamp to its image */
#define ASIDE_M      0.3  /* lamps are looked for beyond the patch's near end, … */
#define STEP_M       0.06 /* … so finely, across */
#define CORE_M       0.1  /* half a lamp's width; what it is compared with begins … */
#define BESIDE_M     0.3
#define BESIDE_END_M 0.5  /* … and ends so far to either side */
#define LEVELS_MIN   10   /* brighter than beside, */
#define NOISE_MIN    3    /* … and so many steps of noise */
#define SHARE_MIN    0.15 /* an image against its lamp */
#define VALLEY       0.5  /* of the fainter of the two: what is between them */
#define ROWS_MAX     160  /* every second, third, … of more */

/* The camera's ray over the road from below it, as a line of the picture: rows upwards. */
struct line {
    double x0, y0, dx, dy; /* analysed px; per row */
    double px_per_m0, dpx; /* across; per row */
    int n;
};

struct pair {
    double lamp, image; /* rows, with fraction */
    double score;
};

static bool to_picture(const struct cb_sight *s, const double cam[3], double x_m, double y_m, double k,
                       struct cb_vec2 *ret, double *ret_px_per_m)
{
    struct cb_vec2 px, m = {cam[0] + k * (x_m - cam[0]), cam[1] + k * (y_m - cam[1])};
    double j[4];
    if (cb_road_to_px(s->road, m, &px) < 0 || cb_road_jacobian(s->road, px, j) < 0)
        return false;
    *ret = cb_region_from_full(s->region, px);
    *ret_px_per_m = 1 / fmax(hypot(j[0], j[2]) * s->region->factor, 1e-6);
    return true;
}

/* From where the image of the highest lamp would be, if the lamp itself is at y_m, to the reverse. */
static bool lay_line(const struct cb_sight *s, const double cam[3], double x_m, double y_m,
                     struct line *ret)
{
    double h = cam[2], k = (h + HEIGHT_MAX_M) / (h - HEIGHT_MAX_M), near_px, far_px;
    struct cb_vec2 from, to;
    if (!(h > 2 * HEIGHT_MAX_M) || !to_picture(s, cam, x_m, y_m, 1 / k, &from, &near_px) ||
        !to_picture(s, cam, x_m, y_m, k, &to, &far_px))
        return false;
    double rows = from.y - to.y;
    int n = (int) (rows / ceil(rows / ROWS_MAX));
    if (n < 4)
        return false;
    *ret = (struct line){from.x, from.y, (to.x - from.x) / n, (to.y - from.y) / n, near_px,
                         (far_px - near_px) / n, n};
    return true;
}

/* Mean brightening against the empty road of the pixels from x0 to x1. */
static double brightening(const struct cb_foreground *fg, double x0, double x1, int row)
{
    int from = (int) lround(x0), to = (int) lround(x1);
    double sum = 0;
    if (from < 0 || to >= fg->w || to < from)
        return NAN;
    const size_t at = (size_t) row * (size_t) fg->w;
    for (int x = from; x <= to; x++)
        sum += fg->img[at + (size_t) x] - fg->bg[at + (size_t) x] / 256.0;
    return sum / (to - from + 1);
}

/* How much brighter than to either side; 0 outside the picture. */
static double ridge_at(const struct cb_foreground *fg, const struct line *l, int i, double aside_m)
{
    double px = l->px_per_m0 + i * l->dpx, x = l->x0 + i * l->dx + aside_m * px;
    int row = (int) lround(l->y0 + i * l->dy);
    if (row < 0 || row >= fg->h)
        return 0;
    double core = brightening(fg, x - CORE_M * px, x + CORE_M * px, row);
    double left = brightening(fg, x - BESIDE_END_M * px, x - BESIDE_M * px, row);
    double right = brightening(fg, x + BESIDE_M * px, x + BESIDE_END_M * px, row);
    return isnan(core) || isnan(left) || isnan(right) ? 0 : core - fmax(left, right);
}

static int brightest(const double *ridge, int from, int to)
{
    int best = from;
    for (int i = from; i < to; i++)
        best = ridge[i] > ridge[best] ? i : best;
    return best;
}

/* The middle of what is half as bright at least. */
static double middle_of(const double *ridge, int n, int peak)
{
    double sum = 0, at = 0;
    int from = peak, to = peak;
    while (from > 0 && ridge[from - 1] > 0.5 * ridge[peak])
        from--;
    while (to + 1 < n && ridge[to + 1] > 0.5 * ridge[peak])
        to++;
    for (int i = from; i <= to; i++) {
        sum += ridge[i];
        at += i * ridge[i];
    }
    return at / sum;
}

/* The brightest spot of a line and the brightest other one: its image below it, or the reverse. */
static bool find_pair(const double *ridge, int n, int apart, double least, struct pair *ret)
{
    int one = brightest(ridge, 0, n), other = -1;
    if (one > apart)
        other = brightest(ridge, 0, one - apart);
    if (one + apart < n) {
        int above = brightest(ridge, one + apart, n);
        other = other < 0 || ridge[above] > ridge[other] ? above : other;
    }
    if (other < 0 || ridge[other] < fmax(least, SHARE_MIN * ridge[one]))
        return false;
    int low = one < other ? one : other, high = one < other ? other : one, dark = low;
    for (int i = low; i < high; i++)
        dark = ridge[i] < ridge[dark] ? i : dark;
    if (ridge[dark] > VALLEY * ridge[other])
        return false;
    *ret = (struct pair){middle_of(ridge, n, high), middle_of(ridge, n, low), ridge[other]};
    return true;
}

static double y_of_row(const struct cb_sight *s, const struct line *l, double aside_m, double row)
{
    struct cb_vec2 m;
    double x = l->x0 + row * l->dx + aside_m * (l->px_per_m0 + row * l->dpx);
    struct cb_vec2 px = cb_region_to_full(s->region, x, l->y0 + row * l->dy);
    return cb_road_from_px(s->road, px, &m) < 0 ? NAN : m.y;
}

struct cb_gap cb_lamp_pair(const struct cb_sight *s, double x_m, double y_m, double width_m)
{
    const struct cb_pose *pose = cb_road_pose(s->road);
    struct cb_gap ret = {NAN, NAN, false};
    double ridge[ROWS_MAX], best = 0, least = fmax(LEVELS_MIN, NOISE_MIN * s->fg->noise);
    struct line l;
    if (!pose || !lay_line(s, pose->position_m, x_m, y_m, &l))
        return ret;
    int apart = (int) (APART_M * (l.px_per_m0 + 0.5 * l.n * l.dpx) / fabs(l.dy));
    double half = 0.5 * width_m + ASIDE_M;
    for (double aside = -half; aside <= half; aside += STEP_M) {
        struct pair p;
        for (int i = 0; i < l.n; i++)
            ridge[i] = ridge_at(s->fg, &l, i, aside);
        if (!find_pair(ridge, l.n, apart, least, &p) || p.score <= best)
            continue;
        best = p.score;
        ret = (struct cb_gap){y_of_row(s, &l, aside, p.image), y_of_row(s, &l, aside, p.lamp), true};
    }
    return ret;
}
