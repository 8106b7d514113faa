#include "propagate.h"

#include <errno.h>
#include <stdlib.h>

#define TAPS   16
#define PHASES 1024
#define BLOCK  32    /* samples between which the delay is taken as straight */
#define GRID_S 0.004 /* of the table of places: straight between */

/** Places of a source on a fine grid of time, for one image of it. */
struct track {
    double t0_s;
    size_t n;
    struct vec3 *at;
};

struct vec3 sim_path_at(const struct sim_path *p, double t_s)
{
    return p->vehicle ? sim_vehicle_point(p->vehicle, t_s, p->place)
                      : v3_add(p->place, v3_scale(p->velocity, t_s));
}

double sim_path_emitted_s(const struct sim_path *p, struct vec3 mic, double t_s)
{
    double t = t_s;
    for (int i = 0; i < 12; i++) /* converges by speed over the speed of sound each time */
        t = t_s - v3_len(v3_sub(sim_path_at(p, t), mic)) / SIM_SOUND_MPS;
    return t;
}

static int track_init(struct track *k, const struct sim_path *p, double t0_s, double t1_s)
{
    *k = (struct track){.t0_s = t0_s, .n = (size_t) ((t1_s - t0_s) / GRID_S) + 2};
    k->at = malloc(k->n * sizeof *k->at);
    if (!k->at)
        return -ENOMEM;
    for (size_t i = 0; i < k->n; i++)
        k->at[i] = sim_path_at(p, t0_s + (double) i * GRID_S);
    return 0;
}

static struct vec3 track_at(const struct track *k, double t_s, double sign_z)
{
    double u = clampd((t_s - k->t0_s) / GRID_S, 0, (double) (k->n - 1) - 1e-6);
    size_t i = (size_t) u;
    struct vec3 p = v3_mix(k->at[i], k->at[i + 1 < k->n ? i + 1 : i], u - (double) i);
    p.z *= sign_z;
    return p;
}

/* Windowed sinc, one row a phase; the fraction of a sample is phase / PHASES. */
static float *make_kernel(void)
{
    float *k = malloc((PHASES + 1) * TAPS * sizeof *k);
    for (int p = 0; k && p <= PHASES; p++) {
        double sum = 0, row[TAPS];
        for (int i = 0; i < TAPS; i++) {
            double x = i - (TAPS / 2 - 1) - (double) p / PHASES, w = x / (TAPS / 2.0);
            double sinc = fabs(x) < 1e-9 ? 1 : sin(M_PI * x) / (M_PI * x);
            row[i] =
                fabs(w) < 1 ? sinc * (0.42 + 0.5 * cos(M_PI * w) + 0.08 * cos(2 * M_PI * w)) : 0;
            sum += row[i];
        }
        for (int i = 0; i < TAPS; i++)
            k[p * TAPS + i] = (float) (row[i] / sum);
    }
    return k;
}

static float interpolate(const struct sim_signal *s, const float *kernel, double at)
{
    double whole = floor(at);
    if (whole < TAPS || whole >= (double) s->n - TAPS)
        return 0;
    const float *row = kernel + (size_t) ((at - whole) * PHASES + 0.5) * TAPS;
    const float *x = s->pa + (size_t) whole - (TAPS / 2 - 1);
    float sum = 0;
    for (int i = 0; i < TAPS; i++)
        sum += row[i] * x[i];
    return sum;
}

/* The air takes high tones: about 3 dB in 100 m at 4 kHz (ISO 9613-1, 20 °C, 50 %). */
static double air_coefficient(double r_m, int rate_hz)
{
    double f = fmin(4000 * pow(100 / fmax(r_m, 1), 0.75), 0.45 * rate_hz);
    return 1 - exp(-2 * M_PI * f / rate_hz);
}

/** One image of the source: itself or its mirror under the road. */
static void add_image(const struct sim_signal *s, const struct track *track, const float *kernel,
                      struct vec3 mic, double sign_z, double amplitude, float *out, size_t n)
{
    double emitted = -1, at0 = 0, gain0 = 0, low = 0;
    for (size_t i = 0; i <= n; i += BLOCK) {
        double t = (double) i / s->rate_hz, r = 1;
        if (i == 0)
            emitted = t;
        for (int k = 0; k < (i ? 4 : 12); k++) {
            r = v3_len(v3_sub(track_at(track, emitted, sign_z), mic));
            emitted = t - r / SIM_SOUND_MPS;
        }
        double at1 = (emitted - s->t0_s) * s->rate_hz, gain1 = amplitude / fmax(r, 0.3);
        double air = air_coefficient(r, s->rate_hz);
        for (size_t k = 0; i > 0 && k < BLOCK; k++) {
            double u = (double) k / BLOCK;
            double x = (double) interpolate(s, kernel, at0 + u * (at1 - at0));
            low += air * (x - low);
            out[i - BLOCK + k] += (float) (low * (gain0 + u * (gain1 - gain0)));
        }
        at0 = at1;
        gain0 = gain1;
        emitted += (double) BLOCK / s->rate_hz; /* a good guess for the next */
    }
}

int sim_propagate(const struct sim_signal *s, const struct sim_path *p, struct vec3 mic,
                  double reflection, float *out, size_t n)
{
    struct track track = {0};
    float *kernel = make_kernel();
    int r = kernel ? 0 : -ENOMEM;
    if (r == 0)
        r = track_init(&track, p, s->t0_s - 1, s->t0_s + (double) s->n / s->rate_hz + 1);
    if (r == 0)
        add_image(s, &track, kernel, mic, 1, 1, out, n);
    if (r == 0 && reflection > 0)
        add_image(s, &track, kernel, mic, -1, reflection, out, n);
    free(track.at);
    free(kernel);
    return r;
}
