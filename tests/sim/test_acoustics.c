#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "level.h"
#include "propagate.h"
#include "sound.h"

#define RATE 48000

/* IEC 61672-1:2013, table 3: nominal values, rounded to 0.1 dB at the exact frequencies. */
static void test_a_weighting(void **state)
{
    (void) state;
    static const struct {
        int n;
        double db;
    } table[] = {{15, -39.4}, {17, -30.2}, {20, -19.1}, {24, -8.6}, {27, -3.2}, {30, 0.0},
                 {33, 1.2},   {36, 1.0},   {39, -1.1},  {40, -2.5}, {42, -6.6}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        double f = 1000 * pow(10, 0.1 * (table[i].n - 30));
        CHECK_NEAR(20 * log10(sim_a_gain(f)), table[i].db, 0.051);
    }
}

static void fill_tone(float *x, size_t n, double f_hz, double rms)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float) (rms * sqrt(2) * sin(2 * M_PI * f_hz * (double) i / RATE));
}

/* 1 Pa is 93.98 dB; after a second Fast has settled to within e^-8. */
static void test_level_of_a_tone(void **state)
{
    (void) state;
    size_t n = 2 * RATE;
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    assert_true(x && y);
    for (int k = 0; k < 2; k++) {
        double f = k ? 250 : 1000, want = 93.979 + 20 * log10(sim_a_gain(f));
        fill_tone(x, n, f, 1);
        assert_int_equal(sim_a_weight(x, n, RATE, y), 0);
        sim_fast_level(y, n, RATE, y);
        CHECK_NEAR(y[n - RATE / 4], want, 0.03);
    }
    free(x);
    free(y);
}

/* Silence after a tone: Fast falls by 34.7 dB in a second. */
static void test_fast_decay(void **state)
{
    (void) state;
    size_t n = 2 * RATE;
    float *x = calloc(n, sizeof *x);
    assert_non_null(x);
    fill_tone(x, RATE, 1000, 1);
    sim_fast_level(x, n, RATE, x);
    CHECK_NEAR(x[RATE + RATE / 2] - x[RATE + RATE / 4], -34.74 / 4, 0.01);
    free(x);
}

static double tone_level_db(const char *y_m)
{
    char text[512];
    struct sim_sound *sound = NULL;
    snprintf(
        text, sizeof text,
        "{\"seconds\": 1.5, \"sound\": {\"ambient_dba\": 0, \"ground_reflection\": 0,"
        "\"microphones\": [[0, 0, 2]]}, \"sources\": [{\"type\": \"tone\", \"t\": -1,"
        "\"seconds\": 4, \"level_db\": 90, \"frequency_hz\": 1000, \"position\": [0, %s, 2]}]}",
        y_m);
    struct sim_scene *s = parse_scene(text);
    assert_int_equal(sim_sound_create(&sound, s, 2), 0);
    double db = sound->lafmax_db;
    assert_int_equal(sound->n_events, 1);
    assert_string_equal(sound->event[0].type, "tone");
    CHECK_NEAR(sound->event[0].lafmax_own_db, db, 0.05);
    CHECK_NEAR(sound->event[0].azimuth_deg, 0, 1e-9);
    assert_int_equal(sound->event[0].n_own, (size_t) (1.5 / SIM_OWN_EVERY_S));
    CHECK_NEAR(sound->event[0].own_db[20], db, 0.05); /* steady: as loud at 1 s as ever */
    sim_sound_destroy(&sound);
    sim_scene_destroy(&s);
    return db;
}

/* The air's loss at 1 kHz is below 0.05 dB on 30 m; the rest is 1/r. */
static void test_level_falls_with_distance(void **state)
{
    (void) state;
    double near = tone_level_db("7.5");
    CHECK_NEAR(near, 90, 0.06);
    CHECK_NEAR(near - tone_level_db("15"), 20 * log10(2), 0.06);
    CHECK_NEAR(near - tone_level_db("30"), 20 * log10(4), 0.08);
}

static double frequency_of(const float *x, size_t n)
{
    double first = -1, last = -1;
    int crossings = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i - 1] < 0 && x[i] >= 0) {
            double at = (double) i - (double) x[i] / ((double) x[i] - (double) x[i - 1]);
            first = crossings == 0 ? at : first;
            last = at;
            crossings++;
        }
    return (crossings - 1) / (last - first) * RATE;
}

