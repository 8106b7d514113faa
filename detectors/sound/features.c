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
#define CLEAR_DB    6.0 /* over what sounds beside it, three quarters of the power are the event's */
#define CLEAR_KEEP_DB 3.0 /* so much of the loudest is all there is to judge by */
#define N_LOUD_MAX  240 /* rows: one event */
#define LOW_HZ      250.0
#define HIGH_HZ     1600.0
#define TONE_LOW_HZ 250.0
#define ROW_S       0.05
#define HELD_DB     3.0
#define LOAD_DB     6.0
#define NOTE_ROWS   3    /* a tenth of a second and more */
#define FIRING_TOP_HZ 450.0 /* nothing fires as often: a bark, a voice, a horn */
#define PEAK_NS     (175 * CB_NS_PER_MS) /* before the peak of a level with Fast weighting, what made it */
#define NOTE_WIDTH  0.02 /* of the pitch, a third of a semitone */

#define PULSE_N      85 /* steps of the envelope in a row's window */
#define PULSE_LINES  6
#define PULSE_TOP_HZ 240.0 /* what the envelope's steps still tell */

/* The loud rows of an event, each with what was found in it. */
struct loud {
    size_t n;
    double under_db; /* they lie within so much of the loudest */
    const struct cb_row *row[N_LOUD_MAX];
    struct cb_comb comb[N_LOUD_MAX];
    struct cb_tone tone[N_LOUD_MAX];
    double pitch[N_LOUD_MAX]; /* logarithm, without octaves' jumps */
    int chain[N_LOUD_MAX];    /* which stretch without a jump */
    double mean[CB_BINS_MAX]; /* power, each row counting the same */
};

