#include "camera.h"

#include <errno.h>

void sim_camera_init(struct sim_camera *c, const struct sim_camera_conf *conf, int width,
                     int height)
{
    double tilt = conf->tilt_deg * M_PI / 180, pan = conf->pan_deg * M_PI / 180;
    double roll = conf->roll_deg * M_PI / 180;
    struct vec3 f = v3(sin(pan) * cos(tilt), cos(pan) * cos(tilt), -sin(tilt));
    struct vec3 r = v3(cos(pan), -sin(pan), 0);
    struct vec3 d = v3_cross(f, r);
    *c = (struct sim_camera){
        .pos = v3(conf->x_m, conf->y_m, conf->height_m),
        .forward = f,
        .right = v3_add(v3_scale(r, cos(roll)), v3_scale(d, sin(roll))),
        .down = v3_sub(v3_scale(d, cos(roll)), v3_scale(r, sin(roll))),
        .f_px = conf->focal_px,
        .cx = width / 2.0,
        .cy = height / 2.0,
        .k1 = conf->k1,
        .k2 = conf->k2,
        .half_diagonal_px = hypot(width, height) / 2.0,
        .width = width,
        .height = height,
    };
}

static double distortion(const struct sim_camera *c, double dx, double dy)
{
    double r2 = (dx * dx + dy * dy) / (c->half_diagonal_px * c->half_diagonal_px);
    return 1.0 + r2 * (c->k1 + r2 * c->k2);
}

double sim_camera_project(const struct sim_camera *c, struct vec3 p, double *ret_x, double *ret_y)
{
    struct vec3 q = v3_sub(p, c->pos);
    double depth = v3_dot(q, c->forward);
    if (depth <= 0)
        return depth;
    double dx = c->f_px * v3_dot(q, c->right) / depth, dy = c->f_px * v3_dot(q, c->down) / depth;
    double k = distortion(c, dx, dy);
    *ret_x = c->cx + k * dx;
    *ret_y = c->cy + k * dy;
    return depth;
}

struct vec3 sim_camera_ray(const struct sim_camera *c, double x, double y)
{
    double tx = x - c->cx, ty = y - c->cy, dx = tx, dy = ty;
    if (c->k1 != 0 || c->k2 != 0)
        for (int i = 0; i < 12; i++) { /* a contraction for the mild lenses we allow */
            double k = distortion(c, dx, dy);
            dx = tx / k;
            dy = ty / k;
        }
    return v3_unit(v3_add(v3_scale(c->forward, c->f_px),
                          v3_add(v3_scale(c->right, dx), v3_scale(c->down, dy))));
}

int sim_camera_ground(const struct sim_camera *c, double x, double y, struct vec3 *ret)
{
    struct vec3 d = sim_camera_ray(c, x, y);
    if (!(d.z < -1e-6))
        return -EDOM;
    *ret = v3_add(c->pos, v3_scale(d, c->pos.z / -d.z));
    return 0;
}
