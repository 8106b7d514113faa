/*
 * Calibration from lengths taped on the road, as a bundle adjustment: a pinhole camera with square
 * pixels over a plane, and the true image points of the lengths' ends, which were read off a still
 * with an error. Each source of error has its standard uncertainty, so what is uncertain (a
 * far end read a pixel off) pulls no more than it knows; the same covariance then gives the
 * scale's uncertainty.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "numeric.h"
#include "road.h"

/* Standard uncertainties of what goes in. */
#define READING_PX   1.0   /* of a clicked point, an axis */
#define TAPE_M       0.01  /* of a taped length: the ends … */
#define TAPE_SHARE   0.001 /* … and the tape */
#define ALONG_RAD    0.005 /* of a lane mark against the road's direction */
#define ACROSS_RAD   0.035 /* of a length across: squareness is paced out, not surveyed */
#define CENTRE_SHARE 0.02  /* of the principal point against the picture's centre, of the width */
#define ROLL_RAD     0.17  /* cameras hang about level */
#define FOCAL_LN     0.7   /* f about 1.2 widths, within a factor of two */

#define SHARED_PX 0.5 /* ends nearer than this in the picture are one point */
/* Refused when a length disagrees with the others by more than this many of its uncertainties */
#define MISFIT_SIGMAS 5.0
#define OUTLIER_RATIO 6.0
#define SCALE_U_MAX   0.05 /* nor is a road calibrated when its scale is less sure than this */

enum { LN_F, TILT, ROLL, PAN, LN_H, CX, CY, N_CAMERA };

struct bundle {
    const struct cb_calibration_conf *conf;
    const struct cb_lens *lens;
    double width_px;
    struct cb_vec2 *px; /* distinct ends, undistorted */
    size_t n_px;
    size_t (*end)[2];  /* of each length: indices into px */
    size_t i_left_out; /* a length, or ≥ n_distances: none */
};

/* Metres on the road → px: (X, Y, 1), origin below the camera, Y along the road. */
static void camera_matrix(const struct bundle *b, const double *x, double ret_h[9])
{
    double f = exp(x[LN_F]), height = exp(x[LN_H]);
    double ct = cos(x[TILT]), st = sin(x[TILT]), cr = cos(x[ROLL]), sr = sin(x[ROLL]);
    double cp = cos(x[PAN]), sp = sin(x[PAN]);
    /* camera axes: right, down, forward; road axes as the level camera sees them */
    double down[3] = {sr * ct, cr * ct, st};
    double right[3] = {cr, -sr, 0};
    double forward[3] = {-sr * st, -cr * st, ct};
    double cx = b->lens->centre_px.x + b->width_px * x[CX];
    double cy = b->lens->centre_px.y + b->width_px * x[CY];
    for (int j = 0; j < 3; j++) {
        double c[3];
        for (int i = 0; i < 3; i++)
            c[i] = j == 0   ? cp * right[i] - sp * forward[i]
                   : j == 1 ? sp * right[i] + cp * forward[i]
                            : height * down[i];
        ret_h[j] = f * c[0] + cx * c[2];
        ret_h[3 + j] = f * c[1] + cy * c[2];
        ret_h[6 + j] = c[2];
    }
}

static size_t n_residuals(const struct bundle *b)
{
    return 2 * b->n_px + 2 * b->conf->n_distances + 4;
}

/* Metres between the ends of length i; not finite when one is above the horizon. */
static struct cb_vec2 vector_of(const struct bundle *b, const double to_m[9],
                                const struct cb_vec2 *px, size_t i)
{
    struct cb_vec2 from, to;
    if (cb_road_apply(to_m, px[b->end[i][0]], &from) < 0 ||
        cb_road_apply(to_m, px[b->end[i][1]], &to) < 0)
        return (struct cb_vec2){NAN, NAN};
    return (struct cb_vec2){to.x - from.x, to.y - from.y};
}

