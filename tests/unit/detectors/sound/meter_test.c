#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "signal.h"
#include "sound/ambient.h"
#include "sound/meter.h"

#define DBFS (-26.0)

/* IEC 61672-1:2013, table 3: A weighting and the limits of class 1. */
static const struct {
    double nominal_hz, a_db, over_db, under_db;
} table3[] = {
    {10, -70.4, 3.0, HUGE_VAL},   {12.5, -63.4, 2.5, HUGE_VAL}, {16, -56.7, 2.0, 4.0},
    {20, -50.5, 2.0, 2.0},        {25, -44.7, 2.0, 1.5},        {31.5, -39.4, 1.5, 1.5},
    {40, -34.6, 1.0, 1.0},        {50, -30.2, 1.0, 1.0},        {63, -26.2, 1.0, 1.0},
    {80, -22.5, 1.0, 1.0},        {100, -19.1, 1.0, 1.0},       {125, -16.1, 1.0, 1.0},
    {160, -13.4, 1.0, 1.0},       {200, -10.9, 1.0, 1.0},       {250, -8.6, 1.0, 1.0},
    {315, -6.6, 1.0, 1.0},        {400, -4.8, 1.0, 1.0},        {500, -3.2, 1.0, 1.0},
    {630, -1.9, 1.0, 1.0},        {800, -0.8, 1.0, 1.0},        {1000, 0.0, 0.7, 0.7},
    {1250, 0.6, 1.0, 1.0},        {1600, 1.0, 1.0, 1.0},        {2000, 1.2, 1.0, 1.0},
    {2500, 1.3, 1.0, 1.0},        {3150, 1.2, 1.0, 1.0},        {4000, 1.0, 1.0, 1.0},
    {5000, 0.5, 1.5, 1.5},        {6300, -0.1, 1.5, 2.0},       {8000, -1.1, 1.5, 2.5},
    {10000, -2.5, 2.0, 3.0},      {12500, -4.3, 2.0, 5.0},      {16000, -6.6, 2.5, 16.0},
    {20000, -9.3, 3.0, HUGE_VAL},
};

static double exact_hz(size_t i)
{
    return 1000 * pow(10, 0.1 * ((double) i - 20));
}

static double steady_db(double rate_hz, double f_hz, double amplitude)
{
    struct cb_meter m;
    cb_meter_init(&m, rate_hz, DBFS);
    size_t n = (size_t) (1.5 * rate_hz); /* twelve time constants */
    for (size_t i = 0; i < n; i++)
        cb_meter_add(&m, (float) (amplitude * sin(2 * M_PI * f_hz * (double) i / rate_hz)));
    return cb_meter_laf_db(&m);
}

/* By the filter's own gain, and by sines through the whole meter: both within class 1. */
static void test_a_weighting_is_class_1(void **state)
{
    static const double rates[] = {44100, 48000, 96000};
    (void) state;
    for (size_t r = 0; r < CB_LEN(rates); r++) {
        struct cb_weighting w;
        cb_weighting_init(&w, CB_WEIGHTING_A, rates[r]);
        for (size_t i = 0; i < CB_LEN(table3); i++) {
            double f = exact_hz(i), d = cb_weighting_gain_db(&w, f, rates[r]) - table3[i].a_db;
            if (!(d <= table3[i].over_db && d >= -table3[i].under_db))
                fail_msg("%g Hz at %g: %+.2f dB", table3[i].nominal_hz, rates[r], d);
        }
    }
}

static void test_sines_through_the_meter_are_class_1(void **state)
{
    (void) state;
    double a = amplitude_of(84, DBFS);
    for (size_t i = 3; i < CB_LEN(table3); i++) { /* 20 Hz and up: a slower ripple stays on Fast */
        double d = steady_db(48000, exact_hz(i), a) - 84 - table3[i].a_db;
        double ripple = 0.3 * 20 / exact_hz(i); /* Fast's own, of a mean square at 2f */
        if (!(d <= table3[i].over_db + ripple && d >= -table3[i].under_db - ripple))
            fail_msg("%g Hz: %+.2f dB", table3[i].nominal_hz, d);
    }
}

/* Low rates: within 0.4 dB of the definition up to three tenths of the rate. */
static void test_low_rates_keep_to_the_curve(void **state)
{
    static const double rates[] = {8000, 11025, 16000, 22050, 32000};
    (void) state;
    for (size_t r = 0; r < CB_LEN(rates); r++) {
        struct cb_weighting w;
        cb_weighting_init(&w, CB_WEIGHTING_A, rates[r]);
        for (size_t i = 0; exact_hz(i) < 0.3 * rates[r] && i < CB_LEN(table3); i++)
            NEAR(cb_weighting_gain_db(&w, exact_hz(i), rates[r]), cb_weighting_a_db(exact_hz(i)),
                 0.4);
    }
}

