#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "road.h"

#define COLLINEAR    0.01 /* of the points' spread: nearer to a line says nothing across it */
#define PX_OUTSIDE   0.25 /* of the picture, for points that were read off a line drawn beyond it */
#define LENGTH_MIN_M 0.2
#define LENGTH_MAX_M 1000.0
#define EXTENT_MAX_M 1e5
#define POINTS_MAX   400 /* so that no check takes seconds */
#define LENGTHS_MAX  40

void cb_road_name(char *where, size_t size, const char *list, size_t i, int line)
{
    if (line > 0)
        snprintf(where, size, "calibration.%s[%zu], line %d", list, i, line);
    else
        snprintf(where, size, "calibration.%s[%zu]", list, i);
}

static bool in_picture(const struct cb_road *r, double x, double y)
{
    double w = 2 * r->lens.centre_px.x, h = 2 * r->lens.centre_px.y;
    return x >= -PX_OUTSIDE * w && x <= (1 + PX_OUTSIDE) * w && y >= -PX_OUTSIDE * h &&
           y <= (1 + PX_OUTSIDE) * h;
}

static struct cb_vec2 place(const struct cb_calibration_point *p, bool on_road)
{
    return on_road ? (struct cb_vec2){p->x_m, p->y_m} : (struct cb_vec2){p->x_px, p->y_px};
}

/* The largest distance between two of the points. */
static double spread(const struct cb_calibration_conf *c, bool on_road)
{
    double d = 0;
    for (size_t i = 0; i < c->n_points; i++)
        for (size_t j = 0; j < i; j++) {
            struct cb_vec2 a = place(&c->points[i], on_road), b = place(&c->points[j], on_road);
            d = fmax(d, hypot(a.x - b.x, a.y - b.y));
        }
    return d;
}

/* How many points lie off the line through i and j. */
static size_t count_off_line(const struct cb_calibration_conf *c, bool on_road, size_t i, size_t j,
                             double limit)
{
    struct cb_vec2 a = place(&c->points[i], on_road), b = place(&c->points[j], on_road);
    double dx = b.x - a.x, dy = b.y - a.y, length = hypot(dx, dy);
    size_t n = 0;
    for (size_t k = 0; k < c->n_points; k++) {
        struct cb_vec2 p = place(&c->points[k], on_road);
        n += fabs(dx * (p.y - a.y) - dy * (p.x - a.x)) > limit * length;
    }
    return n;
}

/* A plane needs four points of which no three are on a line: two at least off every line. */
static int check_spread(const struct cb_calibration_conf *c, bool on_road, struct cb_error *reterr)
{
    double size = spread(c, on_road), limit = COLLINEAR * size;
    for (size_t i = 0; i < c->n_points; i++)
        for (size_t j = 0; j < i; j++) {
            struct cb_vec2 a = place(&c->points[i], on_road), b = place(&c->points[j], on_road);
            if (!(hypot(a.x - b.x, a.y - b.y) > limit))
                continue;
            size_t n = count_off_line(c, on_road, i, j, limit);
            if (n >= 2)
                continue;
            return cb_error_set(
                reterr, -EINVAL, "calibration.points",
                n ? "all but one lie on one line %s (that through points[%zu] and points[%zu]); "
                    "expected four of which no three are on a line"
                  : "all lie on one line %s (that through points[%zu] and points[%zu]); expected "
                    "points on both sides of the road",
                on_road ? "on the road" : "in the picture", j, i);
        }
    return 0;
}

