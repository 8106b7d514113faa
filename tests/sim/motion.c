#include "motion.h"

#include <string.h>

#include "rng.h"

static const struct sim_dims class_dims[] = {
    [SIM_CAR] = {4.6, 1.82, 1.46, 0.32, 1.36, -1.36},
    [SIM_TRUCK] = {8.6, 2.45, 3.4, 0.48, 2.9, -2.2},
    [SIM_BUS] = {11.8, 2.5, 3.1, 0.48, 3.1, -2.9},
    [SIM_MOTORCYCLE] = {2.05, 0.74, 1.62, 0.30, 0.70, -0.70},
    [SIM_BICYCLE] = {1.75, 0.5, 1.7, 0.34, 0.53, -0.53},
    [SIM_PEDESTRIAN] = {0.35, 0.5, 1.72, 0.0, 0.0, 0.0},
};

static const struct sim_dims shape_dims[] = {
    [SIM_SEDAN] = {4.7, 1.82, 1.45, 0.32, 1.37, -1.37},
    [SIM_SUV] = {4.65, 1.88, 1.70, 0.36, 1.35, -1.33},
    [SIM_HATCH] = {4.05, 1.76, 1.50, 0.31, 1.25, -1.27},
    [SIM_VAN] = {5.1, 1.92, 1.85, 0.34, 1.52, -1.52},
    [SIM_PICKUP] = {5.3, 1.90, 1.80, 0.37, 1.72, -1.53},
    [SIM_FLATBED] = {7.4, 2.30, 2.5, 0.42, 2.6, -1.9},
    [SIM_ARTICULATED] = {16.3, 2.54, 3.9, 0.50, 6.7, -5.3},
    [SIM_COACH] = {12.2, 2.55, 3.75, 0.50, 3.4, -2.9},
    [SIM_SCOOTER] = {1.80, 0.68, 1.60, 0.22, 0.62, -0.60},
};

static struct sim_dims dims_of(const struct sim_vehicle_conf *c)
{
    bool has_shape = c->shape >= SIM_PICKUP || (c->class == SIM_CAR && c->shape != SIM_SHAPE_AUTO);
    struct sim_dims d = has_shape ? shape_dims[c->shape] : class_dims[c->class];
    if (c->length_m > 0) {
        d.axle_front *= c->length_m / d.length;
        d.axle_rear *= c->length_m / d.length;
        d.length = c->length_m;
    }
    if (c->width_m > 0)
        d.width = c->width_m;
    if (c->height_m > 0)
        d.height = c->height_m;
    return d;
}

void sim_vehicle_init(struct sim_vehicle *v, const struct sim_scene *s, size_t index)
{
    const struct sim_vehicle_conf *c = &s->vehicles[index];
    struct sim_rng rng = sim_rng_make(s->seed, 1000 + index);
    *v = (struct sim_vehicle){.conf = c, .scene = s, .id = (int) index + 1, .dims = dims_of(c)};
    v->direction = c->lane > 0            ? s->lane[c->lane - 1].direction
                   : c->to.y >= c->from.y ? SIM_AWAY
                                          : SIM_TOWARD;
    v->contact_offset_m = v->direction == SIM_AWAY ? v->dims.axle_rear : v->dims.axle_front;
    v->phase = sim_rng_range(&rng, 0, 2 * M_PI);
}

double sim_vehicle_speed_mps(const struct sim_vehicle *v, double t_s)
{
    return sim_curve_at(&v->conf->speeds, t_s, v->conf->speed_kmh) / 3.6;
}

/* Exact: the speed is straight between its points, so each piece is a trapezium. */
static double integral_mps(const struct sim_vehicle *v, double a, double b)
{
    const struct sim_curve *c = &v->conf->speeds;
    double sum = 0, t = a;
    for (int i = 0; i < c->n && t < b; i++) {
        double next = c->at[i].t_s;
        if (next <= t)
            continue;
        next = fmin(next, b);
        sum += (next - t) * 0.5 * (sim_vehicle_speed_mps(v, t) + sim_vehicle_speed_mps(v, next));
        t = next;
    }
    return sum + (b - t) * sim_vehicle_speed_mps(v, b);
}

