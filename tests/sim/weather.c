#include "render.h"
#include "rng.h"

static void add_streak(struct sim_painter *p, struct sim_rng *rng, float light)
{
    const struct sim_camera *c = &p->stage->camera;
    double near = sim_rng_unit(rng), length = 6 + 40 * near * near,
           slant = sim_rng_range(rng, -0.09, -0.03);
    double x = sim_rng_range(rng, 0, c->width), y = sim_rng_range(rng, -length, c->height);
    float k = light * (float) (0.10 + 0.12 * near);
    for (int i = 0; i < (int) length; i++) {
        double sx = x + slant * i;
        int ix = (int) floor(sx), iy = (int) y + i;
        float part = (float) (sx - ix);
        for (int j = 0; j < 2; j++) {
            if (ix + j < 0 || ix + j >= c->width || iy < 0 || iy >= c->height)
                continue;
            float a = k * (j ? part : 1 - part);
            float *out = p->rgb + 3 * ((size_t) iy * (size_t) c->width + (size_t) (ix + j));
            for (int m = 0; m < 3; m++)
                out[m] += a * (1 - 0.3f * out[m]);
        }
    }
}

void sim_weather_rain(struct sim_painter *p, int index)
{
    const struct sim_stage *s = p->stage;
    struct sim_rng rng = sim_rng_make(s->scene->seed, 0x200000 + (uint64_t) index);
    int n = (int) (s->scene->light.rain * 900.0 * s->camera.width / 1280);
    float light = (float) (s->light.sky.y + s->light.sun.y * 0.3 + (s->light.is_night ? 0.05 : 0));
    for (int i = 0; i < n; i++)
        add_streak(p, &rng, light);
}

/*
 * Flakes in a box of air before the camera, which wind and weight carry through it and which come
 * in again on the other side. Sizes and speeds are those of aggregates of 3 to 8 mm that fall at
 * about a metre a second. The lens is focused far away: who is near is blurred.
 */
#define AIR_M      24.0
#define FLAKES     60000 /* four a cubic metre */
#define APERTURE_M 0.0025

static double wrap(double v)
{
    return v - AIR_M * floor(v / AIR_M);
}

/* One flake as the lens shows it: as much light as it covers. */
static void add_flake(struct sim_painter *p, double px, double py, double depth, double radius_m,
                      float light)
{
    const struct sim_camera *c = &p->stage->camera;
    double r = radius_m * c->f_px / depth, blur = 0.5 * APERTURE_M * c->f_px / depth;
    double s2 = 0.5 * (r * r + blur * blur) + 0.16, reach = 2.6 * sqrt(s2);
    double share = fmin(1, r * r / (2 * s2));
    for (int y = (int) fmax(0, ceil(py - reach)); y <= py + reach && y < c->height; y++)
        for (int x = (int) fmax(0, ceil(px - reach)); x <= px + reach && x < c->width; x++) {
            double d2 = (x - px) * (x - px) + (y - py) * (y - py);
            float a = (float) (share * exp(-d2 / (2 * s2)));
            float *out = p->rgb + 3 * ((size_t) y * (size_t) c->width + (size_t) x);
            for (int k = 0; k < 3; k++)
                out[k] += a * (light - out[k]);
        }
}

void sim_weather_snow(struct sim_painter *p, double t_s)
{
    const struct sim_stage *s = p->stage;
    const struct sim_camera *c = &s->camera;
    struct sim_rng rng = sim_rng_make(s->scene->seed, 51);
    double wind_x = sim_rng_range(&rng, -2, 2), wind_y = sim_rng_range(&rng, -1, 1);
    struct vec3 corner = v3_sub(v3_add(c->pos, v3_scale(c->forward, 0.5 * AIR_M)),
                                v3(0.5 * AIR_M, 0.5 * AIR_M, 0.5 * AIR_M));
    int n = (int) (FLAKES * s->scene->light.snow);
    float light =
        (float) (0.75 * s->light.sky.y + 0.3 * s->light.sun.y + (s->light.is_night ? 0.08 : 0));
    for (int i = 0; i < n; i++) {
        double at[3], radius_m = sim_rng_range(&rng, 0.0015, 0.004), px, py;
        for (int k = 0; k < 3; k++)
            at[k] = sim_rng_range(&rng, 0, AIR_M);
        double fall = sim_rng_range(&rng, 0.7, 1.4), sway = 0.15 * sin(2 * t_s + at[0]);
        struct vec3 q = v3_add(corner, v3(wrap(at[0] + (wind_x * t_s) + sway),
                                          wrap(at[1] + wind_y * t_s), wrap(at[2] - fall * t_s)));
        double depth = q.z > 0 ? sim_camera_project(c, q, &px, &py) : 0;
        if (!(depth > 0.4) || !(px > -20 && py > -20 && px < c->width + 20 && py < c->height + 20))
            continue;
        size_t here = (size_t) clampd(py, 0, c->height - 1) * (size_t) c->width +
                      (size_t) clampd(px, 0, c->width - 1);
        float drawn = p->canvas.depth[here];
        if (depth < (double) s->background.depth[here] &&
            !(drawn > 0 && depth > 1 / (double) drawn))
            add_flake(p, px, py, depth, radius_m, light);
    }
}