static int check_point(const struct cb_calibration_conf *c, size_t i, const struct cb_road *r,
                       struct cb_error *reterr)
{
    const struct cb_calibration_point *p = &c->points[i];
    char where[96];
    cb_road_name(where, sizeof where, "points", i, p->line);
    if (!isfinite(p->x_px) || !isfinite(p->y_px) || !isfinite(p->x_m) || !isfinite(p->y_m))
        return cb_error_set(reterr, -EINVAL, where,
                            "is not finite; expected px: [x, y], m: [X, Y]");
    if (fabs(p->x_m) > EXTENT_MAX_M || fabs(p->y_m) > EXTENT_MAX_M)
        return cb_error_set(reterr, -EINVAL, where,
                            "m: [%g, %g] is more than 100 km off; expected metres from a mark on "
                            "this road",
                            p->x_m, p->y_m);
    if (!in_picture(r, p->x_px, p->y_px))
        return cb_error_set(reterr, -EINVAL, where,
                            "px: [%g, %g] is far outside the %g x %g picture", p->x_px, p->y_px,
                            2 * r->lens.centre_px.x, 2 * r->lens.centre_px.y);
    for (size_t j = 0; j < i; j++) {
        const struct cb_calibration_point *q = &c->points[j];
        bool same_px = hypot(p->x_px - q->x_px, p->y_px - q->y_px) < 0.01;
        bool same_m = hypot(p->x_m - q->x_m, p->y_m - q->y_m) < 1e-4;
        if (same_px || same_m)
            return cb_error_set(reterr, -EINVAL, where, "has the same %s as points[%zu]",
                                same_px ? "px" : "m", j);
    }
    return 0;
}

int cb_road_check_points(const struct cb_calibration_conf *c, const struct cb_road *r,
                         struct cb_error *reterr)
{
    if (c->n_points < 4 || c->n_points > POINTS_MAX)
        return cb_error_set(reterr, -EINVAL, "calibration.points",
                            "has %zu points, expected 4 or more, up to %d", c->n_points,
                            POINTS_MAX);
    for (size_t i = 0; i < c->n_points; i++) {
        int err = check_point(c, i, r, reterr);
        if (err < 0)
            return err;
    }
    int err = check_spread(c, false, reterr);
    return err < 0 ? err : check_spread(c, true, reterr);
}

static int check_length(const struct cb_calibration_conf *c, size_t i, const struct cb_road *r,
                        struct cb_error *reterr)
{
    const struct cb_calibration_distance *d = &c->distances[i];
    char where[96];
    cb_road_name(where, sizeof where, "distances", i, d->line);
    if (!(d->length_m >= LENGTH_MIN_M && d->length_m <= LENGTH_MAX_M))
        return cb_error_set(reterr, -EINVAL, where, "m: %g, expected %g to %g metres", d->length_m,
                            LENGTH_MIN_M, LENGTH_MAX_M);
    if (!isfinite(d->x1_px + d->y1_px + d->x2_px + d->y2_px))
        return cb_error_set(reterr, -EINVAL, where,
                            "is not finite; expected px: [[x1, y1], [x2, y2]]");
    if (!in_picture(r, d->x1_px, d->y1_px) || !in_picture(r, d->x2_px, d->y2_px))
        return cb_error_set(reterr, -EINVAL, where, "px lies far outside the %g x %g picture",
                            2 * r->lens.centre_px.x, 2 * r->lens.centre_px.y);
    if (!(hypot(d->x2_px - d->x1_px, d->y2_px - d->y1_px) >= 4))
        return cb_error_set(reterr, -EINVAL, where,
                            "ends where it begins in the picture; expected two points at least "
                            "4 px apart");
    return 0;
}

int cb_road_check_lengths(const struct cb_calibration_conf *c, const struct cb_road *r,
                          struct cb_error *reterr)
{
    size_t n_along = 0;
    if (c->n_distances > LENGTHS_MAX)
        return cb_error_set(reterr, -EINVAL, "calibration.distances",
                            "has %zu lengths, expected up to %d", c->n_distances, LENGTHS_MAX);
    for (size_t i = 0; i < c->n_distances; i++) {
        int err = check_length(c, i, r, reterr);
        if (err < 0)
            return err;
        n_along += c->distances[i].is_along;
    }
    if (n_along < 2 || n_along == c->n_distances)
        return cb_error_set(reterr, -EINVAL, "calibration.distances",
                            "has %zu lengths along the road and %zu across it, expected two or "
                            "more along and one or more across",
                            n_along, c->n_distances - n_along);
    return 0;
}
