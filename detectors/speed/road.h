#ifndef DETECTORS_SPEED_ROAD_H
#define DETECTORS_SPEED_ROAD_H

#include <stdbool.h>
#include <stddef.h>

#include "detectors/calibration.h"
#include "lens.h"
#include "schema/camera.h"

#define CB_ROAD_SIGMAS_MAX 8

/* to_px maps (X, Y, 1) m to undistorted px; its third row is positive in front of the camera. */
struct cb_road {
    struct cb_lens lens;
    bool is_size_known; /* else the lens stands on the smallest usual picture that holds the points
                         */
    double to_px[9], to_m[9];
    /* The calibration's covariance as the roads one standard deviation away along each of its
     * independent directions: first-order propagation is a sum of squared differences. */
    double sigma_to_m[CB_ROAD_SIGMAS_MAX][9];
    size_t n_sigmas;
    bool has_pose;
    struct cb_pose pose;
    double height_m; /* of the camera, also where the picture's size is assumed; NaN: unknown */
    double x_min_m, x_max_m, y_min_m, y_max_m; /* what the points or lengths cover */
    double rms_px, max_px;
    size_t i_max;
};

/* The two ways to calibrate; both fill to_px, sigmas, covered area and residuals. */
int cb_road_fit_points(struct cb_road *r, const struct cb_calibration_conf *conf,
                       struct cb_error *reterr);
int cb_road_fit_lengths(struct cb_road *r, const struct cb_calibration_conf *conf,
                        struct cb_error *reterr);

/** Refuses numbers, places and shapes that no fit should see, by name. */
int cb_road_check_points(const struct cb_calibration_conf *conf, const struct cb_road *r,
                         struct cb_error *reterr);
int cb_road_check_lengths(const struct cb_calibration_conf *conf, const struct cb_road *r,
                          struct cb_error *reterr);
/** "calibration.points[2], line 14" into where. */
void cb_road_name(char *where, size_t size, const char *list, size_t i, int line);

/**
 * The camera behind to_px: square pixels, principal point at the picture's centre.
 * @return 0; -EDOM when no such camera shows the road so
 */
int cb_road_find_pose(const double to_px[9], const struct cb_lens *lens, struct cb_pose *ret);

/** Where an undistorted pixel lies on the road of to_m. @return 0; -EDOM */
int cb_road_apply(const double h[9], struct cb_vec2 p, struct cb_vec2 *ret);

/** Sets to_px and its inverse. @return 0; -EDOM when singular */
int cb_road_set(struct cb_road *r, const double to_px[9]);

/** The stretch of Y that the calibration covers: the zone of a camera that names none. */
void cb_road_covered(const struct cb_road *r, double *ret_y_min_m, double *ret_y_max_m);
/** +1 when Y grows away from the camera, else −1. */
int cb_road_away_sign(const struct cb_road *r);

#endif
