#include "numeric.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_STEPS 200
#define MAX_TRIES 14 /* of a growing damping before a step is given up */

int cb_mat3_invert(const double m[9], double ret[9])
{
    double c[9] = {
        m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
        m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
        m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3],
    };
    double det = m[0] * c[0] + m[1] * c[3] + m[2] * c[6];
    if (!isfinite(det) || det == 0)
        return -EDOM;
    for (int i = 0; i < 9; i++)
        ret[i] = c[i] / det;
    return 0;
}

void cb_mat3_multiply(const double a[9], const double b[9], double ret[9])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            ret[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
}

int cb_cholesky(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        double d = a[j * n + j];
        for (size_t k = 0; k < j; k++)
            d -= a[j * n + k] * a[j * n + k];
        /* relative to the diagonal: what rounding leaves of a dependent column is not a pivot */
        if (!(d > 1e-14 * a[j * n + j]) || !isfinite(d))
            return -EDOM;
        d = a[j * n + j] = sqrt(d);
        for (size_t i = j + 1; i < n; i++) {
            double s = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                s -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = s / d;
            a[j * n + i] = 0;
        }
    }
    return 0;
}

void cb_cholesky_solve(const double *l, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= l[i * n + k] * b[k];
        b[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= l[k * n + i] * b[k];
        b[i] /= l[i * n + i];
    }
}

/* The state of one minimisation, in one block of memory. */
struct work {
    double *r, *r_try, *jacobian, *normal, *factor, *gradient, *x_try, *step;
};

static double *work_init(struct work *w, size_t n, size_t m)
{
    double *block = calloc(3 * m + m * n + 2 * n * n + 4 * n, sizeof *block);
    if (!block)
        return NULL;
    double *p = block;
    w->r = p;
    w->r_try = p += m;
    w->jacobian = p += 2 * m; /* m spare numbers before it serve the differences */
    w->normal = p += m * n;
    w->factor = p += n * n;
    w->gradient = p += n * n;
    w->x_try = p += n;
    w->step = p + n;
    return block;
}

static double sum_of_squares(const struct cb_squares *p, const double *x, double *r)
{
    p->residuals(p->self, x, r);
    double sum = 0;
    for (size_t i = 0; i < p->n_residuals; i++)
        sum += r[i] * r[i];
    return isfinite(sum) ? sum : INFINITY;
}

static void differentiate(const struct cb_squares *p, const double *x, struct work *w)
{
    size_t n = p->n_params, m = p->n_residuals;
    double *minus = w->r_try, *plus = w->r_try + m;
    memcpy(w->x_try, x, n * sizeof *x);
    for (size_t j = 0; j < n; j++) {
        double h = 1e-6 * fmax(1, fabs(x[j]));
        w->x_try[j] = x[j] + h;
        p->residuals(p->self, w->x_try, plus);
        w->x_try[j] = x[j] - h;
        p->residuals(p->self, w->x_try, minus);
        w->x_try[j] = x[j];
        for (size_t i = 0; i < m; i++)
            w->jacobian[i * n + j] = (plus[i] - minus[i]) / (2 * h);
    }
}

static void make_normal(const struct cb_squares *p, struct work *w)
{
    size_t n = p->n_params, m = p->n_residuals;
    memset(w->normal, 0, n * n * sizeof *w->normal);
    memset(w->gradient, 0, n * sizeof *w->gradient);
    for (size_t i = 0; i < m; i++) {
        const double *row = w->jacobian + i * n;
        for (size_t j = 0; j < n; j++) {
            w->gradient[j] -= row[j] * w->r[i];
            for (size_t k = 0; k <= j; k++)
                w->normal[j * n + k] += row[j] * row[k];
        }
    }
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < j; k++)
            w->normal[k * n + j] = w->normal[j * n + k];
}

/* One accepted step, or none: then *sum stays. */
static void improve(const struct cb_squares *p, double *x, struct work *w, double *damping,
                    double *sum)
{
    size_t n = p->n_params;
    for (int i = 0; i < MAX_TRIES; i++, *damping *= 6) {
        memcpy(w->factor, w->normal, n * n * sizeof *w->factor);
        for (size_t j = 0; j < n; j++)
            w->factor[j * n + j] += *damping * w->normal[j * n + j] + 1e-300;
        if (cb_cholesky(w->factor, n) < 0)
            continue;
        memcpy(w->step, w->gradient, n * sizeof *w->step);
        cb_cholesky_solve(w->factor, n, w->step);
        for (size_t j = 0; j < n; j++)
            w->x_try[j] = x[j] + w->step[j];
        double s = sum_of_squares(p, w->x_try, w->r_try);
        if (!(s < *sum))
            continue;
        *sum = s;
        memcpy(x, w->x_try, n * sizeof *x);
        memcpy(w->r, w->r_try, p->n_residuals * sizeof *w->r);
        *damping = fmax(*damping / 8, 1e-12);
        return;
    }
}

static int covariance(size_t n, struct work *w, double *ret_cov)
{
    if (cb_cholesky(w->normal, n) < 0)
        return -EDOM;
    for (size_t j = 0; j < n; j++) {
        memset(w->step, 0, n * sizeof *w->step);
        w->step[j] = 1;
        cb_cholesky_solve(w->normal, n, w->step);
        for (size_t i = 0; i < n; i++)
            ret_cov[i * n + j] = w->step[i];
    }
    return 0;
}

int cb_squares_minimise(const struct cb_squares *p, double *x, double *ret_sum, double *ret_cov)
{
    struct work w;
    CB_AUTO_FREE double *block = work_init(&w, p->n_params, p->n_residuals);
    if (!block)
        return -ENOMEM;
    double sum = sum_of_squares(p, x, w.r), damping = 1e-3;
    if (!isfinite(sum))
        return -EDOM;
    for (int i = 0; i < MAX_STEPS; i++) {
        double before = sum;
        differentiate(p, x, &w);
        make_normal(p, &w);
        improve(p, x, &w, &damping, &sum);
        if (!(before - sum > 1e-12 * sum + 1e-24))
            break;
    }
    if (ret_cov) {
        differentiate(p, x, &w);
        make_normal(p, &w);
        if (covariance(p->n_params, &w, ret_cov) < 0)
            return -EDOM;
    }
    *ret_sum = sum;
    return 0;
}

static double basis_at(double x, const double mean[2], int order)
{
    double u = x - mean[0];
    return order == 0 ? 1 : order == 1 ? u : u * u - mean[1];
}

void cb_take_trend(const double *x, double *y, size_t n)
{
    double m[9] = {0}, inverse[9], v[3] = {0}, mean[2] = {0};
    for (size_t i = 0; i < n; i++)
        mean[0] += x[i] / (double) n;
    for (size_t i = 0; i < n; i++)
        mean[1] += (x[i] - mean[0]) * (x[i] - mean[0]) / (double) n;
    for (size_t i = 0; i < n; i++)
        for (int a = 0; a < 3; a++) {
            v[a] += basis_at(x[i], mean, a) * y[i];
            for (int b = 0; b < 3; b++)
                m[3 * a + b] += basis_at(x[i], mean, a) * basis_at(x[i], mean, b);
        }
    if (cb_mat3_invert(m, inverse) < 0) { /* too few to have a trend */
        for (size_t i = 0; i < n; i++)
            y[i] = 0;
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                y[i] -= basis_at(x[i], mean, a) * inverse[3 * a + b] * v[b];
}

int cb_by_value(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

double cb_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, cb_by_value);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}
