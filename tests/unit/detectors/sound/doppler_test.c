#include "unit/test.h"

#include <stdlib.h>

#include "signal.h"
#include "sound/doppler.h"
#include "sound/spectrum.h"

#define RATE      48000
#define SECONDS   4
#define N         (SECONDS * RATE)
#define ROWS_MAX  80
#define SOUND_MPS 343.0
#define V_MPS     22.0
#define ASIDE_M   6.0

/* Distance as heard at t_s of a source that passes at pass_s. */
static double distance_m(double t_s, double pass_s)
{
    double d = ASIDE_M;
    for (int k = 0; k < 12; k++)
        d = hypot(ASIDE_M, V_MPS * (t_s - d / SOUND_MPS - pass_s));
    return d;
}

static double own_hz(double t_s)
{
    return 85 + 1.5 * t_s; /* it speeds up a little */
}

/* An engine's lines, each where its source time says, in noise that is as loud as one of them. */
static float *pass_by(double pass_s)
{
    float *x = calloc(N, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < N; i++) {
        double t = (double) i / RATE, left = t - distance_m(t, pass_s) / SOUND_MPS;
        double cycles = 85 * left + 0.75 * left * left;
        for (int h = 1; h <= 12; h++)
            x[i] += (float) (0.05 * sin(2 * M_PI * h * cycles + h * h));
    }
    add_noise(x, N, 0.05, 9);
    return x;
}

struct rows {
    struct cb_row row[ROWS_MAX];
    const struct cb_row *at[ROWS_MAX];
    double t_s[ROWS_MAX], ln_hz[ROWS_MAX];
    size_t n;
};

static struct rows *follow(const float *x)
{
    struct rows *r = calloc(1, sizeof *r);
    struct cb_spectrum *s;
    assert_non_null(r);
    assert_int_equal(cb_spectrum_create(&s, RATE), 0);
    size_t len = cb_spectrum_window_n(s);
    for (size_t i = 0; i + len <= N && r->n < ROWS_MAX; i += RATE / 20) {
        cb_spectrum_row(s, x + i, len, &r->row[r->n]);
        r->t_s[r->n] = (double) (i + len / 2) / RATE;
        r->at[r->n] = &r->row[r->n];
        r->n++;
    }
    assert_int_equal(
        cb_firing_follow(r->at, r->n, cb_spectrum_n_bins(s), cb_spectrum_bin_hz(s), r->ln_hz), 0);
    cb_spectrum_destroy(&s);
    return r;
}

static double heard_hz(double t_s, double pass_s)
{
    double d = 1e-3, r = distance_m(t_s, pass_s);
    double radial = (distance_m(t_s + d, pass_s) - distance_m(t_s - d, pass_s)) / (2 * d);
    return own_hz(t_s - r / SOUND_MPS) * (1 - radial / SOUND_MPS);
}

/* Within 0.5 % at nine moments of ten, but for the one factor by which the comb may be another
 * order's. */
static void test_the_rate_is_followed(void **state)
{
    float *x = pass_by(2);
    struct rows *r = follow(x);
    double order = NAN;
    size_t near = 0;
    (void) state;
    for (size_t i = 0; i < r->n; i++) {
        double off = r->ln_hz[i] - log(heard_hz(r->t_s[i], 2));
        order = isnan(order) ? off : order;
        near += fabs(off - log(round(exp(order) * 12) / 12)) < 0.005;
    }
    if (near * 10 < r->n * 9)
        fail_msg("%zu of %zu moments followed", near, r->n);
    free(r);
    free(x);
}

static double left_if_passed(const struct rows *r, double pass_s)
{
    struct cb_doppler_basis b;
    double radial[ROWS_MAX];
    for (size_t i = 0; i < r->n; i++)
        radial[i] =
            (distance_m(r->t_s[i] + 1e-3, pass_s) - distance_m(r->t_s[i] - 1e-3, pass_s)) / 2e-3;
    cb_doppler_basis_init(&b, r->t_s, r->ln_hz, r->n);
    return cb_doppler_left(&b, r->ln_hz, radial, SOUND_MPS);
}

/* The pass that was leaves the least: 0.4 % RMS; one half a second off three times as much, and one
 * that stands still (no Doppler at all) more still. */
static void test_the_right_pass_leaves_least(void **state)
{
    float *x = pass_by(2);
    struct rows *r = follow(x);
    (void) state;
    double right = sqrt(left_if_passed(r, 2));
    assert_true(right < 0.004);
    assert_true(sqrt(left_if_passed(r, 1.5)) > 2 * right);
    assert_true(sqrt(left_if_passed(r, 2.5)) > 2 * right);
    assert_true(sqrt(left_if_passed(r, 60)) > 2 * right);
    free(r);
    free(x);
}

/* Noise has no rate; a gear change is no Doppler shift; too few moments say nothing. */
static void test_what_has_no_say(void **state)
{
    float *x = calloc(N, sizeof *x);
    struct cb_doppler_basis b;
    double t_s[40], ln_hz[40], still[40] = {0};
    size_t n = 0;
    (void) state;
    assert_non_null(x);
    add_noise(x, N, 0.3, 4);
    struct rows *r = follow(x);
    for (size_t i = 0; i < r->n; i++)
        n += !isnan(r->ln_hz[i]);
    assert_true(n * 4 < r->n);
    for (int i = 0; i < 40; i++) {
        t_s[i] = 0.05 * i;
        ln_hz[i] = i < 20 ? 4.6 : 4.3;
    }
    cb_doppler_basis_init(&b, t_s, ln_hz, 40);
    assert_true(isnan(cb_doppler_left(&b, ln_hz, still, SOUND_MPS)));
    cb_doppler_basis_init(&b, t_s, ln_hz, 20);
    assert_true(cb_doppler_left(&b, ln_hz, still, SOUND_MPS) < 1e-12);
    cb_doppler_basis_init(&b, t_s, ln_hz, 7);
    assert_true(isnan(cb_doppler_left(&b, ln_hz, still, SOUND_MPS)));
    free(r);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rate_is_followed),
        cmocka_unit_test(test_the_right_pass_leaves_least),
        cmocka_unit_test(test_what_has_no_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
