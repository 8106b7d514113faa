#ifndef SIM_LIGHT_H
#define SIM_LIGHT_H

#include "scene.h"

#define SIM_LAMPS_MAX 48

/** Where light comes from; irradiance in units in which a white, fully lit sheet has radiance 1. */
struct sim_light {
    bool is_night;
    struct vec3 to_sun, sun; /* unit direction; irradiance on a sheet facing it, 0 without sun */
    struct vec3 sky, bounce; /* irradiance of the whole sky from above, of the ground from below */
    struct vec3 lamp[SIM_LAMPS_MAX];
    int n_lamps;
    struct vec3 lamp_colour;
    double lamp_intensity; /* irradiance at 1 m */
    double sun_radius_rad;
};

void sim_light_init(struct sim_light *l, const struct sim_scene *s);
/** Everything but the sun, on a surface with that normal. */
struct vec3 sim_light_ambient(const struct sim_light *l, struct vec3 p, struct vec3 normal);
/** The sun's part, unshadowed. */
struct vec3 sim_light_sun(const struct sim_light *l, struct vec3 normal);
/** What a mirror would see there: sky above, ground below. */
struct vec3 sim_light_environment(const struct sim_light *l, struct vec3 direction);
/** Left and right edge of the carriageway, m. */
void sim_road_edges(const struct sim_scene *s, double *ret_left_m, double *ret_right_m);

#endif
