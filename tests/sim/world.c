#include "world.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "rng.h"

static int add(struct sim_world *w, struct vec3 lo, struct vec3 hi, bool is_round, int surface)
{
    void *p = w->solid;
    int r = cb_grow(&p, &w->cap_solids, w->n_solids + 1, sizeof *w->solid);
    if (r < 0)
        return r;
    w->solid = p;
    w->solid[w->n_solids] =
        (struct sim_solid){lo, hi, is_round, surface, w->scene->seed * 131 + w->n_solids, {0}};
    w->n_solids++;
    return 0;
}

/* Kerb and pavement on one side; side is -1 left or +1 right. */
static int add_pavement(struct sim_world *w, double edge, int side)
{
    double out = edge + side * 0.2, far = out + side * w->scene->scenery.sidewalk_m;
    int r = add(w, v3(fmin(edge, out), -60, 0), v3(fmax(edge, out), 320, 0.14), false,
                SIM_SURFACE_CONCRETE);
    if (r < 0 || w->scene->scenery.sidewalk_m <= 0)
        return r;
    return add(w, v3(fmin(out, far), -60, 0), v3(fmax(out, far), 320, 0.14), false,
               SIM_SURFACE_PAVING);
}

static int add_trees(struct sim_world *w, double edge, int side, struct sim_rng *rng)
{
    for (double y = sim_rng_range(rng, 4, 12); y < 170; y += sim_rng_range(rng, 9, 16)) {
        double x = edge + side * sim_rng_range(rng, 1.4, 2.0), h = sim_rng_range(rng, 5, 8);
        double spread = sim_rng_range(rng, 1.1, 1.7), crown = sim_rng_range(rng, 2.6, 3.4);
        int r = add(w, v3(x - 0.12, y - 0.12, 0), v3(x + 0.12, y + 0.12, crown + 1.2), false,
                    SIM_SURFACE_BARK);
        for (int i = 0; i < 4 && r == 0; i++) {
            double cx = x + sim_rng_range(rng, -0.7, 0.7) + side * 0.2,
                   cy = y + sim_rng_range(rng, -0.9, 0.9);
            double cz = crown + sim_rng_range(rng, 0.3, 0.8) * (h - crown),
                   s = spread * sim_rng_range(rng, 0.6, 1);
            r = add(w, v3(cx - s, cy - s, cz - 0.8 * s), v3(cx + s, cy + s, cz + 0.8 * s), true,
                    SIM_SURFACE_LEAVES);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_buildings(struct sim_world *w, double edge, int side, struct sim_rng *rng)
{
    double y = -20;
    while (y < 260) {
        double length = sim_rng_range(rng, 16, 38), depth = sim_rng_range(rng, 12, 25);
        double near = edge + side * (w->scene->scenery.sidewalk_m + sim_rng_range(rng, 2, 7));
        double far = near + side * depth, tallest = w->scene->scenery.building_m;
        double height = sim_rng_range(rng, 0.3 * tallest, tallest);
        int r = add(w, v3(fmin(near, far), y, 0), v3(fmax(near, far), y + length, height), false,
                    SIM_SURFACE_BUILDING);
        if (r < 0)
            return r;
        y += length + sim_rng_range(rng, 3, 14);
    }
    return 0;
}

/* A post outside the kerb and an arm to where the lamp hangs. */
static int add_lamp_posts(struct sim_world *w)
{
    const struct sim_light *l = w->light;
    for (int i = 0; i < l->n_lamps; i++) {
        struct vec3 p = l->lamp[i];
        int side = p.x < (w->left_m + w->right_m) / 2 ? -1 : 1;
        double post = side < 0 ? w->left_m - 0.5 : w->right_m + 0.5;
        int r;
        if ((r = add(w, v3(post - 0.07, p.y - 0.07, 0), v3(post + 0.07, p.y + 0.07, p.z + 0.25),
                     false, SIM_SURFACE_METAL)) < 0 ||
            (r = add(w, v3(fmin(post, p.x), p.y - 0.05, p.z + 0.17),
                     v3(fmax(post, p.x), p.y + 0.05, p.z + 0.25), false, SIM_SURFACE_METAL)) < 0 ||
            (r = add(w, v3(p.x - 0.35, p.y - 0.14, p.z + 0.08),
                     v3(p.x + 0.35, p.y + 0.14, p.z + 0.17), false, SIM_SURFACE_LAMP)) < 0)
            return r;
    }
    return 0;
}

/* Boxes around neighbours, wherever they are now. */
static void bound_groups(struct sim_world *w)
{
    for (size_t i = 0; i < w->n_solids; i++) {
        struct sim_solid *g = &w->group[i / SIM_GROUP];
        const struct sim_solid *s = &w->solid[i];
        if (i % SIM_GROUP == 0)
            *g = *s;
        g->is_round = false;
        g->lo = v3(fmin(g->lo.x, s->lo.x), fmin(g->lo.y, s->lo.y), fmin(g->lo.z, s->lo.z));
        g->hi = v3(fmax(g->hi.x, s->hi.x), fmax(g->hi.y, s->hi.y), fmax(g->hi.z, s->hi.z));
    }
}

static int make_groups(struct sim_world *w)
{
    w->n_groups = (w->n_solids + SIM_GROUP - 1) / SIM_GROUP;
    w->group = calloc(w->n_groups + 1, sizeof *w->group);
    if (!w->group)
        return -ENOMEM;
    bound_groups(w);
    return 0;
}

void sim_world_sway(struct sim_world *w, double turn)
{
    for (size_t i = 0; i < w->n_solids; i++) {
        struct sim_solid *s = &w->solid[i];
        if (s->surface != SIM_SURFACE_LEAVES)
            continue;
        double phase = 2 * M_PI * (turn + sim_hash2(1, 1, s->seed));
        double swing = w->scene->scenery.wind_m * (0.6 + 0.4 * sim_hash2(2, 2, s->seed));
        struct vec3 to =
            v3(swing * sin(phase), 0.5 * swing * sin(phase + 1.1), 0.25 * swing * cos(phase));
        struct vec3 by = v3_sub(to, s->moved);
        s->lo = v3_add(s->lo, by);
        s->hi = v3_add(s->hi, by);
        s->moved = to;
    }
    bound_groups(w);
}

int sim_world_init(struct sim_world *w, const struct sim_scene *s, const struct sim_light *l)
{
    *w = (struct sim_world){.scene = s, .light = l};
    sim_road_edges(s, &w->left_m, &w->right_m);
    struct sim_rng rng = sim_rng_make(s->seed, 7);
    int r = 0;
    for (int side = -1; side <= 1 && r == 0; side += 2) {
        double edge = side < 0 ? w->left_m : w->right_m;
        r = add_pavement(w, edge, side);
        if (r == 0 && s->scenery.trees)
            r = add_trees(w, edge, side, &rng);
        if (r == 0 && s->scenery.buildings)
            r = add_buildings(w, edge, side, &rng);
    }
    if (r == 0)
        r = add_lamp_posts(w);
    for (size_t i = 0; i < s->n_boxes && r == 0; i++) {
        struct vec3 a = s->boxes[i].from, b = s->boxes[i].to;
        r = add(w, v3(fmin(a.x, b.x), fmin(a.y, b.y), fmin(a.z, b.z)),
                v3(fmax(a.x, b.x), fmax(a.y, b.y), fmax(a.z, b.z)), false, SIM_SURFACE_METAL);
    }
    if (r == 0)
        r = make_groups(w);
    if (r < 0)
        sim_world_deinit(w);
    return r;
}

void sim_world_deinit(struct sim_world *w)
{
    free(w->solid);
    free(w->group);
    w->solid = w->group = NULL;
    w->n_groups = 0;
    w->n_solids = 0;
}

/* Distance to a box and the axis of the face met; INFINITY when missed. */
static double meet_box(const struct sim_solid *s, const double o[3], const double inv[3],
                       int *ret_axis)
{
    const double lo[3] = {s->lo.x, s->lo.y, s->lo.z}, hi[3] = {s->hi.x, s->hi.y, s->hi.z};
    double near = 0, far = INFINITY;
    for (int i = 0; i < 3; i++) {
        double a = (lo[i] - o[i]) * inv[i], b = (hi[i] - o[i]) * inv[i];
        double first = a < b ? a : b, last = a < b ? b : a;
        if (first > near) {
            near = first;
            *ret_axis = i;
        }
        if (last < far)
            far = last;
    }
    return near < far && near > 1e-6 ? near : INFINITY;
}

/* From inside counts: the eye or a shadowed point may be within a group's box. */
static bool crosses_box(const struct sim_solid *s, const double o[3], const double inv[3])
{
    double x0 = (s->lo.x - o[0]) * inv[0], x1 = (s->hi.x - o[0]) * inv[0];
    double y0 = (s->lo.y - o[1]) * inv[1], y1 = (s->hi.y - o[1]) * inv[1];
    double z0 = (s->lo.z - o[2]) * inv[2], z1 = (s->hi.z - o[2]) * inv[2];
    double near = x0 < x1 ? x0 : x1, far = x0 < x1 ? x1 : x0;
    double ny = y0 < y1 ? y0 : y1, fy = y0 < y1 ? y1 : y0;
    double nz = z0 < z1 ? z0 : z1, fz = z0 < z1 ? z1 : z0;
    near = near > ny ? near : ny;
    near = near > nz ? near : nz;
    far = far < fy ? far : fy;
    far = far < fz ? far : fz;
    return near <= far && far > 0;
}

static double meet_ellipsoid(const struct sim_solid *s, struct vec3 o, struct vec3 d)
{
    struct vec3 c = v3_scale(v3_add(s->lo, s->hi), 0.5), r = v3_scale(v3_sub(s->hi, s->lo), 0.5);
    struct vec3 p = v3_sub(o, c);
    p = v3(p.x / r.x, p.y / r.y, p.z / r.z);
    struct vec3 q = v3(d.x / r.x, d.y / r.y, d.z / r.z);
    double a = v3_dot(q, q), b = v3_dot(p, q), k = b * b - a * (v3_dot(p, p) - 1);
    if (k <= 0)
        return INFINITY;
    double t = (-b - sqrt(k)) / a;
    return t > 1e-6 ? t : INFINITY;
}

static double meet(const struct sim_solid *s, struct vec3 o, struct vec3 d, const double o3[3],
                   const double inv[3], struct vec3 *ret_normal)
{
    int axis = 2;
    double t = meet_box(s, o3, inv, &axis);
    if (!isfinite(t))
        return t;
    if (!s->is_round) {
        *ret_normal = axis == 0   ? v3(d.x > 0 ? -1 : 1, 0, 0)
                      : axis == 1 ? v3(0, d.y > 0 ? -1 : 1, 0)
                                  : v3(0, 0, d.z > 0 ? -1 : 1);
        return t;
    }
    t = meet_ellipsoid(s, o, d);
    if (!isfinite(t))
        return t;
    struct vec3 c = v3_scale(v3_add(s->lo, s->hi), 0.5), r = v3_scale(v3_sub(s->hi, s->lo), 0.5);
    struct vec3 n = v3_sub(v3_add(o, v3_scale(d, t)), c);
    *ret_normal = v3_unit(v3(n.x / (r.x * r.x), n.y / (r.y * r.y), n.z / (r.z * r.z)));
    return t;
}

struct sim_hit sim_world_trace(const struct sim_world *w, struct vec3 o, struct vec3 d)
{
    const double o3[3] = {o.x, o.y, o.z}, inv[3] = {1 / d.x, 1 / d.y, 1 / d.z};
    const struct sim_solid *best = NULL;
    struct sim_hit h = {.distance = d.z < -1e-6 ? -o.z / d.z : INFINITY, .normal = v3(0, 0, 1)};
    for (size_t i = 0; i < w->n_solids; i++) {
        if (i % SIM_GROUP == 0 && !crosses_box(&w->group[i / SIM_GROUP], o3, inv)) {
            i += SIM_GROUP - 1;
            continue;
        }
        struct vec3 n = v3(0, 0, 1);
        double t = meet(&w->solid[i], o, d, o3, inv, &n);
        if (t < h.distance) {
            h.distance = t;
            h.normal = n;
            best = &w->solid[i];
        }
    }
    if (!isfinite(h.distance) || h.distance > 600) {
        h.distance = INFINITY;
        return h;
    }
    h.point = v3_add(o, v3_scale(d, h.distance));
    h.is_ground = !best;
    h.albedo = best ? sim_texture_solid(w, best, h.point, h.normal, &h.emission)
                    : sim_texture_ground(w, h.point.x, h.point.y);
    return h;
}

bool sim_world_blocks(const struct sim_world *w, struct vec3 o, struct vec3 d)
{
    const double o3[3] = {o.x, o.y, o.z}, inv[3] = {1 / d.x, 1 / d.y, 1 / d.z};
    for (size_t i = 0; i < w->n_solids; i++) {
        struct vec3 n;
        if (i % SIM_GROUP == 0 && !crosses_box(&w->group[i / SIM_GROUP], o3, inv)) {
            i += SIM_GROUP - 1;
            continue;
        }
        if (isfinite(meet(&w->solid[i], o, d, o3, inv, &n)))
            return true;
    }
    return false;
}
