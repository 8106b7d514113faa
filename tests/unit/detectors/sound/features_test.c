#include "unit/test.h"

#include <string.h>

#include "listen.h"
#include "sound/features.h"
#include "sound/unwarp.h"

/* Each feature on a sound that has it and on one that has not. */

#define RATE 48000
#define N    (3 * RATE)

static double feature_of(const struct cb_noise *n, const char *name)
{
    for (size_t i = 0; i < n->n_features; i++)
        if (strcmp(n->feature[i].name, name) == 0)
            return n->feature[i].value;
    fail_msg("no feature %s", name);
    return NAN;
}

/* The loudest event of x at 95 dB after a second of quiet. Frees x. */
static struct cb_noise loudest(float *x)
{
    struct cb_noise best = {.lafmax_db = -HUGE_VAL};
    float *y = calloc(N + 2 * RATE, sizeof *y);
    assert_non_null(y);
    scale_to(x, N, RATE, 95);
    memcpy(y + RATE, x, N * sizeof *x);
    add_noise(y, N + 2 * RATE, amplitude_of(50, DBFS), 3);
    struct listen *l = listen_create();
    listen_start(l);
    listen_to(l, &y, 1, N + 2 * RATE, RATE, 1024);
    listen_end(l);
    for (size_t i = 0; i < l->n_noises; i++)
        if (l->noise[i].lafmax_db > best.lafmax_db)
            best = l->noise[i];
    listen_destroy(l);
    free(x);
    free(y);
    assert_true(best.n_features == CB_F_COUNT);
    return best;
}

static float *silence(void)
{
    float *x = calloc(N, sizeof *x);
    assert_non_null(x);
    return x;
}

static struct cb_noise of_engine(double from_hz, double to_hz)
{
    float *x = silence();
    add_engine(x, N, RATE, from_hz, to_hz, 4, 0.3, 5);
    return loudest(x);
}

static struct cb_noise of_hiss(void)
{
    float *x = silence();
    add_noise(x, N, 0.1, 9);
    return loudest(x);
}

static void test_orders(void **state)
{
    (void) state;
    struct cb_noise engine = of_engine(120, 124), hiss = of_hiss();
    assert_true(feature_of(&engine, "comb_db") > feature_of(&hiss, "comb_db") + 3);
    assert_true(feature_of(&engine, "comb_share") > feature_of(&hiss, "comb_share") + 0.3);
    assert_true(feature_of(&engine, "f0_hold") > 0.8);
    /* four cylinders unlike each other: the lines are a quarter of the firing rate apart */
    double per_firing = 122 / feature_of(&engine, "f0_hz");
    NEAR(per_firing, round(per_firing), 0.1);
    assert_true(feature_of(&engine, "low_db") > feature_of(&hiss, "low_db") + 10);
    assert_true(feature_of(&engine, "high_db") < feature_of(&hiss, "high_db") - 5);
    assert_true(feature_of(&hiss, "flatness") > feature_of(&engine, "flatness") + 0.2);
}

static float *sweep(double rate_per_s)
{
    float *x = silence();
    for (size_t i = 0; i < N; i++) {
        double t = (double) i / RATE, phase = 90 * expm1(rate_per_s * t) / rate_per_s;
        for (int h = 1; h < 16; h++)
            x[i] += (float) (0.05 * cos(2 * M_PI * h * phase) / sqrt(h));
    }
    return x;
}

/* A pitch that doubles each 0.23 s has no lines in a plain spectrum. */
static void test_a_rev_up_is_followed(void **state)
{
    (void) state;
    struct cb_unwarp *u;
    const size_t n = 8160;
    for (int k = -1; k <= 1; k++) {
        float *x = sweep(k ? 3.1 * k : 0.001);
        assert_int_equal(cb_unwarp_create(&u, n, RATE), 0);
        double found = cb_unwarp_find(u, x + (k < 0 ? RATE / 10 : RATE / 4));
        NEAR(found, 3.1 * k, 0.9);
        cb_unwarp_destroy(&u);
        assert_null(u);
        free(x);
    }
    struct cb_noise revs = of_engine(60, 600);
    assert_true(feature_of(&revs, "sweep_per_s") > 0.4);
    assert_true(feature_of(&revs, "comb_db") > 6);
    assert_true(feature_of(&revs, "f0_hold") > 0.7);
}

/* Noise may seem to sweep at some rate, but no orders come of it that go on. */
static void test_noise_gains_no_orders(void **state)
{
    (void) state;
    struct cb_noise hiss = of_hiss();
    assert_true(feature_of(&hiss, "comb_db") < 5.5 && feature_of(&hiss, "f0_hold") < 0.6);
}

static void test_rhythm(void **state)
{
    (void) state;
    float *x = silence();
    for (size_t i = 0; i < N; i++) {
        double u = fmod((double) i / RATE, 0.45);
        x[i] = (float) (0.1 * sin(2 * M_PI * 300 * u) * exp(-u / 0.15));
    }
    struct cb_noise beat = loudest(x), engine = of_engine(120, 124);
    assert_true(feature_of(&beat, "beat_db") > 2);
    assert_true(feature_of(&engine, "beat_db") < 1);
    assert_true(feature_of(&beat, "ripple_db") > feature_of(&engine, "ripple_db") + 1);
}

static void test_one_tone(void **state)
{
    (void) state;
    float *x = silence();
    add_sine(x, N, RATE, 700, 0.1);
    struct cb_noise tone = loudest(x), engine = of_engine(120, 124);
    NEAR(feature_of(&tone, "tone_hz"), 700, 2);
    assert_true(feature_of(&tone, "tone_share") > 0.9 && feature_of(&tone, "tone_steady") > 0.95);
    assert_true(feature_of(&engine, "tone_share") < 0.5);
    assert_true(feature_of(&engine, "order_ratio") < 0.7);
}

static void test_bangs(void **state)
{
    (void) state;
    float *x = silence();
    for (size_t i = 0; i < N; i++) {
        double u = fmod((double) i / RATE, 0.08);
        x[i] = (float) (exp(-u / 0.006) * sin(2 * M_PI * 150 * u));
    }
    struct cb_noise train = loudest(x), engine = of_engine(120, 124);
    NEAR(feature_of(&train, "bangs_per_s"), 12.5, 3);
    assert_true(feature_of(&engine, "bangs_per_s") < 1);
    assert_true(feature_of(&train, "crest_db") > feature_of(&engine, "crest_db") + 3);
}

/* The record says in words what decided, and each feature named there is one of its own. */
static void test_why_is_told(void **state)
{
    (void) state;
    struct cb_noise engine = of_engine(120, 124), hiss = of_hiss();
    assert_int_equal(engine.class_, CB_NOISE_MODIFIED_EXHAUST);
    assert_true(strncmp(engine.why_class, "engine: ", 8) == 0);
    assert_true(strncmp(hiss.why_class, "no engine: ", 11) == 0);
    char name[24];
    assert_int_equal(sscanf(engine.why_class, "engine: %23s", name), 1);
    assert_false(isnan(feature_of(&engine, name)));
    char *json = NULL;
    struct cb_noise back;
    assert_int_equal(cb_noise_print(&engine, &json), 0);
    assert_int_equal(cb_noise_parse(json, strlen(json), &back), 0);
    assert_string_equal(back.why_class, engine.why_class);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_a_rev_up_is_followed),
        cmocka_unit_test(test_noise_gains_no_orders),
        cmocka_unit_test(test_rhythm),
        cmocka_unit_test(test_one_tone),
        cmocka_unit_test(test_bangs),
        cmocka_unit_test(test_why_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