static double length_u(const struct cb_calibration_distance *d)
{
    return d->u_m > 0 ? d->u_m : hypot(TAPE_M, TAPE_SHARE * d->length_m);
}

static void length_residuals(const struct cb_calibration_distance *d, struct cb_vec2 v, double *ret)
{
    double length = hypot(v.x, v.y), aside = d->is_along ? v.x : v.y;
    ret[0] = (length - d->length_m) / length_u(d);
    ret[1] = aside / length / (d->is_along ? ALONG_RAD : ACROSS_RAD);
}

static void residuals(const void *self, const double *x, double *ret)
{
    const struct bundle *b = self;
    const struct cb_vec2 *px = (const struct cb_vec2 *) (x + N_CAMERA);
    double h[9], to_m[9];
    camera_matrix(b, x, h);
    ret[0] = cb_mat3_invert(h, to_m) < 0 ? NAN : x[CX] / CENTRE_SHARE;
    ret[1] = x[CY] / CENTRE_SHARE;
    ret[2] = x[ROLL] / ROLL_RAD;
    ret[3] = (x[LN_F] - log(1.2 * b->width_px)) / FOCAL_LN;
    if (isnan(ret[0]))
        return;
    double *r = ret + 4;
    for (size_t i = 0; i < b->n_px; i++) {
        *r++ = (px[i].x - b->px[i].x) / READING_PX;
        *r++ = (px[i].y - b->px[i].y) / READING_PX;
    }
    for (size_t i = 0; i < b->conf->n_distances; i++, r += 2) {
        r[0] = r[1] = 0;
        if (i != b->i_left_out)
            length_residuals(&b->conf->distances[i], vector_of(b, to_m, px, i), r);
    }
}

/* The camera's height that makes the lengths right on average; negative: impossible view. */
static double scale_of(const struct bundle *b, const double *x)
{
    double h[9], to_m[9], sum = 0, n = 0;
    camera_matrix(b, x, h);
    if (cb_mat3_invert(h, to_m) < 0)
        return -1;
    for (size_t i = 0; i < b->conf->n_distances; i++) {
        struct cb_vec2 v = vector_of(b, to_m, b->px, i);
        if (i == b->i_left_out)
            continue;
        sum += log(hypot(v.x, v.y) / b->conf->distances[i].length_m);
        n++;
    }
    return isfinite(sum) ? exp(-sum / n) : -1;
}

#define N_STARTS 6

/* Best few of a grid of views, each start with its cost; the problem has local minima. */
struct start {
    double cost, camera[N_CAMERA];
};

static void keep_start(struct start *list, const struct start *s)
{
    for (int i = 0; i < N_STARTS; i++)
        if (s->cost < list[i].cost) {
            memmove(list + i + 1, list + i, (size_t) (N_STARTS - 1 - i) * sizeof *list);
            list[i] = *s;
            return;
        }
}

static void try_start(const struct bundle *b, double *x, double *r, double ln_f, double tilt,
                      double pan, struct start *list)
{
    const double camera[N_CAMERA] = {ln_f, tilt, 0, pan, 0, 0, 0};
    memcpy(x, camera, sizeof camera);
    double scale = scale_of(b, x);
    if (!(scale > 0))
        return;
    x[LN_H] = log(scale);
    residuals(b, x, r);
    struct start s = {0};
    for (size_t i = 0; i < n_residuals(b); i++) /* a far start's misfit says little by its square */
        s.cost += fabs(r[i]);
    memcpy(s.camera, x, sizeof s.camera);
    if (isfinite(s.cost))
        keep_start(list, &s);
}

static void find_starts(const struct bundle *b, double *x, double *r, struct start *list)
{
    memcpy(x + N_CAMERA, b->px, b->n_px * sizeof *b->px);
    for (int i = 0; i < N_STARTS; i++)
        list[i].cost = INFINITY;
    for (int f = -3; f <= 4; f++)
        for (int tilt = 1; tilt <= 14; tilt++)
            for (int pan = -14; pan <= 14; pan++)
                try_start(b, x, r, log(1.2 * b->width_px) + 0.3 * f, 0.1 * tilt, 0.1 * pan, list);
}

