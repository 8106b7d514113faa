#include "render.h"
#include "rng.h"

/*
 * A camera on a post in the wind turns by tiny angles: pan and tilt shift the whole picture, roll
 * turns it. The spectrum is a gust's (Davenport 1961: x² / (1 + x²)^(4/3) a decade) through a post
 * that swings at a frequency of its own with little damping.
 */

#define TONES      28
#define LOWEST_HZ  0.15
#define HIGHEST_HZ 12.0
#define GUST_HZ    0.06
#define DAMPING    0.04
#define ROLL       0.25 /* movement by roll at the picture's corner, of that by pan */

/* Unit variance: a sum of tones, evenly spaced by the logarithm of their frequency. */
static double swing(uint64_t seed, uint64_t axis, double t_s)
{
    struct sim_rng rng = sim_rng_make(seed, 4100 + axis);
    double own_hz = sim_rng_range(&rng, 1.2, 3.5), sum = 0, power = 0;
    for (int i = 0; i < TONES; i++) {
        double k = (i + sim_rng_unit(&rng)) / TONES;
        double hz = LOWEST_HZ * pow(HIGHEST_HZ / LOWEST_HZ, k), x = hz / GUST_HZ, r = hz / own_hz;
        double gust = x * x / pow(1 + x * x, 4.0 / 3);
        double post = 1 / ((1 - r * r) * (1 - r * r) + 4 * DAMPING * DAMPING * r * r);
        double p = gust * fmin(post, 60); /* one tone on the peak would be all there is */
        sum += sqrt(2 * p) * sin(2 * M_PI * (hz * t_s + sim_rng_unit(&rng)));
        power += p;
    }
    return sum / sqrt(power);
}

struct sim_sway sim_shake_at(const struct sim_scene *s, double t_s)
{
    double k = s->camera.shake_px, corner = 0.5 * hypot(s->video.width, s->video.height);
    return (struct sim_sway){k * swing(s->seed, 0, t_s), 0.6 * k * swing(s->seed, 1, t_s),
                             ROLL * k / corner * swing(s->seed, 2, t_s)};
}

/* Catmull-Rom's four weights: sharp at every phase, as a lens does not blur where it points. */
static void weights(float u, float ret[4])
{
    ret[0] = 0.5f * u * (-1 + u * (2 - u));
    ret[1] = 1 + 0.5f * u * u * (-5 + 3 * u);
    ret[2] = 0.5f * u * (1 + u * (4 - 3 * u));
    ret[3] = 0.5f * u * u * (u - 1);
}

static void take(const struct sim_painter *p, double x, double y, float ret[3])
{
    const struct sim_camera *c = &p->stage->camera;
    int ix = (int) floor(x), iy = (int) floor(y);
    float wx[4], wy[4], sum[3] = {0};
    weights((float) (x - ix), wx);
    weights((float) (y - iy), wy);
    for (int j = 0; j < 4; j++) {
        size_t row = (size_t) clampd(iy + j - 1, 0, c->height - 1) * (size_t) c->width;
        for (int i = 0; i < 4; i++) {
            const float *in = p->rgb + 3 * (row + (size_t) clampd(ix + i - 1, 0, c->width - 1));
            float w = wx[i] * wy[j];
            for (int k = 0; k < 3; k++)
                sum[k] += w * in[k];
        }
    }
    for (int k = 0; k < 3; k++)
        ret[k] = sum[k] > 0 ? sum[k] : 0;
}

void sim_shake_picture(struct sim_painter *p, double t_s)
{
    const struct sim_camera *c = &p->stage->camera;
    struct sim_sway s = sim_shake_at(p->stage->scene, t_s);
    for (int y = 0; y < c->height; y++)
        for (int x = 0; x < c->width; x++)
            take(p, x - s.x_px + s.roll_rad * (y - c->cy), y - s.y_px - s.roll_rad * (x - c->cx),
                 p->scratch + 3 * ((size_t) y * (size_t) c->width + (size_t) x));
    float *t = p->rgb;
    p->rgb = p->scratch;
    p->scratch = t;
}
