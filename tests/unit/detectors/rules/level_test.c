#include "unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rules/exhaust.h"
#include "rules/level.h"
#include "rules/limits.h"

#define LIMIT 85.0
#define NEAR(got, want, tolerance)                                                                 \
    do {                                                                                           \
        if (!(fabs((got) - (want)) <= (tolerance)))                                                \
            fail_msg("%s is %.6f, want %.6f", #got, (double) (got), (double) (want));              \
    } while (0)

static const struct cb_weather calm = {0.8, 0, 21};

static struct cb_camera_conf camera(void)
{
    struct cb_camera_conf c;
    cb_camera_conf_init(&c);
    c.has_microphone = true;
    c.microphone.limit.default_dba = LIMIT;
    return c;
}

/* An open pipe, well over a known background. */
static struct cb_noise loud(double lafmax_db)
{
    struct cb_noise n;
    cb_noise_init(&n);
    n.class_ = CB_NOISE_MODIFIED_EXHAUST;
    n.confidence = 0.99;
    n.lafmax_db = lafmax_db;
    n.background_db = 50;
    n.t_peak_ns = 7 * CB_NS_PER_S;
    return n;
}

static double sum_db(double a_db, double b_db)
{
    return 10 * log10(pow(10, a_db / 10) + pow(10, b_db / 10));
}

static void test_the_background_is_taken_out_as_energy(void **state)
{
    (void) state;
    for (double over = 0.1; over < 20; over += 0.1) {
        double total = sum_db(60 + over, 60);
        struct cb_corrected c = cb_background_correct(total, 60, 2);
        if (total - 60 < CB_BACKGROUND_MIN_DB)
            assert_true(isnan(c.correction_db));
        else
            NEAR(total - c.correction_db, 60 + over, 1e-9);
    }
    NEAR(cb_background_correct(66, 60, 2).correction_db, 1.256, 0.001); /* ISO 3744, K1 at 6 dB */
    NEAR(cb_background_correct(63, 60, 2).correction_db, 3.021, 0.001);
    NEAR(cb_background_correct(70, 60, 2).correction_db, 0.458, 0.001);
    assert_true(isnan(cb_background_correct(62.99, 60, 2).correction_db));
    assert_true(isnan(cb_background_correct(90, NAN, 2).correction_db));
}

/* The factors of the correction's uncertainty are its derivatives. */
static void test_a_correction_grows_the_uncertainty(void **state)
{
    const double h = 1e-4;
    (void) state;
    for (double over = 3.1; over < 20; over += 0.5) {
        struct cb_corrected c = cb_background_correct(60 + over, 60, 1);
        double up = 60 + over + h - cb_background_correct(60 + over + h, 60, 1).correction_db;
        double down = 60 + over - h - cb_background_correct(60 + over - h, 60, 1).correction_db;
        NEAR(c.gain, (up - down) / (2 * h), 1e-3);
        up = -cb_background_correct(60 + over, 60 + h, 1).correction_db;
        down = -cb_background_correct(60 + over, 60 - h, 1).correction_db;
        NEAR(c.u_db, fabs(up - down) / (2 * h), 1e-3);
    }
    struct cb_camera_conf c = camera();
    struct cb_noise clear = loud(90), near = loud(90);
    near.background_db = 84;
    cb_level_weigh(&c, &calm, &clear);
    cb_level_weigh(&c, &calm, &near);
    NEAR(clear.lafmax_u95_db, 2 * sqrt(0.5 * 0.5 + 0.14 * 0.14 + 0.29 * 0.29), 0.001);
    assert_true(near.lafmax_u95_db > clear.lafmax_u95_db + 0.5);
    NEAR(near.background_correction_db, 1.256, 0.001);
}

static void judge(const struct cb_camera_conf *c, const struct cb_weather *w, struct cb_noise *n)
{
    cb_level_weigh(c, w, n);
    cb_exhaust_judge(c, n);
}

static void test_the_larger_of_tolerance_and_uncertainty_is_deducted(void **state)
{
    (void) state;
    struct cb_camera_conf c = camera();
    struct cb_noise n = loud(LIMIT + 1.5), over = loud(LIMIT + 1.51);
    judge(&c, &calm, &n);
    judge(&c, &calm, &over);
    NEAR(n.charged_db, LIMIT, 0.002); /* 0.001 dB of background */
    assert_int_equal(n.violation, CB_VIOLATION_NONE);
    assert_int_equal(over.violation, CB_MODIFIED_EXHAUST);
    c.microphone.instrument_u_db = 2;
    over = loud(LIMIT + 4);
    judge(&c, &calm, &over);
    NEAR(over.charged_db, LIMIT + 4 - over.lafmax_u95_db, 0.002);
    assert_true(over.lafmax_u95_db > 4);
    assert_int_equal(over.violation, CB_VIOLATION_NONE);
}

/* Whoever is at the limit or below it, with an error inside the stated interval. */
static void test_nobody_at_the_limit_is_accused(void **state)
{
    (void) state;
    struct cb_camera_conf c = camera();
    srand(4);
    for (int i = 0; i < 20000; i++) {
        double source_db = LIMIT - rand() % 1000 * 0.004;
        struct cb_noise n = loud(0);
        n.background_db = source_db - rand() % 2000 * 0.01;
        double error_db = 2 * cb_instrument_u_db(&c.microphone) * (rand() % 2001 - 1000) / 1000.0;
        n.lafmax_db = sum_db(source_db, n.background_db) + error_db;
        judge(&c, &calm, &n);
        if (n.violation)
            fail_msg("source %.3f, background %.3f, error %.3f dB: charged %.3f", source_db,
                     n.background_db, error_db, n.charged_db);
    }
}

enum what { OVERLOAD, UNDER, WIND, RAIN, NO_FILE_VALUES, OLD, YET_TO_COME, SEVERAL, AMBIENT, UNKNOWN };

static void spoil(enum what what, struct cb_camera_conf *c, struct cb_weather *w,
                  struct cb_noise *n)
{
    switch (what) {
    case OVERLOAD: n->is_overload = true; break;
    case UNDER: n->is_under_range = true; break;
    case WIND: w->wind_mps = 5.1; break;
    case RAIN: w->rain_mm_h = 0.2; break;
    case NO_FILE_VALUES:
        strcpy(c->weather.file, "station.json");
        *w = (struct cb_weather){NAN, NAN, NAN};
        break;
    case OLD: strcpy(c->microphone.calibrated_on, "2024-01-01"); break;
    case YET_TO_COME: strcpy(c->microphone.calibrated_on, "2027-06-01"); break;
    case SEVERAL: strcpy(n->why_no_track, "several_vehicles"); break;
    case AMBIENT: n->background_db = n->lafmax_db - 2.9; break;
    case UNKNOWN: n->background_db = NAN; break;
    }
}

static void test_each_condition_voids_by_its_own_name(void **state)
{
    static const struct {
        enum what what;
        const char *reason;
    } cases[] = {
        {OVERLOAD, "overload"}, {UNDER, "under_range"}, {WIND, "wind"}, {RAIN, "rain"},
        {NO_FILE_VALUES, "weather_unknown"}, {OLD, "calibration_expired"},
        {YET_TO_COME, "calibration_expired"}, {SEVERAL, "several_vehicles"},
        {AMBIENT, "ambient_too_loud"}, {UNKNOWN, "background_unknown"},
    };
    (void) state;
    for (size_t i = 0; i < CB_LEN(cases); i++) {
        struct cb_camera_conf c = camera();
        struct cb_weather w = calm;
        struct cb_noise n = loud(100);
        c.recording_utc_ns = INT64_C(1795428000) * CB_NS_PER_S; /* 2026-11-23 */
        spoil(cases[i].what, &c, &w, &n);
        judge(&c, &w, &n);
        assert_int_equal(n.violation, CB_VIOLATION_NONE);
        assert_int_equal(__builtin_popcount(n.voids), 1);
        assert_string_equal(cb_void_name((enum cb_void) __builtin_ctz(n.voids)), cases[i].reason);
    }
    struct cb_camera_conf c = camera();
    struct cb_noise n = loud(100);
    c.recording_utc_ns = INT64_C(1795428000) * CB_NS_PER_S;
    strcpy(c.microphone.calibrated_on, "2026-01-01");
    judge(&c, &calm, &n);
    assert_int_equal(n.voids, 0);
    assert_int_equal(n.violation, CB_MODIFIED_EXHAUST);
    NEAR(n.calibration_age_d, 326.417, 0.001); /* to 10:00:07 on 23 November */
}

static void test_what_several_vehicles_made_may_be_kept_without_a_name(void **state)
{
    (void) state;
    struct cb_camera_conf c = camera();
    struct cb_noise n = loud(100);
    c.microphone.several_vehicles = CB_SEVERAL_KEEP;
    strcpy(n.why_no_track, "several_vehicles");
    judge(&c, NULL, &n);
    assert_int_equal(n.violation, CB_MODIFIED_EXHAUST);
}

static void test_at_night_less_is_allowed(void **state)
{
    static struct cb_utc_offset east = {0, 8 * 3600};
    static const struct {
        int hour_utc, minute;
        double limit;
    } cases[] = {{10, 0, 85}, {13, 59, 85}, {14, 0, 85}, {14, 1, 70}, {20, 0, 70}, {21, 59, 85}};
    struct cb_camera_conf c = camera();
    (void) state;
    c.timezone = (struct cb_timezone){&east, 1};
    c.microphone.limit.period[0] = (struct cb_limit_period){22 * 3600, 6 * 3600, 0x7f, 70};
    c.microphone.limit.n_periods = 1;
    for (size_t i = 0; i < CB_LEN(cases); i++) {
        struct cb_noise n = loud(80);
        n.utc_offset_ns = (INT64_C(1795392000) + cases[i].hour_utc * 3600 + cases[i].minute * 60) *
                              CB_NS_PER_S - n.t_peak_ns;
        judge(&c, &calm, &n);
        NEAR(n.limit_db, cases[i].limit, 1e-9);
        assert_int_equal(n.violation, cases[i].limit < 80 ? CB_MODIFIED_EXHAUST : 0);
    }
    NEAR(cb_noise_limits_lowest(&c.microphone.limit), 70, 0);
    NEAR(cb_noise_limit_at_db(&c, CB_UTC_UNKNOWN), 85, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_background_is_taken_out_as_energy),
        cmocka_unit_test(test_a_correction_grows_the_uncertainty),
        cmocka_unit_test(test_the_larger_of_tolerance_and_uncertainty_is_deducted),
        cmocka_unit_test(test_nobody_at_the_limit_is_accused),
        cmocka_unit_test(test_each_condition_voids_by_its_own_name),
        cmocka_unit_test(test_what_several_vehicles_made_may_be_kept_without_a_name),
        cmocka_unit_test(test_at_night_less_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
