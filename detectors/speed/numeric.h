#ifndef DETECTORS_SPEED_NUMERIC_H
#define DETECTORS_SPEED_NUMERIC_H

#include <stddef.h>

/* Small dense algebra in double precision, row-major. Pure. */

/** Inverse of a 3×3. @return 0; -EDOM when singular or not finite */
int cb_mat3_invert(const double m[9], double ret[9]);
/** ret = a · b; ret may be neither. */
void cb_mat3_multiply(const double a[9], const double b[9], double ret[9]);
/** Lower Cholesky factor in place, the upper triangle zeroed. @return 0; -EDOM: not positive */
int cb_cholesky(double *a, size_t n);
/** Solves L Lᵀ x = b in place, with L from cb_cholesky. */
void cb_cholesky_solve(const double *l, size_t n, double *b);

/** A sum of squares of residuals, each already divided by its standard uncertainty. */
struct cb_squares {
    size_t n_params, n_residuals;
    /* ret: n_residuals numbers; one that is not finite rejects x */
    void (*residuals)(const void *self, const double *x, double *ret);
    const void *self;
};

/**
 * Levenberg-Marquardt with central differences.
 * @param x        start, then the minimum
 * @param ret_cov  n_params², covariance of x for unit residuals; NULL: not wanted
 * @return 0; -EDOM: no finite start, or the residuals do not determine x; -ENOMEM
 */
int cb_squares_minimise(const struct cb_squares *p, double *x, double *ret_sum, double *ret_cov);

/** Takes mean, slope and bend over x out of y, by least squares; n of each. */
void cb_take_trend(const double *x, double *y, size_t n);

/** The order of two doubles, for qsort. */
int cb_by_value(const void *a, const void *b);
/** Median of n > 0 numbers; reorders x. */
double cb_median(double *x, size_t n);

#endif
