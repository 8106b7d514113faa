#include "motion.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "numeric.h"

#define TERMS_MAX           7
#define PARAMS_MAX          (2 * TERMS_MAX)
#define N_STARTS            12 /* places in the track between which starts are drawn */
#define N_ROUNDS            25
#define TUKEY               5.0 /* of the noise: beyond it a point has no say */
#define ACCELERATION_U_MPS2 1.5 /* what road users do between two looks, standard */
#define JERK_U_MPS3         0.1 /* … and how much of it changes meanwhile */
#define LATERAL_U_MPS2      0.7
#define RAYLEIGH_MEDIAN     1.1774 /* of the length of a two-dimensional unit error */
#define NOISE_MIN           1e-4
#define REACH_NOISE         0.3 /* of what the points say of themselves: so near to the motion none is left
                                   out, however well most of them follow it; more of a few, whose
                                   noise is hardly known: … */
#define REACH_FEW           5.0 /* … this by their number */

/* Legendre polynomials in time over the followers' stretch: coefficients of X, then of Y. */
struct fit {
    size_t n_terms;
    double t_middle_s, t_half_s;
    double c[PARAMS_MAX];
    double factor[PARAMS_MAX * PARAMS_MAX]; /* Cholesky factor of the normal matrix */
    double noise;
};

static void legendre(double tau, size_t n, double *ret)
{
    ret[0] = 1;
    ret[1] = tau;
    for (size_t k = 1; k + 1 < n; k++)
        ret[k + 1] =
            ((2.0 * (double) k + 1) * tau * ret[k] - (double) k * ret[k - 1]) / ((double) k + 1);
}

static double tau_of(const struct fit *f, double t_s)
{
    return (t_s - f->t_middle_s) / f->t_half_s;
}

static void error_of(const struct fit *f, const struct cb_motion_point *p, double *ret_x,
                     double *ret_y)
{
    double b[TERMS_MAX];
    legendre(tau_of(f, p->t_s), f->n_terms, b);
    *ret_x = p->x_m;
    *ret_y = p->y_m;
    for (size_t k = 0; k < f->n_terms; k++) {
        *ret_x -= f->c[k] * b[k];
        *ret_y -= f->c[f->n_terms + k] * b[k];
    }
}

static double length_of(const struct cb_motion_point *p, double ex, double ey)
{
    return sqrt(fmax(0, p->w_xx * ex * ex + 2 * p->w_xy * ex * ey + p->w_yy * ey * ey));
}

static double miss_of(const struct fit *f, const struct cb_motion_point *p)
{
    double ex, ey;
    error_of(f, p, &ex, &ey);
    return length_of(p, ex, ey);
}

/* Speed, acceleration and an S for a change of lanes; longer looks need more freedom: a car that
 * follows another. */
static size_t terms_for(double seconds, double n)
{
    size_t terms = 4;
    if (seconds > 5)
        terms += (size_t) fmin(TERMS_MAX - 4, (seconds - 5) / 2.5 + 1);
    while (terms > 2 && n < 3.0 * (double) terms)
        terms--;
    return terms;
}

static void stretch(const struct cb_motion_point *p, size_t n, struct fit *f)
{
    size_t first = 0, last = n - 1, count = 0;
    for (size_t i = 0; i < n; i++)
        count += p[i].weight > 0;
    while (first < last && !(p[first].weight > 0))
        first++;
    while (last > first && !(p[last].weight > 0))
        last--;
    f->t_middle_s = (p[first].t_s + p[last].t_s) / 2;
    f->t_half_s = fmax((p[last].t_s - p[first].t_s) / 2, 1e-6);
    f->n_terms = terms_for(2 * f->t_half_s, (double) count);
}

static void add_row(double *normal, double *right, size_t n_terms, const double *b,
                    const struct cb_motion_point *p)
{
    size_t n = 2 * n_terms;
    double w = p->weight, gx = w * (p->w_xx * p->x_m + p->w_xy * p->y_m),
           gy = w * (p->w_xy * p->x_m + p->w_yy * p->y_m);
    for (size_t j = 0; j < n_terms; j++) {
        right[j] += b[j] * gx;
        right[n_terms + j] += b[j] * gy;
        for (size_t k = 0; k < n_terms; k++) {
            double bb = w * b[j] * b[k];
            normal[j * n + k] += bb * p->w_xx;
            normal[j * n + n_terms + k] += bb * p->w_xy;
            normal[(n_terms + j) * n + k] += bb * p->w_xy;
            normal[(n_terms + j) * n + n_terms + k] += bb * p->w_yy;
        }
    }
}

