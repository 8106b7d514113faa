#include "contact.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define N_COLUMNS_MAX  96
#define NEAR_SHARE     0.12 /* of the columns may lie nearer than the near edge: fringes */
#define FRONT_M        0.8  /* what of the lower edge counts as the near end */
#define N_LINES        5    /* across the corridor */
#define N_STEPS_MAX    160
#define RISE_LEVELS    7.0
#define PLATEAU_M      0.6  /* how far behind the rise its height is looked for */
#define STRIP_M        0.8  /* upright, above the near edge: what tells a body from its shadow */
#define SHADE_MIN      0.25 /* a shadow's luma against the lit road's, */
#define SHADE_MAX      0.95
#define SHADE_SPREAD   0.2  /* and how even it is */

struct column {
    double x_m, a_m; /* across; along, growing away from the camera */
    int x_px, y_px;  /* lowest pixel, analysed */
};

static int by_along(const void *a, const void *b)
{
    const struct column *p = a, *q = b;
    return (p->a_m > q->a_m) - (p->a_m < q->a_m);
}

/* The lower edge on the road, at most N_COLUMNS_MAX of its columns. */
static int lower_edge(const struct cb_blobs *blobs, int blob, const struct cb_region *g,
                      const struct cb_road *road, struct column *ret)
{
    const struct cb_blob *o = &blobs->blob[blob];
    int w = o->x1 - o->x0, step = w / N_COLUMNS_MAX + 1, n = 0;
    CB_AUTO_FREE int *low = malloc((size_t) w * sizeof *low);
    if (!low)
        return -ENOMEM;
    cb_blobs_lower_edge(blobs, blob, low);
    for (int x = step / 2; x < w; x += step) {
        struct cb_vec2 m;
        if (!low[x] ||
            cb_road_from_px(road, cb_region_to_full(g, o->x0 + x, low[x] - 0.5), &m) < 0)
            continue;
        ret[n++] = (struct column){m.x, g->near * m.y, o->x0 + x, low[x] - 1};
    }
    return n;
}

/* A column is shadow when it darkens what was there evenly all the way up. */
static bool is_shade(const struct cb_foreground *fg, const struct column *c, int n_px)
{
    double lo = HUGE_VAL, hi = 0;
    for (int y = c->y_px - 2; y > c->y_px - n_px && y >= 0; y--) { /* not the blurred rim */
        size_t i = (size_t) y * (size_t) fg->w + (size_t) c->x_px;
        double ratio = fg->img[i] * 256.0 / fmax(fg->bg[i], 256);
        lo = fmin(lo, ratio);
        hi = fmax(hi, ratio);
    }
    return lo > SHADE_MIN && hi < SHADE_MAX && hi - lo < SHADE_SPREAD;
}

/* How much of the near end is body; NaN where the strip is too small to tell. */
static double solid_width(const struct cb_foreground *fg, const struct column *c, int n,
                          double a_max_m, double width_m, double m_per_px)
{
    int n_px = (int) (STRIP_M / m_per_px), n_near = 0, n_shade = 0;
    if (n_px < 6)
        return NAN;
    for (int i = 0; i < n && c[i].a_m < a_max_m; i++) {
        n_near++;
        n_shade += is_shade(fg, &c[i], n_px);
    }
    return width_m * (n_near - n_shade) / fmax(n_near, 1);
}

static void near_end(const struct column *c, int n, const struct cb_foreground *fg,
                     const struct cb_region *g, const struct cb_road *road,
                     struct cb_observation *o)
{
    struct cb_vec2 px;
    double j[4];
    double a = c[(int) (NEAR_SHARE * (n - 1))].a_m, lo = HUGE_VAL, hi = -HUGE_VAL;
    for (int i = 0; i < n && c[i].a_m < a + FRONT_M; i++) {
        lo = fmin(lo, c[i].x_m);
        hi = fmax(hi, c[i].x_m);
    }
    o->x_m = 0.5 * (lo + hi);
    o->y_m = g->near * a;
    o->width_m = hi - lo;
    o->solid_m = NAN;
    if (cb_road_to_px(road, (struct cb_vec2){o->x_m, o->y_m}, &px) < 0 ||
        cb_road_jacobian(road, px, j) < 0)
        return;
    double across_m = hypot(j[0], j[2]) * g->factor;
    o->m_per_px = hypot(j[2], j[3]);
    o->width_m += across_m; /* from the middles of its outermost pixels to their ends */
    o->solid_m = solid_width(fg, c, n, a + FRONT_M, o->width_m, across_m);
}

