#include "features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "dsp/dsp_sound.h"
#include "harmonics.h"
#include "speed/numeric.h"

#define LOUD_DB     8.0
#define N_LOUD_MAX  240 /* rows: one event */
#define LOW_HZ      250.0
#define HIGH_HZ     1600.0
#define TONE_LOW_HZ 250.0
#define ROW_S       0.05

/* The loud rows of an event, each with what was found in it. */
struct loud {
    size_t n;
    const struct cb_row *row[N_LOUD_MAX];
    struct cb_comb comb[N_LOUD_MAX];
    struct cb_tone tone[N_LOUD_MAX];
    double mean[CB_BINS_MAX]; /* power, each row counting the same */
};

const char *cb_feature_name(enum cb_feature f)
{
    static const char *const name[CB_F_COUNT] = {
        "comb_db",  "f0_hz",       "f0_hold",    "comb_share",   "low_db",      "high_db",
        "flatness", "tone_hz",     "tone_share", "tone_octaves", "tone_steady", "ripple_db",
        "beat_db",  "crest_db",    "bangs_per_s", "likeness",    "loud_s",
        "sweep_per_s", "order_ratio"};
    return name[f];
}

/* Sorts v. @param q [0, 1] */
static double quantile(double *v, size_t n, double q)
{
    if (!n)
        return 0;
    qsort(v, n, sizeof *v, cb_by_value);
    return v[(size_t) (q * (double) (n - 1) + 0.5)];
}

static void pick_loud(const struct cb_sound_event *e, struct loud *l)
{
    double top_db = -HUGE_VAL;
    for (size_t i = 0; i < e->n_rows; i++)
        top_db = fmax(top_db, e->row[i]->level_db);
    l->n = 0;
    memset(l->mean, 0, sizeof l->mean);
    for (size_t i = 0; i < e->n_rows && l->n < N_LOUD_MAX; i++) {
        const struct cb_row *r = e->row[i];
        if (r->level_db < top_db - LOUD_DB)
            continue;
        double sum = cb_dsp_sum(r->power, e->n_bins) + 1e-30;
        for (size_t k = 0; k < e->n_bins; k++)
            l->mean[k] += r->power[k] / sum;
        float contrast_db[CB_BINS_MAX];
        cb_contrast(contrast_db, r->power, e->n_bins, e->bin_hz);
        cb_comb_find(contrast_db, r->power, e->n_bins, e->bin_hz, &l->comb[l->n]);
        l->tone[l->n] = cb_tone_find(r->power, e->n_bins, e->bin_hz, TONE_LOW_HZ, CB_SPECTRUM_HZ);
        l->row[l->n++] = r;
    }
}

/* The same pitch a twentieth of a second later, as far as it swept on the way; an order more or
 * less may lead, so octaves and fifths count as the same. */
static bool goes_on(double a_hz, double b_hz, double sweep_per_s, double seconds)
{
    static const double ratio[] = {1, 2, 0.5, 1.5, 1 / 1.5, 3, 1 / 3.0};
    double want = log(b_hz / a_hz) - sweep_per_s * seconds;
    double reach = 0.06 + 0.25 * fabs(sweep_per_s) * seconds; /* the sweep's own error */
    for (size_t i = 0; i < CB_LEN(ratio); i++)
        if (fabs(want + log(ratio[i])) < fmin(reach, 0.12))
            return true;
    return false;
}

static void comb_features(struct loud *l, double *f)
{
    double v[N_LOUD_MAX];
    size_t n_on = 0, n_pairs = 0;
    for (size_t i = 0; i < l->n; i++) {
        v[i] = l->comb[i].score_db;
        if (i == 0 || l->comb[i].f0_hz <= 0 || l->comb[i - 1].f0_hz <= 0)
            continue;
        n_pairs++;
        double sweep = (l->row[i]->sweep_per_s + l->row[i - 1]->sweep_per_s) / 2;
        double seconds = cb_s_from_ns(l->row[i]->t_ns - l->row[i - 1]->t_ns);
        n_on += goes_on(l->comb[i - 1].f0_hz, l->comb[i].f0_hz, sweep, seconds);
    }
    f[CB_F_COMB_DB] = quantile(v, l->n, 0.5);
    f[CB_F_F0_HOLD] = n_pairs ? (double) n_on / (double) n_pairs : 0;
    for (size_t i = 0; i < l->n; i++)
        v[i] = l->comb[i].f0_hz;
    f[CB_F_F0_HZ] = quantile(v, l->n, 0.5);
    for (size_t i = 0; i < l->n; i++)
        v[i] = l->comb[i].share;
    f[CB_F_COMB_SHARE] = quantile(v, l->n, 0.5);
    for (size_t i = 0; i < l->n; i++)
        v[i] = fabs(l->row[i]->sweep_per_s);
    f[CB_F_SWEEP] = quantile(v, l->n, 0.5);
}

