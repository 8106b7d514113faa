#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "calibrate.h"

#define STRETCH_M   8.0 /* of the zone, for one line of what to expect */
#define N_STRETCHES 8
#define FPS         25.0
#define LIMIT_KMH   60.0 /* where the camera has none */
#define RAD_DEG     57.29577951308232

static double nan_if(int r, double v)
{
    return r < 0 ? NAN : v;
}

static struct cb_residual of_point(const struct cb_road *r, const struct cb_calibration_point *p)
{
    struct cb_residual e = {.at_px = {p->x_px, p->y_px}};
    struct cb_vec2 m = {0};
    int err = cb_road_to_px(r, (struct cb_vec2){p->x_m, p->y_m}, &e.fit_px);
    e.off_px = nan_if(err, hypot(e.fit_px.x - e.at_px.x, e.fit_px.y - e.at_px.y));
    err = cb_road_from_px(r, e.at_px, &m);
    e.off_cm = nan_if(err, 100 * hypot(m.x - p->x_m, m.y - p->y_m));
    return e;
}

static struct cb_residual of_length(const struct cb_road *r,
                                    const struct cb_calibration_distance *d)
{
    struct cb_vec2 from_px = {d->x1_px, d->y1_px}, a = {0}, b = {0};
    struct cb_residual e = {.at_px = {d->x2_px, d->y2_px}};
    int err = cb_road_from_px(r, from_px, &a);
    if (err == 0)
        err = cb_road_from_px(r, e.at_px, &b);
    double length = hypot(b.x - a.x, b.y - a.y), k = d->length_m / length;
    e.off_cm = nan_if(err, 100 * (length - d->length_m));
    struct cb_vec2 end = {a.x + k * (b.x - a.x), a.y + k * (b.y - a.y)};
    if (err == 0)
        err = cb_road_to_px(r, end, &e.fit_px);
    e.off_px = nan_if(err, hypot(e.fit_px.x - e.at_px.x, e.fit_px.y - e.at_px.y));
    return e;
}

void cb_calibrate_residuals(const struct cb_road *r, const struct cb_calibration_conf *c,
                            struct cb_residual *ret)
{
    for (size_t i = 0; i < c->n_points; i++)
        *ret++ = of_point(r, &c->points[i]);
    for (size_t i = 0; i < c->n_distances; i++)
        *ret++ = of_length(r, &c->distances[i]);
}

static void widen(struct cb_extent *e, double x_m, double y_m)
{
    e->x_min_m = fmin(e->x_min_m, x_m);
    e->x_max_m = fmax(e->x_max_m, x_m);
    e->y_min_m = fmin(e->y_min_m, y_m);
    e->y_max_m = fmax(e->y_max_m, y_m);
}

static struct cb_extent marked(const struct cb_road *r, const struct cb_calibration_conf *c)
{
    struct cb_extent e = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (size_t i = 0; i < c->n_points; i++)
        widen(&e, c->points[i].x_m, c->points[i].y_m);
    for (size_t i = 0; i < c->n_distances; i++) {
        const struct cb_calibration_distance *d = &c->distances[i];
        struct cb_vec2 m;
        if (cb_road_from_px(r, (struct cb_vec2){d->x1_px, d->y1_px}, &m) == 0)
            widen(&e, m.x, m.y);
        if (cb_road_from_px(r, (struct cb_vec2){d->x2_px, d->y2_px}, &m) == 0)
            widen(&e, m.x, m.y);
    }
    return e;
}

struct cb_extent cb_calibrate_extent(const struct cb_road *r, const struct cb_camera_conf *conf)
{
    struct cb_extent e = marked(r, &conf->calibration);
    if (conf->has_zone) {
        e.y_min_m = conf->zone_y_min_m;
        e.y_max_m = conf->zone_y_max_m;
    }
    return e;
}

double cb_calibrate_tilt_deg(const struct cb_pose *pose)
{
    const double *axis = pose->p + 8;
    double n = sqrt(axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]);
    return -asin(axis[2] / n) * RAD_DEG;
}

static void print_residuals(const struct cb_road *r, const struct cb_calibration_conf *c, FILE *out)
{
    size_t n = c->n_points + c->n_distances, i_worst;
    CB_AUTO_FREE struct cb_residual *e = calloc(n, sizeof *e);
    if (!e)
        return;
    cb_calibrate_residuals(r, c, e);
    fprintf(out, "#\n# %-14s %9s %9s   given         off px   off cm\n", "entry", "x px", "y px");
    for (size_t i = 0; i < n; i++) {
        char name[32], given[32];
        bool is_point = i < c->n_points;
        size_t k = is_point ? i : i - c->n_points;
        snprintf(name, sizeof name, "%s[%zu]", is_point ? "points" : "distances", k);
        if (is_point)
            snprintf(given, sizeof given, "%g, %g", c->points[k].x_m, c->points[k].y_m);
        else
            snprintf(given, sizeof given, "%.3f %s", c->distances[k].length_m,
                     c->distances[k].is_along ? "along" : "across");
        fprintf(out, "# %-14s %9.2f %9.2f   %-13s %6.2f   %6.1f\n", name, e[i].at_px.x,
                e[i].at_px.y, given, e[i].off_px, e[i].off_cm);
    }
    double rms, worst;
    cb_road_residuals(r, &rms, &worst, &i_worst);
    fprintf(out, "# read marks against the fit: rms %.2f px, largest %.2f px; worst entry %s[%zu]\n",
            rms, worst, c->n_points ? "points" : "distances", i_worst);
}

