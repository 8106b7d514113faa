#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "metrology.h"
#include "signal.h"
#include "sound/ambient.h"
#include "sound/bands.h"
#include "sound/levels.h"
#include "sound/meter.h"
#include "tables.h"

#define DBFS (-26.0)

static double steady_db(double rate_hz, double f_hz, double amplitude)
{
    struct cb_meter m;
    cb_meter_init(&m, rate_hz, DBFS);
    size_t n = (size_t) (1.5 * rate_hz); /* twelve time constants */
    for (size_t i = 0; i < n; i++)
        cb_meter_add(&m, (float) (amplitude * sin(2 * M_PI * f_hz * (double) i / rate_hz)));
    return cb_meter_laf_db(&m);
}

/* The tables that bench/sound-metrology prints. */
static void class_1(double margin, const char *what)
{
    if (!(margin >= 0))
        fail_msg("%s: %.3f dB outside class 1", what, -margin);
}

static void test_weightings_are_class_1(void **state)
{
    static const double rates[] = {44100, 48000, 96000};
    (void) state;
    for (size_t r = 0; r < CB_LEN(rates); r++)
        for (enum cb_weighting_kind k = 0; k < CB_WEIGHTINGS; k++)
            class_1(metrology_weighting(NULL, k, rates[r]), "weighting");
    class_1(metrology_rates(NULL), "rates");
}

/* Every rate, to 0.42 of it: within 0.13 dB of the definition, which is the standard's table. */
static void test_weightings_keep_to_the_curve(void **state)
{
    static const double rates[] = {4000, 8000, 11025, 16000, 22050, 32000, 44100, 48000, 192000};
    (void) state;
    for (size_t i = 0; i < CB_LEN(table3); i++) {
        NEAR(cb_weighting_goal_db(CB_WEIGHTING_A, table3_hz(i)), table3[i].a_db, 0.06);
        NEAR(cb_weighting_goal_db(CB_WEIGHTING_C, table3_hz(i)), table3[i].c_db, 0.06);
    }
    for (size_t r = 0; r < CB_LEN(rates); r++)
        for (enum cb_weighting_kind k = 0; k < CB_WEIGHTINGS; k++) {
            struct cb_weighting w;
            cb_weighting_init(&w, k, rates[r]);
            for (double f = 10; f < 0.42 * rates[r]; f *= 1.05)
                NEAR(cb_weighting_gain_db(&w, f, rates[r]), cb_weighting_goal_db(k, f), 0.13);
        }
}

static void test_time_weightings_are_class_1(void **state)
{
    (void) state;
    class_1(metrology_bursts(NULL, CB_WEIGHTING_A, 48000), "bursts");
    class_1(metrology_bursts(NULL, CB_WEIGHTING_C, 48000), "bursts");
    class_1(metrology_impulse(NULL, 48000), "impulse");
    class_1(metrology_peak(NULL, 48000), "peak");
    class_1(metrology_decay(NULL, 48000), "decay");
    class_1(metrology_steady(NULL, 48000), "steady tone");
}

static void test_level_linearity(void **state)
{
    (void) state;
    class_1(metrology_linearity(NULL, 31.5, 48000), "linearity");
    class_1(metrology_linearity(NULL, 1000, 48000), "linearity");
    class_1(metrology_linearity(NULL, 8000, 48000), "linearity");
}

static void test_bands_are_class_1(void **state)
{
    (void) state;
    for (size_t i = 0; i < cb_n_rate_classes; i++) {
        class_1(metrology_bands(NULL, cb_rate_classes[i].rate_hz), "bands");
        class_1(metrology_summation(NULL, cb_rate_classes[i].rate_hz), "summation");
    }
}

/* A table says what the bands have; the filters have to be there. */
static void test_bands_reach_as_far_as_is_said(void **state)
{
    struct cb_bands *b = calloc(1, sizeof *b);
    (void) state;
    assert_non_null(b);
    for (size_t i = 0; i < cb_n_rate_classes; i++) {
        double p[CB_BANDS];
        cb_bands_init(b, cb_rate_classes[i].rate_hz);
        cb_bands_get(b, p);
        for (size_t k = 0; k < CB_BANDS; k++)
            assert_int_equal(!isnan(p[k]), cb_band_nominal_hz(k) <= cb_rate_classes[i].band_top_hz);
    }
    NEAR(cb_band_nominal_hz(1), 31.5, 1e-9);
    NEAR(cb_band_nominal_hz(28), 16000, 1e-9);
    free(b);
}