static void tone_features(struct loud *l, double *f)
{
    double v[N_LOUD_MAX];
    size_t n_steady = 0;
    for (size_t i = 0; i < l->n; i++) {
        v[i] = l->tone[i].share;
        if (i > 0 && l->tone[i].hz > 0 && l->tone[i - 1].hz > 0)
            n_steady += fabs(log(l->tone[i].hz / l->tone[i - 1].hz)) < 0.015;
    }
    f[CB_F_TONE_SHARE] = quantile(v, l->n, 0.5);
    f[CB_F_TONE_STEADY] = l->n > 1 ? (double) n_steady / (double) (l->n - 1) : 0;
    for (size_t i = 0; i < l->n; i++)
        v[i] = log2(fmax(l->tone[i].hz, 1));
    f[CB_F_TONE_HZ] = exp2(quantile(v, l->n, 0.5));
    f[CB_F_TONE_OCT] = quantile(v, l->n, 0.9) - quantile(v, l->n, 0.1);
}

/* Mean cosine between the amplitudes of each moment and of the whole. */
static double likeness(const struct cb_sound_event *e, const struct loud *l)
{
    double sum = 0;
    for (size_t i = 0; i < l->n; i++) {
        double dot = 0, a = 0, b = 0;
        for (size_t k = 1; k < e->n_bins; k++) {
            dot += sqrt(l->row[i]->power[k] * l->mean[k]);
            a += l->row[i]->power[k];
            b += l->mean[k];
        }
        sum += a > 0 && b > 0 ? dot / sqrt(a * b) : 0;
    }
    return l->n ? sum / (double) l->n : 0;
}

static void band_features(const struct cb_sound_event *e, const struct loud *l, double *f)
{
    double low = 0, high = 0, all = 0, log_sum = 0, sum = 0, over = 0;
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        over += l->row[i]->high_share / (double) l->n;
    for (size_t k = 1; k < e->n_bins; k++) {
        double hz = (double) k * e->bin_hz, p = l->mean[k];
        all += p;
        low += hz < LOW_HZ ? p : 0;
        high += hz > HIGH_HZ ? p : 0;
        if (hz > 100) {
            log_sum += log(p + 1e-20);
            sum += p;
            n++;
        }
    }
    f[CB_F_LIKENESS] = likeness(e, l);
    all += 1e-20;
    f[CB_F_LOW_DB] = 10 * log10((1 - over) * low / all + 1e-9);
    f[CB_F_HIGH_DB] = 10 * log10(over + (1 - over) * high / all + 1e-9);
    f[CB_F_FLATNESS] = n && sum > 0 ? exp(log_sum / (double) n) / (sum / (double) n) : 0;
}

static double mean_of(const float *x, size_t n)
{
    return cb_dsp_sum(x, n) / (double) n;
}

/* The envelope in steps of a row, without the rise at the start and the decay at the end.
 * @return the number of steps, at ret_db + *ret_first */
static size_t loud_steps(const struct cb_sound_event *e, double *ret_db, size_t cap,
                         size_t *ret_first)
{
    const size_t step = (size_t) (ROW_S / CB_ENVELOPE_S + 0.5);
    size_t n = e->n_envelope / step, first = 0;
    double top_db = -HUGE_VAL;
    n = n < cap ? n : cap;
    for (size_t i = 0; i < n; i++) {
        ret_db[i] = 10 * log10(mean_of(e->envelope + i * step, step) + 1e-15);
        top_db = fmax(top_db, ret_db[i]);
    }
    while (first < n && ret_db[first] < top_db - LOUD_DB)
        first++;
    while (n > first && ret_db[n - 1] < top_db - LOUD_DB)
        n--;
    *ret_first = first;
    return n - first;
}