/* Weighted least squares, the curvature held by what accelerations are usual. The noise turns the
 * prior into the points' units. */
static int solve(const struct cb_motion_point *p, size_t n, struct fit *f)
{
    size_t m = 2 * f->n_terms;
    double right[PARAMS_MAX] = {0}, b[TERMS_MAX];
    memset(f->factor, 0, sizeof f->factor);
    for (size_t i = 0; i < n; i++)
        if (p[i].weight > 0) {
            legendre(tau_of(f, p[i].t_s), f->n_terms, b);
            add_row(f->factor, right, f->n_terms, b, &p[i]);
        }
    /* c Pk(τ) has the acceleration c Pk''(1) / t_half² at its end; Pk''(1) = (k−1)k(k+1)(k+2)/8 */
    for (size_t k = 2; k < f->n_terms; k++) {
        double c_u = f->t_half_s * f->t_half_s * 8 / (double) ((k - 1) * k * (k + 1) * (k + 2));
        size_t ix = k * m + k, iy = (f->n_terms + k) * m + f->n_terms + k;
        f->factor[ix] += pow(f->noise / (LATERAL_U_MPS2 * c_u), 2);
        double change = fmin(2 * f->t_half_s * JERK_U_MPS3, ACCELERATION_U_MPS2);
        f->factor[iy] += pow(f->noise / ((k == 2 ? ACCELERATION_U_MPS2 : change) * c_u), 2);
    }
    if (cb_cholesky(f->factor, m) < 0)
        return -EDOM;
    cb_cholesky_solve(f->factor, m, right);
    memcpy(f->c, right, m * sizeof *right);
    return 0;
}

static double median_miss(const struct cb_motion_point *p, size_t n, const struct fit *f,
                          double *scratch, size_t step, bool followers_only)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i += step)
        if (!followers_only || p[i].weight > 0)
            scratch[m++] = miss_of(f, &p[i]);
    return m ? cb_median(scratch, m) : INFINITY;
}

/* The steady motion between two of the points that the median point misses least. */
static double find_start(const struct cb_motion_point *p, size_t n, double *scratch,
                         struct fit *ret)
{
    size_t places = n < N_STARTS ? n : N_STARTS, step = n / 120 + 1;
    double best = INFINITY;
    for (size_t i = 0; i < places; i++)
        for (size_t j = i + 1; j < places; j++) {
            const struct cb_motion_point *a = &p[i * (n - 1) / (places - 1)],
                                         *b = &p[j * (n - 1) / (places - 1)];
            struct fit f = {.n_terms = 2,
                            .t_middle_s = (a->t_s + b->t_s) / 2,
                            .t_half_s = (b->t_s - a->t_s) / 2};
            f.c[0] = (a->x_m + b->x_m) / 2;
            f.c[1] = (b->x_m - a->x_m) / 2;
            f.c[2] = (a->y_m + b->y_m) / 2;
            f.c[3] = (b->y_m - a->y_m) / 2;
            double m = median_miss(p, n, &f, scratch, step, false);
            if (m < best) {
                best = m;
                *ret = f;
            }
        }
    return best;
}

static void weigh(struct cb_motion_point *p, size_t n, const struct fit *f, double reach)
{
    for (size_t i = 0; i < n; i++) {
        double u = miss_of(f, &p[i]) / reach;
        p[i].weight = u < 1 ? (1 - u * u) * (1 - u * u) : 0;
    }
}

/* A steady start misses a car that brakes; over long looks it says nothing at all. */
static double first_reach(const struct cb_motion_point *p, size_t n, double miss)
{
    double seconds = p[n - 1].t_s - p[0].t_s, w = 0;
    for (size_t i = 0; i < n; i++)
        w += sqrt(fmax(p[i].w_xx, p[i].w_yy)) / (double) n;
    double bend = ACCELERATION_U_MPS2 * seconds * seconds / 8;
    return TUKEY * fmax(miss / RAYLEIGH_MEDIAN, NOISE_MIN) + 0.5 * bend * w;
}

