#include "rules/limits.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rules/speeding.h"
#include "synthetic.h"

#define ALL_DAYS 0x7fu
#define MON      1u
#define H        3600
/* 2026-03-02 is a Monday. */
#define MONDAY_S 1772409600

static struct cb_utc_offset shanghai[] = {{INT64_MIN, 8 * H}};

static struct cb_camera_conf city(void)
{
    struct cb_camera_conf c;
    cb_camera_conf_init(&c);
    c.speed_limit_kmh = 60;
    c.timezone = (struct cb_timezone){shanghai, 1};
    return c;
}

/* Local time in Shanghai on that Monday. */
static int64_t at(int hour, int minute, int second)
{
    return (MONDAY_S + hour * H + minute * 60 + second - 8 * H) * CB_NS_PER_S;
}

static void test_lanes(void **state)
{
    (void) state;
    struct cb_camera_conf c = city();
    c.limits.lane[0] = (struct cb_limit_lane){0, 3.5, 80, "1"};
    c.limits.lane[1] = (struct cb_limit_lane){3.5, 7, 40, "2"};
    c.limits.n_lanes = 2;
    static const struct {
        double x_m, kmh;
    } want[] = {{1.7, 80}, {5, 40}, {-2, 60}, {9, 60},
                {3.4, 80}, {3.6, 80}, {3.79, 80}, {3.81, 40}, /* the edge: the higher of both */
                {6.8, 60}, {7.2, 60}, {-0.2, 80}, {NAN, 80}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        CB_NEAR(cb_limit_at_kmh(&c, CB_CAR, want[i].x_m, CB_UTC_UNKNOWN), want[i].kmh, 0);
}

static void test_classes_only_lower(void **state)
{
    (void) state;
    struct cb_camera_conf c = city();
    c.limits.lane[0] = (struct cb_limit_lane){0, 3.5, 40, ""};
    c.limits.n_lanes = 1;
    c.limits.class_kmh[CB_TRUCK] = 50;
    CB_NEAR(cb_limit_at_kmh(&c, CB_TRUCK, 9, 0), 50, 0);
    CB_NEAR(cb_limit_at_kmh(&c, CB_TRUCK, 1.5, 0), 40, 0);
    CB_NEAR(cb_limit_at_kmh(&c, CB_CAR, 9, 0), 60, 0);
    CB_NEAR(cb_limit_at_kmh(&c, CB_UNKNOWN, 9, 0), 60, 0);
    c.limits.class_kmh[CB_UNKNOWN] = 10; /* nobody is held to the limit of a class unknown */
    CB_NEAR(cb_limit_at_kmh(&c, CB_UNKNOWN, 9, 0), 60, 0);
    c.speed_limit_kmh = NAN;
    assert_true(isnan(cb_limit_at_kmh(&c, CB_TRUCK, 9, 0)));
}

static void test_time_of_day(void **state)
{
    (void) state;
    struct cb_camera_conf c = city();
    c.limits.period[0] = (struct cb_limit_period){22 * H, 6 * H, MON, 40};
    c.limits.period[1] = (struct cb_limit_period){7 * H, 9 * H, ALL_DAYS, 30};
    c.limits.period[2] = (struct cb_limit_period){9 * H, 10 * H, ALL_DAYS, 30};
    c.limits.n_periods = 3;
    static const struct {
        int hour, minute, second;
        double kmh;
    } want[] = {{12, 0, 0, 60},  {8, 0, 0, 30},    {9, 0, 0, 30}, /* no gap where two meet */
                {7, 0, 30, 60},  {7, 1, 0, 30},    {6, 59, 59, 60}, {9, 59, 30, 60},
                {22, 0, 59, 60}, {22, 1, 0, 40},   {24 + 5, 0, 0, 40}, {24 + 5, 59, 30, 60},
                {3, 0, 0, 60}, /* Sunday's night */ {24 + 23, 0, 0, 60} /* Tuesday's */};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        CB_NEAR(cb_limit_at_kmh(&c, CB_CAR, 0, at(want[i].hour, want[i].minute, want[i].second)),
                want[i].kmh, 0);
    CB_NEAR(cb_limit_at_kmh(&c, CB_CAR, 0, CB_UTC_UNKNOWN), 60, 0);
    CB_NEAR(cb_limit_at_kmh(&c, CB_CAR, 0, INT64_MAX), 60, 30);
    CB_NEAR(cb_limit_at_kmh(&c, CB_CAR, 0, INT64_MIN + 1), 60, 30);
}

static void test_summer_time(void **state)
{
    (void) state;
    static struct cb_utc_offset berlin[] = {{INT64_MIN, H}, {1774746000, 2 * H}, {1792890000, H}};
    struct cb_camera_conf c = city();
    c.timezone = (struct cb_timezone){berlin, 3};
    c.limits.period[0] = (struct cb_limit_period){22 * H, 6 * H, ALL_DAYS, 30};
    c.limits.n_periods = 1;
    /* 20:30 UTC is 21:30 in winter and 22:30 in summer */
    CB_NEAR(cb_limit_at_kmh(&c, CB_CAR, 0, 1774746000LL / 86400 * 86400 * CB_NS_PER_S +
                                               20 * H * CB_NS_PER_S + 1800 * CB_NS_PER_S), 30, 0);
    CB_NEAR(cb_limit_at_kmh(&c, CB_CAR, 0, (1774746000LL / 86400 * 86400 - 86400 + 20 * H + 1800) *
                                               CB_NS_PER_S), 60, 0);
}

/* Law: whatever is configured, more doubt never gives a lower limit than certainty does. */
static void test_doubt_never_lowers(void **state)
{
    (void) state;
    srand(7);
    for (int k = 0; k < 2000; k++) {
        struct cb_camera_conf c = city();
        c.limits.lane[0] = (struct cb_limit_lane){0, 3, 40 + rand() % 60, ""};
        c.limits.lane[1] = (struct cb_limit_lane){3, 6, 40 + rand() % 60, ""};
        c.limits.n_lanes = 2;
        c.limits.class_kmh[CB_TRUCK] = 40 + rand() % 60;
        c.limits.period[0] = (struct cb_limit_period){rand() % 24 * H, rand() % 24 * H,
                                                      ALL_DAYS, 20 + rand() % 80};
        c.limits.n_periods = 1;
        double x = rand() % 80 / 10.0 - 1;
        int64_t t = at(rand() % 24, rand() % 60, 0);
        double sure = cb_limit_at_kmh(&c, CB_TRUCK, x, t);
        assert_true(cb_limit_at_kmh(&c, CB_TRUCK, NAN, t) >= sure);
        assert_true(cb_limit_at_kmh(&c, CB_TRUCK, x, CB_UTC_UNKNOWN) >= sure);
        assert_true(cb_limit_at_kmh(&c, CB_UNKNOWN, x, t) >= sure);
    }
}

static struct cb_passage drive_across(struct cb_fix *path, size_t n, double x0_m, double x1_m)
{
    for (size_t i = 0; i < n; i++) {
        double k = (double) i / (double) (n - 1);
        path[i] = (struct cb_fix){.t_ns = (int64_t) i * 40 * CB_NS_PER_MS,
                                  .x_m = x0_m + k * (x1_m - x0_m), .y_m = (double) i};
    }
    return (struct cb_passage){.speed_mps = 70 / 3.6, .u95_mps = 0.2, .road_user = CB_CAR,
                               .path = path, .n_path = n, .t_last_ns = path[n - 1].t_ns};
}

static void test_passage(void **state)
{
    (void) state;
    struct cb_fix path[30];
    struct cb_camera_conf c = city();
    c.limits.lane[0] = (struct cb_limit_lane){0, 3.5, 80, "1"};
    c.limits.lane[1] = (struct cb_limit_lane){3.5, 7, 50, "2"};
    c.limits.n_lanes = 2;
    struct cb_passage p = drive_across(path, 30, 5, 5.4);
    CB_NEAR(cb_limit_of_kmh(&c, &p), 50, 0);
    path[4].x_m = 1; /* one sighting beside the way is no change of lane */
    CB_NEAR(cb_limit_of_kmh(&c, &p), 50, 0);
    cb_speeding_judge(&c, &p);
    assert_int_equal(p.violation, CB_SPEEDING);
    CB_NEAR(p.limit_mps, 50 / 3.6, 1e-12);
    p = drive_across(path, 30, 2, 6); /* a change of lane: the higher of the two */
    CB_NEAR(cb_limit_of_kmh(&c, &p), 80, 0);
    p.n_path = 0;
    CB_NEAR(cb_limit_of_kmh(&c, &p), 80, 0);
}

static void test_recording_without_utc(void **state)
{
    (void) state;
    struct cb_fix path[30];
    struct cb_camera_conf c = city();
    c.limits.period[0] = (struct cb_limit_period){0, 24 * H, ALL_DAYS, 30};
    c.limits.n_periods = 1;
    struct cb_passage p = drive_across(path, 30, 2, 2);
    CB_NEAR(cb_limit_of_kmh(&c, &p), 60, 0);
    p.utc_offset_ns = at(3, 0, 0);
    CB_NEAR(cb_limit_of_kmh(&c, &p), 30, 0);
    p.utc_offset_ns = 0;
    c.recording_utc_ns = at(3, 0, 0);
    CB_NEAR(cb_limit_of_kmh(&c, &p), 30, 0);
    p.t_last_ns = INT64_MAX; /* out of all calendars: not known */
    CB_NEAR(cb_limit_of_kmh(&c, &p), 60, 0);
}

static void test_tiers(void **state)
{
    (void) state;
    struct cb_severity_table t;
    cb_severity_table_init(&t);
    static const struct {
        double excess;
        enum cb_severity want;
    } tiers[] = {{0.01, CB_MINOR}, {0.10, CB_MINOR}, {0.15, CB_MINOR}, {0.20, CB_MINOR},
                 {0.201, CB_MODERATE}, {0.50, CB_MODERATE}, {0.51, CB_SERIOUS},
                 {0.70, CB_SERIOUS}, {0.701, CB_EXTREME}, {4, CB_EXTREME}};
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        assert_int_equal(cb_severity_of(&t, tiers[i].excess), tiers[i].want);
    t = (struct cb_severity_table){.tier = {{0, CB_SERIOUS}, {30, CB_EXTREME}}, .n = 2};
    assert_int_equal(cb_severity_of(&t, 0.05), CB_SERIOUS);
    assert_int_equal(cb_severity_of(&t, 0.31), CB_EXTREME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_classes_only_lower),
        cmocka_unit_test(test_time_of_day),
        cmocka_unit_test(test_summer_time),
        cmocka_unit_test(test_doubt_never_lowers),
        cmocka_unit_test(test_passage),
        cmocka_unit_test(test_recording_without_utc),
        cmocka_unit_test(test_tiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