/* How the level moves faster than half a second, slower than the window: syllables, beats. */
static double ripple_db(const struct cb_sound_event *e)
{
    const size_t span = 10; /* half a second */
    double steps[N_LOUD_MAX + 32], sum = 0;
    size_t first, n = loud_steps(e, steps, CB_LEN(steps), &first), used = 0;
    const double *db = steps + first;
    for (size_t i = 0; i + span <= n; i++) {
        double mean = 0, square = 0;
        for (size_t k = i; k < i + span; k++)
            mean += db[k] / (double) span;
        for (size_t k = i; k < i + span; k++)
            square += (db[k] - mean) * (db[k] - mean) / (double) span;
        sum += square;
        used++;
    }
    return used ? sqrt(sum / (double) used) : 0;
}

/* The strongest repetition of the level: its autocovariance after the slow rise and fall of a
 * pass-by is taken out, as the dB that go up and down in step. */
static double beat_db(const struct cb_sound_event *e)
{
    const size_t half = 10, low = 4, high = 14; /* steps: half a second; 0.2 s; 0.7 s */
    double steps[N_LOUD_MAX + 32], flat[N_LOUD_MAX + 32], best = 0;
    size_t first, n = loud_steps(e, steps, CB_LEN(steps), &first);
    if (n < 2 * high)
        return 0;
    for (size_t i = 0; i < n; i++) {
        size_t from = i > half ? i - half : 0, to = i + half < n ? i + half : n - 1;
        double mean = 0;
        for (size_t k = from; k <= to; k++)
            mean += steps[first + k] / (double) (to - from + 1);
        flat[i] = steps[first + i] - mean;
    }
    for (size_t lag = low; lag <= high; lag++) {
        double sum = 0;
        for (size_t i = lag; i < n; i++)
            sum += flat[i] * flat[i - lag] / (double) (n - lag);
        best = fmax(best, sum);
    }
    return sqrt(best);
}

/*
 * Bangs: 6 ms that stand 8 dB over the 24 ms before them, up within 10 ms, and are half gone 30 ms
 * later. The means on both sides keep low-pitched noise out, whose power goes up and down by
 * itself: of noise under 120 Hz 0.3 a second pass.
 */
static size_t count_bangs(const float *x, size_t n, double mean)
{
    const size_t top = 3, rise = 2, before = 12, after = 15, dead = 15;
    size_t count = 0;
    for (size_t i = before + rise; i + top + after + dead < n; i++) {
        double p = mean_of(x + i, top);
        if (p < 1.5 * mean || p < 6.3 * mean_of(x + i - rise - before, before) ||
            p < 2 * mean_of(x + i + top + after, dead))
            continue;
        count++;
        i += dead;
    }
    return count;
}

static void envelope_features(const struct cb_sound_event *e, double *f)
{
    double top = 0, mean = 0;
    f[CB_F_RIPPLE_DB] = ripple_db(e);
    f[CB_F_BEAT_DB] = beat_db(e);
    if (!e->n_envelope)
        return;
    for (size_t i = 0; i < e->n_envelope; i++)
        top = fmax(top, e->envelope[i]);
    mean = cb_dsp_sum(e->envelope, e->n_envelope) / (double) e->n_envelope;
    f[CB_F_CREST_DB] = 10 * log10((top + 1e-20) / (mean + 1e-20));
    f[CB_F_BANGS] = (double) count_bangs(e->envelope, e->n_envelope, mean) /
                    ((double) e->n_envelope * CB_ENVELOPE_S);
}

void cb_features_of(const struct cb_sound_event *e, double ret[CB_F_COUNT])
{
    struct loud l;
    memset(ret, 0, CB_F_COUNT * sizeof *ret);
    pick_loud(e, &l);
    comb_features(&l, ret);
    tone_features(&l, ret);
    band_features(e, &l, ret);
    envelope_features(e, ret);
    ret[CB_F_SECONDS] = (double) l.n * ROW_S;
    ret[CB_F_ORDER_RATIO] = ret[CB_F_F0_HZ] / fmax(ret[CB_F_TONE_HZ], 1);
}
