#include "render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES    8 /* each at its own time within the exposure and place within the pixel */
#define NEAR_M     0.6
#define RECTS_MAX  64
#define SMEAR_MOST 1.35 /* of the height, in a rippled mirror */

int sim_stage_create(struct sim_stage **ret, const struct sim_scene *scene, int n_threads)
{
    struct sim_stage *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    int r;
    size_t n = (size_t) scene->video.width * (size_t) scene->video.height * 3;
    s->scene = scene;
    sim_camera_init(&s->camera, &scene->camera, scene->video.width, scene->video.height);
    sim_light_init(&s->light, scene);
    s->vehicle = calloc(scene->n_vehicles + 1, sizeof *s->vehicle);
    s->mesh = calloc(scene->n_vehicles + 1, sizeof *s->mesh);
    s->full = malloc(n * sizeof *s->full);
    s->beam = s->light.is_night ? sim_night_make_beam() : NULL;
    r = s->vehicle && s->mesh && s->full && (s->beam || !s->light.is_night) ? 0 : -ENOMEM;
    for (size_t i = 0; i < scene->n_vehicles && r == 0; i++) {
        sim_vehicle_init(&s->vehicle[i], scene, i);
        r = sim_mesh_init(&s->mesh[i], &s->vehicle[i]);
        s->n_vehicles = i + 1;
    }
    if (r < 0 || (r = sim_world_init(&s->world, scene, &s->light)) < 0 ||
        (r = sim_background_init(&s->background, &s->world, &s->camera, n_threads)) < 0 ||
        (r = sim_wind_init(s, n_threads)) < 0 || (r = sim_birds_init(s)) < 0) {
        sim_stage_destroy(&s);
        return r;
    }
    for (size_t i = 0; i < n; i++)
        s->full[i] = s->background.base[i] + s->background.sun[i];
    *ret = s;
    return 0;
}

void sim_stage_destroy(struct sim_stage **stage)
{
    struct sim_stage *s = *stage;
    if (!s)
        return;
    *stage = NULL;
    for (size_t i = 0; i < s->n_vehicles; i++)
        sim_mesh_deinit(&s->mesh[i]);
    sim_world_deinit(&s->world);
    sim_background_deinit(&s->background);
    sim_wind_deinit(s);
    free(s->vehicle);
    free(s->mesh);
    free(s->full);
    free(s->beam);
    free(s->bird);
    free(s);
}

int sim_painter_create(struct sim_painter **ret, const struct sim_stage *s)
{
    struct sim_painter *p = calloc(1, sizeof *p);
    size_t n = (size_t) s->camera.width * (size_t) s->camera.height, triangles = 1, vertices = 1;
    if (!p)
        return -ENOMEM;
    p->stage = s;
    p->first_shade = calloc(s->n_vehicles + 1, sizeof *p->first_shade);
    for (size_t i = 0; i < s->n_vehicles && p->first_shade; i++) {
        p->first_shade[i] = triangles;
        triangles += s->mesh[i].n_triangles;
        vertices = s->mesh[i].n_vertices > vertices ? s->mesh[i].n_vertices : vertices;
    }
    p->rgb = malloc(3 * n * sizeof(float));
    p->scratch = malloc(3 * n * sizeof(float));
    p->sum = malloc(3 * n * sizeof(float));
    p->n_bare = malloc(n);
    p->shade = malloc(3 * triangles * sizeof(float));
    p->corner = malloc(vertices * sizeof *p->corner);
    if (!p->rgb || !p->scratch || !p->sum || !p->n_bare || !p->shade || !p->corner ||
        !p->first_shade || sim_canvas_init(&p->canvas, s->camera.width, s->camera.height) < 0 ||
        (s->background.mirror &&
         sim_canvas_init(&p->mirror, s->camera.width, s->camera.height) < 0)) {
        sim_painter_destroy(&p);
        return -ENOMEM;
    }
    *ret = p;
    return 0;
}

