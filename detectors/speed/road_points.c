#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "numeric.h"
#include "road.h"

/* A point is read off a still to about this; it carries the uncertainty when few points leave no
 * residuals to judge by, with the weight of N_PRIOR of them. */
#define READING_SIGMA_PX 0.7
#define N_PRIOR          4.0
/* Residuals beyond these are no reading errors: px, and a share of the points' extent. */
#define MISFIT_PX     4.0
#define MISFIT_SHARE  0.012
#define OUTLIER_RATIO 4.0

/* Pairs in coordinates of mean 0 and mean distance √2, where the arithmetic is at its best. */
struct pairs {
    size_t n, i_left_out; /* i_left_out ≥ n: none */
    struct cb_vec2 *px, *m;
    double px_back[9], m_norm[9]; /* normalised → px, m → normalised */
    double px_scale;              /* px a unit */
};

static void similarity(const struct cb_vec2 *p, size_t n, struct cb_vec2 *ret_centre,
                       double *ret_scale)
{
    struct cb_vec2 c = {0};
    double d = 0;
    for (size_t i = 0; i < n; i++) {
        c.x += p[i].x / (double) n;
        c.y += p[i].y / (double) n;
    }
    for (size_t i = 0; i < n; i++)
        d += hypot(p[i].x - c.x, p[i].y - c.y) / (double) n;
    *ret_centre = c;
    *ret_scale = d / sqrt(2);
}

static void normalise(struct pairs *p)
{
    struct cb_vec2 c;
    double s;
    similarity(p->px, p->n, &c, &s);
    memcpy(p->px_back, (double[9]){s, 0, c.x, 0, s, c.y, 0, 0, 1}, sizeof p->px_back);
    p->px_scale = s;
    for (size_t i = 0; i < p->n; i++)
        p->px[i] = (struct cb_vec2){(p->px[i].x - c.x) / s, (p->px[i].y - c.y) / s};
    similarity(p->m, p->n, &c, &s);
    memcpy(p->m_norm, (double[9]){1 / s, 0, -c.x / s, 0, 1 / s, -c.y / s, 0, 0, 1},
           sizeof p->m_norm);
    for (size_t i = 0; i < p->n; i++)
        p->m[i] = (struct cb_vec2){(p->m[i].x - c.x) / s, (p->m[i].y - c.y) / s};
}

static double depth(const double x[8], struct cb_vec2 m)
{
    return x[6] * m.x + x[7] * m.y + 1;
}

/* Pixels, so that the sum of squares is one of px². */
static void reprojection(const void *self, const double *x, double *ret)
{
    const struct pairs *p = self;
    for (size_t i = 0; i < p->n; i++) {
        double w = depth(x, p->m[i]), k = i == p->i_left_out ? 0 : p->px_scale;
        double u = (x[0] * p->m[i].x + x[1] * p->m[i].y + x[2]) / w;
        double v = (x[3] * p->m[i].x + x[4] * p->m[i].y + x[5]) / w;
        ret[2 * i] = k ? k * (u - p->px[i].x) : 0;
        ret[2 * i + 1] = k ? k * (v - p->px[i].y) : 0;
    }
}

/* Direct linear transformation with h33 = 1: the points' middle is in front of the camera. */
static int linear_start(const struct pairs *p, double ret_x[8])
{
    double normal[64] = {0}, x[8] = {0};
    for (size_t i = 0; i < p->n; i++) {
        if (i == p->i_left_out)
            continue;
        struct cb_vec2 m = p->m[i], q = p->px[i];
        double row[2][9] = {{m.x, m.y, 1, 0, 0, 0, -q.x * m.x, -q.x * m.y, q.x},
                            {0, 0, 0, m.x, m.y, 1, -q.y * m.x, -q.y * m.y, q.y}};
        for (int e = 0; e < 2; e++)
            for (int j = 0; j < 8; j++) {
                x[j] += row[e][j] * row[e][8];
                for (int k = 0; k < 8; k++)
                    normal[8 * j + k] += row[e][j] * row[e][k];
            }
    }
    if (cb_cholesky(normal, 8) < 0)
        return -EDOM;
    cb_cholesky_solve(normal, 8, x);
    memcpy(ret_x, x, sizeof x);
    return 0;
}