static void print_pose(const struct cb_road *r, const struct cb_calibration_conf *c, bool has_frame,
                       FILE *out)
{
    const struct cb_pose *p = cb_road_pose(r);
    if (!p) {
        fprintf(out, "# camera: its pose is not determined%s\n",
                has_frame ? "; six or more points well apart do that"
                          : " without the picture's size; give a --frame");
        return;
    }
    fprintf(out, "# camera: %.2f m above the road, tilted %.1f degrees down, focal length %.0f px\n",
            p->position_m[2], cb_calibrate_tilt_deg(p), p->f_px);
    if (c->n_points && c->n_points < 6)
        fprintf(out, "#   (from %zu points only: nothing checks it; take six or more)\n",
                c->n_points);
}

static void print_expected(const struct cb_road *r, double x_m, double y0, double y1, double kmh,
                           const char *what, FILE *out)
{
    double u95_mps;
    fprintf(out, "#   Y %6.1f to %6.1f m%s   ", y0, y1, what);
    if (cb_road_expect_u95(r, x_m, y0, y1, kmh / 3.6, FPS, &u95_mps) < 0)
        fprintf(out, "not measured\n");
    else
        fprintf(out, "+-%.1f km/h\n", cb_kmh_from_mps(u95_mps));
}

static double kmh_of(const struct cb_camera_conf *conf)
{
    return isnan(conf->speed_limit_kmh) ? LIMIT_KMH : conf->speed_limit_kmh;
}

static void print_zone(const struct cb_road *r, const struct cb_camera_conf *conf, FILE *out)
{
    struct cb_extent m = marked(r, &conf->calibration), e = cb_calibrate_extent(r, conf);
    double zone = e.y_max_m - e.y_min_m, kmh = kmh_of(conf);
    double n = fmin(N_STRETCHES, fmax(1, floor(zone / STRETCH_M))), x = (e.x_min_m + e.x_max_m) / 2;
    fprintf(out, "#\n# expected of a vehicle at %.0f km/h, %.0f pictures a second, 95 %%:\n", kmh,
            FPS);
    for (int i = 0; i < n && n > 1; i++)
        print_expected(r, x, e.y_min_m + zone * i / n, e.y_min_m + zone * (i + 1) / n, kmh, "",
                       out);
    print_expected(r, x, e.y_min_m, e.y_max_m, kmh, " (the zone)", out);
    if (e.y_min_m < m.y_min_m - 0.5)
        fprintf(out, "# the zone begins %.1f m before the marks: take marks there, or move it\n",
                m.y_min_m - e.y_min_m);
    if (e.y_max_m > m.y_max_m + 0.5)
        fprintf(out, "# the zone ends %.1f m beyond the marks: take marks there, or move it\n",
                e.y_max_m - m.y_max_m);
}

static void print_block(const struct cb_calibration_conf *c, FILE *out)
{
    fprintf(out, "calibration:\n");
    if (c->n_points)
        fprintf(out, "  points:\n");
    for (size_t i = 0; i < c->n_points; i++)
        fprintf(out, "    - {px: [%.2f, %.2f], m: [%.3f, %.3f]}\n", c->points[i].x_px,
                c->points[i].y_px, c->points[i].x_m, c->points[i].y_m);
    if (c->n_distances)
        fprintf(out, "  distances:\n");
    for (size_t i = 0; i < c->n_distances; i++) {
        const struct cb_calibration_distance *d = &c->distances[i];
        fprintf(out, "    - {px: [[%.2f, %.2f], [%.2f, %.2f]], m: %.3f, along: %s", d->x1_px,
                d->y1_px, d->x2_px, d->y2_px, d->length_m, d->is_along ? "true" : "false");
        if (d->u_m > 0)
            fprintf(out, ", u_m: %.3f", d->u_m);
        fprintf(out, "}\n");
    }
    if (c->k1 != 0 || c->k2 != 0)
        fprintf(out, "  distortion: {k1: %g, k2: %g}\n", c->k1, c->k2);
    if (c->reference_u > 0)
        fprintf(out, "  reference: {factor: %.5f, u: %.5f}\n", c->reference_factor,
                c->reference_u);
    if (c->certificate[0])
        fprintf(out, "  certificate: \"%s\"\n", c->certificate);
    if (c->calibrated_on[0])
        fprintf(out, "  calibrated_on: \"%s\"\n", c->calibrated_on);
}

void cb_calibrate_print(const struct cb_road *r, const struct cb_camera_conf *conf, bool has_frame,
                        FILE *out)
{
    const struct cb_calibration_conf *c = &conf->calibration;
    fprintf(out, "# %s: %zu %s\n", conf->id, c->n_points ? c->n_points : c->n_distances,
            c->n_points ? "points" : "lengths");
    print_residuals(r, c, out);
    print_pose(r, c, has_frame, out);
    print_zone(r, conf, out);
    print_block(c, out);
}
