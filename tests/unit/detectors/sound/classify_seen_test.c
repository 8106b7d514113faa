#include "unit/test.h"

#include <math.h>
#include <string.h>

#include "sound/attribute.h"
#include "sound/classify_seen.h"

static struct cb_noise heard(enum cb_noise_class c, double confidence)
{
    struct cb_noise n;
    cb_noise_init(&n);
    n.class_ = c;
    n.confidence = confidence;
    strcpy(n.why_class, "of the sound");
    return n;
}

static struct cb_origin seen(double ln_odds)
{
    return (struct cb_origin){.track = -1, .why = "", .seen_ln_odds = ln_odds};
}

static void test_a_saw_beside_no_vehicle_is_no_exhaust(void **state)
{
    (void) state;
    struct cb_noise n = heard(CB_NOISE_MODIFIED_EXHAUST, 0.91);
    struct cb_origin nobody = seen(-HUGE_VAL);
    cb_classify_seen(&nobody, CB_UNKNOWN, &n);
    /* 0.91 / 0.09 · 0.02 / 0.5 = 0.404 */
    assert_int_equal(n.class_, CB_NOISE_OTHER);
    assert_float_equal(n.confidence, 1 - 0.404 / 1.404, 0.002);
    assert_string_equal(n.why_class, "no vehicle fits, 0.29 was 0.91; of the sound");
}

static void test_what_is_surely_an_engine_stays_one_unseen(void **state)
{
    (void) state;
    struct cb_noise n = heard(CB_NOISE_MODIFIED_EXHAUST, 0.995);
    struct cb_origin nobody = seen(-HUGE_VAL);
    cb_classify_seen(&nobody, CB_UNKNOWN, &n);
    assert_int_equal(n.class_, CB_NOISE_MODIFIED_EXHAUST);
    assert_true(n.confidence > 0.85 && n.confidence < 0.92);
    assert_string_equal(n.why_class, "of the sound");
}

static void test_a_vehicle_that_fits_settles_a_doubt(void **state)
{
    (void) state;
    struct cb_noise n = heard(CB_NOISE_OTHER, 0.35); /* 0.65 an exhaust */
    struct cb_origin somebody = seen(20);
    cb_classify_seen(&somebody, CB_MOTORCYCLE, &n);
    assert_int_equal(n.class_, CB_NOISE_MODIFIED_EXHAUST);
    assert_float_equal(n.confidence, 3.64 / 4.64, 0.005); /* 0.65 / 0.35 · 0.98 / 0.5 */
    n = heard(CB_NOISE_OTHER, 0.9);
    cb_classify_seen(&somebody, CB_MOTORCYCLE, &n);
    assert_int_equal(n.class_, CB_NOISE_OTHER);
}

static void test_without_pictures_the_sound_decides(void **state)
{
    (void) state;
    struct cb_noise n = heard(CB_NOISE_MODIFIED_EXHAUST, 0.8);
    struct cb_origin blind = seen(NAN);
    cb_classify_seen(&blind, CB_UNKNOWN, &n);
    assert_int_equal(n.class_, CB_NOISE_MODIFIED_EXHAUST);
    assert_float_equal(n.confidence, 0.8, 1e-9);
}

static void test_horns_stay_horns(void **state)
{
    (void) state;
    struct cb_noise n = heard(CB_NOISE_HORN, 0.8);
    struct cb_origin somebody = seen(20);
    cb_classify_seen(&somebody, CB_CAR, &n);
    assert_int_equal(n.class_, CB_NOISE_HORN);
    assert_float_equal(n.confidence, 0.8, 1e-9);
}

/* A motorcycle as it left the factory, at full throttle: 80 dB at 7.5 m. */
static void test_as_loud_as_approved_is_not_modified(void **state)
{
    (void) state;
    static const struct {
        double db, u95_db;
        enum cb_road_user named;
        enum cb_noise_class expected;
    } t[] = {
        {82.2, 3.6, CB_MOTORCYCLE, CB_NOISE_OTHER}, /* 82.2 − 1.645 · 1.8 = 79.2 */
        {83.1, 3.6, CB_MOTORCYCLE, CB_NOISE_MODIFIED_EXHAUST},
        {82.2, 2.0, CB_CAR, CB_NOISE_MODIFIED_EXHAUST},
        {82.2, NAN, CB_CAR, CB_NOISE_OTHER},
        {86.0, 3.6, CB_BUS, CB_NOISE_OTHER},
        {88.0, 3.6, CB_TRUCK, CB_NOISE_MODIFIED_EXHAUST},
        {NAN, NAN, CB_CAR, CB_NOISE_MODIFIED_EXHAUST}, /* its distance is not known */
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct cb_noise n = heard(CB_NOISE_MODIFIED_EXHAUST, 0.97);
        struct cb_origin o = seen(20);
        n.track = o.track = 7;
        n.lafmax_7m5_db = t[i].db;
        n.lafmax_7m5_u95_db = t[i].u95_db;
        cb_classify_seen(&o, t[i].named, &n);
        assert_int_equal(n.class_, t[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_saw_beside_no_vehicle_is_no_exhaust),
        cmocka_unit_test(test_what_is_surely_an_engine_stays_one_unseen),
        cmocka_unit_test(test_a_vehicle_that_fits_settles_a_doubt),
        cmocka_unit_test(test_without_pictures_the_sound_decides),
        cmocka_unit_test(test_horns_stay_horns),
        cmocka_unit_test(test_as_loud_as_approved_is_not_modified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