/* Straight at the microphone and away from it, 0.3 m beside: f c/(c ∓ v). */
static void test_doppler(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene(
        "{\"vehicles\": [{\"class\": \"car\", \"lane\": 0, \"from\": [0, -200], \"to\": [0, 200],"
        "\"t\": -5, \"speed_kmh\": 108}]}"); /* 30 m/s: at Y = -50 at 0 s, at 0 at 1.667 s */
    struct sim_vehicle v;
    struct sim_signal sig;
    sim_vehicle_init(&v, s, 0);
    struct sim_path path = {&v, v3(0, v.contact_offset_m, 1)};
    size_t n = 4 * RATE;
    float *out = calloc(n + 64, sizeof *out);
    assert_non_null(out);
    assert_int_equal(sim_signal_init(&sig, RATE, -1, 4), 0);
    fill_tone(sig.pa, sig.n, 500, 1);
    assert_int_equal(sim_propagate(&sig, &path, v3(0.3, 0, 1), 0, out, n), 0);
    double c = SIM_SOUND_MPS;
    CHECK_NEAR(frequency_of(out + RATE / 4, RATE / 2), 500 * c / (c - 30), 0.05);
    CHECK_NEAR(frequency_of(out + 3 * RATE, RATE / 2), 500 * c / (c + 30), 0.05);
    sim_signal_deinit(&sig);
    free(out);
    sim_scene_destroy(&s);
}

/* A click arrives after r/c, to a hundredth of a sample: the centre of its energy. */
static void test_delay(void **state)
{
    (void) state;
    struct sim_signal sig;
    struct sim_path path = {NULL, v3(0, 0, 1)};
    size_t n = RATE;
    float *out = calloc(n + 64, sizeof *out);
    assert_non_null(out);
    assert_int_equal(sim_signal_init(&sig, RATE, 0, 1), 0);
    for (int i = 0; i < 200; i++) /* smooth, so that it lies within the kernel's band */
        sig.pa[1000 + i] = (float) (0.5 - 0.5 * cos(2 * M_PI * i / 200));
    double want[2], got[2], r[2] = {34.3, 34.37};
    for (int k = 0; k < 2; k++) {
        memset(out, 0, n * sizeof *out);
        assert_int_equal(sim_propagate(&sig, &path, v3(0, r[k], 1), 0, out, n), 0);
        double sum = 0, moment = 0;
        for (size_t i = 0; i < n; i++) {
            sum += (double) out[i];
            moment += (double) out[i] * (double) i;
        }
        got[k] = moment / sum;
        want[k] = 1100 + r[k] / SIM_SOUND_MPS * RATE;
    }
    /* the air's low pass itself delays by (1 - a)/a of a sample, alike for both */
    CHECK_NEAR(got[0], want[0], 2);
    CHECK_NEAR(got[1] - got[0], want[1] - want[0], 0.02);
    sim_signal_deinit(&sig);
    free(out);
}

/* What a modified exhaust is: loud at its firing order, level as told at 5000 a minute. */
static void test_exhaust_level_and_order(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene(
        "{\"seconds\": 3, \"sound\": {\"ambient_dba\": 20, \"ground_reflection\": 0,"
        "\"microphones\": [[7.5, 0, 0.38]]}, \"lanes\": [{\"x\": 0}], \"vehicles\": [{"
        "\"class\": \"motorcycle\", \"lane\": 1, \"t\": 0, \"y\": 0, \"speed_kmh\": 0,"
        "\"silent\": true, \"modified_exhaust\": true, \"cylinders\": 2, \"exhaust_db\": 95,"
        "\"rpm\": [[0, 5000], [1, 5000]]}]}");
    struct sim_sound *sound = NULL;
    assert_int_equal(sim_sound_create(&sound, s, 2), 0);
    CHECK_NEAR(sound->event[0].lafmax_own_db, 95 + 20 * log10(0.72), 1.5); /* steady: part load */
    assert_string_equal(sound->event[0].type, "modified_exhaust");
    assert_int_equal(sound->event[0].vehicle, 1);
    /* autocorrelation: a period of one cycle, 24 ms at 5000 a minute */
    const float *x = sound->pa[0] + RATE;
    double zero = 0, cycle = 0, off = 0;
    for (size_t i = 0; i < RATE; i++) {
        zero += (double) x[i] * (double) x[i];
        cycle += (double) x[i] * (double) x[i + 1152];
        off += (double) x[i] * (double) x[i + 1152 + 430];
    }
    assert_true(cycle > 0.4 * zero && cycle > 2 * fabs(off));
    sim_sound_destroy(&sound);
    sim_scene_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_weighting),
        cmocka_unit_test(test_level_of_a_tone),
        cmocka_unit_test(test_fast_decay),
        cmocka_unit_test(test_level_falls_with_distance),
        cmocka_unit_test(test_doppler),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_exhaust_level_and_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
