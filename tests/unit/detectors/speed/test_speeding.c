#include "rules/speeding.h"
#include "synthetic.h"

#define KMH (1 / 3.6)

static struct cb_passage judged(double kmh, double u95_kmh, double limit_kmh, enum cb_road_user who)
{
    struct cb_camera_conf conf;
    cb_camera_conf_init(&conf);
    conf.speed_limit_kmh = limit_kmh;
    struct cb_passage p = {.speed_mps = kmh * KMH, .u95_mps = u95_kmh * KMH, .road_user = who};
    cb_speeding_judge(&conf, &p);
    return p;
}

static void test_tolerance(void **state)
{
    (void) state;
    CB_NEAR(judged(73, 1, 60, CB_CAR).charged_mps, 70 * KMH, 1e-12); /* 3 km/h up to 100 */
    CB_NEAR(judged(100, 1, 60, CB_CAR).charged_mps, 97 * KMH, 1e-12);
    CB_NEAR(judged(200, 1, 60, CB_CAR).charged_mps, 194 * KMH, 1e-12); /* 3 % above */
    CB_NEAR(judged(73, 5, 60, CB_CAR).charged_mps, 68 * KMH, 1e-12);   /* the larger of the two */
    CB_NEAR(judged(2, 1, 60, CB_CAR).charged_mps, 0, 0);
    struct cb_camera_conf conf;
    cb_camera_conf_init(&conf);
    conf.speed_limit_kmh = 100;
    conf.tolerance_kmh = 7;
    conf.tolerance_percent = 10;
    struct cb_passage p = {.speed_mps = 150 * KMH, .u95_mps = KMH, .road_user = CB_TRUCK};
    cb_speeding_judge(&conf, &p);
    CB_NEAR(p.charged_mps, 135 * KMH, 1e-12);
    CB_NEAR(p.limit_mps, 100 * KMH, 1e-12);
}

static void test_verdict(void **state)
{
    (void) state;
    assert_int_equal(judged(63, 1, 60, CB_CAR).violation, CB_VIOLATION_NONE);
    assert_int_equal(judged(63.1, 1, 60, CB_CAR).violation, CB_SPEEDING);
    assert_int_equal(judged(63.1, 3.2, 60, CB_CAR).violation, CB_VIOLATION_NONE);
    assert_int_equal(judged(90, 1, 60, CB_MOTORCYCLE).violation, CB_SPEEDING);
    assert_int_equal(judged(90, 1, 60, CB_UNKNOWN).violation, CB_SPEEDING);
    assert_int_equal(judged(90, 1, 60, CB_BICYCLE).violation, CB_VIOLATION_NONE);
    assert_int_equal(judged(90, 1, 60, CB_PEDESTRIAN).violation, CB_VIOLATION_NONE);
    struct cb_passage p = judged(150, 1, NAN, CB_CAR);
    assert_int_equal(p.violation, CB_VIOLATION_NONE);
    assert_true(isnan(p.limit_mps));
    p = judged(NAN, NAN, 60, CB_CAR);
    assert_int_equal(p.violation, CB_VIOLATION_NONE);
    assert_true(isnan(p.charged_mps));
    p = judged(150, NAN, 60, CB_CAR); /* a speed without its uncertainty accuses nobody */
    assert_int_equal(p.violation, CB_VIOLATION_NONE);
    p = judged(INFINITY, 1, 60, CB_CAR);
    assert_int_equal(p.violation, CB_VIOLATION_NONE);
}

/* A car by size that a network calls a truck is not held to the trucks' limit. */
static void test_doubted_class(void **state)
{
    (void) state;
    struct cb_camera_conf conf;
    cb_camera_conf_init(&conf);
    conf.speed_limit_kmh = 80;
    conf.limits.class_kmh[CB_TRUCK] = 50;
    static const struct {
        double kmh, limit_kmh;
        enum cb_road_user told, other;
        enum cb_violation_kind want;
    } table[] = {{70, 50, CB_TRUCK, CB_TRUCK, CB_SPEEDING},
                 {70, 80, CB_TRUCK, CB_CAR, CB_VIOLATION_NONE},
                 {90, 80, CB_TRUCK, CB_CAR, CB_SPEEDING},
                 {70, 80, CB_CAR, CB_TRUCK, CB_VIOLATION_NONE},
                 {90, 80, CB_PEDESTRIAN, CB_CAR, CB_VIOLATION_NONE},
                 {90, 80, CB_CAR, CB_BICYCLE, CB_SPEEDING},
                 {90, 80, CB_UNKNOWN, CB_UNKNOWN, CB_VIOLATION_NONE}, /* a lorry's corner, perhaps */
                 {90, 80, CB_CAR, CB_UNKNOWN, CB_SPEEDING}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct cb_passage p = {.speed_mps = table[i].kmh * KMH, .u95_mps = KMH,
                               .road_user = table[i].told};
        cb_speeding_judge_in_doubt(&conf, &p, table[i].other);
        assert_int_equal(p.violation, table[i].want);
        assert_int_equal(p.road_user, table[i].told);
        CB_NEAR(p.limit_mps, table[i].limit_kmh * KMH, 1e-9);
    }
}