/* Sines through the chain of filters and halvings come out as the gain says, in whatever blocks. */
static void test_bands_filter_as_their_gain_says(void **state)
{
    static const size_t bands[] = {0, 3, 8, 15, 16, 20, 25, 28};
    static const double off[] = {1, 1.1, 0.8};
    const size_t n = 4 * 48000;
    struct cb_bands *b = calloc(2, sizeof *b);
    float *x = calloc(n, sizeof *x);
    (void) state;
    assert_true(b && x);
    for (size_t i = 0; i < CB_LEN(bands) * CB_LEN(off); i++) {
        size_t band = bands[i / CB_LEN(off)];
        double f = cb_band_hz(band) * off[i % CB_LEN(off)], p[CB_BANDS], q[CB_BANDS];
        cb_bands_init(&b[0], 48000);
        cb_bands_init(&b[1], 48000);
        memset(x, 0, n * sizeof *x);
        add_sine(x, n, 48000, f, 0.5);
        cb_bands_add(&b[0], x, n / 2);
        cb_bands_take(&b[0], p); /* the filters have settled */
        cb_bands_add(&b[0], x + n / 2, n / 2);
        for (size_t at = 0, len = 1; at < n; at += len, len = 1 + at % 997)
            cb_bands_add(&b[1], x + at, len < n - at ? len : n - at);
        cb_bands_get(&b[0], p);
        cb_bands_get(&b[1], q);
        assert_memory_equal(p, q, sizeof p);
        cb_bands_take(&b[0], p);
        NEAR(10 * log10(8 * p[band]), cb_bands_gain_db(&b[0], band, f), 0.03);
    }
    free(b);
    free(x);
}

/* LAE, LAeq and the rest of a stretch, against what a steady tone must give. */
static void test_levels_of_a_stretch(void **state)
{
    struct cb_level_log *log = calloc(1, sizeof *log);
    struct cb_meter m;
    struct cb_meter_tick t;
    struct cb_sound_levels l;
    float x[480];
    (void) state;
    assert_non_null(log);
    cb_meter_init(&m, 48000, DBFS);
    for (int i = 0; i < 2000; i++) { /* 20 s, of which the log keeps 14; loud from 10 s to 14 s */
        bool is_loud = i >= 1000 && i < 1400;
        memset(x, 0, sizeof x);
        add_sine(x, 480, 48000, 1000, amplitude_of(is_loud ? 94 : 54, DBFS));
        cb_meter_add_block(&m, x, 480, NULL);
        cb_meter_take(&m, &t);
        cb_level_log_add(log, (i + 1) * 10 * CB_NS_PER_MS, &t);
    }
    cb_levels_between(log, &m, 10 * CB_NS_PER_S, 14 * CB_NS_PER_S, &l);
    NEAR(l.seconds, 4, 1e-9);
    NEAR(l.laeq_db, 94, 0.01);
    NEAR(l.lae_db, 94 + 10 * log10(4), 0.01);
    NEAR(l.lafmax_db, 94, 0.01);
    NEAR(l.lasmax_db, 94 + 10 * log10(1 - exp(-4)), 0.02);
    NEAR(l.lceq_db, 94, 0.02);
    NEAR(l.lcpeak_db, 94 + 10 * log10(2), 0.3); /* the tone's start rings a little */
    assert_true(isnan(l.band_db[0]));
    cb_levels_between(log, &m, 0, CB_NS_PER_S, &l); /* forgotten since */
    NEAR(l.seconds, 0, 0);
    NEAR(l.lae_db, CB_LEVEL_FLOOR_DB, 0);
    free(log);
}

/* Where blocks are cut changes no bit. */
static void test_meter_does_not_see_blocks(void **state)
{
    enum { N = 20000 };
    float *x = calloc(N, sizeof *x), a2[N];
    struct cb_meter a, b;
    struct cb_meter_tick s, t;
    (void) state;
    assert_non_null(x);
    add_noise(x, N, 0.3, 7);
    cb_meter_init(&a, 16000, DBFS);
    cb_meter_init(&b, 16000, DBFS);
    cb_meter_add_block(&a, x, N, a2);
    for (size_t i = 0; i < N; i++)
        cb_meter_add(&b, x[i]);
    cb_meter_take(&a, &s);
    cb_meter_take(&b, &t);
    assert_memory_equal(&s, &t, sizeof s);
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += a2[i];
    NEAR(sum, s.sum[0], 1e-6 * sum);
    free(x);
}