static void size_up(const struct cb_blob *b, const struct cb_region *g, const struct cb_road *road,
                    struct cb_observation *o)
{
    struct cb_vec2 p0 = cb_region_to_full(g, b->x0 - 0.5, b->y0 - 0.5);
    struct cb_vec2 p1 = cb_region_to_full(g, b->x1 - 0.5, b->y1 - 0.5), top;
    o->box = (struct cb_box){(float) p0.x, (float) p0.y, (float) (p1.x - p0.x),
                             (float) (p1.y - p0.y)};
    o->extent_m = cb_road_from_px(road, (struct cb_vec2){0.5 * (p0.x + p1.x), p0.y}, &top) < 0
                      ? HUGE_VAL
                      : g->near * (top.y - o->y_m);
    int border = 2;
    o->is_cut_near = b->y1 >= g->h - border;
    o->is_cut = o->is_cut_near || b->x0 <= border || b->x1 >= g->w - border;
}

int cb_contact_of_blob(const struct cb_blobs *blobs, int blob, const struct cb_foreground *fg,
                       const struct cb_region *g, const struct cb_road *road,
                       struct cb_observation *ret)
{
    struct column c[N_COLUMNS_MAX];
    int n = lower_edge(blobs, blob, g, road, c);
    if (n < 0)
        return n;
    if (n < 2)
        return -EDOM;
    qsort(c, (size_t) n, sizeof *c, by_along);
    struct cb_observation o = {.m_per_px = 0.1};
    near_end(c, n, fg, g, road, &o);
    if (!(o.x_m > g->x_min_m && o.x_m < g->x_max_m && o.y_m > g->y_min_m && o.y_m < g->y_max_m))
        return -EDOM;
    size_up(&blobs->blob[blob], g, road, &o);
    o.sigma_px = 1.2 * g->factor;
    *ret = o;
    return 0;
}

/* |picture − background| between pixels, levels; < 0 outside. */
static double difference_at(const struct cb_foreground *fg, struct cb_vec2 p)
{
    int x = (int) floor(p.x), y = (int) floor(p.y);
    if (x < 0 || y < 0 || x + 1 >= fg->w || y + 1 >= fg->h)
        return -1;
    double u = p.x - x, v = p.y - y, sum = 0;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            size_t k = (size_t) (y + j) * (size_t) fg->w + (size_t) (x + i);
            double d = fg->img[k] - fg->bg[k] / 256.0;
            sum += (i ? u : 1 - u) * (j ? v : 1 - v) * d;
        }
    return fabs(sum);
}

/* Mean difference across the corridor at each step along. @return false where the picture ends */
static bool profile(const struct cb_foreground *fg, const struct cb_region *g,
                    const struct cb_road *road, double x_m, double half_m, double a0_m,
                    double step_m, int n, double *ret)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < N_LINES; k++) {
            struct cb_vec2 m = {x_m + half_m * (2.0 * k / (N_LINES - 1) - 1),
                                g->near * (a0_m + i * step_m)}, px;
            double d = cb_road_to_px(road, m, &px) < 0
                           ? -1
                           : difference_at(fg, cb_region_from_full(g, px));
            if (d < 0)
                return false;
            sum += d;
        }
        ret[i] = sum / N_LINES;
    }
    return true;
}

/* Index, with fraction, of the half height of the first rise; < 0: none. */
static double first_rise(const double *p, int n, int n_plateau)
{
    int n_base = n / 5 > 2 ? n / 5 : 2, i = 0;
    double base = 0;
    for (int k = 0; k < n_base; k++)
        base += p[k] / n_base;
    double high = 0;
    for (int k = 0; k < n; k++)
        high = fmax(high, p[k]);
    double rise = fmax(RISE_LEVELS, 0.25 * (high - base));
    while (i < n && p[i] < base + rise)
        i++;
    if (i == 0 || i >= n - 1)
        return -1;
    double peak = p[i];
    for (int k = i; k < n && k < i + n_plateau; k++)
        peak = fmax(peak, p[k]);
    double half = base + 0.5 * (peak - base);
    while (i < n && p[i] < half)
        i++;
    while (i > 0 && p[i - 1] >= half)
        i--;
    return i == 0 || i >= n ? -1 : i - 1 + (half - p[i - 1]) / (p[i] - p[i - 1]);
}

int cb_contact_refine(const struct cb_foreground *fg, const struct cb_region *g,
                      const struct cb_road *road, double x_m, double y_m, double width_m,
                      double *ret_y_m)
{
    struct cb_vec2 px;
    double j[4], p[N_STEPS_MAX];
    if (cb_road_to_px(road, (struct cb_vec2){x_m, y_m}, &px) < 0 ||
        cb_road_jacobian(road, px, j) < 0)
        return -ENODATA;
    double px_m = fabs(j[3]) * g->factor, half = 0.3 * fmin(width_m, 2.2);
    double reach = fmax(1.5, 5 * px_m), step = fmax(0.35 * px_m, 2 * reach / (N_STEPS_MAX - 1));
    int n = (int) (2 * reach / step) + 1;
    double a0 = g->near * y_m - reach;
    if (!profile(fg, g, road, x_m, half, a0, step, n, p))
        return -ENODATA;
    double i = first_rise(p, n, (int) (fmax(PLATEAU_M, 3 * px_m) / step) + 1);
    if (i < 0)
        return -ENODATA;
    *ret_y_m = g->near * (a0 + i * step);
    return 0;
}
