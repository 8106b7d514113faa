#include "region.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define BEFORE_M     8.0  /* followed outside the zone, towards and away from the camera */
#define BEYOND_M     15.0
#define TALL_M       4.0
#define N_EDGE       24   /* points along each border of the zone */

static void add_bounds(struct cb_region *r, struct cb_vec2 m)
{
    r->x_min_m = fmin(r->x_min_m, m.x);
    r->x_max_m = fmax(r->x_max_m, m.x);
    r->y_min_m = fmin(r->y_min_m, m.y);
    r->y_max_m = fmax(r->y_max_m, m.y);
}

static int surveyed(struct cb_region *r, const struct cb_road *road,
                    const struct cb_calibration_conf *c)
{
    r->x_min_m = r->y_min_m = HUGE_VAL;
    r->x_max_m = r->y_max_m = -HUGE_VAL;
    for (size_t i = 0; i < c->n_points; i++)
        add_bounds(r, (struct cb_vec2){c->points[i].x_m, c->points[i].y_m});
    for (size_t i = 0; i < c->n_distances; i++) {
        const struct cb_calibration_distance *d = &c->distances[i];
        struct cb_vec2 m;
        if (!cb_road_from_px(road, (struct cb_vec2){d->x1_px, d->y1_px}, &m))
            add_bounds(r, m);
        if (!cb_road_from_px(road, (struct cb_vec2){d->x2_px, d->y2_px}, &m))
            add_bounds(r, m);
    }
    return r->x_min_m < r->x_max_m && r->y_min_m < r->y_max_m ? 0 : -EDOM;
}

/* Which end of a vehicle faces the camera: the one lower in the picture. */
static int find_near(struct cb_region *r, const struct cb_road *road)
{
    double x = 0.5 * (r->x_min_m + r->x_max_m), y = 0.5 * (r->zone_min_m + r->zone_max_m);
    struct cb_vec2 a, b;
    int e = cb_road_to_px(road, (struct cb_vec2){x, y - 1}, &a);
    if (e == 0)
        e = cb_road_to_px(road, (struct cb_vec2){x, y + 1}, &b);
    if (e < 0)
        return e;
    r->near = a.y >= b.y ? 1 : -1;
    return 0;
}

static double cross(struct cb_vec2 o, struct cb_vec2 a, struct cb_vec2 b)
{
    return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

static int by_x(const void *a, const void *b)
{
    const struct cb_vec2 *p = a, *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y > q->y) - (p->y < q->y);
}

/* Convex hull (monotone chain). ret: room for 2 · n. @return its number of corners */
static int hull(struct cb_vec2 *p, int n, struct cb_vec2 *ret)
{
    qsort(p, (size_t) n, sizeof *p, by_x);
    int k = 0;
    for (int i = 0; i < n; i++) {
        while (k >= 2 && cross(ret[k - 2], ret[k - 1], p[i]) <= 0)
            k--;
        ret[k++] = p[i];
    }
    for (int i = n - 2, low = k + 1; i >= 0; i--) {
        while (k >= low && cross(ret[k - 2], ret[k - 1], p[i]) <= 0)
            k--;
        ret[k++] = p[i];
    }
    return k > 1 ? k - 1 : k;
}

/* A point of the zone's border and what stands on it, in analysed px of the whole picture. */
static int add_post(const struct cb_road *road, int factor, double x_m, double y_m,
                    struct cb_vec2 *p, int n)
{
    struct cb_vec2 foot, head;
    double j[4];
    if (cb_road_to_px(road, (struct cb_vec2){x_m, y_m}, &foot) < 0)
        return n;
    if (cb_road_to_px_3d(road, x_m, y_m, TALL_M, &head) < 0) {
        head = foot;
        if (cb_road_jacobian(road, foot, j) == 0)
            head.y -= TALL_M / fmax(hypot(j[0], j[2]), 1e-3);
    }
    p[n++] = (struct cb_vec2){foot.x / factor, foot.y / factor};
    p[n++] = (struct cb_vec2){head.x / factor, head.y / factor};
    return n;
}