static int solve(const struct bundle *b, double *x, double *ret_sum, double *ret_cov)
{
    size_t n = N_CAMERA + 2 * b->n_px;
    struct cb_squares squares = {n, n_residuals(b), residuals, b};
    CB_AUTO_FREE double *try = calloc(n + squares.n_residuals, sizeof *try);
    if (!try)
        return -ENOMEM;
    struct start list[N_STARTS];
    find_starts(b, try, try + n, list);
    double best = INFINITY, sum;
    for (int i = 0; i < N_STARTS && isfinite(list[i].cost); i++) {
        memcpy(try, list[i].camera, sizeof list[i].camera);
        memcpy(try + N_CAMERA, b->px, b->n_px * sizeof *b->px);
        int err = cb_squares_minimise(&squares, try, &sum, NULL);
        if (err == -ENOMEM)
            return err;
        if (err < 0 || !(sum < best))
            continue;
        best = sum;
        memcpy(x, try, n * sizeof *x);
    }
    if (isinf(best))
        return -EDOM;
    *ret_sum = best;
    return ret_cov ? cb_squares_minimise(&squares, x, ret_sum, ret_cov) : 0;
}

static int shared_point(struct bundle *b, struct cb_vec2 px, size_t *ret_i)
{
    struct cb_vec2 p;
    if (cb_lens_undistort(b->lens, px, &p) < 0)
        return -EDOM;
    size_t i = 0;
    while (i < b->n_px && hypot(p.x - b->px[i].x, p.y - b->px[i].y) > SHARED_PX)
        i++;
    if (i == b->n_px)
        b->px[b->n_px++] = p;
    *ret_i = i;
    return 0;
}

static int load(struct bundle *b, struct cb_error *reterr)
{
    for (size_t i = 0; i < b->conf->n_distances; i++) {
        const struct cb_calibration_distance *d = &b->conf->distances[i];
        if (shared_point(b, (struct cb_vec2){d->x1_px, d->y1_px}, &b->end[i][0]) == 0 &&
            shared_point(b, (struct cb_vec2){d->x2_px, d->y2_px}, &b->end[i][1]) == 0)
            continue;
        char where[96];
        cb_road_name(where, sizeof where, "distances", i, d->line);
        return cb_error_set(reterr, -EINVAL, where, "px is beyond what distortion k1, k2 can show");
    }
    return 0;
}

/* What length i disagrees by, px at its ends' and tape's uncertainty: the residuals it owns. */
static double misfit_sigmas(const struct bundle *b, const double *x, size_t i)
{
    double h[9], to_m[9], r[2];
    camera_matrix(b, x, h);
    if (cb_mat3_invert(h, to_m) < 0)
        return INFINITY;
    const struct cb_vec2 *px = (const struct cb_vec2 *) (x + N_CAMERA);
    length_residuals(&b->conf->distances[i], vector_of(b, to_m, px, i), r);
    double sum = r[0] * r[0] + r[1] * r[1];
    for (int e = 0; e < 2; e++) {
        size_t k = b->end[i][e];
        sum += pow(hypot(px[k].x - b->px[k].x, px[k].y - b->px[k].y) / READING_PX, 2);
    }
    return sqrt(sum);
}

static double length_on(const struct bundle *b, const double *x, size_t i)
{
    double h[9], to_m[9];
    camera_matrix(b, x, h);
    if (cb_mat3_invert(h, to_m) < 0)
        return NAN;
    struct cb_vec2 v = vector_of(b, to_m, b->px, i);
    return hypot(v.x, v.y);
}

/* Has the lengths' number without length i still two along and one across? */
static bool may_leave_out(const struct bundle *b, size_t i)
{
    size_t n_along = 0, n = b->conf->n_distances;
    for (size_t k = 0; k < n; k++)
        n_along += b->conf->distances[k].is_along;
    return b->conf->distances[i].is_along ? n_along >= 3 : n - n_along >= 2;
}

