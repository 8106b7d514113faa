#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "signal.h"
#include "sound/meter.h"
#include "sound/range.h"

#define RATE 48000
#define N    8160 /* 0.17 s */

static float *engine(void)
{
    float *x = calloc(4 * N, sizeof *x);
    assert_non_null(x);
    add_engine(x, 4 * N, RATE, 130, 140, 4, 0.3, 5);
    return x;
}

static float highest(const float *x, size_t n)
{
    float top = 0;
    for (size_t i = 0; i < n; i++)
        top = fmaxf(top, fabsf(x[i]));
    return top;
}

static void cut(float *x, size_t n, float high, float low)
{
    for (size_t i = 0; i < n; i++)
        x[i] = fmaxf(-low, fminf(high, x[i]));
}

static void test_round_tops_are_not_clipped(void **state)
{
    static const double hz[] = {30, 100, 1000, 5000};
    float *x = engine();
    (void) state;
    assert_false(cb_range_is_clipped(x + N, N));
    for (size_t i = 0; i < CB_LEN(hz); i++) {
        float tone[N] = {0};
        add_sine(tone, N, RATE, hz[i], 0.5);
        assert_false(cb_range_is_clipped(tone, N));
        add_sine(tone, N, RATE, hz[i] * 1.26, 0.5);
        add_noise(tone, N, 0.01, 3);
        assert_false(cb_range_is_clipped(tone, N));
        for (size_t k = 0; k < N; k++)
            tone[k] = rintf(tone[k] * 32) / 32; /* six bits: the top is one step */
        assert_false(cb_range_is_clipped(tone, N));
    }
    float silence[N] = {0};
    assert_false(cb_range_is_clipped(silence, N));
    free(x);
}

/* 3 dB over the rail, at any gain after it, of one polarity or both. */
static void test_flat_tops_are_found_at_any_level(void **state)
{
    static const float gain[] = {1, 0.5f, 0.1f, 0.02f};
    (void) state;
    for (size_t i = 0; i < CB_LEN(gain); i++)
        for (int sides = 1; sides <= 2; sides++) {
            float *x = engine();
            float top = highest(x + N, N), rail = 0.7f * top;
            cut(x, 4 * N, rail, sides == 2 ? rail : top);
            for (size_t k = 0; k < 4 * N; k++)
                x[k] *= gain[i] / top;
            assert_true(cb_range_is_clipped(x + N, N));
            free(x);
        }
}

/* G.711 ends at 0.984 (A law) and 0.980 (mu law), in coarse steps. */
static void test_g711_full_scale_is_clipped(void **state)
{
    static const float full[] = {32256.0f / 32768, 32124.0f / 32768};
    (void) state;
    for (size_t i = 0; i < CB_LEN(full); i++) {
        float x[N] = {0};
        add_sine(x, N, RATE, 200, 1.0);
        for (size_t k = 0; k < N; k++)
            x[k] = full[i] - rintf((full[i] - x[k]) * 32) / 32;
        cut(x, N, full[i], 0.5f);
        assert_true(cb_range_is_clipped(x, N));
    }
}

/* Under-range is where the rounding adds 0.8 dB: measured on noise of 8 bits. */
static void test_under_range_is_08_db(void **state)
{
    const float step = 1 / 128.0f;
    struct cb_range r = {0};
    (void) state;
    assert_true(cb_range_noise(&r) == 0 && cb_range_least(&r) == 0);
    float x[N] = {0};
    double exact = 0, rounded = 0;
    add_noise(x, N, 4 * step, 9);
    cb_range_add(&r, x, 0);
    for (size_t i = 0; i < N; i++)
        x[i] = rintf(x[i] / step) * step;
    cb_range_add(&r, x, N);
    NEAR(r.step, step, 1e-7);
    NEAR(cb_range_noise(&r), step * step / 12.0, 1e-9);
    /* noise of that power, and independent rounding noise on it */
    exact = cb_range_least(&r);
    rounded = exact + cb_range_noise(&r);
    NEAR(10 * log10(rounded / exact), 0.8, 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_tops_are_not_clipped),
        cmocka_unit_test(test_flat_tops_are_found_at_any_level),
        cmocka_unit_test(test_g711_full_scale_is_clipped),
        cmocka_unit_test(test_under_range_is_08_db),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
