#include <stdlib.h>

#include "render.h"

#define REACH_M 55.0
#define ASIDE_M 37.0
#define GRID_M  0.1
#define N_AHEAD ((int) (REACH_M / GRID_M) + 2)
#define N_ASIDE ((int) (2 * ASIDE_M / GRID_M) + 2)

/* Irradiance on the road of both low beams, u m right and v m ahead of the bumper. */
static double beam(double u, double v)
{
    double total = 0;
    for (int side = -1; side <= 1; side += 2) {
        double x = u - side * 0.6, z = 0.65, r2 = x * x + v * v + z * z, r = sqrt(r2);
        double yaw = atan2(x, v), dip = atan2(z, sqrt(x * x + v * v));
        double across =
            exp(-yaw * yaw / (2 * 0.22 * 0.22)) + 0.25 * exp(-yaw * yaw / (2 * 0.55 * 0.55));
        double cut = smoothstep(0.008, 0.022, dip); /* nothing above the cut-off */
        double down = exp(-dip / 0.16) * cut;
        total += 260 * across * down * (z / r) / r2;
    }
    return total;
}

float *sim_night_make_beam(void)
{
    float *b = malloc((size_t) N_AHEAD * (size_t) N_ASIDE * sizeof *b);
    for (int j = 0; b && j < N_AHEAD; j++)
        for (int i = 0; i < N_ASIDE; i++)
            b[j * N_ASIDE + i] = (float) beam(i * GRID_M - ASIDE_M, j * GRID_M + 0.02);
    return b;
}

/* The table, straight between its points; right and ahead lie inside it. */
static float beam_at(const float *table, float right, float ahead)
{
    float u = (right + (float) ASIDE_M) * (float) (1 / GRID_M), v = ahead * (float) (1 / GRID_M);
    int i = (int) u, j = (int) v;
    const float *p = table + j * N_ASIDE + i, *q = p + N_ASIDE;
    u -= (float) i;
    v -= (float) j;
    return (1 - v) * (p[0] + u * (p[1] - p[0])) + v * (q[0] + u * (q[1] - q[0]));
}

static bool is_lit(const struct sim_vehicle *v)
{
    return !v->conf->lights_off && v->conf->class <= SIM_MOTORCYCLE;
}

static void add_pool(struct sim_painter *p, const struct sim_vehicle *v, double t_s)
{
    const struct sim_stage *s = p->stage;
    const struct sim_background *b = &s->background;
    struct vec3 h = sim_vehicle_heading(v, t_s);
    struct vec3 o = v3_add(sim_vehicle_centre(v, t_s), v3_scale(h, v->dims.length / 2));
    float k = v->conf->class == SIM_MOTORCYCLE ? 0.6f : 1;
    float ox = (float) o.x, oy = (float) o.y, hx = (float) h.x, hy = (float) h.y;
    for (int y = 0; y < b->height; y++) {
        const float *road = b->road + 2 * (size_t) y * (size_t) b->width;
        /* rows of the picture are nearly lines across the road: skip those out of reach */
        if (fabs((double) road[b->width] - o.y) > REACH_M + 15)
            continue;
        for (int x = 0; x < b->width; x++) {
            size_t i = (size_t) y * (size_t) b->width + (size_t) x;
            float dx = road[2 * x] - ox, dy = road[2 * x + 1] - oy;
            float ahead = dx * hx + dy * hy, right = dx * hy - dy * hx;
            if (b->albedo[i] <= 0 || ahead < 0.1f || ahead > (float) REACH_M ||
                fabsf(right) > 3 + 0.6f * ahead)
                continue;
            float e = k * beam_at(s->beam, right, ahead) * b->albedo[i];
            p->rgb[3 * i] += e;
            p->rgb[3 * i + 1] += 0.93f * e;
            p->rgb[3 * i + 2] += 0.80f * e;
        }
    }
}

void sim_night_pools(struct sim_painter *p, double t_s)
{
    const struct sim_stage *s = p->stage;
    for (size_t i = 0; i < s->n_vehicles; i++) {
        struct vec3 c = sim_vehicle_centre(&s->vehicle[i], t_s);
        if (is_lit(&s->vehicle[i]) && sim_vehicle_exists(&s->vehicle[i], t_s) && c.y > -60 &&
            c.y < 220)
            add_pool(p, &s->vehicle[i], t_s);
    }
}

