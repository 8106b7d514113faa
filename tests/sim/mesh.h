#ifndef SIM_MESH_H
#define SIM_MESH_H

#include <stddef.h>

#include "motion.h"
#include "vec.h"

enum sim_material {
    SIM_PAINT,
    SIM_GLASS,
    SIM_TYRE,
    SIM_RIM,
    SIM_DARK,
    SIM_PLATE,
    SIM_CARGO,
    SIM_CLOTH,
    SIM_SKIN,
    SIM_HEADLAMP,
    SIM_TAILLAMP,
    SIM_N_MATERIALS,
};

struct sim_triangle {
    int a, b, c;
    int material;
    struct vec3 normal; /* unit, outward, the vehicle's own axes */
};

/** A vehicle's surface in its own axes: x right, y forward of its centre, z up from the road. */
struct sim_mesh {
    struct vec3 *vertex;
    struct sim_triangle *triangle;
    size_t n_vertices, n_triangles;
    size_t cap_vertices, cap_triangles;
    struct vec3 lamp[8]; /* what glares at night */
    int lamp_material[8], n_lamps;
    int error; /* the first that happened while building, else 0 */
};

/** @return 0 or -ENOMEM */
int sim_mesh_init(struct sim_mesh *m, const struct sim_vehicle *v);
void sim_mesh_deinit(struct sim_mesh *m);

/* Building blocks, used by shapes.c; failures are kept in m->error. */
void sim_mesh_quad(struct sim_mesh *m, const struct vec3 p[4], struct vec3 inside, int material);
void sim_mesh_box(struct sim_mesh *m, struct vec3 lo, struct vec3 hi, int material);
/**
 * A convex side view (y, z in each point) with half its width in x: top, ends and both sides.
 */
void sim_mesh_hull(struct sim_mesh *m, const struct vec3 *half_width_y_z, int n, int material);
/** A smaller panel laid on a quad: windows, plates. */
void sim_mesh_inset(struct sim_mesh *m, const struct vec3 p[4], double scale, struct vec3 inside,
                    int material);
void sim_mesh_wheel(struct sim_mesh *m, double x0, double x1, double y, double radius);
void sim_mesh_ellipsoid(struct sim_mesh *m, struct vec3 centre, struct vec3 radii, int material);
void sim_mesh_lamp(struct sim_mesh *m, struct vec3 centre, struct vec3 half, int material);

/** shapes.c: puts a vehicle together. */
void sim_shape_build(struct sim_mesh *m, const struct sim_vehicle *v);

#endif