double sim_vehicle_travelled_m(const struct sim_vehicle *v, double t_s)
{
    double t0 = v->conf->t_s;
    return t_s >= t0 ? integral_mps(v, t0, t_s) : -integral_mps(v, t_s, t0);
}

static double across_m(const struct sim_vehicle *v, double t_s)
{
    const struct sim_vehicle_conf *c = v->conf;
    const struct sim_lane *lane = v->scene->lane;
    double x = lane[c->lane - 1].x_m;
    if (c->lane_to > 0)
        x += (lane[c->lane_to - 1].x_m - x) *
             smoothstep(0, c->lane_change_s, t_s - c->lane_change_t_s);
    if (c->speed_kmh > 0 || c->speeds.n > 0) /* what is parked does not sway */
        x += c->wander_m * sin(0.09 * sim_vehicle_travelled_m(v, t_s) + v->phase);
    return x + c->offset_m;
}

struct vec3 sim_vehicle_contact(const struct sim_vehicle *v, double t_s)
{
    const struct sim_vehicle_conf *c = v->conf;
    double s = sim_vehicle_travelled_m(v, t_s);
    if (c->lane == 0) {
        struct vec3 d = v3_unit(v3_sub(c->to, c->from));
        return v3(c->from.x + d.x * s, c->from.y + d.y * s, 0);
    }
    return v3(across_m(v, t_s), c->y_m + (v->direction == SIM_AWAY ? s : -s), 0);
}

struct vec3 sim_vehicle_heading(const struct sim_vehicle *v, double t_s)
{
    const struct sim_vehicle_conf *c = v->conf;
    double dt = 0.02, sign = v->direction == SIM_AWAY ? 1 : -1;
    if (c->lane == 0) {
        struct vec3 d = v3_sub(c->to, c->from);
        return v3_unit(v3(d.x, d.y, 0));
    }
    struct vec3 d = v3_sub(sim_vehicle_contact(v, t_s + dt), sim_vehicle_contact(v, t_s - dt));
    if (v3_len(d) < 2 * dt * 0.5) /* slower than 0.5 m/s it keeps to its lane */
        return v3(0, sign, 0);
    return v3_unit(v3(d.x, d.y, 0));
}

struct vec3 sim_vehicle_centre(const struct sim_vehicle *v, double t_s)
{
    return v3_sub(sim_vehicle_contact(v, t_s),
                  v3_scale(sim_vehicle_heading(v, t_s), v->contact_offset_m));
}

struct vec3 sim_vehicle_point(const struct sim_vehicle *v, double t_s, struct vec3 local)
{
    struct vec3 h = sim_vehicle_heading(v, t_s), right = v3(h.y, -h.x, 0);
    struct vec3 p = v3_add(sim_vehicle_contact(v, t_s), v3_scale(h, local.y - v->contact_offset_m));
    p = v3_add(p, v3_scale(right, local.x));
    p.z = local.z;
    return p;
}

bool sim_vehicle_exists(const struct sim_vehicle *v, double t_s)
{
    const struct sim_vehicle_conf *c = v->conf;
    if (c->lane > 0)
        return true;
    double s = sim_vehicle_travelled_m(v, t_s);
    return s >= 0 && s <= v3_len(v3_sub(c->to, c->from));
}

double sim_vehicle_time_at_y(const struct sim_vehicle *v, double y_m)
{
    double step = 0.05, end = v->scene->seconds + 60;
    for (double t = -60; t < end; t += step) {
        double a = sim_vehicle_contact(v, t).y - y_m, b = sim_vehicle_contact(v, t + step).y - y_m;
        if ((a < 0) == (b < 0))
            continue;
        double lo = t, hi = t + step;
        for (int i = 0; i < 60; i++) {
            double mid = (lo + hi) / 2;
            if ((sim_vehicle_contact(v, mid).y - y_m < 0) == (a < 0))
                lo = mid;
            else
                hi = mid;
        }
        return (lo + hi) / 2;
    }
    return NAN;
}