/* A bright point as lens and sensor show it: a core and a halo that falls off slowly. */
static void add_glare(struct sim_painter *p, double px, double py, double power, struct vec3 colour)
{
    const struct sim_camera *c = &p->stage->camera;
    double core = 1.6, halo = 9.0, radius = clampd(10 * sqrt(power), 6, 110);
    int x0 = (int) fmax(0, px - radius), x1 = (int) fmin(c->width, px + radius + 1);
    int y0 = (int) fmax(0, py - radius), y1 = (int) fmin(c->height, py + radius + 1);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            double r2 = (x - px) * (x - px) + (y - py) * (y - py);
            double edge = 1 - r2 / (radius * radius), k = 1 + r2 / (halo * halo);
            if (edge <= 0)
                continue;
            double g = power * (exp(-r2 / (2 * core * core)) + 0.045 * edge / (k * sqrt(k)));
            float *out = p->rgb + 3 * ((size_t) y * (size_t) c->width + (size_t) x);
            out[0] += (float) (g * colour.x);
            out[1] += (float) (g * colour.y);
            out[2] += (float) (g * colour.z);
        }
}

static bool is_hidden(const struct sim_painter *p, double px, double py, double depth)
{
    const struct sim_camera *c = &p->stage->camera;
    if (px < 0 || py < 0 || px >= c->width || py >= c->height)
        return false;
    size_t i = (size_t) py * (size_t) c->width + (size_t) px;
    float drawn = p->canvas.depth[i];
    return (drawn > 0 && 1 / (double) drawn < depth - 0.5) ||
           (double) p->stage->background.depth[i] < depth - 0.5;
}

/* The lamp's image in the wet road, when road is where it would be seen. */
static void glare_mirrored(struct sim_painter *p, struct vec3 image, double power, bool is_head)
{
    const struct sim_camera *c = &p->stage->camera;
    double px, py, depth = sim_camera_project(c, image, &px, &py);
    if (!(depth > 1) || px < 0 || py < 0 || px >= c->width || py >= c->height)
        return;
    size_t i = (size_t) py * (size_t) c->width + (size_t) px;
    double share = p->canvas.depth[i] > 0 ? 0 : (double) p->stage->background.mirror[4 * i];
    if (share > 0)
        add_glare(p, px, py, share * power, is_head ? v3(1, 0.93, 0.80) : v3(1, 0.07, 0.04));
}

static void glare_of(struct sim_painter *p, size_t i, double t_s)
{
    const struct sim_stage *s = p->stage;
    const struct sim_vehicle *v = &s->vehicle[i];
    struct vec3 h = sim_vehicle_heading(v, t_s);
    for (int k = 0; k < s->mesh[i].n_lamps; k++) {
        bool is_head = s->mesh[i].lamp_material[k] == SIM_HEADLAMP;
        struct vec3 q = sim_vehicle_point(v, t_s, s->mesh[i].lamp[k]);
        struct vec3 to_eye = v3_sub(s->camera.pos, q);
        double r = v3_len(to_eye), facing = v3_dot(h, to_eye) / r * (is_head ? 1 : -1), px, py;
        double depth = sim_camera_project(&s->camera, q, &px, &py);
        if (!(depth > 1) || facing <= 0.05 || is_hidden(p, px, py, depth))
            continue;
        double power = (is_head ? 2600 : 90) * facing * facing * facing / (r * r + 60);
        add_glare(p, px, py, power, is_head ? v3(1, 0.93, 0.80) : v3(1, 0.07, 0.04));
        if (s->background.mirror)
            glare_mirrored(p, v3(q.x, q.y, -q.z), power, is_head);
    }
}

void sim_night_glare(struct sim_painter *p, double t_s)
{
    const struct sim_stage *s = p->stage;
    for (size_t i = 0; i < s->n_vehicles; i++)
        if (is_lit(&s->vehicle[i]) && sim_vehicle_exists(&s->vehicle[i], t_s))
            glare_of(p, i, t_s);
    for (int i = 0; i < s->light.n_lamps; i++) {
        double px, py, depth = sim_camera_project(&s->camera, s->light.lamp[i], &px, &py);
        if (depth > 2 && px > -50 && py > -50 && px < s->camera.width + 50)
            add_glare(p, px, py, clampd(900 / (depth * depth + 40), 0, 12), s->light.lamp_colour);
    }
}
