#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "detectors/calibrator.h"
#include "signal.h"

#define DBFS (-26.0)

/* Put on at 1 s, taken off at the end: a tone between noises. */
static float *recording(int rate_hz, double tone_s, double f_hz, double level_db, double noise)
{
    size_t lead = (size_t) rate_hz, n = (size_t) (tone_s * rate_hz);
    float *x = calloc(n + 2 * lead, sizeof *x);
    assert_non_null(x);
    add_noise(x, lead, 0.01, 3);
    add_noise(x + lead, n, noise, 4);
    add_sine(x + lead, n, rate_hz, f_hz, amplitude_of(level_db, DBFS));
    add_noise(x + lead + n, lead, 0.01, 5);
    return x;
}

static int measure(float *x, int rate_hz, double tone_s, struct cb_calibrator_report *ret)
{
    size_t n = (size_t) (tone_s * rate_hz) + 2 * (size_t) rate_hz;
    return cb_calibrator_measure(x, n, rate_hz, ret);
}

static void test_a_calibrator_is_measured(void **state)
{
    static const int rates[] = {8000, 11025, 16000, 22050, 44100, 48000};
    static const double hz[] = {1000, 990.5, 1013.7};
    struct cb_calibrator_report r;
    (void) state;
    for (size_t i = 0; i < CB_LEN(rates) * CB_LEN(hz); i++) {
        int rate = rates[i / CB_LEN(hz)];
        double f = hz[i % CB_LEN(hz)];
        float *x = recording(rate, 5, f, 94, 0.0005);
        assert_int_equal(measure(x, rate, 5, &r), 0);
        NEAR(r.tone_dbfs, DBFS, 0.01);
        NEAR(r.f_hz, f, 0.02);
        NEAR(r.thd_n_percent, 100 * 0.0005 / sqrt(3) / amplitude_of(94, DBFS) * sqrt(2), 0.05);
        assert_true(r.from_s >= 1 && r.from_s < 1.3 && r.seconds > 4.5 && r.seconds <= 5);
        assert_true(r.u95_db > 0.25 && r.u95_db < 0.35 && r.spread_db < 0.02);
        assert_true(r.top_hz > 0.45 * fmin(rate, 44100) && r.band_top_hz < rate / 2.0);
        assert_int_equal(r.class_, rate < 22050 ? 0 : rate < 44100 ? 2 : 1);
        free(x);
    }
}

static void refused(float *x, int rate_hz, double tone_s, const char *word)
{
    struct cb_calibrator_report r;
    assert_int_equal(measure(x, rate_hz, tone_s, &r), -EINVAL);
    if (!strstr(r.fault, word))
        fail_msg("fault '%s', expected '%s' in it", r.fault, word);
    free(x);
}

static void test_others_are_refused_by_name(void **state)
{
    const int rate = 16000;
    float *x;
    (void) state;
    refused(recording(rate, 2, 1000, 94, 0), rate, 2, "steady for only");
    refused(recording(rate, 5, 250, 94, 0), rate, 5, "250.0 Hz");
    refused(recording(rate, 5, 1030, 94, 0), rate, 5, "1030.0 Hz");
    refused(recording(rate, 5, 1000, 94, 0.02), rate, 5, "distortion and noise");
    refused(recording(rate, 5, 1000, 20, 0), rate, 5, "steady for only"); /* nothing is heard */

    x = recording(rate, 5, 1000, 94, 0);
    for (int i = 0; i < 7 * rate; i++) /* a limiter that pumps */
        x[i] *= (float) (1 + 0.015 * sin(2 * M_PI * 0.5 * i / rate));
    refused(x, rate, 5, "moves by");

    x = recording(rate, 5, 1000, 121, 0);
    for (int i = 0; i < 7 * rate; i++)
        x[i] = fmaxf(-1, fminf(1, x[i]));
    refused(x, rate, 5, "clipped");

    x = recording(rate, 5, 1000, 94, 0);
    for (int i = 0; i < 7 * rate; i++) /* clipped before the gain was taken back */
        x[i] = fmaxf(-0.05f, fminf(0.05f, x[i]));
    refused(x, rate, 5, "distortion");

    x = calloc(7 * rate, sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < 7 * rate; i++)
        x[i] = NAN;
    refused(x, rate, 5, "steady for only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_calibrator_is_measured),
        cmocka_unit_test(test_others_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