void sim_painter_destroy(struct sim_painter **painter)
{
    struct sim_painter *p = *painter;
    if (!p)
        return;
    *painter = NULL;
    sim_canvas_deinit(&p->canvas);
    sim_canvas_deinit(&p->mirror);
    free(p->rgb);
    free(p->scratch);
    free(p->sum);
    free(p->n_bare);
    free(p->shade);
    free(p->first_shade);
    free(p->corner);
    free(p);
}

struct vec3 sim_on_ground(struct vec3 p, struct vec3 to_sun)
{
    return v3(p.x - to_sun.x * p.z / to_sun.z, p.y - to_sun.y * p.z / to_sun.z, 0);
}

void sim_widen(struct sim_rect *r, const struct sim_camera *c, struct vec3 p)
{
    double x, y;
    if (!(sim_camera_project(c, p, &x, &y) > NEAR_M))
        return;
    x = clampd(x, -1e6, 1e6);
    y = clampd(y, -1e6, 1e6);
    r->x0 = (int) fmin(r->x0, floor(x) - 3);
    r->y0 = (int) fmin(r->y0, floor(y) - 3);
    r->x1 = (int) fmax(r->x1, ceil(x) + 4);
    r->y1 = (int) fmax(r->y1, ceil(y) + 4);
}

/* Everything a vehicle may change in the picture while the shutter is open. */
static struct sim_rect reach(const struct sim_stage *s, size_t i, double t_s)
{
    const struct sim_vehicle *v = &s->vehicle[i];
    struct sim_rect r = {1 << 24, 1 << 24, -(1 << 24), -(1 << 24)};
    double half = s->scene->light.shutter_ms / 2000;
    for (int k = 0; k < 16; k++) {
        double t = k & 8 ? t_s + half : t_s - half, grow = 1.25;
        struct vec3 local = v3((k & 1 ? 0.5 : -0.5) * (v->dims.width * grow + 0.4),
                               (k & 2 ? 0.5 : -0.5) * (v->dims.length * grow + 0.2),
                               k & 4 ? v->dims.height + 0.1 : 0);
        struct vec3 p = sim_vehicle_point(v, t, local);
        sim_widen(&r, &s->camera, p);
        if (s->background.mirror)
            sim_widen(&r, &s->camera, v3(p.x, p.y, -SMEAR_MOST * p.z));
        if (s->light.sun.x > 0)
            sim_widen(&r, &s->camera, sim_on_ground(p, s->light.to_sun));
    }
    r.x0 = r.x0 < 0 ? 0 : r.x0;
    r.y0 = r.y0 < 0 ? 0 : r.y0;
    r.x1 = r.x1 > s->camera.width ? s->camera.width : r.x1;
    r.y1 = r.y1 > s->camera.height ? s->camera.height : r.y1;
    return r;
}

static struct sim_rect join(struct sim_rect a, struct sim_rect b)
{
    return (struct sim_rect){a.x0 < b.x0 ? a.x0 : b.x0, a.y0 < b.y0 ? a.y0 : b.y0,
                             a.x1 > b.x1 ? a.x1 : b.x1, a.y1 > b.y1 ? a.y1 : b.y1};
}

/* Adds a rectangle; those that touch become one, so that no pixel is drawn twice. */
static int add_rect(struct sim_rect *list, int n, struct sim_rect r)
{
    for (int i = 0; i < n;) {
        if (sim_rect_touches(list[i], r)) {
            r = join(list[i], r);
            list[i] = list[--n];
            i = 0;
        } else {
            i++;
        }
    }
    if (n == RECTS_MAX) {
        list[n - 1] = join(list[n - 1], r);
        return n;
    }
    list[n] = r;
    return n + 1;
}