static int refine(struct cb_motion_point *p, size_t n, double *scratch, struct fit *f)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        stretch(p, n, f);
        int err = solve(p, n, f);
        if (err < 0)
            return err;
        size_t count = 0;
        for (size_t k = 0; k < n; k++)
            count += p[k].weight > 0;
        if (count < 4)
            return -ENODATA;
        double spare = 2.0 * (double) count / fmax(1, 2.0 * (double) (count - f->n_terms));
        f->noise =
            fmax(NOISE_MIN, median_miss(p, n, f, scratch, 1, true) / RAYLEIGH_MEDIAN * sqrt(spare));
        if (i + 1 < N_ROUNDS)
            weigh(p, n, f, TUKEY * fmax(f->noise, fmax(REACH_NOISE, REACH_FEW / (double) n)));
    }
    return 0;
}

/* Correlation of neighbouring followers' errors, so that a point that lingers off the truth for
 * ten frames counts as one. A little is added for what the fit itself takes out. */
static double correlation(const struct cb_motion_point *p, size_t n, const struct fit *f)
{
    double between = 0, within = 0, x0 = 0, y0 = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        double ex, ey;
        if (!(p[i].weight > 0))
            continue;
        error_of(f, &p[i], &ex, &ey);
        double sx = sqrt(p[i].w_xx), sy = sqrt(p[i].w_yy);
        within += ex * ex * sx * sx + ey * ey * sy * sy;
        if (count++ > 0)
            between += ex * sx * x0 + ey * sy * y0;
        x0 = ex * sx;
        y0 = ey * sy;
    }
    double rho = within > 0 ? between / within + (double) f->n_terms / count : 0;
    return fmin(fmax(rho, 0), 0.97);
}

/* Standard uncertainty of the displacement's length: the odd terms carry it, P(1) − P(−1) = 2. */
static double displacement_u(const struct fit *f, double dx, double dy)
{
    double g[PARAMS_MAX] = {0}, length = hypot(dx, dy), u2 = 0;
    size_t m = 2 * f->n_terms;
    for (size_t k = 1; k < f->n_terms; k += 2) {
        g[k] = 2 * dx / length;
        g[f->n_terms + k] = 2 * dy / length;
    }
    double solved[PARAMS_MAX];
    memcpy(solved, g, sizeof g);
    cb_cholesky_solve(f->factor, m, solved);
    for (size_t k = 0; k < m; k++)
        u2 += g[k] * solved[k];
    return f->noise * sqrt(u2);
}

static void report(const struct cb_motion_point *p, size_t n, const struct fit *f,
                   struct cb_motion *ret)
{
    struct cb_motion m = {.t0_s = f->t_middle_s - f->t_half_s,
                          .t1_s = f->t_middle_s + f->t_half_s,
                          .noise = f->noise};
    double sign = 1;
    for (size_t k = 0; k < f->n_terms; k++, sign = -sign) {
        m.x0_m += sign * f->c[k];
        m.y0_m += sign * f->c[f->n_terms + k];
        m.dx_m += sign < 0 ? 2 * f->c[k] : 0;
        m.dy_m += sign < 0 ? 2 * f->c[f->n_terms + k] : 0;
    }
    double weight = 0;
    for (size_t i = 0; i < n; i++) {
        m.n_followers += p[i].weight > 0;
        weight += p[i].weight;
    }
    double seconds = m.t1_s - m.t0_s, rho = correlation(p, n, f);
    double spread = (1 + rho) / (1 - rho);
    m.speed_mps = hypot(m.dx_m, m.dy_m) / seconds;
    m.u_speed_mps = displacement_u(f, m.dx_m, m.dy_m) / seconds * sqrt(spread);
    m.dof = fmax(1, 2 * (weight / spread - (double) f->n_terms));
    *ret = m;
}

int cb_motion_fit(struct cb_motion_point *p, size_t n, struct cb_motion *ret)
{
    if (n < 4)
        return -ENODATA;
    CB_AUTO_FREE double *scratch = calloc(n, sizeof *scratch);
    if (!scratch)
        return -ENOMEM;
    struct fit f = {0};
    double miss = find_start(p, n, scratch, &f);
    if (!isfinite(miss))
        return -EDOM;
    weigh(p, n, &f, first_reach(p, n, miss));
    f.noise = fmax(NOISE_MIN, miss / RAYLEIGH_MEDIAN);
    int err = refine(p, n, scratch, &f);
    if (err < 0)
        return err;
    report(p, n, &f, ret);
    return isfinite(ret->speed_mps) && isfinite(ret->u_speed_mps) ? 0 : -EDOM;
}
