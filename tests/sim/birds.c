#include <errno.h>
#include <stdlib.h>

#include "render.h"
#include "rng.h"

#define CORNERS 8
#define SHOWN_S 4.0 /* before and after it crosses the road's middle */

/** On a straight way, flapping. */
struct sim_bird {
    struct vec3 middle, velocity; /* m at t_s, m/s */
    double t_s, span_m, flaps_hz, phase;
    float colour[3];
};

int sim_birds_init(struct sim_stage *s)
{
    const struct sim_scene *scene = s->scene;
    s->n_birds = (size_t) scene->scenery.birds;
    s->bird = calloc(s->n_birds + 1, sizeof *s->bird);
    if (!s->bird)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_birds; i++) {
        struct sim_rng rng = sim_rng_make(scene->seed, 5000 + i);
        double heading = sim_rng_range(&rng, 0, 2 * M_PI), speed = sim_rng_range(&rng, 6, 15);
        double span = sim_rng_range(&rng, 0.25, 0.9), shade = sim_rng_range(&rng, 0.03, 0.35);
        struct vec3 to_sun = s->light.to_sun;
        double light = s->light.sky.y + s->light.sun.y * fmax(0, to_sun.z);
        s->bird[i] = (struct sim_bird){
            .middle = v3(sim_rng_range(&rng, s->world.left_m, s->world.right_m),
                         sim_rng_range(&rng, scene->zone_y_min_m, scene->zone_y_max_m),
                         sim_rng_range(&rng, 1.0, fmax(2, 0.8 * scene->camera.height_m))),
            .velocity =
                v3(speed * sin(heading), speed * cos(heading), sim_rng_range(&rng, -0.5, 0.5)),
            .t_s = scene->seconds * ((double) i + sim_rng_unit(&rng)) / (double) s->n_birds,
            .span_m = span,
            .flaps_hz = 3.2 / sqrt(span), /* the larger the slower */
            .phase = sim_rng_range(&rng, 0, 2 * M_PI),
            .colour = {(float) (shade * light), (float) (shade * light), (float) (shade * light)},
        };
    }
    return 0;
}

/* Beak, tail, back, belly; then each wing's root behind and before is the body, its tips move. */
static void corners(const struct sim_bird *b, double t_s, struct vec3 ret[CORNERS])
{
    struct vec3 at = v3_add(b->middle, v3_scale(b->velocity, t_s - b->t_s));
    struct vec3 ahead = v3_unit(v3(b->velocity.x, b->velocity.y, 0)), up = v3(0, 0, 1);
    struct vec3 right = v3(ahead.y, -ahead.x, 0);
    double flap = 0.75 * sin(2 * M_PI * b->flaps_hz * t_s + b->phase), l = b->span_m;
    ret[0] = v3_add(at, v3_scale(ahead, 0.28 * l));
    ret[1] = v3_add(at, v3_scale(ahead, -0.32 * l));
    ret[2] = v3_add(at, v3_scale(up, 0.07 * l));
    ret[3] = v3_add(at, v3_scale(up, -0.07 * l));
    ret[4] = v3_add(at, v3_scale(right, 0.07 * l));
    ret[5] = v3_add(at, v3_scale(right, -0.07 * l));
    for (int side = 0; side < 2; side++)
        ret[6 + side] = v3_add(at, v3_add(v3_scale(right, (side ? -0.5 : 0.5) * l * cos(flap)),
                                          v3_scale(up, 0.5 * l * sin(flap))));
}

struct sim_rect sim_bird_reach(const struct sim_stage *s, size_t i, double t_s)
{
    struct sim_rect r = {1 << 24, 1 << 24, -(1 << 24), -(1 << 24)};
    double half = s->scene->light.shutter_ms / 2000;
    if (fabs(t_s - s->bird[i].t_s) > SHOWN_S)
        return (struct sim_rect){0, 0, 0, 0};
    for (int end = -1; end <= 1; end += 2) {
        struct vec3 p[CORNERS];
        corners(&s->bird[i], t_s + end * half, p);
        for (int k = 0; k < CORNERS; k++) {
            sim_widen(&r, &s->camera, p[k]);
            if (s->light.sun.x > 0 && p[k].z > 0)
                sim_widen(&r, &s->camera, sim_on_ground(p[k], s->light.to_sun));
        }
    }
    r.x0 = r.x0 < 0 ? 0 : r.x0;
    r.y0 = r.y0 < 0 ? 0 : r.y0;
    r.x1 = r.x1 > s->camera.width ? s->camera.width : r.x1;
    r.y1 = r.y1 > s->camera.height ? s->camera.height : r.y1;
    return r;
}

void sim_bird_draw(struct sim_painter *p, size_t i, const struct sim_sample *a)
{
    static const unsigned char triangles[][3] = {{0, 2, 4}, {0, 2, 5}, {0, 3, 4}, {0, 3, 5},
                                                 {1, 2, 4}, {1, 2, 5}, {1, 3, 4}, {1, 3, 5},
                                                 {0, 1, 6}, {0, 1, 7}};
    const struct sim_stage *s = p->stage;
    struct vec3 at[CORNERS];
    struct sim_corner q[CORNERS], ground[CORNERS];
    bool is_shown = true, has_shadow = s->light.sun.x > 0;
    corners(&s->bird[i], a->t_s, at);
    for (int k = 0; k < CORNERS; k++) {
        is_shown = is_shown && sim_corner_of(s, a, at[k], &q[k]);
        has_shadow = has_shadow && sim_corner_of(s, a, sim_on_ground(at[k], a->to_sun), &ground[k]);
    }
    for (size_t k = 0; k < sizeof triangles / sizeof *triangles; k++) {
        const unsigned char *t = triangles[k];
        const struct sim_corner seen[3] = {q[t[0]], q[t[1]], q[t[2]]},
                                cast[3] = {ground[t[0]], ground[t[1]], ground[t[2]]};
        if (is_shown)
            sim_canvas_triangle(&p->canvas, seen, s->bird[i].colour);
        if (has_shadow)
            sim_canvas_mask(&p->canvas, cast, SIM_MASK_SHADOW);
    }
}