static struct sim_sample sample_at(const struct sim_stage *s, double t_s, int k)
{
    double shutter = s->scene->light.shutter_ms / 1000, u = fmod(0.5 + 0.7548776662 * (k + 1), 1);
    double v = fmod(0.5 + 0.5698402910 * (k + 1), 1), r = s->light.sun_radius_rad;
    struct vec3 side = v3(s->light.to_sun.y, -s->light.to_sun.x, 0);
    struct sim_sample a = {t_s + shutter * ((k + 0.5) / SAMPLES - 0.5),
                           u - 0.5,
                           v - 0.5,
                           s->light.to_sun,
                           0.82 + 0.40 * (k + 0.5) / SAMPLES,
                           2 - SMEAR_MOST + 2 * (SMEAR_MOST - 1) * v};
    a.to_sun = v3_add(a.to_sun, v3_add(v3_scale(side, r * (2 * v - 1)), v3(0, 0, r * (2 * u - 1))));
    return a;
}

bool sim_corner_of(const struct sim_stage *s, const struct sim_sample *a, struct vec3 p,
                   struct sim_corner *ret)
{
    double x, y, depth = sim_camera_project(&s->camera, p, &x, &y);
    if (!(depth > NEAR_M))
        return false;
    *ret = (struct sim_corner){(float) (x - a->dx), (float) (y - a->dy), (float) (1 / depth)};
    return true;
}

static void draw_under(struct sim_painter *p, size_t i, const struct sim_sample *a)
{
    const struct sim_stage *s = p->stage;
    const struct sim_vehicle *v = &s->vehicle[i];
    struct sim_corner q[4];
    double thin = v->conf->class >= SIM_MOTORCYCLE ? 0.4 : 1; /* two wheels hide little sky */
    for (int k = 0; k < 4; k++) {
        double grow = a->spread;
        struct vec3 local =
            v3((k == 1 || k == 2 ? 0.5 : -0.5) * v->dims.width * grow * thin,
               (k >= 2 ? 0.5 : -0.5) * (v->dims.length - v->dims.width + v->dims.width * grow), 0);
        if (!sim_corner_of(s, a, sim_vehicle_point(v, a->t_s, local), &q[k]))
            return;
    }
    const struct sim_corner second[3] = {q[0], q[2], q[3]};
    sim_canvas_mask(&p->canvas, q, SIM_MASK_UNDER);
    sim_canvas_mask(&p->canvas, second, SIM_MASK_UNDER);
}

/** Where a vehicle stands at the sample's time. */
struct stance {
    struct vec3 centre, heading, right;
};

static struct vec3 place(const struct stance *st, struct vec3 local)
{
    return v3(st->centre.x + st->right.x * local.x + st->heading.x * local.y,
              st->centre.y + st->right.y * local.x + st->heading.y * local.y, local.z);
}

static struct vec3 flipped(struct vec3 p, double by)
{
    p.z *= by;
    return p;
}

static struct stance stance_at(const struct sim_vehicle *v, double t_s)
{
    struct stance st = {sim_vehicle_centre(v, t_s), sim_vehicle_heading(v, t_s), {0}};
    st.right = v3(st.heading.y, -st.heading.x, 0);
    return st;
}

static void draw_shadow(struct sim_painter *p, size_t i, const struct sim_sample *a)
{
    const struct sim_stage *s = p->stage;
    const struct sim_mesh *m = &s->mesh[i];
    struct stance st = stance_at(&s->vehicle[i], a->t_s);
    for (size_t k = 0; k < m->n_vertices; k++) {
        struct vec3 w = sim_on_ground(place(&st, m->vertex[k]), a->to_sun);
        if (!sim_corner_of(s, a, w, &p->corner[k]))
            return; /* behind the camera: its shadow is not in the picture */
    }
    for (size_t k = 0; k < m->n_triangles; k++) {
        const struct sim_triangle *t = &m->triangle[k];
        struct vec3 n = v3_add(v3_scale(st.right, t->normal.x), v3_scale(st.heading, t->normal.y));
        n.z = t->normal.z;
        if (v3_dot(n, a->to_sun) <= 0)
            continue; /* the lit half casts the whole outline */
        const struct sim_corner q[3] = {p->corner[t->a], p->corner[t->b], p->corner[t->c]};
        sim_canvas_mask(&p->canvas, q, SIM_MASK_SHADOW);
    }
}

