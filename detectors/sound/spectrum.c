#include "spectrum.h"

#include <errno.h>
#include <kiss_fftr.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/dsp_sound.h"
#include "unwarp.h"
#include "weighting.h"

#define PHASE_RATE_HZ (2.75 * CB_SPECTRUM_HZ) /* enough for phases up to CB_SPECTRUM_HZ */

struct cb_spectrum {
    size_t n; /* samples a window, even */
    int halvings; /* of it, for phases: their transform is so much shorter */
    size_t n_bins;
    double bin_hz;
    kiss_fftr_cfg fft, phase_fft;
    struct cb_unwarp *unwarp;
    float *window;     /* n */
    float *x;          /* n, windowed */
    float *scratch;    /* for cb_dsp_halve */
    float *gain;       /* n / 2 + 1: A weighting as a factor of power */
    kiss_fft_cpx *out; /* n / 2 + 1 */
};

static int fill(struct cb_spectrum *s, int rate_hz)
{
    s->n = (size_t) kiss_fftr_next_fast_size_real((int) (rate_hz * CB_WINDOW_S));
    s->bin_hz = (double) rate_hz / (double) s->n;
    double top_hz = fmin(CB_SPECTRUM_HZ, 0.46 * rate_hz);
    s->n_bins = (size_t) fmin(top_hz / s->bin_hz, CB_BINS_MAX);
    s->fft = kiss_fftr_alloc((int) s->n, 0, NULL, NULL);
    while (rate_hz / pow(2, s->halvings + 1) >= PHASE_RATE_HZ && (s->n >> s->halvings) % 4 == 0)
        s->halvings++;
    s->phase_fft = kiss_fftr_alloc((int) (s->n >> s->halvings), 0, NULL, NULL);
    s->scratch = calloc(s->n + 2 * CB_DSP_HALF_TAPS, sizeof *s->scratch);
    s->window = calloc(s->n, sizeof *s->window);
    s->x = calloc(s->n, sizeof *s->x);
    s->gain = calloc(s->n / 2 + 1, sizeof *s->gain);
    s->out = calloc(s->n / 2 + 1, sizeof *s->out);
    if (!s->fft || !s->phase_fft || !s->scratch || !s->window || !s->x || !s->gain || !s->out)
        return -ENOMEM;
    cb_dsp_hann(s->window, s->n);
    for (size_t k = 1; k <= s->n / 2; k++)
        s->gain[k] = (float) pow(10, cb_weighting_a_db((double) k * s->bin_hz) / 10);
    return cb_unwarp_create(&s->unwarp, s->n, rate_hz);
}

int cb_spectrum_create(struct cb_spectrum **ret, int rate_hz)
{
    struct cb_spectrum *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    int r = fill(s, rate_hz);
    if (r < 0) {
        cb_spectrum_destroy(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void cb_spectrum_destroy(struct cb_spectrum **spectrum)
{
    struct cb_spectrum *s = *spectrum;
    if (!s)
        return;
    *spectrum = NULL;
    cb_unwarp_destroy(&s->unwarp);
    free(s->fft);
    free(s->phase_fft);
    free(s->scratch);
    free(s->window);
    free(s->x);
    free(s->gain);
    free(s->out);
    free(s);
}

size_t cb_spectrum_window_n(const struct cb_spectrum *s)
{
    return s->n;
}

size_t cb_spectrum_n_bins(const struct cb_spectrum *s)
{
    return s->n_bins;
}

double cb_spectrum_bin_hz(const struct cb_spectrum *s)
{
    return s->bin_hz;
}

/* A window as long as what is there, so that a short clip has no edge inside it.
 * @return the sum of the window's squares */
static double transform(struct cb_spectrum *s, const float *x, size_t n)
{
    if (n == s->n) {
        cb_dsp_multiply(s->x, x, s->window, n);
    } else {
        cb_dsp_hann(s->x, n);
        cb_dsp_multiply(s->x, s->x, x, n);
        memset(s->x + n, 0, (s->n - n) * sizeof *s->x);
    }
    kiss_fftr(s->fft, s->x, s->out);
    return 0.375 * (double) n; /* of a Hann window */
}

double cb_spectrum_row(struct cb_spectrum *s, const float *x, size_t n, struct cb_row *ret)
{
    double scale = 2 / ((double) s->n * transform(s, x, n)); /* Parseval */
    double kept = 0, all = 0;
    for (size_t k = 0; k <= s->n / 2; k++) {
        double re = s->out[k].r, im = s->out[k].i;
        double p = (re * re + im * im) * s->gain[k] * scale;
        all += p;
        if (k < s->n_bins) {
            ret->power[k] = (float) p;
            kept += p;
        }
    }
    ret->high_share = all > 0 ? 1 - kept / all : 0;
    return all;
}

void cb_spectrum_steady(struct cb_spectrum *s, const float *x, struct cb_row *row)
{
    row->sweep_per_s = cb_unwarp_find(s->unwarp, x);
    if (row->sweep_per_s != 0)
        cb_spectrum_row(s, cb_unwarp_apply(s->unwarp, x, row->sweep_per_s), s->n, row);
}

void cb_spectrum_phase(struct cb_spectrum *s, const float *x, float *ret)
{
    size_t n = s->n;
    cb_dsp_multiply(s->x, x, s->window, n);
    for (int i = 0; i < s->halvings; i++, n /= 2)
        cb_dsp_halve(s->x, n, s->scratch);
    kiss_fftr(s->phase_fft, s->x, s->out);
    for (size_t k = 0; k < s->n_bins; k++) {
        float re = s->out[k].r, im = s->out[k].i, m = sqrtf(re * re + im * im);
        ret[2 * k] = m > 0 ? re / m : 0;
        ret[2 * k + 1] = m > 0 ? im / m : 0;
    }
}
