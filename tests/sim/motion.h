#ifndef SIM_MOTION_H
#define SIM_MOTION_H

#include "scene.h"

/** Sizes of a kind of vehicle, m; the axles are measured from its centre, forward is positive. */
struct sim_dims {
    double length, width, height, wheel_radius, axle_front, axle_rear;
};

/** One road user in motion: pure functions of time. */
struct sim_vehicle {
    const struct sim_vehicle_conf *conf;
    const struct sim_scene *scene;
    int id; /* from 1 */
    struct sim_dims dims;
    int direction;
    double contact_offset_m; /* of the contact line from the centre, along the heading */
    double phase;            /* of its wander, rad */
};

void sim_vehicle_init(struct sim_vehicle *v, const struct sim_scene *s, size_t index);
double sim_vehicle_speed_mps(const struct sim_vehicle *v, double t_s);
/** Metres travelled since conf->t_s. */
double sim_vehicle_travelled_m(const struct sim_vehicle *v, double t_s);
/**
 * Middle of the contact line: where the tyres of the axle that faces the camera's side of the
 * approach touch the road (rear axle when it drives away, front axle when it comes).
 */
struct vec3 sim_vehicle_contact(const struct sim_vehicle *v, double t_s);
/** Unit vector, Z = 0. */
struct vec3 sim_vehicle_heading(const struct sim_vehicle *v, double t_s);
/** Its centre, on the ground. */
struct vec3 sim_vehicle_centre(const struct sim_vehicle *v, double t_s);
/** A point of the vehicle: x right, y forward of the centre, z up. */
struct vec3 sim_vehicle_point(const struct sim_vehicle *v, double t_s, struct vec3 local);
/** False before a path begins and after it ends. */
bool sim_vehicle_exists(const struct sim_vehicle *v, double t_s);
/** When the contact line crosses Y = y_m, searched over the scene and 60 s around; NAN if never. */
double sim_vehicle_time_at_y(const struct sim_vehicle *v, double y_m);

#endif
