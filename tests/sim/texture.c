#include "rng.h"
#include "world.h"

#define DASH_M     6.0
#define DASH_GAP_M 9.0
#define LINE_M     0.15

/* Aggregate, patches, cracks along the road, darker tracks where tyres run. */
static double asphalt(const struct sim_world *w, double x, double y)
{
    uint64_t seed = w->scene->seed;
    double a = 0.118;
    a *= 0.86 + 0.28 * sim_noise2(x * 60, y * 60, seed);
    a *= 0.88 + 0.24 * sim_noise2(x * 7, y * 5, seed + 1);
    a *= 0.88 + 0.24 * sim_noise2(x * 0.7, y * 0.12, seed + 2);
    for (size_t i = 0; i < w->scene->n_lanes; i++) {
        double u = x - w->scene->lane[i].x_m;
        double track = exp(-(fabs(u) - 0.8) * (fabs(u) - 0.8) / 0.08);
        double oil = exp(-u * u / 0.12);
        a *= 1 - 0.13 * track - 0.10 * oil * sim_noise2(x, y * 0.3, seed + 3);
    }
    double crack = fabs(sim_noise2(x * 0.35, y * 0.09, seed + 4) - 0.5);
    if (crack < 0.004 && sim_noise2(x * 0.2, y * 0.05, seed + 7) > 0.55)
        a *= 0.55;
    double patch_y = floor(y / 17), patch = sim_hash2((int64_t) patch_y, 5, seed);
    if (patch < 0.35 && fmod(y + 1700, 17) < 4 + 5 * patch &&
        fabs(x - w->scene->lane[(size_t) (patch * 97) % w->scene->n_lanes].x_m) < 1.1)
        a *= 0.74;
    return a * (1 - 0.45 * fmax(w->scene->light.rain, w->scene->light.wet)); /* water darkens it */
}

static bool on_dash(double y)
{
    return fmod(y + 15000, DASH_M + DASH_GAP_M) < DASH_M;
}

/* 0 none, 1 white, 2 yellow */
static int marking(const struct sim_world *w, double x, double y)
{
    const struct sim_scene *s = w->scene;
    if (fabs(x - w->left_m - 0.4) < LINE_M / 2 || fabs(x - w->right_m + 0.4) < LINE_M / 2)
        return 1;
    for (size_t i = 0; i + 1 < s->n_lanes; i++) {
        double border = s->lane[i].x_m + s->lane[i].width_m / 2;
        if (s->lane[i].direction != s->lane[i + 1].direction) {
            if (fabs(fabs(x - border) - 0.15) < LINE_M / 2)
                return 2;
        } else if (fabs(x - border) < LINE_M / 2 && on_dash(y)) {
            return 1;
        }
    }
    return 0;
}

struct vec3 sim_texture_ground(const struct sim_world *w, double x, double y)
{
    uint64_t seed = w->scene->seed;
    if (x < w->left_m || x > w->right_m) { /* grass and soil beyond the pavement */
        double n = sim_noise2(x * 9, y * 9, seed + 8), big = sim_noise2(x * 0.4, y * 0.4, seed + 9);
        return v3(0.07 + 0.05 * big, 0.10 + 0.05 * n, 0.035 + 0.02 * n);
    }
    double a = asphalt(w, x, y);
    int mark = marking(w, x, y);
    double worn = sim_noise2(x * 14, y * 14, seed + 5) * sim_noise2(x * 2, y * 2, seed + 6);
    double cover = mark ? 1 - clampd((worn - 0.34) * 4, 0, 0.9) : 0;
    struct vec3 paint = mark == 2 ? v3(0.50, 0.36, 0.06) : v3(0.55, 0.55, 0.52);
    return v3_mix(v3(a, a, a * 1.03), paint, cover);
}

static struct vec3 building(const struct sim_world *w, const struct sim_solid *s, struct vec3 p,
                            struct vec3 n, struct vec3 *ret_emission)
{
    double hue = sim_hash2(1, 2, s->seed), tone = 0.22 + 0.35 * sim_hash2(3, 4, s->seed);
    struct vec3 wall = v3(tone, tone * (0.88 + 0.1 * hue), tone * (0.74 + 0.24 * hue));
    if (fabs(n.z) > 0.5)
        return v3_scale(wall, 0.6);
    double along = fabs(n.x) > 0.5 ? p.y : p.x, u = fmod(along + 3000, 2.9), v = fmod(p.z, 3.1);
    bool shop = p.z < 3.4;
    if (!(shop ? u > 0.25 && p.z > 0.4 && p.z < 2.8 : u > 0.7 && u < 2.3 && v > 0.9 && v < 2.5))
        return v3_scale(wall, 0.9 + 0.2 * sim_noise2(along * 3, p.z * 3, s->seed));
    double lit =
        sim_hash2((int64_t) floor((along + 3000) / 2.9), (int64_t) floor(p.z / 3.1), s->seed);
    if (w->light->is_night && lit < (shop ? 0.5 : 0.22))
        *ret_emission = v3_scale(v3(0.42, 0.33, 0.19), 0.25 + lit);
    return v3(0.05 + 0.04 * lit, 0.06 + 0.04 * lit, 0.075 + 0.04 * lit);
}

struct vec3 sim_texture_solid(const struct sim_world *w, const struct sim_solid *s, struct vec3 p,
                              struct vec3 n, struct vec3 *ret_emission)
{
    *ret_emission = v3(0, 0, 0);
    p = v3_sub(p, s->moved); /* the pattern moves with it */
    double fine = sim_noise2(p.x * 11 + p.z * 7, p.y * 11 + p.z * 5, s->seed);
    switch (s->surface) {
    case SIM_SURFACE_CONCRETE:
        return v3_scale(v3(0.30, 0.30, 0.28), 0.8 + 0.4 * fine);
    case SIM_SURFACE_PAVING: {
        bool joint = fmod(p.x + 3000, 0.5) < 0.03 || fmod(p.y + 3000, 0.5) < 0.03;
        double tile = sim_hash2((int64_t) floor(p.x * 2), (int64_t) floor(p.y * 2), s->seed);
        return v3_scale(v3(0.26, 0.22, 0.19), (0.85 + 0.3 * tile) * (joint ? 0.6 : 1));
    }
    case SIM_SURFACE_BUILDING:
        return building(w, s, p, n, ret_emission);
    case SIM_SURFACE_LEAVES:
        return v3_scale(v3(0.06, 0.11, 0.03), 0.3 + 1.4 * fine);
    case SIM_SURFACE_BARK:
        return v3_scale(v3(0.10, 0.075, 0.05), 0.6 + 0.8 * fine);
    case SIM_SURFACE_LAMP:
        if (w->light->is_night && n.z < -0.5)
            *ret_emission = v3_scale(w->light->lamp_colour, 8);
        return v3(0.3, 0.3, 0.3);
    default:
        return v3(0.22, 0.23, 0.24);
    }
}
