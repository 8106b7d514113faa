#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "light.h"

enum sim_surface {
    SIM_SURFACE_GROUND,
    SIM_SURFACE_CONCRETE,
    SIM_SURFACE_PAVING,
    SIM_SURFACE_BUILDING,
    SIM_SURFACE_LEAVES,
    SIM_SURFACE_BARK,
    SIM_SURFACE_METAL,
    SIM_SURFACE_LAMP,
};

#define SIM_GROUP 6 /* solids that are neighbours, since they are added in order along the road */

/** A box, or the ellipsoid inscribed in it. */
struct sim_solid {
    struct vec3 lo, hi;
    bool is_round;
    int surface;
    uint64_t seed;
    struct vec3 moved; /* from where it is at rest */
};

/** All that stands still: the road plane and solids along it. Immutable after init. */
struct sim_world {
    const struct sim_scene *scene;
    const struct sim_light *light;
    struct sim_solid *solid;
    size_t n_solids, cap_solids;
    struct sim_solid *group; /* boxes around SIM_GROUP solids each: most rays miss most groups */
    size_t n_groups;
    double left_m, right_m; /* edges of the carriageway */
};

struct sim_hit {
    double distance; /* INFINITY: the sky */
    struct vec3 point, normal, albedo, emission;
    bool is_ground;
};

/** @return 0 or -ENOMEM */
int sim_world_init(struct sim_world *w, const struct sim_scene *s, const struct sim_light *l);
void sim_world_deinit(struct sim_world *w);
/** Leaves in the wind, each clump on its own loop; turn: where on it, 0 to 1. Before any tracing.
 */
void sim_world_sway(struct sim_world *w, double turn);
struct sim_hit sim_world_trace(const struct sim_world *w, struct vec3 origin,
                               struct vec3 direction);
/** Whether anything that stands still lies on the way. */
bool sim_world_blocks(const struct sim_world *w, struct vec3 origin, struct vec3 direction);

/** texture.c */
struct vec3 sim_texture_ground(const struct sim_world *w, double x_m, double y_m);
struct vec3 sim_texture_solid(const struct sim_world *w, const struct sim_solid *s, struct vec3 p,
                              struct vec3 normal, struct vec3 *ret_emission);

#endif
