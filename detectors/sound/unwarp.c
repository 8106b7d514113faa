#include "unwarp.h"

#include <errno.h>
#include <kiss_fftr.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dsp/dsp_sound.h"

#define LOW_RATE_HZ 8000 /* enough for the orders by which the rate is found */
#define LOW_HZ  40.0
#define HIGH_HZ 1500.0
/* Lines must stand out by so much more than without: what stands still stays as it is. Noise finds
 * some rate by chance; it has no orders then either, and none that go on as that rate says. */
#define BETTER 1.12

struct cb_unwarp {
    size_t n, n_low, step;
    double seconds, bin_hz; /* of a window; of its spectrum at the low rate */
    kiss_fftr_cfg fft;
    float *window, *low, *warped_low; /* n_low */
    float *warped;                    /* n */
    kiss_fft_cpx *out;
};

int cb_unwarp_create(struct cb_unwarp **ret, size_t n, int rate_hz)
{
    struct cb_unwarp *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    u->n = n;
    u->step = (size_t) (rate_hz > LOW_RATE_HZ ? rate_hz / LOW_RATE_HZ : 1);
    u->n_low = n / u->step / 2 * 2;
    u->seconds = (double) n / rate_hz;
    u->bin_hz = (double) rate_hz / (double) u->step / (double) u->n_low;
    u->fft = kiss_fftr_alloc((int) u->n_low, 0, NULL, NULL);
    u->window = calloc(u->n_low, sizeof *u->window);
    u->low = calloc(u->n_low, sizeof *u->low);
    u->warped_low = calloc(u->n_low, sizeof *u->warped_low);
    u->warped = calloc(n, sizeof *u->warped);
    u->out = calloc(u->n_low / 2 + 1, sizeof *u->out);
    if (!u->fft || !u->window || !u->low || !u->warped_low || !u->warped || !u->out) {
        cb_unwarp_destroy(&u);
        return -ENOMEM;
    }
    cb_dsp_hann(u->window, u->n_low);
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
    free(u->warped);
    free(u->out);
    free(u);
}

/* Catmull and Rom's cubic through the four samples about the place. */
static float between(const float *x, size_t n, double at)
{
    size_t i = (size_t) fmax(1, fmin(at, (double) n - 3));
    float u = (float) (at - (double) i), a = x[i - 1], b = x[i], c = x[i + 1], d = x[i + 2];
    return b + 0.5f * u * (c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a)));
}

/* Warped time runs as (e^(rate·t) − 1) / rate about the window's middle; both ends stay. */
static void warp(const float *x, float *y, size_t n, double seconds, double rate)
{
    double first = expm1(-rate * seconds / 2), last = expm1(rate * seconds / 2);
    double per_s = (double) (n - 1) / seconds;
    for (size_t i = 0; i < n; i++) {
        double v = first + (last - first) * (double) i / (double) (n - 1);
        y[i] = between(x, n, (log1p(v) / rate + seconds / 2) * per_s);
    }
}

/* How much of the spectrum is lines: mean square over squared mean of the power. */
static double peakedness(struct cb_unwarp *u, const float *x)
{
    double sum = 0, squares = 0;
    size_t from = (size_t) (LOW_HZ / u->bin_hz), to = (size_t) (HIGH_HZ / u->bin_hz);
    cb_dsp_multiply(u->warped_low, x, u->window, u->n_low);
    kiss_fftr(u->fft, u->warped_low, u->out);
    for (size_t k = from; k <= to && k <= u->n_low / 2; k++) {
        /* the slope makes the higher orders count, which sweep the fastest */
        double re = u->out[k].r, im = u->out[k].i, p = (re * re + im * im) * (double) (k * k);
        sum += p;
        squares += p * p;
    }
    return sum > 0 ? squares / (sum * sum) : 0;
}

double cb_unwarp_find(struct cb_unwarp *u, const float *x)
{
    static const double rates[] = {0.5, 1.0, 1.6, 2.3, 3.1, 4.0, 5.0, CB_UNWARP_MAX_PER_S};
    double best_rate = 0;
    for (size_t i = 0; i < u->n_low; i++)
        u->low[i] = (float) (cb_dsp_sum(x + i * u->step, u->step) / (double) u->step);
    double best = BETTER * peakedness(u, u->low);
    for (size_t i = 0; i < 2 * CB_LEN(rates); i++) {
        double rate = i % 2 ? -rates[i / 2] : rates[i / 2];
        warp(u->low, u->warped_low, u->n_low, u->seconds, rate);
        double v = peakedness(u, u->warped_low);
        if (v > best) {
            best = v;
            best_rate = rate;
        }
    }
    return best_rate;
}

const float *cb_unwarp_apply(struct cb_unwarp *u, const float *x, double rate_per_s)
{
    warp(x, u->warped, u->n, u->seconds, rate_per_s);
    return u->warped;
}