/* Into the picture; with is_mirrored upside down, into what the wet road shows. */
static void draw_body(struct sim_painter *p, size_t i, const struct sim_sample *a, bool is_mirrored)
{
    struct sim_canvas *canvas = is_mirrored ? &p->mirror : &p->canvas;
    double flip = is_mirrored ? -a->smear : 1;
    const struct sim_stage *s = p->stage;
    const struct sim_mesh *m = &s->mesh[i];
    struct stance st = stance_at(&s->vehicle[i], a->t_s);
    for (size_t k = 0; k < m->n_vertices; k++)
        if (!sim_corner_of(s, a, flipped(place(&st, m->vertex[k]), flip), &p->corner[k]))
            p->corner[k].inverse = 0;
    for (size_t k = 0; k < m->n_triangles; k++) {
        const struct sim_triangle *t = &m->triangle[k];
        const struct sim_corner q[3] = {p->corner[t->a], p->corner[t->b], p->corner[t->c]};
        struct vec3 w = flipped(place(&st, m->vertex[t->a]), flip);
        struct vec3 n = v3_add(v3_scale(st.right, t->normal.x), v3_scale(st.heading, t->normal.y));
        n.z = t->normal.z / flip;
        if (q[0].inverse > 0 && q[1].inverse > 0 && q[2].inverse > 0 &&
            v3_dot(n, v3_sub(s->camera.pos, w)) > 0)
            sim_canvas_triangle(canvas, q, p->shade + 3 * (p->first_shade[i] + k));
    }
}

/* What the sun adds there at this moment. */
static float sunlight(const struct sim_painter *p, size_t k)
{
    if (!p->before)
        return p->stage->background.sun[k];
    return p->before->sun[k] + p->between * (p->after->sun[k] - p->before->sun[k]);
}

static bool mirrors(const struct sim_painter *p, size_t i)
{
    return p->mirror.depth && p->mirror.depth[i] > 0;
}

/* The street in a shadow, or mirroring a vehicle in place of what is behind that. */
static void add_ground(const struct sim_painter *p, size_t i, float *sum)
{
    uint8_t mask = p->canvas.mask[i];
    float sky = mask & SIM_MASK_UNDER ? 0.22f : mask ? 0.92f : 1.0f;
    float sun = mask & SIM_MASK_SHADOW ? 0.0f : 1.0f;
    const float *gloss = p->stage->background.mirror ? p->stage->background.mirror + 4 * i : NULL;
    for (size_t k = 0; k < 3; k++) {
        float lit = sunlight(p, 3 * i + k), shine = gloss ? gloss[1 + k] : 0;
        sum[k] += (p->rgb[3 * i + k] - lit - shine) * sky + lit * sun;
        if (gloss)
            sum[k] += mirrors(p, i) ? gloss[0] * p->mirror.colour[3 * i + k] : shine;
    }
}

/* Adds the canvas to the sums: a vehicle, the street in a shadow, or (counted) the bare street. */
static void collect(struct sim_painter *p, struct sim_rect r)
{
    const struct sim_stage *s = p->stage;
    const struct sim_canvas *c = &p->canvas;
    for (int y = r.y0; y < r.y1; y++)
        for (int x = r.x0; x < r.x1; x++) {
            size_t i = (size_t) y * (size_t) c->width + (size_t) x;
            float *sum = p->sum + 3 * i;
            if (c->depth[i] > 0 && 1 / c->depth[i] < s->background.depth[i] + 0.03f) {
                for (int k = 0; k < 3; k++)
                    sum[k] += c->colour[3 * i + (size_t) k];
            } else if (s->background.albedo[i] > 0 && (c->mask[i] || mirrors(p, i))) {
                add_ground(p, i, sum);
            } else {
                p->n_bare[i]++;
            }
        }
}

