#include "sensor.h"

#include <errno.h>
#include <stdlib.h>

#include "rng.h"

#define STEPS   4096
#define TOP     6.0f /* radiance at the end of the tables; all above is white */
#define NORMALS 8192

struct sim_sensor {
    const struct sim_scene *scene;
    float tone[STEPS];  /* 0…1, by the square root of radiance */
    float sigma[STEPS]; /* standard deviation of the noise there, same scale */
    float normal[NORMALS];
};

static double tone_curve(double x)
{
    double v = 1 - exp(-1.55 * x); /* a soft shoulder, as cameras have */
    return v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

int sim_sensor_create(struct sim_sensor **ret, const struct sim_scene *scene)
{
    struct sim_sensor *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    struct sim_rng rng = sim_rng_make(scene->seed, 11);
    double dark = scene->light.kind == SIM_NIGHT ? 0.010 : 0.004; /* read noise over shot noise */
    double slope = (tone_curve(0.41) - tone_curve(0.39)) / 0.02;
    double k = scene->light.noise / 100 / (slope * sqrt(0.4 + dark));
    s->scene = scene;
    for (int i = 0; i < STEPS; i++) {
        double root = (double) i / (STEPS - 1), x = root * root * (double) TOP, h = 1e-3 + x * 0.01;
        s->tone[i] = (float) tone_curve(x);
        slope = (tone_curve(x + h) - tone_curve(fmax(0, x - h))) / (x + h - fmax(0, x - h));
        s->sigma[i] = (float) (slope * k * sqrt(x + dark));
    }
    for (int i = 0; i < NORMALS; i++)
        s->normal[i] = (float) sim_rng_normal(&rng);
    *ret = s;
    return 0;
}

void sim_sensor_destroy(struct sim_sensor **s)
{
    free(*s);
    *s = NULL;
}

static inline int step_of(float x)
{
    float v = x <= 0 ? 0 : x >= TOP ? 1 : sqrtf(x * (1 / TOP));
    return (int) (v * (STEPS - 1));
}

static inline uint32_t scramble(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline uint8_t to_byte(float v, float lo, float hi)
{
    return (uint8_t) ((v < lo ? lo : v > hi ? hi : v) + 0.5f);
}

/** Sums over a 2×2 block, for chroma. */
struct block {
    float r, g, b, sigma;
};

static inline float expose_pixel(const struct sim_sensor *s, const float *rgb, float gain,
                                 float noise, struct block *sum)
{
    int r = step_of(rgb[0] * gain), g = step_of(rgb[1] * gain), b = step_of(rgb[2] * gain);
    float y = 0.2126f * s->tone[r] + 0.7152f * s->tone[g] + 0.0722f * s->tone[b];
    sum->r += s->tone[r];
    sum->g += s->tone[g];
    sum->b += s->tone[b];
    sum->sigma += s->sigma[g];
    return 16 + 219 * (y + s->sigma[g] * noise);
}

void sim_sensor_expose(const struct sim_sensor *s, const float *rgb, double t_s, int index,
                       uint8_t *const plane[3], const int stride[3])
{
    const struct sim_light_conf *l = &s->scene->light;
    int w = s->scene->video.width, h = s->scene->video.height;
    double step = 1;
    if (l->step_t_s >= 0 && t_s >= l->step_t_s) /* the control goes there in stops, evenly */
        step = pow(l->step_factor, l->step_s > 0 ? fmin(1, (t_s - l->step_t_s) / l->step_s) : 1);
    float gain = (float) (l->exposure * step * (l->kind == SIM_NIGHT ? 1.9 : 1.05));
    struct sim_rng seed = sim_rng_make(s->scene->seed, 0x300000 + (uint64_t) index);
    uint32_t state = (uint32_t) sim_rng_next(&seed) | 1;
    for (int y = 0; y < h; y += 2)
        for (int x = 0; x < w; x += 2) {
            struct block sum = {0};
            for (int k = 0; k < 4; k++) {
                int px = x + (k & 1), py = y + (k >> 1);
                float n = s->normal[scramble(&state) >> 19];
                const float *in = rgb + 3 * ((size_t) py * (size_t) w + (size_t) px);
                plane[0][py * stride[0] + px] =
                    to_byte(expose_pixel(s, in, gain, n, &sum), 16, 235);
            }
            float luma = 0.2126f * sum.r + 0.7152f * sum.g + 0.0722f * sum.b;
            float nu = s->normal[scramble(&state) >> 19], nv = s->normal[scramble(&state) >> 19];
            float cb = (sum.b - luma) / 1.8556f / 4 + 0.12f * sum.sigma * nu;
            float cr = (sum.r - luma) / 1.5748f / 4 + 0.12f * sum.sigma * nv;
            plane[1][y / 2 * stride[1] + x / 2] = to_byte(128 + 224 * cb, 16, 240);
            plane[2][y / 2 * stride[2] + x / 2] = to_byte(128 + 224 * cr, 16, 240);
        }
}