const char *cb_feature_name(enum cb_feature f)
{
    static const char *const name[CB_F_COUNT] = {
        "comb_db",  "f0_hz",       "f0_hold",    "comb_share",   "low_db",      "high_db",
        "flatness", "tone_hz",     "tone_share", "tone_octaves", "tone_steady", "ripple_db",
        "beat_db",  "crest_db",    "bangs_per_s", "likeness",    "loud_s",
        "sweep_per_s", "order_ratio", "comb_over", "level_held", "gas_pulse",
        "second_comb", "level_db", "uneven_db", "notes_per_s",
        "no_load_db", "peak_lines"};
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

static double top_of(const struct cb_sound_event *e)
{
    double top_db = -HUGE_VAL;
    for (size_t i = 0; i < e->n_rows; i++)
        top_db = fmax(top_db, e->row[i]->level_db);
    return top_db;
}

/* How far under its loudest moment an event is still told by what is heard: a moment that hardly
 * stands over what sounds beside it has the spectrum of that as well. */
static double clear_under_db(const struct cb_sound_event *e, double top_db)
{
    if (isnan(e->beside_db))
        return LOUD_DB;
    return fmin(LOUD_DB, fmax(CLEAR_KEEP_DB, top_db - e->beside_db - CLEAR_DB));
}

static void pick_loud(const struct cb_sound_event *e, struct loud *l)
{
    double top_db = top_of(e);
    l->n = 0;
    l->under_db = clear_under_db(e, top_db);
    memset(l->mean, 0, sizeof l->mean);
    for (size_t i = 0; i < e->n_rows && l->n < N_LOUD_MAX; i++) {
        const struct cb_row *r = e->row[i];
        if (r->level_db < top_db - l->under_db)
            continue;
        double sum = cb_dsp_sum(r->power, e->n_bins) + 1e-30;
        for (size_t k = 0; k < e->n_bins; k++)
            l->mean[k] += r->power[k] / sum;
        float contrast_db[CB_BINS_MAX];
        cb_contrast(contrast_db, r->power, e->n_bins, e->bin_hz);
        cb_comb_find(contrast_db, r->power, e->n_bins, e->bin_hz, &l->comb[l->n]);
        cb_comb_look_beside(contrast_db, r->power, e->n_bins, e->bin_hz, &l->comb[l->n]);
        l->tone[l->n] = cb_tone_find(r->power, e->n_bins, e->bin_hz, TONE_LOW_HZ, CB_SPECTRUM_HZ);
        l->row[l->n++] = r;
    }
}

/* The same pitch a twentieth of a second later, as far as it swept on the way; an order more or
 * less may lead, so octaves and fifths count as the same. */
static bool goes_on(double a_hz, double b_hz, double sweep_per_s, double seconds, double *ret_step)
{
    static const double ratio[] = {1, 2, 0.5, 1.5, 1 / 1.5, 3, 1 / 3.0};
    double want = log(b_hz / a_hz) - sweep_per_s * seconds;
    double reach = 0.06 + 0.25 * fabs(sweep_per_s) * seconds; /* the sweep's own error */
    for (size_t i = 0; i < CB_LEN(ratio); i++)
        if (fabs(want + log(ratio[i])) < fmin(reach, 0.12)) {
            *ret_step = log(b_hz / a_hz) + log(ratio[i]);
            return true;
        }
    return false;
}

/* Share of the power in lines that can be an engine's orders. */
static double orders_over(const struct cb_comb *c)
{
    return c->f0_hz < FIRING_TOP_HZ ? c->over : 0;
}

static void comb_features(struct loud *l, double *f)
{
    double v[N_LOUD_MAX];
    size_t n_on = 0, n_pairs = 0;
    for (size_t i = 0; i < l->n; i++) {
        v[i] = l->comb[i].score_db;
        l->chain[i] = i ? l->chain[i - 1] + 1 : 0;
        l->pitch[i] = 0;
        if (i == 0 || l->comb[i].f0_hz <= 0 || l->comb[i - 1].f0_hz <= 0)
            continue;
        n_pairs++;
        double sweep = (l->row[i]->sweep_per_s + l->row[i - 1]->sweep_per_s) / 2;
        double seconds = cb_s_from_ns(l->row[i]->t_ns - l->row[i - 1]->t_ns);
        double step;
        if (!goes_on(l->comb[i - 1].f0_hz, l->comb[i].f0_hz, sweep, seconds, &step))
            continue;
        n_on++;
        l->chain[i] = l->chain[i - 1];
        l->pitch[i] = l->pitch[i - 1] + step;
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
        v[i] = orders_over(&l->comb[i]);
    f[CB_F_COMB_OVER] = quantile(v, l->n, 0.5);
    for (size_t i = 0; i < l->n; i++)
        v[i] = fabs(l->row[i]->sweep_per_s);
    f[CB_F_SWEEP] = quantile(v, l->n, 0.5);
}

/* What made the peak of the level: a bang over an engine has no lines. */
static double peak_lines(const struct cb_sound_event *e, const struct loud *l, double whole)
{
    double over = 0, all = 0;
    for (size_t i = 0; i < l->n; i++) {
        int64_t before_ns = e->t_peak_ns - l->row[i]->t_ns;
        if (before_ns < 0 || before_ns > PEAK_NS)
            continue;
        double power = pow(10, l->row[i]->level_db / 10);
        over += power * orders_over(&l->comb[i]);
        all += power;
    }
    return all > 0 ? over / all / fmax(0.05, whole) : 1;
}

/* The stretch without a jump that starts at row i: where it ends, its mean pitch, and whether that
 * stayed where it was, as a note does. */
static bool is_note(const struct loud *l, size_t i, size_t *ret_end, double *ret_ln_hz)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    size_t k = i;
    for (; k < l->n && l->chain[k] == l->chain[i]; k++) {
        low = fmin(low, l->pitch[k]);
        high = fmax(high, l->pitch[k]);
    }
    *ret_end = k;
    *ret_ln_hz = log(fmax(1, l->comb[i].f0_hz)) - l->pitch[i] + (low + high) / 2;
    return k - i >= NOTE_ROWS && high - low < NOTE_WIDTH;
}

/* Steps from one note to another, a second. An engine glides, or is found again where it was. */
static double notes_per_s(const struct loud *l)
{
    double last = NAN, now;
    size_t n_steps = 0;
    for (size_t i = 0, end; i < l->n; i = end) {
        bool is = is_note(l, i, &end, &now);
        if (!is && end - i < NOTE_ROWS)
            continue; /* not told */
        double ignored;
        n_steps += is && !isnan(last) && !goes_on(exp(last), exp(now), 0, ROW_S, &ignored);
        last = is ? now : NAN;
    }
    return l->n ? (double) n_steps / ((double) l->n * ROW_S) : 0;
}

/* The longest stretch without a jump of the pitch. @return how many rows */
static size_t longest_chain(const struct loud *l, size_t *ret_first)
{
    size_t n = 0;
    for (size_t i = 0, k; i < l->n; i = k) {
        for (k = i; k < l->n && l->chain[k] == l->chain[i]; k++)
            ;
        if (k - i > n) {
            *ret_first = i;
            n = k - i;
        }
    }
    return n;
}

/* How the level goes with the pitch: an engine is louder the faster it turns, by 6 dB an octave and
 * more. What is wanting of that where the pitch goes up and down. */
static void load_features(const struct loud *l, double *f)
{
    double t_s[N_LOUD_MAX], pitch[N_LOUD_MAX], level[N_LOUD_MAX], square = 0, both = 0;
    size_t first = 0, n = longest_chain(l, &first);
    for (size_t i = 0; i < n; i++) {
        t_s[i] = (double) i * ROW_S;
        pitch[i] = l->pitch[first + i] / M_LN2;
        level[i] = l->row[first + i]->level_db;
    }
    /* who passes by rises and falls, an engine may speed up meanwhile */
    cb_take_trend(t_s, pitch, n);
    cb_take_trend(t_s, level, n);
    for (size_t i = 0; i < n; i++) {
        square += pitch[i] * pitch[i] / (double) n;
        both += pitch[i] * level[i] / (double) n;
    }
    f[CB_F_NOTES] = notes_per_s(l);
    double goes_db = square > 1e-6 ? both / sqrt(square) : 0;
    f[CB_F_NO_LOAD_DB] = fmax(0, LOAD_DB * sqrt(square) - goes_db);
}

/* How the levels lie within 8 dB of the loudest: how long it was softer is known of moments, too,
 * that tell nothing else. */
static double level_held(const struct cb_sound_event *e)
{
    double v[N_LOUD_MAX], from_db = top_of(e) - LOUD_DB;
    size_t n = 0, n_held = 0;
    for (size_t i = 0; i < e->n_rows && n < N_LOUD_MAX; i++)
        if (e->row[i]->level_db >= from_db)
            v[n++] = e->row[i]->level_db;
    double top_db = quantile(v, n, 0.9);
    for (size_t i = 0; i < n; i++)
        n_held += v[i] >= top_db - HELD_DB;
    return n ? (double) n_held / (double) n : 0;
}

/* What sounds beside the strongest comb. */
static void beside_features(struct loud *l, double *f)
{
    double v[N_LOUD_MAX];
    for (size_t i = 0; i < l->n; i++)
        v[i] = l->comb[i].score_db > 0 ? l->comb[i].second_db / l->comb[i].score_db : 1;
    f[CB_F_SECOND] = quantile(v, l->n, 0.5);
    for (size_t i = 0; i < l->n; i++)
        v[i] = l->comb[i].uneven_db;
    f[CB_F_UNEVEN_DB] = quantile(v, l->n, 0.5);
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

/* Where the window of a row lies among the n steps of an envelope. @return false: not in it */
static bool window_of(const struct cb_sound_event *e, const struct cb_row *r, size_t *ret_first)
{
    int64_t first = (int64_t) (cb_s_from_ns(r->t_ns - e->t_start_ns) / CB_ENVELOPE_S) - PULSE_N / 2;
    *ret_first = first > 0 ? (size_t) first : 0;
    return first >= 0 && *ret_first + PULSE_N <= e->n_envelope;
}

/* Share of the ups and downs of x (PULSE_N steps) that is at f0 and its multiples. */
static double in_step(const float *x, double f0_hz)
{
    double mean = mean_of(x, PULSE_N), all = 0, in = 0, weights = 0, y[PULSE_N];
    for (size_t i = 0; i < PULSE_N; i++) {
        double w = 0.5 - 0.5 * cos(2 * M_PI * ((double) i + 0.5) / PULSE_N);
        y[i] = w * (x[i] - mean);
        all += y[i] * (x[i] - mean);
        weights += w;
    }
    for (int h = 1; h <= PULSE_LINES && h * f0_hz < PULSE_TOP_HZ; h++) {
        double turn = 2 * M_PI * h * f0_hz * CB_ENVELOPE_S, c = cos(turn), s = sin(turn);
        double re = 0, im = 0, u = 1, v = 0; /* u + jv turns on from step to step */
        for (size_t i = 0; i < PULSE_N; i++) {
            re += y[i] * u;
            im += y[i] * v;
            double next = u * c - v * s;
            v = u * s + v * c;
            u = next;
        }
        in += 2 * (re * re + im * im) / weights;
    }
    return all > 0 ? fmin(1, in / all) : 0;
}

/* Each firing lets a gust out of an open pipe. */
static void pulse_features(const struct cb_sound_event *e, const struct loud *l, double *f)
{
    double gas[N_LOUD_MAX];
    size_t n = 0;
    for (size_t i = 0, first; i < l->n; i++) {
        if (!window_of(e, l->row[i], &first))
            continue;
        gas[n++] = l->comb[i].f0_hz > 0 ? in_step(e->hiss + first, l->comb[i].f0_hz) : 0;
    }
    f[CB_F_GAS] = quantile(gas, n, 0.5);
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
    load_features(&l, ret);
    ret[CB_F_LEVEL_HELD] = level_held(e);
    beside_features(&l, ret);
    tone_features(&l, ret);
    band_features(e, &l, ret);
    pulse_features(e, &l, ret);
    ret[CB_F_PEAK_LINES] = peak_lines(e, &l, ret[CB_F_COMB_OVER]);
    envelope_features(e, ret);
    ret[CB_F_LEVEL_DB] = e->lafmax_db;
    ret[CB_F_SECONDS] = (double) l.n * ROW_S;
    ret[CB_F_ORDER_RATIO] = ret[CB_F_F0_HZ] / fmax(ret[CB_F_TONE_HZ], 1);
}