static void clear_sums(struct sim_painter *p, struct sim_rect r)
{
    size_t width = (size_t) p->canvas.width, n = (size_t) (r.x1 - r.x0);
    for (int y = r.y0; y < r.y1; y++) {
        size_t i = (size_t) y * width + (size_t) r.x0;
        memset(p->sum + 3 * i, 0, 3 * n * sizeof(float));
        memset(p->n_bare + i, 0, n);
    }
}

static void resolve(struct sim_painter *p, struct sim_rect r)
{
    for (int y = r.y0; y < r.y1; y++)
        for (int x = r.x0; x < r.x1; x++) {
            size_t i = (size_t) y * (size_t) p->canvas.width + (size_t) x;
            if (p->n_bare[i] == SAMPLES)
                continue;
            for (size_t k = 3 * i; k < 3 * i + 3; k++)
                p->rgb[k] = (p->sum[k] + p->n_bare[i] * p->rgb[k]) / SAMPLES;
        }
}

static void draw_rect(struct sim_painter *p, struct sim_rect r, const struct sim_rect *reaches,
                      double t_s)
{
    const struct sim_stage *s = p->stage;
    clear_sums(p, r);
    for (int k = 0; k < SAMPLES; k++) {
        struct sim_sample a = sample_at(s, t_s, k);
        sim_canvas_begin(&p->canvas, r);
        if (p->mirror.depth)
            sim_canvas_begin(&p->mirror, r);
        for (size_t i = 0; i < s->n_vehicles; i++) {
            if (sim_rect_is_empty(reaches[i]) || !sim_rect_touches(reaches[i], r))
                continue;
            if (s->light.sun.x > 0)
                draw_shadow(p, i, &a);
            draw_under(p, i, &a);
            draw_body(p, i, &a, false);
            if (p->mirror.depth)
                draw_body(p, i, &a, true);
        }
        for (size_t i = 0; i < s->n_birds; i++)
            sim_bird_draw(p, i, &a);
        collect(p, r);
    }
    resolve(p, r);
}

static void draw_vehicles(struct sim_painter *p, double t_s)
{
    const struct sim_stage *s = p->stage;
    struct sim_rect list[RECTS_MAX], reaches[256];
    int n = 0;
    for (size_t i = 0; i < s->n_vehicles && i < 256; i++) {
        reaches[i] = (struct sim_rect){0, 0, 0, 0};
        if (!sim_vehicle_exists(&s->vehicle[i], t_s))
            continue;
        reaches[i] = reach(s, i, t_s);
        if (sim_rect_is_empty(reaches[i]))
            continue;
        sim_shade_vehicle(s, i, t_s, p->shade + 3 * p->first_shade[i]);
        n = add_rect(list, n, reaches[i]);
    }
    for (size_t i = 0; i < s->n_birds; i++) {
        struct sim_rect r = sim_bird_reach(s, i, t_s);
        if (!sim_rect_is_empty(r))
            n = add_rect(list, n, r);
    }
    for (int i = 0; i < n; i++)
        draw_rect(p, list[i], reaches, t_s);
}

void sim_painter_draw(struct sim_painter *p, double t_s, int index)
{
    const struct sim_stage *s = p->stage;
    size_t n = 3 * (size_t) s->camera.width * (size_t) s->camera.height;
    sim_wind_street(p, t_s);
    memset(p->canvas.depth, 0, n / 3 * sizeof(float));
    if (s->light.is_night)
        sim_night_pools(p, t_s);
    draw_vehicles(p, t_s);
    if (s->light.is_night)
        sim_night_glare(p, t_s);
    if (s->scene->light.rain > 0)
        sim_weather_rain(p, index);
    if (s->scene->light.snow > 0)
        sim_weather_snow(p, t_s);
    if (s->scene->camera.shake_px > 0)
        sim_shake_picture(p, t_s);
}