static void test_calibration(void **state)
{
    (void) state;
    /* a 1 kHz tone at −26 dBFS RMS is 94 dB; a full-scale sine is −3.01 dBFS */
    NEAR(steady_db(48000, 1000, amplitude_of(94, DBFS)), 94, 0.02);
    NEAR(steady_db(48000, 1000, 0.999), 94 + 26 - 3.0103 + 20 * log10(0.999), 0.02);
}

static void test_level_does_not_depend_on_the_rate(void **state)
{
    static const double rates[] = {8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000};
    (void) state;
    for (size_t r = 0; r < CB_LEN(rates); r++)
        for (double f = 125; f <= 2000; f *= 2)
            NEAR(steady_db(rates[r], f, 0.1), steady_db(48000, f, 0.1), 0.35);
}

static void test_silence_and_garbage(void **state)
{
    struct cb_meter m;
    (void) state;
    cb_meter_init(&m, 48000, DBFS);
    for (int i = 0; i < 480000; i++)
        cb_meter_add(&m, 0);
    NEAR(cb_meter_laf_db(&m), CB_LEVEL_FLOOR_DB, 0);
    cb_meter_add(&m, NAN);
    cb_meter_add(&m, INFINITY);
    cb_meter_add(&m, -HUGE_VALF);
    NEAR(cb_meter_take_max_db(&m), CB_LEVEL_FLOOR_DB, 0);
    cb_meter_add(&m, 3e38f);
    assert_true(isfinite(cb_meter_laf_db(&m)));
    for (int i = 0; i < 48000 * 8; i++)
        cb_meter_add(&m, 0);
    NEAR(cb_meter_laf_db(&m), CB_LEVEL_FLOOR_DB, 0); /* and it rings out */
    assert_true(cb_meter_is_overload(1) && cb_meter_is_overload(-1) && cb_meter_is_overload(NAN));
    assert_true(cb_meter_is_overload(32767.0f / 32768) && !cb_meter_is_overload(0.99f));
}

/* An input's direct voltage makes no bang at the first sample. */
static void test_direct_voltage_is_silent(void **state)
{
    struct cb_meter m;
    (void) state;
    cb_meter_init(&m, 48000, DBFS);
    for (int i = 0; i < 48000; i++)
        cb_meter_add(&m, 0.25f);
    assert_true(cb_meter_take_max_db(&m) < 10);
}

static void test_background_is_la90(void **state)
{
    struct cb_ambient *b = calloc(1, sizeof *b);
    (void) state;
    assert_non_null(b);
    assert_true(isnan(cb_ambient_db(b)));
    for (int i = 0; i < 600; i++)
        cb_ambient_add(b, 50 + (i % 100) * 0.2); /* evenly 50 … 69.8 */
    NEAR(cb_ambient_db(b), 52, 0.3);
    for (int i = 0; i < 600; i++) /* a minute later the old is forgotten */
        cb_ambient_add(b, i % 10 == 0 ? 90 : 40);
    NEAR(cb_ambient_db(b), 40, 0.1);
    for (int i = 0; i < 600; i++)
        cb_ambient_add(b, -HUGE_VAL);
    NEAR(cb_ambient_db(b), CB_LEVEL_FLOOR_DB, 0.1);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weightings_are_class_1),
        cmocka_unit_test(test_weightings_keep_to_the_curve),
        cmocka_unit_test(test_time_weightings_are_class_1),
        cmocka_unit_test(test_level_linearity),
        cmocka_unit_test(test_bands_are_class_1),
        cmocka_unit_test(test_bands_reach_as_far_as_is_said),
        cmocka_unit_test(test_bands_filter_as_their_gain_says),
        cmocka_unit_test(test_levels_of_a_stretch),
        cmocka_unit_test(test_meter_does_not_see_blocks),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_level_does_not_depend_on_the_rate),
        cmocka_unit_test(test_silence_and_garbage),
        cmocka_unit_test(test_direct_voltage_is_silent),
        cmocka_unit_test(test_background_is_la90),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