/* The length without which the others agree best, and what they say of it; x: the fit of all. */
static double leave_one_out(struct bundle *b, const double *x, size_t *ret_i, double *ret_length_m)
{
    size_t n_params = N_CAMERA + 2 * b->n_px, n = b->conf->n_distances;
    struct cb_squares squares = {n_params, n_residuals(b), residuals, b};
    CB_AUTO_FREE double *try = calloc(n_params, sizeof *try);
    double best = INFINITY, sum;
    for (size_t i = 0; i < n && try; i++) {
        if (!may_leave_out(b, i))
            continue;
        b->i_left_out = i;
        memcpy(try, x, N_CAMERA * sizeof *try);
        memcpy(try + N_CAMERA, b->px, b->n_px * sizeof *b->px);
        if (cb_squares_minimise(&squares, try, &sum, NULL) == 0 && sum < best) {
            best = sum;
            *ret_i = i;
            *ret_length_m = length_on(b, try, i);
        }
    }
    b->i_left_out = n;
    return best;
}

static int refuse_misfit(struct bundle *b, const double *x, double sum, size_t i_worst,
                         struct cb_error *reterr)
{
    const struct cb_calibration_distance *d = b->conf->distances;
    double was = length_on(b, x, i_worst), says = 0;
    size_t i = i_worst;
    double rest = b->conf->n_distances >= 5 ? leave_one_out(b, x, &i, &says) : INFINITY;
    char where[96];
    if (rest * OUTLIER_RATIO < sum) {
        cb_road_name(where, sizeof where, "distances", i, d[i].line);
        return cb_error_set(reterr, -EINVAL, where,
                            "is %.3f m %s the road by its entry, %.3f m by the other lengths; "
                            "check px, m and along",
                            d[i].length_m, d[i].is_along ? "along" : "across", says);
    }
    cb_road_name(where, sizeof where, "distances", i_worst, d[i_worst].line);
    return cb_error_set(reterr, -EINVAL, where,
                        "is %.3f m by its entry and %.3f m on the road that fits all lengths "
                        "best, and no single length is to blame; check px, m and along",
                        d[i_worst].length_m, was);
}

static int check_fit(struct bundle *b, const double *x, double sum, struct cb_road *r,
                     struct cb_error *reterr)
{
    const struct cb_vec2 *px = (const struct cb_vec2 *) (x + N_CAMERA);
    double worst = 0, squares = 0;
    size_t i_worst = 0;
    for (size_t i = 0; i < b->conf->n_distances; i++) {
        double s = misfit_sigmas(b, x, i);
        if (!(s <= worst)) {
            worst = s;
            i_worst = i;
        }
    }
    for (size_t k = 0; k < b->n_px; k++) {
        double d = hypot(px[k].x - b->px[k].x, px[k].y - b->px[k].y);
        squares += d * d;
        r->max_px = fmax(r->max_px, d);
    }
    r->rms_px = sqrt(squares / (double) b->n_px);
    r->i_max = i_worst;
    return worst < MISFIT_SIGMAS ? 0 : refuse_misfit(b, x, sum, i_worst, reterr);
}

/* The marginal covariance of the camera, times what the residuals ask for beyond the stated
 * uncertainties, as independent directions. */