static int solve(const struct pairs *p, double ret_x[8], double *ret_sum, double *ret_cov)
{
    struct cb_squares squares = {8, 2 * p->n, reprojection, p};
    double x[8];
    int err = linear_start(p, x);
    if (err == 0)
        err = cb_squares_minimise(&squares, x, ret_sum, ret_cov);
    if (err == 0)
        memcpy(ret_x, x, sizeof x);
    return err;
}

/* In pixels and metres again. */
static int denormalise(const struct pairs *p, const double x[8], double ret_h[9])
{
    double h[9], half[9];
    memcpy(h, x, 8 * sizeof *h);
    h[8] = 1;
    cb_mat3_multiply(p->px_back, h, half);
    cb_mat3_multiply(half, p->m_norm, ret_h);
    double inverse[9];
    return cb_mat3_invert(ret_h, inverse);
}

static double misfit(const struct pairs *p, const double *x, size_t i)
{
    double w = depth(x, p->m[i]);
    double u = (x[0] * p->m[i].x + x[1] * p->m[i].y + x[2]) / w;
    double v = (x[3] * p->m[i].x + x[4] * p->m[i].y + x[5]) / w;
    return w > 0 ? p->px_scale * hypot(u - p->px[i].x, v - p->px[i].y) : INFINITY;
}

/* The point without which the others agree best; *ret_off_px: how far it is off what they say. */
static double leave_one_out(struct pairs *p, size_t *ret_i, double *ret_off_px)
{
    double best = INFINITY;
    for (size_t i = 0; i < p->n; i++) {
        double x[8], sum;
        p->i_left_out = i;
        if (solve(p, x, &sum, NULL) == 0 && sum < best) {
            best = sum;
            *ret_i = i;
            *ret_off_px = misfit(p, x, i);
        }
    }
    p->i_left_out = p->n;
    return best;
}

static int refuse_misfit(struct pairs *p, const struct cb_calibration_conf *conf, double sum,
                         double largest, size_t i_largest, struct cb_error *reterr)
{
    char where[96];
    size_t i = i_largest;
    double off = largest, rest = INFINITY;
    if (p->n >= 6) /* five points without one always agree */
        rest = leave_one_out(p, &i, &off);
    if (rest * OUTLIER_RATIO * OUTLIER_RATIO < sum) {
        cb_road_name(where, sizeof where, "points", i, conf->points[i].line);
        return cb_error_set(reterr, -EINVAL, where,
                            "is %.1f px from where the other points put it; check its px: "
                            "[%g, %g] and m: [%g, %g]",
                            off, conf->points[i].x_px, conf->points[i].y_px, conf->points[i].x_m,
                            conf->points[i].y_m);
    }
    cb_road_name(where, sizeof where, "points", i_largest, conf->points[i_largest].line);
    return cb_error_set(reterr, -EINVAL, where,
                        "is %.1f px off the plane that fits all points best, and no single point "
                        "is to blame; expected at most a few px",
                        largest);
}

static int check_fit(struct pairs *p, const struct cb_calibration_conf *conf, const double *x,
                     double sum, struct cb_road *r, struct cb_error *reterr)
{
    double largest = 0, limit = fmax(MISFIT_PX, MISFIT_SHARE * 2 * p->px_scale);
    size_t i_largest = 0;
    for (size_t i = 0; i < p->n; i++) {
        double d = misfit(p, x, i);
        if (d > largest) {
            largest = d;
            i_largest = i;
        }
    }
    r->rms_px = sqrt(sum / (double) p->n);
    r->max_px = largest;
    r->i_max = i_largest;
    if (isinf(largest) && p->n < 6) {
        char where[96];
        cb_road_name(where, sizeof where, "points", i_largest, conf->points[i_largest].line);
        return cb_error_set(reterr, -EINVAL, where,
                            "would lie behind the camera; are two points exchanged?");
    }
    return largest > limit ? refuse_misfit(p, conf, sum, largest, i_largest, reterr) : 0;
}

