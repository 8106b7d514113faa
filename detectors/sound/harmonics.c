#include "harmonics.h"

#include <math.h>

#include "dsp/dsp_sound.h"
#include "spectrum.h"

#define CONTRAST_MAX_DB 20.0 /* a line can't count for more: one whistle is no comb */
#define SURROUND_HZ     120.0
#define STEP            1.006 /* from one f0 to the next: half a bin at the tenth harmonic */
#define TOP_HZ          3000.0
#define N_HARMONICS     24
#define DIVISOR_MIN     0.85
#define N_FULL_TRUST    8 /* harmonics from which on a comb is not chance */

void cb_contrast(float *ret_db, const float *power, size_t n, double bin_hz)
{
    float db[CB_BINS_MAX] = {0}, median[CB_BINS_MAX];
    double half = SURROUND_HZ / bin_hz;
    for (size_t k = 0; k < n; k++)
        db[k] = 10 * log10f(power[k] + 1e-20f);
    cb_dsp_moving_median(median, db, n, (size_t) fmin(half, 60));
    for (size_t k = 0; k < n; k++)
        ret_db[k] = fmaxf(0, fminf((float) CONTRAST_MAX_DB, db[k] - median[k]));
}

/* The greatest value within a bin of the place. */
static float near_hz(const float *x, size_t n, double bin)
{
    size_t k = (size_t) (bin + 0.5);
    if (k + 1 >= n)
        return 0;
    float v = fmaxf(x[k], x[k + 1]);
    return k > 0 ? fmaxf(v, x[k - 1]) : v;
}

static int count_harmonics(size_t n, double bin_hz, double f0_hz)
{
    double top_hz = fmin(TOP_HZ, (double) (n - 2) * bin_hz);
    return (int) fmin(top_hz / f0_hz, N_HARMONICS);
}

static double score(const float *contrast_db, size_t n, double bin_hz, double f0_hz)
{
    int m = count_harmonics(n, bin_hz, f0_hz);
    double on = 0, between = 0;
    for (int h = 1; h <= m; h++) {
        on += near_hz(contrast_db, n, h * f0_hz / bin_hz);
        size_t k = (size_t) ((h - 0.5) * f0_hz / bin_hz + 0.5);
        between += contrast_db[k];
    }
    return m ? (on - between) / m * sqrt(fmin(m, N_FULL_TRUST) / N_FULL_TRUST) : 0;
}

static double share_of(const float *power, size_t n, double bin_hz, double f0_hz)
{
    double all = cb_dsp_sum(power, n), in = 0;
    double reach = fmin(2, 0.25 * f0_hz / bin_hz); /* a line is no wider than half the gap */
    for (int h = 1; h <= count_harmonics(n, bin_hz, f0_hz); h++) {
        double at = h * f0_hz / bin_hz;
        for (size_t k = (size_t) ceil(at - reach); (double) k <= at + reach && k < n; k++)
            in += power[k];
    }
    return all > 0 ? in / all : 0;
}

/* Every third line of a comb is a comb too, and scores as well: the finest that holds is meant. */
static void prefer_divisor(const float *contrast_db, size_t n, double bin_hz, struct cb_comb *c)
{
    const double best_db = c->score_db, f0_hz = c->f0_hz;
    for (int k = 2; k <= 6 && f0_hz / k >= CB_COMB_LOW_HZ; k++) {
        for (int i = -1; i <= 1; i++) {
            double f = f0_hz / k * (1 + i * (STEP - 1) / k);
            double v = score(contrast_db, n, bin_hz, f);
            if (v >= DIVISOR_MIN * best_db)
                *c = (struct cb_comb){.f0_hz = f, .score_db = v};
        }
    }
}

void cb_comb_find(const float *contrast_db, const float *power, size_t n, double bin_hz,
                  struct cb_comb *ret)
{
    *ret = (struct cb_comb){0};
    for (double f0 = CB_COMB_LOW_HZ; f0 <= CB_COMB_HIGH_HZ; f0 *= STEP) {
        double v = score(contrast_db, n, bin_hz, f0);
        if (v > ret->score_db)
            *ret = (struct cb_comb){.f0_hz = f0, .score_db = v};
    }
    prefer_divisor(contrast_db, n, bin_hz, ret);
    if (ret->f0_hz > 0)
        ret->share = share_of(power, n, bin_hz, ret->f0_hz);
}

struct cb_tone cb_tone_find(const float *power, size_t n, double bin_hz, double low_hz,
                            double high_hz)
{
    size_t best = (size_t) (low_hz / bin_hz) + 1;
    for (size_t k = best; k + 2 < n && (double) k * bin_hz <= high_hz; k++)
        if (power[k] > power[best])
            best = k;
    if (best + 2 >= n || best < 2)
        return (struct cb_tone){0};
    double all = cb_dsp_sum(power, n);
    double l = log(power[best - 1] + 1e-30), m = log(power[best] + 1e-30),
           r = log(power[best + 1] + 1e-30), bend = l - 2 * m + r;
    double shift = bend < 0 ? fmax(-0.5, fmin(0.5, 0.5 * (l - r) / bend)) : 0;
    return (struct cb_tone){.hz = ((double) best + shift) * bin_hz,
                            .share = all > 0 ? cb_dsp_sum(power + best - 2, 5) / all : 0};
}
