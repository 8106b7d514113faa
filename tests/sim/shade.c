#include "render.h"

struct look {
    struct vec3 albedo;
    double gloss;    /* how much of the surroundings it mirrors, head on */
    double specular; /* strength of the sun's highlight */
};

static const struct look looks[SIM_N_MATERIALS] = {
    [SIM_PAINT] = {{0.5, 0.5, 0.5}, 0.05, 0.9}, /* the albedo is the vehicle's own */
    [SIM_GLASS] = {{0.015, 0.017, 0.02}, 0.10, 1.6},
    [SIM_TYRE] = {{0.025, 0.025, 0.026}, 0.0, 0.0},
    [SIM_RIM] = {{0.32, 0.33, 0.35}, 0.15, 0.5},
    [SIM_DARK] = {{0.03, 0.03, 0.032}, 0.02, 0.1},
    [SIM_PLATE] = {{0.05, 0.12, 0.45}, 0.02, 0.0},
    [SIM_CARGO] = {{0.55, 0.56, 0.56}, 0.02, 0.1},
    [SIM_CLOTH] = {{0.09, 0.10, 0.14}, 0.0, 0.0},
    [SIM_SKIN] = {{0.35, 0.24, 0.18}, 0.02, 0.1},
    [SIM_HEADLAMP] = {{0.60, 0.60, 0.62}, 0.12, 1.0},
    [SIM_TAILLAMP] = {{0.35, 0.02, 0.02}, 0.05, 0.5},
};

static bool is_braking(const struct sim_vehicle *v, double t_s)
{
    return sim_vehicle_speed_mps(v, t_s + 0.1) - sim_vehicle_speed_mps(v, t_s) < -0.06;
}

static struct vec3 emission(const struct sim_stage *s, const struct sim_vehicle *v, int material,
                            double t_s)
{
    bool is_on = s->light.is_night && !v->conf->lights_off;
    if (material == SIM_HEADLAMP && is_on)
        return v3(14, 13, 11);
    if (material != SIM_TAILLAMP)
        return v3(0, 0, 0);
    double k = (is_on ? 0.55 : 0) + (is_braking(v, t_s) ? 1.6 : 0);
    return v3(k, 0.05 * k, 0.03 * k);
}

/* The mirrored surroundings and the sun's highlight. */
static struct vec3 mirrored(const struct sim_light *l, const struct look *look, struct vec3 n,
                            struct vec3 to_eye, double sunlit)
{
    double c = clampd(v3_dot(n, to_eye), 0, 1);
    double fresnel = look->gloss + (1 - look->gloss) * pow(1 - c, 5);
    struct vec3 dir = v3_sub(v3_scale(n, 2 * v3_dot(n, to_eye)), to_eye);
    struct vec3 out = v3_scale(sim_light_environment(l, dir), look->gloss > 0 ? fresnel : 0);
    double along = v3_dot(dir, l->to_sun);
    if (along > 0 && look->specular > 0)
        out = v3_add(out, v3_scale(l->sun, sunlit * look->specular * 2 * pow(along, 40)));
    return out;
}

static struct vec3 shade_triangle(const struct sim_stage *s, const struct sim_vehicle *v,
                                  const struct sim_triangle *t, struct vec3 p, struct vec3 n,
                                  double sunlit, double t_s)
{
    const struct look *look = &looks[t->material];
    struct vec3 albedo = t->material == SIM_PAINT ? v->conf->colour : look->albedo;
    struct vec3 e = sim_light_ambient(&s->light, p, n);
    double low = smoothstep(-0.2, 0.7, p.z + 0.25 * n.z); /* less sky reaches what is low down */
    e = v3_scale(e, 0.45 + 0.55 * low);
    e = v3_add(e, v3_scale(sim_light_sun(&s->light, n), sunlit));
    struct vec3 to_eye = v3_unit(v3_sub(s->camera.pos, p));
    struct vec3 c = v3_add(v3_mul(albedo, e), mirrored(&s->light, look, n, to_eye, sunlit));
    return v3_add(c, emission(s, v, t->material, t_s));
}

void sim_shade_vehicle(const struct sim_stage *s, size_t i, double t_s, float *ret_rgb)
{
    const struct sim_vehicle *v = &s->vehicle[i];
    const struct sim_mesh *m = &s->mesh[i];
    struct vec3 h = sim_vehicle_heading(v, t_s), right = v3(h.y, -h.x, 0);
    struct vec3 centre = sim_vehicle_centre(v, t_s);
    double sunlit = 0;
    if (s->light.sun.x > 0) /* a building or tree may stand in the sun */
        for (int k = 0; k < 4; k++) {
            double y = v->dims.length * (k / 3.0 - 0.5) * 0.8;
            struct vec3 p = v3_add(centre, v3_scale(h, y));
            p.z = 0.75 * v->dims.height;
            sunlit += sim_world_blocks(&s->world, p, s->light.to_sun) ? 0 : 0.25;
        }
    for (size_t k = 0; k < m->n_triangles; k++) {
        const struct sim_triangle *t = &m->triangle[k];
        struct vec3 l =
            v3_scale(v3_add(m->vertex[t->a], v3_add(m->vertex[t->b], m->vertex[t->c])), 1.0 / 3);
        struct vec3 p = v3_add(centre, v3_add(v3_scale(right, l.x), v3_scale(h, l.y)));
        struct vec3 n = v3_add(v3_scale(right, t->normal.x), v3_scale(h, t->normal.y));
        p.z = l.z;
        n.z = t->normal.z;
        struct vec3 c = shade_triangle(s, v, t, p, n, sunlit, t_s);
        ret_rgb[3 * k] = (float) c.x;
        ret_rgb[3 * k + 1] = (float) c.y;
        ret_rgb[3 * k + 2] = (float) c.z;
    }
}
