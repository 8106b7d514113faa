#include "metrology.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sound/bands.h"
#include "sound/meter.h"
#include "tables.h"

#define DBFS   (-26.0)
#define TONE_S 1.5 /* twelve time constants of Fast */

static void say(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(FILE *out, const char *format, ...)
{
    va_list a;
    va_start(a, format);
    if (out)
        vfprintf(out, format, a);
    va_end(a);
}

static void say_limit(FILE *out, double limit, char sign)
{
    if (isfinite(limit))
        say(out, " %c%4.1f", sign, limit);
    else
        say(out, " %cinf ", sign);
}

/* One line's second half: measured, goal, error, limits, margin. @return the margin */
static double judge(FILE *out, double got, double want, double over, double under)
{
    double error = got - want, margin = fmin(over - error, error + under);
    say(out, " %9.3f %7.2f %+8.3f  ", got, want, error);
    say_limit(out, over, '+');
    say_limit(out, under, '-');
    say(out, " %9.3f%s\n", margin, margin < 0 ? "  OUTSIDE" : "");
    return margin;
}

#define COLUMNS " measured    goal    error    limits         margin\n"

static double amplitude_of_level(double level_db)
{
    return sqrt(2) * pow(10, (level_db - 94 + DBFS) / 20);
}

/* A sine of n samples from sample `from` of its own time on, into the meter. */
static void play(struct cb_meter *m, double f_hz, double amplitude, size_t from, size_t n)
{
    float x[512];
    for (size_t i = 0; i < n; i += CB_LEN(x)) {
        size_t len = n - i < CB_LEN(x) ? n - i : CB_LEN(x);
        for (size_t k = 0; k < len; k++)
            x[k] =
                (float) (amplitude * sin(2 * M_PI * f_hz * (double) (from + i + k) / m->rate_hz));
        cb_meter_add_block(m, x, len, NULL);
    }
}

static size_t samples_of(const struct cb_meter *m, double seconds)
{
    return (size_t) (seconds * m->rate_hz + 0.5);
}

/* Mean level of a steady sine, over whole seconds after it has settled. */
static void steady(struct cb_meter *m, double f_hz, double amplitude, struct cb_meter_tick *ret)
{
    size_t lead = samples_of(m, TONE_S);
    cb_meter_reset(m);
    play(m, f_hz, 0, 0, samples_of(m, 0.01)); /* a generator's start is no direct voltage */
    play(m, f_hz, amplitude, 0, lead);
    cb_meter_take(m, ret);
    play(m, f_hz, amplitude, lead, samples_of(m, 1));
    cb_meter_take(m, ret);
}

double metrology_weighting(FILE *out, enum cb_weighting_kind kind, double rate_hz)
{
    struct cb_meter m;
    struct cb_meter_tick t;
    double worst = HUGE_VAL, reference_db = 84;
    cb_meter_init_as(&m, rate_hz, DBFS, kind, kind);
    say(out,
        "\n%c weighting at %.0f Hz, sines of %g dB through the meter (61672-1:2013, table 3)\n",
        "ACZ"[kind], rate_hz, reference_db);
    say(out, "%10s" COLUMNS, "Hz");
    for (size_t i = 0; i < CB_LEN(table3) && table3_hz(i) < 0.49 * rate_hz; i++) {
        double want = kind == CB_WEIGHTING_A   ? table3[i].a_db
                      : kind == CB_WEIGHTING_C ? table3[i].c_db
                                               : 0;
        steady(&m, table3_hz(i), amplitude_of_level(reference_db), &t);
        say(out, "%10g", table3[i].nominal_hz);
        worst = fmin(worst, judge(out, cb_meter_db(&m, t.sum[0] / t.n) - reference_db, want,
                                  table3[i].over_db, table3[i].under_db));
    }
    return worst;
}

/* A burst of whole samples in silence; what the meter saw of it and of what follows. */
static void burst(struct cb_meter *m, double f_hz, double amplitude, double ms,
                  struct cb_meter_tick *ret)
{
    cb_meter_reset(m);
    play(m, f_hz, 0, 0, samples_of(m, 0.1));
    cb_meter_take(m, ret);
    play(m, f_hz, amplitude, 0, samples_of(m, ms / 1000));
    play(m, f_hz, 0, 0, samples_of(m, 1));
    cb_meter_take(m, ret);
}

double metrology_bursts(FILE *out, enum cb_weighting_kind kind, double rate_hz)
{
    struct cb_meter m;
    struct cb_meter_tick t;
    double worst = HUGE_VAL, a = amplitude_of_level(100);
    cb_meter_init_as(&m, rate_hz, DBFS, kind, CB_WEIGHTING_C);
    steady(&m, 4000, a, &t);
    double steady_db = cb_meter_db(&m, t.sum[0] / t.n);
    say(out, "\nBursts of 4 kHz, %c weighting, against the steady tone (61672-1:2013, table 4)\n",
        "ACZ"[kind]);
    say(out, "%8s %8s" COLUMNS, "ms", "");
    for (size_t i = 0; i < CB_LEN(table4); i++) {
        burst(&m, 4000, a, table4[i].ms, &t);
        say(out, "%8g %8s", table4[i].ms, "LFmax");
        worst = fmin(worst, judge(out, cb_meter_db(&m, t.max_fast) - steady_db, table4[i].fast_db,
                                  table4[i].over_db, table4[i].under_db));
        say(out, "%8s %8s", "", "LE");
        worst = fmin(worst, judge(out, cb_meter_db(&m, t.sum[0] / rate_hz) - steady_db,
                                  table4[i].lae_db, table4[i].over_db, table4[i].under_db));
        if (isnan(table4[i].slow_db))
            continue;
        say(out, "%8s %8s", "", "LSmax");
        worst = fmin(worst, judge(out, cb_meter_db(&m, t.max_slow) - steady_db, table4[i].slow_db,
                                  table4[i].slow_over_db, table4[i].slow_under_db));
    }
    return worst;
}

double metrology_impulse(FILE *out, double rate_hz)
{
    struct cb_meter m;
    struct cb_meter_tick t;
    double worst = HUGE_VAL, a = amplitude_of_level(100);
    cb_meter_init(&m, rate_hz, DBFS);
    steady(&m, 2000, a, &t);
    double steady_db = cb_meter_db(&m, t.sum[0] / t.n);
    say(out, "\nBursts of 2 kHz, Impulse (61672-1:2002, annex C)\n%8s" COLUMNS, "ms");
    for (size_t i = 0; i < CB_LEN(impulse_bursts); i++) {
        burst(&m, 2000, a, impulse_bursts[i].ms, &t);
        say(out, "%8g", impulse_bursts[i].ms);
        worst = fmin(worst, judge(out, cb_meter_db(&m, t.max_impulse) - steady_db,
                                  impulse_bursts[i].want_db, impulse_bursts[i].limit_db,
                                  impulse_bursts[i].limit_db));
    }
    return worst;
}

double metrology_peak(FILE *out, double rate_hz)
{
    struct cb_meter m;
    struct cb_meter_tick t;
    double worst = HUGE_VAL, a = amplitude_of_level(100);
    cb_meter_init(&m, rate_hz, DBFS);
    say(out, "\nLCpeak less the steady LC (61672-1:2013, table 5)\n%6s %7s" COLUMNS, "Hz",
        "cycles");
    for (size_t i = 0; i < CB_LEN(table5); i++) {
        steady(&m, table5[i].f_hz, a, &t);
        double steady_db = cb_meter_db(&m, t.sum[1] / t.n);
        burst(&m, table5[i].f_hz, table5[i].sign * a, 1000 * table5[i].cycles / table5[i].f_hz, &t);
        say(out, "%6g %+7.1f", table5[i].f_hz, table5[i].sign * table5[i].cycles);
        worst = fmin(worst, judge(out, cb_meter_db(&m, t.peak[1] * t.peak[1]) - steady_db,
                                  table5[i].want_db, table5[i].limit_db, table5[i].limit_db));
    }
    return worst;
}

double metrology_decay(FILE *out, double rate_hz)
{
    struct cb_meter m;
    double worst = HUGE_VAL;
    double (*const level[])(const struct cb_meter *) = {cb_meter_laf_db, cb_meter_las_db,
                                                        cb_meter_lai_db};
    say(out, "\nDecay after 4 kHz of 110 dB, dB/s\n%10s" COLUMNS, "");
    for (size_t i = 0; i < CB_LEN(decays); i++) {
        cb_meter_init(&m, rate_hz, DBFS);
        play(&m, 4000, amplitude_of_level(110), 0, samples_of(&m, 8));
        play(&m, 4000, 0, 0, samples_of(&m, 0.3)); /* Impulse's rise has run out */
        double from_db = level[i](&m);
        play(&m, 4000, 0, 0, samples_of(&m, 1));
        say(out, "%10s", decays[i].name);
        worst = fmin(worst, judge(out, from_db - level[i](&m), decays[i].want, decays[i].over,
                                  decays[i].under));
    }
    return worst;
}

/* From full scale down over 90 dB, 10 dB a step and 1 dB a step within 5 dB of both ends. */
double metrology_linearity(FILE *out, double f_hz, double rate_hz)
{
    struct cb_meter m;
    struct cb_meter_tick t;
    const double top_db = 116, span_db = 90, reference_db = 94;
    double worst = HUGE_VAL, before_db = NAN, before = NAN;
    cb_meter_init(&m, rate_hz, DBFS);
    steady(&m, f_hz, amplitude_of_level(reference_db), &t);
    double shift_db = cb_meter_db(&m, t.sum[0] / t.n) - reference_db;
    say(out, "\nLevel linearity of A at %g Hz, %g dB; and from each level to the next\n%8s" COLUMNS,
        f_hz, span_db, "dB");
    for (double down_db = 0; down_db <= span_db;) {
        double want = top_db - down_db;
        steady(&m, f_hz, amplitude_of_level(want), &t);
        double got = cb_meter_db(&m, t.sum[0] / t.n) - shift_db;
        say(out, "%8.0f", want);
        worst = fmin(worst, judge(out, got, want, LINEARITY_DB, LINEARITY_DB));
        if (!isnan(before))
            worst = fmin(worst, LINEARITY_STEP_DB - fabs(got - before - (want - before_db)));
        before = got;
        before_db = want;
        down_db += down_db < 5 || down_db >= span_db - 5 ? 1 : down_db < 80 ? 10 : 5;
    }
    return worst;
}

double metrology_steady(FILE *out, double rate_hz)
{
    struct cb_meter m;
    struct cb_meter_tick t;
    double worst, a_db, a = amplitude_of_level(94);
    say(out, "\nA steady 1 kHz tone of 94 dB\n%10s" COLUMNS, "");
    cb_meter_init(&m, rate_hz, DBFS);
    play(&m, 1000, a, 0, samples_of(&m, 12));
    cb_meter_take(&m, &t);
    a_db = cb_meter_laf_db(&m);
    say(out, "%10s", "LAF");
    worst = judge(out, a_db, 94, 0.7, 0.7);
    say(out, "%10s", "LAS - LAF");
    worst = fmin(worst, judge(out, cb_meter_las_db(&m) - a_db, 0, SLOW_FAST_DB, SLOW_FAST_DB));
    for (enum cb_weighting_kind k = CB_WEIGHTING_C; k <= CB_WEIGHTING_Z; k++) {
        cb_meter_init_as(&m, rate_hz, DBFS, k, k);
        play(&m, 1000, a, 0, samples_of(&m, 3));
        say(out, "%9s%c", "LAF - L", "ACZ"[k]);
        worst = fmin(worst, judge(out, a_db - cb_meter_laf_db(&m), 0, WEIGHTING_DB, WEIGHTING_DB));
    }
    return worst;
}

/* The filter's noise bandwidth against the ideal one's, dB, on a grid of log frequency. */
static double bandwidth_db(const struct cb_bands *b, size_t i, double rate_hz)
{
    const double step = 0.0005, ideal = 0.1 * log(10);
    double sum = 0;
    for (double u = -2; u < 2; u += step) {
        double f = cb_band_hz(i) * exp(u);
        if (f < 0.5 * rate_hz)
            sum += pow(10, cb_bands_gain_db(b, i, f) / 10) * step;
    }
    return 10 * log10(sum / ideal);
}

double metrology_bands(FILE *out, double rate_hz)
{
    struct cb_bands *b = calloc(1, sizeof *b);
    double worst = HUGE_VAL;
    if (!b)
        return NAN;
    cb_bands_init(b, rate_hz);
    say(out,
        "\nOne-third octaves at %.0f Hz: relative attenuation at each normalised frequency\n"
        "(61260-1:2014, table 1), dB; bw: effective bandwidth, within %.1f dB\n%8s",
        rate_hz, BANDWIDTH_DB, "Hz");
    for (size_t k = 0; k < CB_LEN(band_limits); k++)
        for (int side = -1; side <= (k ? 1 : 0); side += 2)
            say(out, " %6.3f", band_limit_omega(k, k ? side : 1));
    say(out, " %6s %7s\n", "bw", "margin");
    for (size_t i = 0; i < CB_BANDS && b->octave_of[i] >= 0; i++) {
        double band = HUGE_VAL;
        say(out, "%8g", cb_band_nominal_hz(i));
        for (size_t k = 0; k < CB_LEN(band_limits); k++)
            for (int side = -1; side <= (k ? 1 : 0); side += 2) {
                double f = cb_band_hz(i) * band_limit_omega(k, k ? side : 1);
                if (f >= 0.5 * rate_hz) {
                    say(out, " %6s", "-");
                    continue;
                }
                double db = -cb_bands_gain_db(b, i, f);
                say(out, " %6.2f", fmin(db, 999));
                band = fmin(band, fmin(db - band_limits[k].least_db, band_limits[k].most_db - db));
            }
        double bw = bandwidth_db(b, i, rate_hz);
        band = fmin(band, BANDWIDTH_DB - fabs(bw));
        say(out, " %+6.3f %7.3f%s\n", bw, band, band < 0 ? "  OUTSIDE" : "");
        worst = fmin(worst, band);
    }
    free(b);
    return worst;
}

double metrology_summation(FILE *out, double rate_hz)
{
    struct cb_bands *b = calloc(1, sizeof *b);
    double worst = HUGE_VAL, low = HUGE_VAL, high = -HUGE_VAL;
    if (!b)
        return NAN;
    cb_bands_init(b, rate_hz);
    size_t top = CB_BANDS - 1;
    while (b->octave_of[top] < 0)
        top--;
    for (double u = log(cb_band_hz(1)); u < log(cb_band_hz(top - 1)); u += 0.01) {
        double sum = 0;
        for (size_t i = 0; i <= top; i++)
            sum += pow(10, cb_bands_gain_db(b, i, exp(u)) / 10);
        low = fmin(low, 10 * log10(sum));
        high = fmax(high, 10 * log10(sum));
    }
    say(out, "\nSummation of the bands' outputs, any sine from %g Hz to %g Hz\n%8s" COLUMNS,
        cb_band_nominal_hz(1), cb_band_nominal_hz(top - 1), "");
    say(out, "%8s", "lowest");
    worst = judge(out, low, 0, SUMMATION_OVER_DB, SUMMATION_UNDER_DB);
    say(out, "%8s", "highest");
    worst = fmin(worst, judge(out, high, 0, SUMMATION_OVER_DB, SUMMATION_UNDER_DB));
    free(b);
    return worst;
}

/* Smallest margin of a weighting's own gain over table 3, up to top_hz. */
static double gain_margin(enum cb_weighting_kind kind, int rate_hz, double top_hz)
{
    struct cb_weighting w;
    double worst = HUGE_VAL;
    cb_weighting_init(&w, kind, rate_hz);
    for (size_t i = 0; i < CB_LEN(table3); i++) {
        double goal = kind == CB_WEIGHTING_A ? table3[i].a_db : table3[i].c_db;
        if (table3[i].nominal_hz > top_hz)
            break;
        double error = cb_weighting_gain_db(&w, table3_hz(i), rate_hz) - goal;
        worst = fmin(worst, fmin(table3[i].over_db - error, error + table3[i].under_db));
    }
    return worst;
}

double metrology_rates(FILE *out)
{
    double worst = HUGE_VAL;
    say(out,
        "\nWhat each rate serves for: A and C within class 1 up to, bands of class 1 up to,\n"
        "class of the whole (its highest required frequency lies within the rate)\n"
        "%8s %10s %10s %6s %10s %10s\n",
        "Hz", "A, C", "bands", "class", "A margin", "C margin");
    for (size_t i = 0; i < cb_n_rate_classes; i++) {
        const struct cb_rate_class *c = &cb_rate_classes[i];
        double a = gain_margin(CB_WEIGHTING_A, c->rate_hz, c->top_hz);
        double v = gain_margin(CB_WEIGHTING_C, c->rate_hz, c->top_hz);
        say(out, "%8d %10.0f %10.0f %6.0d %10.3f %10.3f\n", c->rate_hz, c->top_hz, c->band_top_hz,
            c->class_, a, v);
        worst = fmin(worst, fmin(a, v));
    }
    return worst;
}
