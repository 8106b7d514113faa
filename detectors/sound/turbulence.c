#include "turbulence.h"

#include <errno.h>
#include <kiss_fftr.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sound.h"
#include "dsp/dsp_sound.h"
#include "schema/camera.h"

#define APART_MIN_M 0.05 /* closer, and one eddy is at both */
#define APART_MAX_M 0.6  /* farther, and 100 Hz of a street are no longer the same at both */
#define RATE_HZ     800  /* about: what is looked at is slow */
#define N           256  /* samples of that rate a spectrum: 0.32 s */
#define HOP         (N / 2)
#define SPECTRA     16   /* a verdict: 2.7 s; noise that is not shared then shows 1/16 */
#define LOW_HZ      20.0
#define HIGH_HZ     100.0
/* A screened microphone has 60 to 65 dB of wind at 5 m/s, a bare one more than 80; a street has 60
 * to 75 dB below 100 Hz, and shares it. */
#define WINDY_DB 75.0
/* Wind is 20 to 25 dB louder below 100 Hz than A-weighted, a street's noise 5 to 10 dB. */
#define WINDY_OVER_DB 15.0
#define WINDY_SHARE   0.5 /* of the power, that is each microphone's own */
#define VERDICTS 32

struct verdict {
    int64_t t0_ns, t1_ns;
    double own_db; /* of deep sound that the microphones do not share; −HUGE_VAL: they do */
};

struct cb_turbulence {
    double sensitivity_dbfs;
    kiss_fftr_cfg fft;
    float window[N];

    /* of the running stretch */
    int rate_hz, step; /* samples that become one */
    double sum[2];
    int n_sum;
    float x[2][N];
    int n;
    double power[2][N / 2 + 1], cross_re[N / 2 + 1], cross_im[N / 2 + 1];
    int n_spectra;
    int64_t t_ns, t0_ns; /* of the latest sample; of the verdict's first */

    struct verdict verdict[VERDICTS]; /* ring */
    size_t n_verdicts;
};

static double apart_m(const struct cb_microphone_conf *c)
{
    const double *a = c->position_m[0], *b = c->position_m[1];
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

int cb_turbulence_create(struct cb_turbulence **ret, const struct cb_microphone_conf *conf)
{
    if (conf->n_positions < 2 || !(apart_m(conf) >= APART_MIN_M && apart_m(conf) <= APART_MAX_M))
        return -ENOTSUP;
    struct cb_turbulence *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    t->sensitivity_dbfs = conf->sensitivity_dbfs_at_94db;
    cb_dsp_hann(t->window, N);
    t->fft = kiss_fftr_alloc(N, 0, NULL, NULL);
    if (!t->fft) {
        cb_turbulence_destroy(&t);
        return -ENOMEM;
    }
    *ret = t;
    return 0;
}

void cb_turbulence_destroy(struct cb_turbulence **turbulence)
{
    if (!*turbulence)
        return;
    free((*turbulence)->fft);
    free(*turbulence);
    *turbulence = NULL;
}

static void begin_verdict(struct cb_turbulence *t)
{
    memset(t->power, 0, sizeof t->power);
    memset(t->cross_re, 0, sizeof t->cross_re);
    memset(t->cross_im, 0, sizeof t->cross_im);
    t->n_spectra = 0;
    t->t0_ns = t->t_ns;
}

/* Power of both, and of what is each one's own, over the band; mean squares. */
static void split_power(const struct cb_turbulence *t, double *ret_all, double *ret_own)
{
    double bin_hz = (double) t->rate_hz / t->step / N;
    double scale = 2 / (0.375 * N * N * t->n_spectra); /* one-sided; of a Hann window */
    *ret_all = *ret_own = 0;
    for (int k = (int) ceil(LOW_HZ / bin_hz); k <= N / 2 && k * bin_hz <= HIGH_HZ; k++) {
        double a = t->power[0][k], b = t->power[1][k];
        double both = a * b > 0 ? (t->cross_re[k] * t->cross_re[k] +
                                   t->cross_im[k] * t->cross_im[k]) / (a * b) : 1;
        *ret_all += scale * a;
        *ret_own += scale * a * (1 - both);
    }
}

static void decide(struct cb_turbulence *t)
{
    double all, own;
    split_power(t, &all, &own);
    double own_db = 10 * log10(own + 1e-30) - t->sensitivity_dbfs + 94;
    t->verdict[t->n_verdicts++ % VERDICTS] =
        (struct verdict){t->t0_ns, t->t_ns, own > WINDY_SHARE * all ? own_db : -HUGE_VAL};
    begin_verdict(t);
}

static void add_spectrum(struct cb_turbulence *t)
{
    kiss_fft_cpx out[2][N / 2 + 1];
    float x[N];
    for (int c = 0; c < 2; c++) {
        cb_dsp_multiply(x, t->x[c], t->window, N);
        kiss_fftr(t->fft, x, out[c]);
        memmove(t->x[c], t->x[c] + HOP, (N - HOP) * sizeof(float));
    }
    t->n = N - HOP;
    for (int k = 0; k <= N / 2; k++) {
        double ar = (double) out[0][k].r, ai = (double) out[0][k].i;
        double br = (double) out[1][k].r, bi = (double) out[1][k].i;
        t->power[0][k] += ar * ar + ai * ai;
        t->power[1][k] += br * br + bi * bi;
        t->cross_re[k] += ar * br + ai * bi;
        t->cross_im[k] += ai * br - ar * bi;
    }
    if (++t->n_spectra == SPECTRA)
        decide(t);
}

static void start_stretch(struct cb_turbulence *t, const struct cb_samples *s)
{
    t->rate_hz = s->rate_hz;
    t->step = s->rate_hz / RATE_HZ;
    t->sum[0] = t->sum[1] = 0;
    t->n_sum = t->n = 0;
    t->t_ns = s->t_ns;
    begin_verdict(t);
}

void cb_turbulence_add(struct cb_turbulence *t, const struct cb_samples *s)
{
    if (s->n_channels < 2)
        return;
    if (s->is_discontinuity || s->rate_hz != t->rate_hz)
        start_stretch(t, s);
    for (size_t i = 0; i < s->n; i++) {
        t->sum[0] += (double) s->channel[0][i];
        t->sum[1] += (double) s->channel[1][i];
        if (++t->n_sum < t->step)
            continue;
        for (int c = 0; c < 2; c++) {
            /* what is no number, or out of all range, is silence */
            t->x[c][t->n] = fabs(t->sum[c]) < 1e6 ? (float) (t->sum[c] / t->step) : 0;
            t->sum[c] = 0;
        }
        t->n_sum = 0;
        t->t_ns = s->t_ns + (int64_t) (i + 1) * CB_NS_PER_S / s->rate_hz;
        if (++t->n == N)
            add_spectrum(t);
    }
}

bool cb_turbulence_was_windy(const struct cb_turbulence *t, int64_t t0_ns, int64_t t1_ns,
                             double background_db)
{
    for (size_t i = 0; i < VERDICTS && i < t->n_verdicts; i++) {
        const struct verdict *v = &t->verdict[i];
        if (v->t0_ns <= t1_ns && v->t1_ns >= t0_ns && v->own_db >= WINDY_DB &&
            v->own_db >= background_db + WINDY_OVER_DB)
            return true;
    }
    return false;
}
