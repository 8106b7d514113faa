#include "unwarp.h"

#include <errno.h>
#include <kiss_fftr.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/dsp_sound.h"

#define LOW_RATE_HZ 8000 /* enough for the orders by which the rate is found */
#define LOW_HZ  40.0
#define HIGH_HZ 1500.0
/* Lines must stand out by so much more than without: what stands still stays as it is. Noise finds
 * some rate by chance; it has no orders then either, and none that go on as that rate says. */
#define BETTER 1.12

static const double rates_per_s[] = {0.5, -0.5, 1.0, -1.0, 1.6, -1.6, 2.3, -2.3,
                                     3.1, -3.1, 4.0, -4.0, 5.0, -5.0, CB_UNWARP_MAX_PER_S,
                                     -CB_UNWARP_MAX_PER_S};

/* A place between two samples: behind sample i, by the share u. */
struct place {
    uint32_t i;
    float u;
};

struct cb_unwarp {
    size_t n, n_low, n_half, n_fft, step; /* n_fft: n_half and zeros, to a length that is quick */
    double seconds, bin_hz; /* of a window; of its spectrum at half the low rate */
    kiss_fftr_cfg fft;
    float *window, *low, *warped_low; /* n_low */
    float *scratch;                   /* for cb_dsp_halve */
    float *warped;                    /* n */
    kiss_fft_cpx *out;
    struct place *place; /* n_low for each of rates_per_s, worked out once */
    struct place *whole; /* n: of the rate in use */
};

static void place_all(struct place *ret, size_t n, double seconds, double rate);

int cb_unwarp_create(struct cb_unwarp **ret, size_t n, int rate_hz)
{
    struct cb_unwarp *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    u->n = n;
    u->step = (size_t) (rate_hz > LOW_RATE_HZ ? rate_hz / LOW_RATE_HZ : 1);
    u->n_low = n / u->step / 2 * 2;
    u->n_half = u->n_low / 2;
    u->seconds = (double) n / rate_hz;
    u->n_fft = (size_t) kiss_fftr_next_fast_size_real((int) u->n_half);
    u->bin_hz = (double) rate_hz / (double) u->step / 2 / (double) u->n_fft;
    u->fft = kiss_fftr_alloc((int) u->n_fft, 0, NULL, NULL);
    u->window = calloc(u->n_low, sizeof *u->window);
    u->low = calloc(u->n_low, sizeof *u->low);
    u->warped_low = calloc(u->n_low + u->n_fft, sizeof *u->warped_low);
    u->scratch = calloc(u->n_low + 2 * CB_DSP_HALF_TAPS, sizeof *u->scratch);
    u->warped = calloc(n, sizeof *u->warped);
    u->out = calloc(u->n_fft / 2 + 1, sizeof *u->out);
    u->place = calloc(CB_LEN(rates_per_s) * u->n_low, sizeof *u->place);
    u->whole = calloc(n, sizeof *u->whole);
    if (!u->fft || !u->window || !u->low || !u->warped_low || !u->scratch || !u->warped || !u->out ||
        !u->place || !u->whole) {
        cb_unwarp_destroy(&u);
        return -ENOMEM;
    }
    cb_dsp_hann(u->window, u->n_low);
    for (size_t k = 0; k < CB_LEN(rates_per_s); k++)
        place_all(u->place + k * u->n_low, u->n_low, u->seconds, rates_per_s[k]);
    *ret = u;
    return 0;
}

void cb_unwarp_destroy(struct cb_unwarp **unwarp)
{
    struct cb_unwarp *u = *unwarp;
    if (!u)
        return;
    *unwarp = NULL;
    free(u->fft);
    free(u->window);
    free(u->low);
    free(u->warped_low);
    free(u->scratch);
    free(u->warped);
    free(u->out);
    free(u->place);
    free(u->whole);
    free(u);
}

/* Catmull and Rom's cubic through the four samples about the place. */
static float between(const float *x, struct place p)
{
    const float *at = x + p.i;
    float u = p.u, a = at[-1], b = at[0], c = at[1], d = at[2];
    return b + 0.5f * u * (c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a)));
}

/* Warped time runs as (e^(rate·t) − 1) / rate about the window's middle; both ends stay. */
static void place_all(struct place *ret, size_t n, double seconds, double rate)
{
    double first = expm1(-rate * seconds / 2), last = expm1(rate * seconds / 2);
    double per_s = (double) (n - 1) / seconds;
    for (size_t i = 0; i < n; i++) {
        double v = first + (last - first) * (double) i / (double) (n - 1);
        double at = (log1p(v) / rate + seconds / 2) * per_s;
        uint32_t k = (uint32_t) fmax(1, fmin(at, (double) n - 3));
        ret[i] = (struct place){k, (float) (at - (double) k)};
    }
}

static void warp_to(const struct place *p, const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = between(x, p[i]);
}

/* How much of the spectrum is lines: mean square over squared mean of the power. */
static double peakedness(struct cb_unwarp *u, const float *x)
{
    double sum = 0, squares = 0;
    size_t from = (size_t) (LOW_HZ / u->bin_hz), to = (size_t) (HIGH_HZ / u->bin_hz);
    cb_dsp_multiply(u->warped_low, x, u->window, u->n_low);
    cb_dsp_halve(u->warped_low, u->n_low, u->scratch); /* HIGH_HZ is under half of that still */
    memset(u->warped_low + u->n_half, 0, (u->n_fft - u->n_half) * sizeof *u->warped_low);
    kiss_fftr(u->fft, u->warped_low, u->out);
    for (size_t k = from; k <= to && k <= u->n_fft / 2; k++) {
        /* the slope makes the higher orders count, which sweep the fastest */
        double re = u->out[k].r, im = u->out[k].i, p = (re * re + im * im) * (double) (k * k);
        sum += p;
        squares += p * p;
    }
    return sum > 0 ? squares / (sum * sum) : 0;
}

double cb_unwarp_find(struct cb_unwarp *u, const float *x)
{
    double best_rate = 0;
    for (size_t i = 0; i < u->n_low; i++)
        u->low[i] = (float) (cb_dsp_sum(x + i * u->step, u->step) / (double) u->step);
    double best = BETTER * peakedness(u, u->low);
    for (size_t k = 0; k < CB_LEN(rates_per_s); k++) {
        warp_to(u->place + k * u->n_low, u->low, u->warped_low, u->n_low);
        double v = peakedness(u, u->warped_low);
        if (v > best) {
            best = v;
            best_rate = rates_per_s[k];
        }
    }
    return best_rate;
}

const float *cb_unwarp_apply(struct cb_unwarp *u, const float *x, double rate_per_s)
{
    place_all(u->whole, u->n, u->seconds, rate_per_s);
    warp_to(u->whole, x, u->warped, u->n);
    return u->warped;
}