/* 26/low-sun-4: a car of 78.7 km/h at 100.1 ± 9.5, as a lorry came to hide it. */
static void test_vague(void **state)
{
    (void) state;
    static const struct {
        double kmh, u95_kmh;
        enum cb_violation_kind want;
    } table[] = {{100.1, 9.5, CB_VIOLATION_NONE},
                 {100.1, 7.9, CB_SPEEDING},
                 {35, 3.1, CB_VIOLATION_NONE},
                 {35, 2.9, CB_SPEEDING}};
    struct cb_camera_conf conf;
    cb_camera_conf_init(&conf);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        conf.speed_limit_kmh = table[i].kmh < 50 ? 30 : 80;
        struct cb_passage p = {.speed_mps = table[i].kmh * KMH, .u95_mps = table[i].u95_kmh * KMH,
                               .road_user = CB_CAR};
        cb_speeding_judge_in_doubt(&conf, &p, CB_CAR);
        assert_int_equal(p.violation, table[i].want);
        assert_true(p.charged_mps > conf.speed_limit_kmh * KMH); /* the speed itself stands */
    }
}

static void test_violation(void **state)
{
    (void) state;
    struct cb_camera_conf conf;
    cb_camera_conf_init(&conf);
    struct cb_fix path[9];
    for (int i = 0; i < 9; i++) /* braking: half the way is done before half the time */
        path[i] = (struct cb_fix){
            .t_ns = 100 + 10 * i, .y_m = 10 * i - 0.4 * i * i, .box = {(float) i, 1, 2, 3}};
    struct cb_passage p = judged(90, 1, 60, CB_CAR);
    p.path = path;
    p.n_path = 9;
    p.t_first_ns = 100;
    p.t_last_ns = 180;
    p.track = 17;
    memcpy(p.camera, "c1", 3);
    struct cb_violation v;
    cb_speeding_violation(&conf, &p, &v);
    assert_int_equal(v.kind, CB_SPEEDING);
    assert_int_equal(v.severity, CB_MODERATE); /* 87 in a 60: 45 % */
    assert_string_equal(v.camera, "c1");
    assert_int_equal(v.track, 17);
    assert_int_equal(v.t_from_ns, 100);
    assert_int_equal(v.t_to_ns, 180);
    assert_int_equal(v.n_stills, 3);
    assert_int_equal(v.still[0].t_ns, 100);
    assert_int_equal(v.still[1].t_ns, 130);
    assert_int_equal(v.still[2].t_ns, 180);
    CB_NEAR(v.still[1].box.x, 3, 0);
    assert_int_equal(v.t_ns, 130);
    assert_true(v.has_passage && !v.has_noise);
    assert_ptr_equal(v.passage.path, path);
    p.n_path = 1;
    cb_speeding_violation(&conf, &p, &v);
    assert_int_equal(v.n_stills, 1);
}

static void test_severity(void **state)
{
    (void) state;
    static const struct {
        double kmh;
        enum cb_severity severity;
    } table[] = {{70, CB_MINOR}, {125, CB_MODERATE}, {150, CB_SERIOUS}, {190, CB_EXTREME}};
    for (size_t i = 0; i < 4; i++) {
        struct cb_passage p = judged(table[i].kmh, 1, i ? 90 : 60, CB_CAR);
        struct cb_violation v;
        struct cb_camera_conf conf;
        cb_camera_conf_init(&conf);
        cb_speeding_violation(&conf, &p, &v);
        assert_int_equal(v.severity, table[i].severity);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tolerance),
    cmocka_unit_test(test_verdict),
    cmocka_unit_test(test_doubted_class),
    cmocka_unit_test(test_vague),
    cmocka_unit_test(test_violation),
    cmocka_unit_test(test_severity),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
