#ifndef DETECTORS_SPEED_LENS_H
#define DETECTORS_SPEED_LENS_H

#include "detectors/calibration.h"

/**
 * Radial distortion about the picture's centre, Brown-Conrady: the distance from the centre in
 * the picture is r · (1 + k1 r² + k2 r⁴), r that of the undistorted point; both in half diagonals.
 */
struct cb_lens {
    struct cb_vec2 centre_px;
    double half_diagonal_px, k1, k2;
};

/** @return 0; -EINVAL when the distortion folds the picture over itself */
int cb_lens_init(struct cb_lens *l, int width, int height, double k1, double k2);
/** Picture → pinhole. @return 0; -EDOM beyond what the lens can show */
int cb_lens_undistort(const struct cb_lens *l, struct cb_vec2 px, struct cb_vec2 *ret);
/** Pinhole → picture. @return 0; -EDOM beyond what the lens can show */
int cb_lens_distort(const struct cb_lens *l, struct cb_vec2 px, struct cb_vec2 *ret);

#endif
