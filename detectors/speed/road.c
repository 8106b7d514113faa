#include "road.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numeric.h"

/* What the survey and a road that is not quite a plane (crown, wear) add to any scale; no residual
 * shows it, because all points share it. */
#define SCALE_FLOOR_U 0.002

int cb_road_apply(const double h[9], struct cb_vec2 p, struct cb_vec2 *ret)
{
    double w = h[6] * p.x + h[7] * p.y + h[8];
    double x = (h[0] * p.x + h[1] * p.y + h[2]) / w, y = (h[3] * p.x + h[4] * p.y + h[5]) / w;
    if (!(w > 0) || !isfinite(x) || !isfinite(y))
        return -EDOM;
    *ret = (struct cb_vec2){x, y};
    return 0;
}

int cb_road_set(struct cb_road *r, const double to_px[9])
{
    memcpy(r->to_px, to_px, sizeof r->to_px);
    return cb_mat3_invert(to_px, r->to_m);
}

/* The usual pictures of video cameras, by area. */
static void assume_size(const struct cb_calibration_conf *conf, int *width, int *height)
{
    static const int usual[][2] = {
        {320, 240},   {640, 360},   {640, 480},   {800, 600},   {1024, 768},
        {1280, 720},  {1280, 960},  {1920, 1080}, {2048, 1536}, {2560, 1440},
        {2592, 1944}, {3840, 2160}, {4096, 3072}, {7680, 4320},
    };
    double x = 0, y = 0;
    for (size_t i = 0; i < conf->n_points; i++) {
        x = fmax(x, conf->points[i].x_px);
        y = fmax(y, conf->points[i].y_px);
    }
    for (size_t i = 0; i < conf->n_distances; i++) {
        x = fmax(x, fmax(conf->distances[i].x1_px, conf->distances[i].x2_px));
        y = fmax(y, fmax(conf->distances[i].y1_px, conf->distances[i].y2_px));
    }
    size_t i = 0, n = sizeof usual / sizeof usual[0];
    while (i + 1 < n && !(x <= usual[i][0] && y <= usual[i][1]))
        i++;
    *width = usual[i][0];
    *height = usual[i][1];
}

int cb_road_create(struct cb_road **ret, const struct cb_calibration_conf *conf, int width,
                   int height, struct cb_error *reterr)
{
    struct cb_road *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->is_size_known = width > 0 && height > 0;
    if (!r->is_size_known)
        assume_size(conf, &width, &height);
    int err = cb_lens_init(&r->lens, width, height, conf->k1, conf->k2);
    if (err < 0)
        cb_error_set(reterr, err, "calibration.distortion",
                     "k1 %g, k2 %g fold the picture over itself; expected a radius that grows up "
                     "to the corner (r in half diagonals)",
                     conf->k1, conf->k2);
    else if (conf->n_distances && !conf->n_points)
        err = cb_road_fit_lengths(r, conf, reterr);
    else
        err = cb_road_fit_points(r, conf, reterr);
    if (err < 0) {
        cb_road_destroy(&r);
        return err;
    }
    *ret = r;
    return 0;
}

void cb_road_destroy(struct cb_road **r)
{
    free(*r);
    *r = NULL;
}

int cb_road_from_px(const struct cb_road *r, struct cb_vec2 px, struct cb_vec2 *ret_m)
{
    struct cb_vec2 pinhole;
    int err = cb_lens_undistort(&r->lens, px, &pinhole);
    return err < 0 ? err : cb_road_apply(r->to_m, pinhole, ret_m);
}

int cb_road_to_px(const struct cb_road *r, struct cb_vec2 m, struct cb_vec2 *ret_px)
{
    struct cb_vec2 pinhole;
    int err = cb_road_apply(r->to_px, m, &pinhole);
    return err < 0 ? err : cb_lens_distort(&r->lens, pinhole, ret_px);
}

int cb_road_jacobian(const struct cb_road *r, struct cb_vec2 px, double ret_m_per_px[4])
{
    const double h = 0.05; /* px: the map is smooth over far more, rounding far less */
    struct cb_vec2 a, b;
    for (int i = 0; i < 2; i++) {
        struct cb_vec2 d = {i == 0 ? h : 0, i == 1 ? h : 0};
        int err = cb_road_from_px(r, (struct cb_vec2){px.x - d.x, px.y - d.y}, &a);
        if (err == 0)
            err = cb_road_from_px(r, (struct cb_vec2){px.x + d.x, px.y + d.y}, &b);
        if (err < 0)
            return err;
        ret_m_per_px[i] = (b.x - a.x) / (2 * h);
        ret_m_per_px[2 + i] = (b.y - a.y) / (2 * h);
    }
    return 0;
}

const struct cb_pose *cb_road_pose(const struct cb_road *r)
{
    return r->has_pose ? &r->pose : NULL;
}

int cb_road_to_px_3d(const struct cb_road *r, double x_m, double y_m, double z_m,
                     struct cb_vec2 *ret_px)
{
    if (!r->has_pose)
        return -ENOTSUP;
    const double *p = r->pose.p;
    double w = p[8] * x_m + p[9] * y_m + p[10] * z_m + p[11];
    struct cb_vec2 px = {(p[0] * x_m + p[1] * y_m + p[2] * z_m + p[3]) / w,
                         (p[4] * x_m + p[5] * y_m + p[6] * z_m + p[7]) / w};
    if (!(w > 0) || !isfinite(px.x) || !isfinite(px.y))
        return -EDOM;
    return cb_lens_distort(&r->lens, px, ret_px);
}

void cb_road_residuals(const struct cb_road *r, double *ret_rms_px, double *ret_max_px,
                       size_t *ret_i_max)
{
    *ret_rms_px = r->rms_px;
    *ret_max_px = r->max_px;
    *ret_i_max = r->i_max;
}

double cb_road_scale_u(const struct cb_road *r, double x_m, double y0_m, double y1_m)
{
    struct cb_vec2 px[2], m[2];
    double want = fabs(y1_m - y0_m), u2 = SCALE_FLOOR_U * SCALE_FLOOR_U;
    if (!(want > 0) || cb_road_apply(r->to_px, (struct cb_vec2){x_m, y0_m}, &px[0]) < 0 ||
        cb_road_apply(r->to_px, (struct cb_vec2){x_m, y1_m}, &px[1]) < 0)
        return INFINITY;
    for (size_t i = 0; i < r->n_sigmas; i++) {
        if (cb_road_apply(r->sigma_to_m[i], px[0], &m[0]) < 0 ||
            cb_road_apply(r->sigma_to_m[i], px[1], &m[1]) < 0)
            return INFINITY;
        double d = hypot(m[1].x - m[0].x, m[1].y - m[0].y) / want - 1;
        u2 += d * d;
    }
    return sqrt(u2);
}

void cb_road_covered(const struct cb_road *r, double *ret_y_min_m, double *ret_y_max_m)
{
    *ret_y_min_m = r->y_min_m;
    *ret_y_max_m = r->y_max_m;
}

int cb_road_away_sign(const struct cb_road *r)
{
    /* the third row is the depth along the optical axis, up to scale */
    const double *h = r->to_px + 6;
    double middle =
        h[0] * (r->x_min_m + r->x_max_m) / 2 + h[1] * (r->y_min_m + r->y_max_m) / 2 + h[2];
    double change = h[1] * (r->y_max_m - r->y_min_m) / middle;
    return change < -0.02 ? -1 : 1; /* seen from the side, +Y is "away" by convention */
}
