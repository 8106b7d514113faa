#ifndef SIM_CAMERA_H
#define SIM_CAMERA_H

#include "vec.h"

/** What a scene says of a camera. */
struct sim_camera_conf {
    double x_m, y_m, height_m;
    double tilt_deg; /* below the horizon */
    double pan_deg;  /* clockwise from +Y, seen from above */
    double roll_deg; /* clockwise as the camera looks */
    double focal_px;
    double k1, k2;   /* radial, on r / half the diagonal, undistorted to distorted */
    double shake_px; /* standard deviation of its sway across the picture, px */
};

/** A pinhole with square pixels; a pixel's centre has whole coordinates; immutable. */
struct sim_camera {
    struct vec3 pos, right, down, forward;
    double f_px, cx, cy, k1, k2, half_diagonal_px;
    int width, height;
};

void sim_camera_init(struct sim_camera *c, const struct sim_camera_conf *conf, int width,
                     int height);
/** Depth along the optical axis in m; x, y are set only when it is positive. */
double sim_camera_project(const struct sim_camera *c, struct vec3 p, double *ret_x, double *ret_y);
/** Unit direction through a pixel. */
struct vec3 sim_camera_ray(const struct sim_camera *c, double x, double y);
/** Where the ray meets the road (Z = 0). @return 0; -EDOM at or above the horizon */
int sim_camera_ground(const struct sim_camera *c, double x, double y, struct vec3 *ret);

#endif
