#ifndef DETECTORS_CALIBRATION_H
#define DETECTORS_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct cb_calibration_conf;

struct cb_vec2 {
    double x, y;
};

/** The camera as a pinhole over the road plane, when the calibration determines it. */
struct cb_pose {
    double f_px;          /* focal length; square pixels, principal point at the picture's centre */
    double position_m[3]; /* X, Y on the road plane's axes, Z above it */
    double p[12];         /* 3×4 projection: homogeneous (X, Y, Z, 1) m → undistorted px, row-major */
};

/** The map between picture and road plane. Immutable, shared freely between threads. */
struct cb_road;

/**
 * @param width, height the picture that the pixels of conf refer to
 * @return 0; -EINVAL: reterr names the point or length and what was expected (fewer than 4 points,
 *         all on a line, residual too large, lengths only along …)
 */
int cb_road_create(struct cb_road **ret, const struct cb_calibration_conf *conf, int width,
                   int height, struct cb_error *reterr);
void cb_road_destroy(struct cb_road **r);

/** Where a pixel lies on the road. @return 0; -EDOM at or above the horizon */
int cb_road_from_px(const struct cb_road *r, struct cb_vec2 px, struct cb_vec2 *ret_m);
/** @return 0; -EDOM behind the camera */
int cb_road_to_px(const struct cb_road *r, struct cb_vec2 m, struct cb_vec2 *ret_px);
/** Metres of road a pixel covers there: d(X, Y) / d(x, y), row-major 2×2. */
int cb_road_jacobian(const struct cb_road *r, struct cb_vec2 px, double ret_m_per_px[4]);
/** NULL when the calibration does not determine one. */
const struct cb_pose *cb_road_pose(const struct cb_road *r);
/** Projects a point at height z_m above the road. @return 0; -ENOTSUP without a pose; -EDOM */
int cb_road_to_px_3d(const struct cb_road *r, double x_m, double y_m, double z_m,
                     struct cb_vec2 *ret_px);
/**
 * Root mean square and largest of the marks' residuals, px, and the index of the point or length
 * that fits worst; for reports.
 */
void cb_road_residuals(const struct cb_road *r, double *ret_rms_px, double *ret_max_px,
                       size_t *ret_i_max);
/**
 * Relative standard uncertainty of a distance along the road between two Y, from the calibration
 * alone: what no averaging over a track takes away.
 */
double cb_road_scale_u(const struct cb_road *r, double x_m, double y0_m, double y1_m);
/**
 * What to expect of a vehicle at v_mps that is followed along x_m from y0 to y1, by the same code
 * that measures: half-width of the 95 % interval, for points found to a pixel, fps pictures a
 * second. @return 0; -EDOM: nothing can be measured there; -ENOMEM
 */
int cb_road_expect_u95(const struct cb_road *r, double x_m, double y0_m, double y1_m, double v_mps,
                       double fps, double *ret_u95_mps);

/** Points, in order, that the picture shows of one straight line. */
struct cb_line_px {
    const struct cb_vec2 *px;
    size_t n;
};

/**
 * k1 of the lens (k2 0; as in calibration.distortion) that makes straight lines straight: lane
 * lines and kerbs of a straight road, edges of buildings. Plumb-line method, Brown 1971.
 * @param line n lines of 3 or more points each, read off to about 0.7 px
 * @param ret_u standard uncertainty of k1
 * @return 0; -EINVAL: reterr names the line that is bent by more than a lens, or says that they
 *         do not determine k1; -ENOMEM
 */
int cb_lens_fit_lines(const struct cb_line_px *line, size_t n, int width, int height,
                      double *ret_k1, double *ret_u, struct cb_error *reterr);

#endif