static void test_formula_is_the_table(void **state)
{
    (void) state;
    for (size_t i = 0; i < CB_LEN(table3); i++)
        NEAR(cb_weighting_a_db(exact_hz(i)), table3[i].a_db, 0.06);
}

static void test_calibration(void **state)
{
    (void) state;
    /* a 1 kHz tone at −26 dBFS RMS is 94 dB; a full-scale sine is −3.01 dBFS */
    NEAR(steady_db(48000, 1000, amplitude_of(94, DBFS)), 94, 0.02);
    NEAR(steady_db(48000, 1000, 0.999), 94 + 26 - 3.0103 + 20 * log10(0.999), 0.02);
}

/* IEC 61672-1:2013, table 4: 4 kHz bursts, LAFmax less the steady level. */
static void test_tone_bursts(void **state)
{
    static const struct {
        double ms, want_db, over_db, under_db;
    } table4[] = {
        {1000, 0.0, 0.5, 0.5}, {500, -0.1, 0.5, 0.5},  {200, -1.0, 0.5, 0.5},
        {100, -2.6, 1.0, 1.0}, {50, -4.8, 1.0, 1.0},   {20, -8.3, 1.0, 1.0},
        {10, -11.1, 1.0, 1.0}, {5, -14.1, 1.0, 1.0},   {2, -18.0, 1.0, 1.5},
        {1, -21.0, 1.0, 2.0},  {0.5, -24.0, 1.0, 2.5}, {0.25, -27.0, 1.0, 3.0},
    };
    const double rate_hz = 48000, a = amplitude_of(100, DBFS);
    double steady = steady_db(rate_hz, 4000, a);
    (void) state;
    for (size_t k = 0; k < CB_LEN(table4); k++) {
        struct cb_meter m;
        cb_meter_init(&m, rate_hz, DBFS);
        size_t lead = (size_t) rate_hz / 10, n = (size_t) (table4[k].ms * rate_hz / 1000 + 0.5);
        for (size_t i = 0; i < lead + n + lead; i++) {
            bool on = i >= lead && i < lead + n;
            double p = 2 * M_PI * 4000 * (double) (i - lead) / rate_hz;
            cb_meter_add(&m, on ? (float) (a * sin(p)) : 0);
        }
        double d = cb_meter_take_max_db(&m) - steady - table4[k].want_db;
        if (!(d <= table4[k].over_db && d >= -table4[k].under_db))
            fail_msg("%g ms: %+.2f dB off", table4[k].ms, d);
    }
}

static void test_decay(void **state)
{
    struct cb_meter m;
    double a = amplitude_of(110, DBFS);
    (void) state;
    cb_meter_init(&m, 48000, DBFS);
    for (int i = 0; i < 48000; i++)
        cb_meter_add(&m, (float) (a * sin(2 * M_PI * 4000 * i / 48000.0)));
    for (int i = 0; i < 4800; i++)
        cb_meter_add(&m, 0);
    double from = cb_meter_laf_db(&m);
    for (int i = 0; i < 48000; i++)
        cb_meter_add(&m, 0);
    NEAR(from - cb_meter_laf_db(&m), 34.7, 0.3); /* in one second; allowed 31.0 to 38.5 */
}

/* Ten decibels more in are ten more out, from 35 to 117 dB (IEC 61672-1, 5.6: ±0.8 for class 1). */
static void test_level_linearity(void **state)
{
    (void) state;
    double high_db = steady_db(48000, 8000, amplitude_of(94, DBFS)) - 94;
    for (double db = 35; db <= 117; db += 2) {
        NEAR(steady_db(48000, 1000, amplitude_of(db, DBFS)), db, 0.05);
        NEAR(steady_db(48000, 8000, amplitude_of(db, DBFS)) - db, high_db, 0.01);
    }
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
        cmocka_unit_test(test_a_weighting_is_class_1),
        cmocka_unit_test(test_sines_through_the_meter_are_class_1),
        cmocka_unit_test(test_low_rates_keep_to_the_curve),
        cmocka_unit_test(test_formula_is_the_table),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_tone_bursts),
        cmocka_unit_test(test_decay),
        cmocka_unit_test(test_level_linearity),
        cmocka_unit_test(test_level_does_not_depend_on_the_rate),
        cmocka_unit_test(test_silence_and_garbage),
        cmocka_unit_test(test_direct_voltage_is_silent),
        cmocka_unit_test(test_background_is_la90),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
