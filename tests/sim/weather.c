#include <string.h>

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

/* A post in the wind: a few slow swings, smooth and the same for every run. */
static void sway_at(const struct sim_scene *s, double t_s, double *ret_x, double *ret_y)
{
    double k = s->camera.shake_px, ph = (double) (s->seed % 97);
    *ret_x = k * (0.9 * sin(2 * M_PI * 1.3 * t_s + ph) + 0.9 * sin(2 * M_PI * 3.7 * t_s + 2 * ph) +
                  0.5 * sin(2 * M_PI * 8.1 * t_s));
    *ret_y = k * (0.6 * sin(2 * M_PI * 1.9 * t_s + 3 * ph) + 0.4 * sin(2 * M_PI * 5.3 * t_s + ph));
}

void sim_weather_sway(struct sim_painter *p, double t_s)
{
    const struct sim_camera *c = &p->stage->camera;
    double dx, dy;
    sway_at(p->stage->scene, t_s, &dx, &dy);
    int ix = (int) floor(dx), iy = (int) floor(dy);
    float u = (float) (dx - ix), v = (float) (dy - iy);
    for (int y = 0; y < c->height; y++) {
        size_t y0 = (size_t) clampd(y - iy, 0, c->height - 1),
               y1 = (size_t) clampd(y - iy - 1, 0, c->height - 1);
        for (int x = 0; x < c->width; x++) {
            size_t x0 = (size_t) clampd(x - ix, 0, c->width - 1),
                   x1 = (size_t) clampd(x - ix - 1, 0, c->width - 1);
            const float *a = p->rgb + 3 * (y0 * (size_t) c->width + x0),
                        *b = p->rgb + 3 * (y0 * (size_t) c->width + x1);
            const float *d = p->rgb + 3 * (y1 * (size_t) c->width + x0),
                        *e = p->rgb + 3 * (y1 * (size_t) c->width + x1);
            float *out = p->scratch + 3 * ((size_t) y * (size_t) c->width + (size_t) x);
            for (int k = 0; k < 3; k++)
                out[k] = (1 - v) * ((1 - u) * a[k] + u * b[k]) + v * ((1 - u) * d[k] + u * e[k]);
        }
    }
    float *t = p->rgb;
    p->rgb = p->scratch;
    p->scratch = t;
}