static int outline(const struct cb_region *r, const struct cb_road *road, struct cb_vec2 *ret)
{
    struct cb_vec2 p[8 * (N_EDGE + 1)];
    int n = 0;
    for (int i = 0; i <= N_EDGE; i++) {
        double u = (double) i / N_EDGE;
        double x = r->x_min_m + u * (r->x_max_m - r->x_min_m);
        double y = r->y_min_m + u * (r->y_max_m - r->y_min_m);
        n = add_post(road, r->factor, r->x_min_m, y, p, n);
        n = add_post(road, r->factor, r->x_max_m, y, p, n);
        n = add_post(road, r->factor, x, r->y_min_m, p, n);
        n = add_post(road, r->factor, x, r->y_max_m, p, n);
    }
    return n < 3 ? 0 : hull(p, n, ret);
}

static void row_span(const struct cb_vec2 *c, int n, double y, double *ret_lo, double *ret_hi)
{
    *ret_lo = HUGE_VAL;
    *ret_hi = -HUGE_VAL;
    for (int i = 0; i < n; i++) {
        struct cb_vec2 a = c[i], b = c[(i + 1) % n];
        if ((a.y > y) == (b.y > y))
            continue;
        double x = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
        *ret_lo = fmin(*ret_lo, x);
        *ret_hi = fmax(*ret_hi, x);
    }
}

static int clip(double v, int lo, int hi)
{
    return !(v > lo) ? lo : v < hi ? (int) v : hi;
}

static int fill_spans(struct cb_region *r, const struct cb_vec2 *corner, int n, int w, int h)
{
    double x0 = w, x1 = 0, y0 = h, y1 = 0;
    for (int i = 0; i < n; i++) {
        x0 = fmin(x0, corner[i].x);
        x1 = fmax(x1, corner[i].x);
        y0 = fmin(y0, corner[i].y);
        y1 = fmax(y1, corner[i].y);
    }
    r->x = clip(floor(x0) - 2, 0, w);
    r->y = clip(floor(y0) - 2, 0, h);
    r->w = clip(ceil(x1) + 3, 0, w) - r->x;
    r->h = clip(ceil(y1) + 3, 0, h) - r->y;
    if (r->w < 16 || r->h < 16)
        return -EDOM;
    r->span = calloc((size_t) r->h * 2, sizeof *r->span);
    if (!r->span)
        return -ENOMEM;
    for (int y = 0; y < r->h; y++) {
        double lo, hi;
        row_span(corner, n, r->y + y, &lo, &hi);
        if (lo <= hi) {
            r->span[2 * y] = clip(lo - r->x - 2, 0, r->w);
            r->span[2 * y + 1] = clip(hi - r->x + 3, 0, r->w);
        }
    }
    return 0;
}

int cb_region_create(struct cb_region *ret, const struct cb_road *road,
                     const struct cb_camera_conf *conf, int width, int height)
{
    struct cb_region r = {.factor = (width + CB_REGION_WIDTH_MAX - 1) / CB_REGION_WIDTH_MAX};
    int e = surveyed(&r, road, &conf->calibration);
    if (e < 0)
        return e;
    r.zone_min_m = conf->has_zone ? conf->zone_y_min_m : r.y_min_m;
    r.zone_max_m = conf->has_zone ? conf->zone_y_max_m : r.y_max_m;
    if ((e = find_near(&r, road)) < 0)
        return e;
    r.is_side = cb_side_view_find(road, r.x_min_m, r.x_max_m, r.zone_min_m, r.zone_max_m, &r.side);
    r.x_min_m -= CB_REGION_SIDE_M;
    r.x_max_m += CB_REGION_SIDE_M;
    r.y_min_m = r.zone_min_m - (r.near > 0 ? BEFORE_M : BEYOND_M);
    r.y_max_m = r.zone_max_m + (r.near > 0 ? BEYOND_M : BEFORE_M);
    struct cb_vec2 corner[16 * (N_EDGE + 1)];
    int n = outline(&r, road, corner);
    if (n < 3)
        return -EDOM;
    e = fill_spans(&r, corner, n, width / r.factor, height / r.factor);
    if (e == 0)
        *ret = r;
    return e;
}

void cb_region_deinit(struct cb_region *r)
{
    free(r->span);
    *r = (struct cb_region){0};
}