/* Columns of the covariance's Cholesky factor are independent directions. */
static int spread_sigmas(const struct pairs *p, const double *x, double *cov, double sum,
                         struct cb_road *r)
{
    double dof = 2.0 * (double) p->n - 8;
    double s2 = (sum + N_PRIOR * READING_SIGMA_PX * READING_SIGMA_PX) / (dof + N_PRIOR);
    if (cb_cholesky(cov, 8) < 0)
        return -EDOM;
    for (int k = 0; k < 8; k++) {
        double moved[8], h[9];
        for (int i = 0; i < 8; i++)
            moved[i] = x[i] + sqrt(s2) * cov[8 * i + k];
        if (denormalise(p, moved, h) < 0 || cb_mat3_invert(h, r->sigma_to_m[k]) < 0)
            return -EDOM;
    }
    r->n_sigmas = 8;
    return 0;
}

static void cover(struct cb_road *r, const struct cb_calibration_conf *conf)
{
    r->x_min_m = r->y_min_m = INFINITY;
    r->x_max_m = r->y_max_m = -INFINITY;
    for (size_t i = 0; i < conf->n_points; i++) {
        r->x_min_m = fmin(r->x_min_m, conf->points[i].x_m);
        r->x_max_m = fmax(r->x_max_m, conf->points[i].x_m);
        r->y_min_m = fmin(r->y_min_m, conf->points[i].y_m);
        r->y_max_m = fmax(r->y_max_m, conf->points[i].y_m);
    }
}

static int load(struct pairs *p, const struct cb_calibration_conf *conf, const struct cb_lens *lens,
                struct cb_error *reterr)
{
    for (size_t i = 0; i < p->n; i++) {
        struct cb_vec2 px = {conf->points[i].x_px, conf->points[i].y_px};
        p->m[i] = (struct cb_vec2){conf->points[i].x_m, conf->points[i].y_m};
        if (cb_lens_undistort(lens, px, &p->px[i]) == 0)
            continue;
        char where[96];
        cb_road_name(where, sizeof where, "points", i, conf->points[i].line);
        return cb_error_set(reterr, -EINVAL, where,
                            "px: [%g, %g] is beyond what distortion k1, k2 can show", px.x, px.y);
    }
    normalise(p);
    return 0;
}

int cb_road_fit_points(struct cb_road *r, const struct cb_calibration_conf *conf,
                       struct cb_error *reterr)
{
    int err = cb_road_check_points(conf, r, reterr);
    if (err < 0)
        return err;
    size_t n = conf->n_points;
    CB_AUTO_FREE struct cb_vec2 *memory = calloc(2 * n, sizeof *memory);
    if (!memory)
        return -ENOMEM;
    struct pairs p = {.n = n, .i_left_out = n, .px = memory, .m = memory + n};
    double x[8], cov[64], h[9], sum;
    if ((err = load(&p, conf, &r->lens, reterr)) < 0)
        return err;
    if ((err = solve(&p, x, &sum, cov)) == -ENOMEM)
        return err;
    if (err == 0 && (err = check_fit(&p, conf, x, sum, r, reterr)) < 0)
        return err;
    if (err < 0 || denormalise(&p, x, h) < 0 || cb_road_set(r, h) < 0 ||
        spread_sigmas(&p, x, cov, sum, r) < 0)
        return cb_error_set(reterr, -EINVAL, "calibration.points",
                            "do not determine the road; expected four or more well apart, of "
                            "which no three are on a line");
    cover(r, conf);
    bool found = cb_road_find_pose(r->to_px, &r->lens, &r->pose) == 0;
    r->has_pose = found && r->is_size_known;
    r->height_m = found ? r->pose.position_m[2] : NAN;
    return 0;
}
