#include "unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sound.h"
#include "schema/camera.h"
#include "signal.h"
#include "sound/turbulence.h"

#define RATE 16000
#define DBFS (-26.0)
#define SECONDS 8

static struct cb_microphone_conf pair(double apart_m)
{
    struct cb_microphone_conf m = {.sensitivity_dbfs_at_94db = DBFS, .n_positions = 2};
    m.position_m[1][0] = apart_m;
    return m;
}

/* Deep noise of that level: white, twice through a low pass of 60 Hz. */
static void add_deep(float *x, size_t n, double db, uint64_t seed)
{
    float *y = calloc(n, sizeof *y);
    assert_non_null(y);
    add_noise(y, n, 1, seed);
    double a = 1 - exp(-2 * M_PI * 60 / RATE), p = 0, q = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        p += a * ((double) y[i] - p);
        q += a * (p - q);
        y[i] = (float) q;
        sum += q * q;
    }
    double g = pow(10, (db - 94 + DBFS) / 20) / sqrt(sum / (double) n);
    for (size_t i = 0; i < n; i++)
        x[i] += (float) (g * (double) y[i]);
    free(y);
}

/* Of each microphone's own, and of what both have, a sample later at the second. */
static bool is_windy(double own_db, double shared_db, double apart_m, double background_db, size_t block)
{
    size_t n = SECONDS * RATE;
    float *x[2] = {calloc(n + 1, sizeof(float)), calloc(n + 1, sizeof(float))};
    assert_true(x[0] && x[1]);
    add_deep(x[0], n, shared_db, 3);
    memcpy(x[1] + 1, x[0], n * sizeof(float));
    add_deep(x[0], n, own_db, 4);
    add_deep(x[1], n, own_db, 5);
    struct cb_microphone_conf conf = pair(apart_m);
    struct cb_turbulence *t = NULL;
    int r = cb_turbulence_create(&t, &conf);
    for (size_t i = 0; r == 0 && i < n; i += block) {
        struct cb_samples s = {.channel = {x[0] + i, x[1] + i}, .n_channels = 2, .rate_hz = RATE,
                               .n = n - i < block ? n - i : block,
                               .t_ns = (int64_t) i * CB_NS_PER_S / RATE};
        cb_turbulence_add(t, &s);
    }
    bool is = r == 0 && cb_turbulence_was_windy(t, 2 * CB_NS_PER_S, 4 * CB_NS_PER_S, background_db);
    /* nothing was said of before the beginning */
    assert_true(r < 0 || !cb_turbulence_was_windy(t, -9 * CB_NS_PER_S, -CB_NS_PER_S, background_db));
    cb_turbulence_destroy(&t);
    free(x[0]);
    free(x[1]);
    return is;
}

static void test_turbulence_is_wind(void **state)
{
    (void) state;
    assert_true(is_windy(85, 50, 0.2, 60, 1024));
    assert_true(is_windy(85, 50, 0.2, 60, 333));
    assert_true(is_windy(80, 50, 0.1, 60, 1024));
}

static void test_what_both_hear_is_none(void **state)
{
    (void) state;
    assert_false(is_windy(40, 85, 0.2, 60, 1024)); /* a lorry */
    assert_false(is_windy(85, 110, 0.2, 60, 1024)); /* an open pipe */
    assert_false(is_windy(68, 50, 0.2, 50, 1024));  /* a breeze */
    assert_false(is_windy(85, 50, 0.2, 75, 1024));  /* a street no deeper than others */
    assert_false(is_windy(85, 50, 0.2, NAN, 1024));
    assert_false(is_windy(85, 50, 4, 60, 1024)); /* too far apart to tell */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turbulence_is_wind),
        cmocka_unit_test(test_what_both_hear_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
