#include "background.h"

#include <errno.h>
#include <stdlib.h>

#include "parallel.h"
#include "rng.h"

#define RAYS_SIDE 3 /* rays a pixel: its square */

struct job {
    struct sim_background *b;
    const struct sim_world *w;
    const struct sim_camera *c;
};

struct pixel {
    struct vec3 base, sun;
    double albedo;
    double share; /* of light that comes from ahead which the wet road mirrors */
    struct vec3 mirrored;
};

#define WATER_F0 0.02  /* mirrored head on */
#define RIPPLE   0.035 /* rad: a film of water on rough asphalt */

/* What a film of water adds: the surroundings, by Schlick's approximation of Fresnel. */
static void add_mirrored(const struct sim_world *w, const struct sim_hit *h, struct vec3 dir,
                         struct sim_rng *rng, struct pixel *p)
{
    double slope_x = RIPPLE * sim_rng_normal(rng), slope_y = RIPPLE * sim_rng_normal(rng);
    struct vec3 n = v3_unit(v3(slope_x, slope_y, 1));
    double c = clampd(-v3_dot(dir, n), 0, 1);
    double share = w->scene->light.wet * (WATER_F0 + (1 - WATER_F0) * pow(1 - c, 5));
    struct vec3 to = v3_add(dir, v3_scale(n, 2 * c)), from = v3_add(h->point, v3(0, 0, 0.01));
    struct sim_hit far = sim_world_trace(w, from, to);
    struct vec3 seen = sim_light_environment(w->light, v3(to.x, to.y, fmax(to.z, 0.06)));
    if (isfinite(far.distance))
        seen = v3_add(far.emission,
                      v3_mul(far.albedo, sim_light_ambient(w->light, far.point, far.normal)));
    p->share += share;
    p->mirrored = v3_add(p->mirrored, v3_scale(seen, share));
    p->base = v3_add(p->base, v3_scale(seen, share));
}

static void shade_hit(const struct sim_world *w, const struct sim_hit *h, struct vec3 dir,
                      struct sim_rng *rng, struct pixel *p)
{
    const struct sim_light *l = w->light;
    if (!isfinite(h->distance)) {
        p->base = v3_add(p->base, sim_light_environment(l, v3(dir.x, dir.y, fmax(dir.z, 0.06))));
        return;
    }
    struct vec3 e = sim_light_ambient(l, h->point, h->normal), above = h->point;
    p->base = v3_add(p->base, v3_add(v3_mul(h->albedo, e), h->emission));
    struct vec3 sun = sim_light_sun(l, h->normal);
    if (sun.x > 0) {
        double s = l->sun_radius_rad;
        struct vec3 to = v3_add(l->to_sun, v3(sim_rng_range(rng, -s, s), sim_rng_range(rng, -s, s),
                                              sim_rng_range(rng, -s, s)));
        above = v3_add(above, v3_scale(h->normal, 0.01));
        if (!sim_world_blocks(w, above, to))
            p->sun = v3_add(p->sun, v3_mul(h->albedo, sun));
    }
    if (h->is_ground || (h->normal.z > 0.9 && h->point.z < 0.3)) /* the road or the pavement */
        p->albedo += (h->albedo.x + h->albedo.y + h->albedo.z) / 3;
    bool is_road = h->is_ground && h->point.x >= w->left_m && h->point.x <= w->right_m;
    if (is_road && w->scene->light.wet > 0)
        add_mirrored(w, h, dir, rng, p);
}

static void store(struct sim_background *b, size_t i, const struct pixel *p)
{
    const double k = 1.0 / (RAYS_SIDE * RAYS_SIDE);
    const double base[3] = {p->base.x, p->base.y, p->base.z},
                 sun[3] = {p->sun.x, p->sun.y, p->sun.z};
    for (int c = 0; c < 3; c++) {
        b->base[3 * i + (size_t) c] = (float) (base[c] * k);
        b->sun[3 * i + (size_t) c] = (float) (sun[c] * k);
    }
    b->albedo[i] = (float) (p->albedo * k);
    if (b->mirror) {
        const double m[4] = {p->share, p->mirrored.x, p->mirrored.y, p->mirrored.z};
        for (size_t c = 0; c < 4; c++)
            b->mirror[4 * i + c] = (float) (m[c] * k);
    }
}

static void trace_row(void *arg, int y)
{
    const struct job *j = arg;
    struct sim_rng rng = sim_rng_make(j->w->scene->seed, 0x100000 + (uint64_t) y);
    for (int x = 0; x < j->b->width; x++) {
        size_t i = (size_t) y * (size_t) j->b->width + (size_t) x;
        struct pixel p = {0};
        for (int k = 0; k < RAYS_SIDE * RAYS_SIDE; k++) {
            double px = x - 0.5 + (k % RAYS_SIDE + sim_rng_unit(&rng)) / RAYS_SIDE;
            double py = y - 0.5 + (k / RAYS_SIDE + sim_rng_unit(&rng)) / RAYS_SIDE;
            struct vec3 dir = sim_camera_ray(j->c, px, py);
            struct sim_hit h = sim_world_trace(j->w, j->c->pos, dir);
            shade_hit(j->w, &h, dir, &rng, &p);
        }
        struct vec3 dir = sim_camera_ray(j->c, x, y), road = v3(1e6, 1e6, 0);
        struct sim_hit h = sim_world_trace(j->w, j->c->pos, dir);
        store(j->b, i, &p);
        j->b->depth[i] =
            isfinite(h.distance) ? (float) (h.distance * v3_dot(dir, j->c->forward)) : 1e6f;
        sim_camera_ground(j->c, x, y, &road);
        j->b->road[2 * i] = (float) road.x;
        j->b->road[2 * i + 1] = (float) road.y;
    }
}

int sim_background_init(struct sim_background *b, const struct sim_world *w,
                        const struct sim_camera *c, int n_threads)
{
    size_t n = (size_t) c->width * (size_t) c->height;
    *b = (struct sim_background){
        .width = c->width,
        .height = c->height,
        .base = calloc(3 * n, sizeof(float)),
        .sun = calloc(3 * n, sizeof(float)),
        .albedo = calloc(n, sizeof(float)),
        .depth = calloc(n, sizeof(float)),
        .road = calloc(2 * n, sizeof(float)),
        .mirror = w->scene->light.wet > 0 ? calloc(4 * n, sizeof(float)) : NULL,
    };
    bool is_whole = b->base && b->sun && b->albedo && b->depth && b->road &&
                    (b->mirror || !(w->scene->light.wet > 0));
    int r = is_whole ? 0 : -ENOMEM;
    struct job j = {b, w, c};
    if (r == 0)
        r = sim_parallel(c->height, n_threads, trace_row, &j);
    if (r < 0)
        sim_background_deinit(b);
    return r;
}

void sim_background_deinit(struct sim_background *b)
{
    free(b->base);
    free(b->sun);
    free(b->albedo);
    free(b->depth);
    free(b->road);
    free(b->mirror);
    *b = (struct sim_background){0};
}