static int spread_sigmas(const struct bundle *b, const double *x, const double *cov, double sum,
                         struct cb_road *r)
{
    size_t n = N_CAMERA + 2 * b->n_px;
    double dof = 2.0 * (double) b->conf->n_distances + 4 - N_CAMERA;
    double s = dof > 0 ? sqrt(fmax(1, sum / dof)) : 1;
    double factor[N_CAMERA * N_CAMERA], moved[N_CAMERA], h[9];
    for (size_t i = 0; i < N_CAMERA; i++)
        for (size_t j = 0; j < N_CAMERA; j++)
            factor[i * N_CAMERA + j] = cov[i * n + j];
    if (cb_cholesky(factor, N_CAMERA) < 0)
        return -EDOM;
    for (size_t k = 0; k < N_CAMERA; k++) {
        for (size_t i = 0; i < N_CAMERA; i++)
            moved[i] = x[i] + s * factor[i * N_CAMERA + k];
        camera_matrix(b, moved, h);
        if (cb_mat3_invert(h, r->sigma_to_m[k]) < 0)
            return -EDOM;
    }
    r->n_sigmas = N_CAMERA;
    return 0;
}

static void cover(struct cb_road *r, const struct bundle *b)
{
    r->x_min_m = r->y_min_m = INFINITY;
    r->x_max_m = r->y_max_m = -INFINITY;
    for (size_t i = 0; i < b->n_px; i++) {
        struct cb_vec2 m;
        if (cb_road_apply(r->to_m, b->px[i], &m) < 0)
            continue;
        r->x_min_m = fmin(r->x_min_m, m.x);
        r->x_max_m = fmax(r->x_max_m, m.x);
        r->y_min_m = fmin(r->y_min_m, m.y);
        r->y_max_m = fmax(r->y_max_m, m.y);
    }
}

/* P is known outright: the column of Z is that of "down", upwards. */
static void set_pose(struct cb_road *r, const double *x)
{
    double height = exp(x[LN_H]);
    r->pose = (struct cb_pose){.f_px = exp(x[LN_F]), .position_m = {0, 0, height}};
    for (int i = 0; i < 3; i++) {
        r->pose.p[4 * i] = r->to_px[3 * i];
        r->pose.p[4 * i + 1] = r->to_px[3 * i + 1];
        r->pose.p[4 * i + 2] = -r->to_px[3 * i + 2] / height;
        r->pose.p[4 * i + 3] = r->to_px[3 * i + 2];
    }
    r->has_pose = true;
    r->height_m = height;
}

static int undetermined(struct cb_error *reterr)
{
    return cb_error_set(reterr, -EINVAL, "calibration.distances",
                        "do not determine the road; expected lengths along on both sides of the "
                        "road, and one across at least, that together fill the measuring zone");
}

static int fit(struct bundle *b, struct cb_road *r, struct cb_error *reterr)
{
    size_t n = N_CAMERA + 2 * b->n_px;
    CB_AUTO_FREE double *x = calloc(n + n * n, sizeof *x);
    if (!x)
        return -ENOMEM;
    double *cov = x + n, sum, h[9];
    int err = solve(b, x, &sum, cov);
    if (err < 0)
        return err == -ENOMEM ? err : undetermined(reterr);
    if ((err = check_fit(b, x, sum, r, reterr)) < 0)
        return err;
    camera_matrix(b, x, h);
    if (cb_road_set(r, h) < 0 || spread_sigmas(b, x, cov, sum, r) < 0)
        return undetermined(reterr);
    cover(r, b);
    set_pose(r, x);
    double u = cb_road_scale_u(r, (r->x_min_m + r->x_max_m) / 2, r->y_min_m, r->y_max_m);
    return u < SCALE_U_MAX ? 0 : undetermined(reterr);
}

int cb_road_fit_lengths(struct cb_road *r, const struct cb_calibration_conf *conf,
                        struct cb_error *reterr)
{
    int err = cb_road_check_lengths(conf, r, reterr);
    if (err < 0)
        return err;
    size_t n = conf->n_distances;
    CB_AUTO_FREE struct cb_vec2 *px = calloc(2 * n, sizeof *px);
    CB_AUTO_FREE size_t(*end)[2] = calloc(n, sizeof *end);
    if (!px || !end)
        return -ENOMEM;
    struct bundle b = {conf, &r->lens, 2 * r->lens.centre_px.x, px, 0, end, n};
    err = load(&b, reterr);
    return err < 0 ? err : fit(&b, r, reterr);
}
