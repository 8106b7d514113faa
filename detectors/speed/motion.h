#ifndef DETECTORS_SPEED_MOTION_H
#define DETECTORS_SPEED_MOTION_H

#include <stdbool.h>
#include <stddef.h>

/** A place on the road at a time. Weight matrix: the inverse of the place's covariance, 1/m². */
struct cb_motion_point {
    double t_s, x_m, y_m;
    double w_xx, w_xy, w_yy;
    double weight; /* out: 0 outlier … 1 */
};

/** One smooth motion through most of the points. */
struct cb_motion {
    double t0_s, t1_s;  /* first and last point that follow it */
    double x0_m, y0_m;  /* where it is then */
    double dx_m, dy_m;  /* displacement from t0 to t1 */
    double speed_mps;   /* |displacement| / (t1 − t0) */
    double u_speed_mps; /* random part: localisation, with its autocorrelation */
    double dof;         /* of u_speed: independent points less parameters */
    double noise;       /* the points' noise in units of their stated covariance */
    size_t n_followers; /* points with weight > 0 */
};

/**
 * Iteratively reweighted least squares (Tukey) of polynomials in time, from a start that up to
 * half of the points may contradict. Acceleration is a parameter, held to what vehicles do.
 * @param p n points, t_s strictly growing; weight is set
 * @return 0; -ENODATA fewer than 4 followers; -EDOM; -ENOMEM
 */
int cb_motion_fit(struct cb_motion_point *p, size_t n, struct cb_motion *ret);

#endif
