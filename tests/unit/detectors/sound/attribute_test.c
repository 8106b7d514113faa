#include "unit/test.h"

#include <string.h>

#include "base/clock.h"
#include "scene.h"
#include "signal.h"
#include "sound/attribute.h"
#include "sound/doa.h"

#define SOUND_MPS 343.0
#define N_HEARD   60

static const double microphone_m[3] = {0, 0, 5.5};
static const double pair_m[2][3] = {{-0.1, 0, 5.5}, {0.1, 0, 5.5}};

/* A vehicle on its lane, seen at 25 pictures a second for six seconds; y at t = 3 s. */
static void drive(struct cb_scene *s, int64_t id, enum cb_road_user u, double x_m, double y_m,
                  double v_mps)
{
    for (int i = 0; i <= 150; i++) {
        struct cb_fix f = {
            .t_ns = i * CB_NS_PER_S / 25, .x_m = x_m, .y_m = y_m + v_mps * (i / 25.0 - 3)};
        assert_int_equal(cb_scene_add(s, id, u, &f), 0);
    }
    s->t_ns = 6 * CB_NS_PER_S;
}

/* What the microphone hears of one moving source, 95 dB at 7.5 m, each 50 ms for three seconds. */
static size_t emit(double x_m, double y_m, double v_mps, const struct cb_doa *doa,
                   struct cb_heard *h)
{
    uint64_t seed = 5;
    for (int i = 0; i < N_HEARD; i++) {
        double t = 1.5 + i * 0.05, y = y_m + v_mps * (t - 3), d = 0;
        for (int k = 0; k < 5; k++) {
            d = hypot(hypot(x_m, y), microphone_m[2] - 0.4);
            y = y_m + v_mps * (t - d / SOUND_MPS - 3);
        }
        h[i] = (struct cb_heard){.t_ns = (int64_t) (t * 1e9),
                                 .level_db = 95 - 20 * log10(d / 7.5) + 1.5 * noise_next(&seed),
                                 .azimuth_rad = doa ? cb_doa_apparent_rad(doa, x_m, y, 0.4) +
                                                          0.04 * noise_next(&seed)
                                                    : NAN};
    }
    return N_HEARD;
}

static struct cb_origin who(struct cb_scene *s, const struct cb_doa *doa, const struct cb_heard *h,
                            size_t n)
{
    struct cb_origin o;
    cb_attribute(s, microphone_m, doa, h, n, 2500 * CB_NS_PER_MS, &o);
    return o;
}

static void test_one_microphone_tells_by_level_and_time(void **state)
{
    struct cb_scene s;
    struct cb_heard h[N_HEARD];
    (void) state;
    cb_scene_init(&s);
    size_t n = emit(3, 8, 14, NULL, h);
    assert_int_equal(who(&s, NULL, h, n).track, -1);
    assert_string_equal(who(&s, NULL, h, n).why, "no_pictures");
    drive(&s, 7, CB_MOTORCYCLE, 3, 8, 14);
    drive(&s, 8, CB_CAR, 3, 40, 14); /* two seconds ahead */
    drive(&s, 9, CB_CAR, -3, 60, -12);
    struct cb_origin o = who(&s, NULL, h, n);
    assert_int_equal(o.track, 7);
    assert_true(o.odds >= 20);
    NEAR(o.distance_m, 6.0,
         0.3); /* 3 m to the side, 5.1 m down, 1 m along, before and on the way */
    cb_scene_deinit(&s);
}

static void test_side_by_side_names_none(void **state)
{
    struct cb_scene s;
    struct cb_heard h[N_HEARD];
    (void) state;
    cb_scene_init(&s);
    size_t n = emit(3, 8, 14, NULL, h);
    drive(&s, 7, CB_MOTORCYCLE, 3, 8, 14);
    drive(&s, 8, CB_CAR, -0.5, 8, 14);
    struct cb_origin o = who(&s, NULL, h, n);
    assert_int_equal(o.track, -1);
    assert_string_equal(o.why, "several_vehicles");
    cb_scene_deinit(&s);
}

/* The same two, with the bearing of a pair: they are 3.5 m apart. */
static void test_bearing_parts_them(void **state)
{
    struct cb_scene s;
    struct cb_heard h[N_HEARD];
    struct cb_doa *doa;
    (void) state;
    assert_int_equal(cb_doa_create(&doa, pair_m, 2, 5.9, 680), 0);
    cb_scene_init(&s);
    drive(&s, 7, CB_MOTORCYCLE, 3, 8, 14);
    drive(&s, 8, CB_CAR, -0.5, 8, 14);
    size_t n = emit(3, 8, 14, doa, h);
    assert_int_equal(who(&s, doa, h, n).track, 7);
    n = emit(-0.5, 8, 14, doa, h);
    assert_int_equal(who(&s, doa, h, n).track, 8);
    cb_doa_destroy(&doa);
    cb_scene_deinit(&s);
}

static void test_someone_else_is_none_of_them(void **state)
{
    struct cb_scene s;
    struct cb_heard h[N_HEARD];
    (void) state;
    cb_scene_init(&s);
    drive(&s, 8, CB_CAR, 3, 60, -14); /* still coming when the noise has gone by */
    drive(&s, 9, CB_PEDESTRIAN, 6, 8, 1);
    drive(&s, 10, CB_BICYCLE, 3, 8, 14);
    size_t n = emit(3, 8, 14, NULL, h);
    struct cb_origin o = who(&s, NULL, h, n);
    assert_int_equal(o.track, -1);
    assert_string_equal(o.why, "no_vehicle");
    cb_scene_deinit(&s);
}

/* It stands and revs: the level follows the throttle, not the distance. */
static void test_a_standing_vehicle_can_be_it(void **state)
{
    struct cb_scene s;
    struct cb_heard h[N_HEARD];
    (void) state;
    cb_scene_init(&s);
    size_t n = emit(2, 9, 0, NULL, h);
    for (size_t i = 0; i < n; i++)
        h[i].level_db += 3 * sin((double) i * 0.3);
    drive(&s, 4, CB_MOTORCYCLE, 2, 9, 0);
    drive(&s, 5, CB_CAR, -4, 30, -15);
    assert_int_equal(who(&s, NULL, h, n).track, 4);
    cb_scene_deinit(&s);
}

static void test_unknown_microphone_names_only_the_lonely(void **state)
{
    const double unknown_m[3] = {NAN, NAN, NAN};
    struct cb_scene s;
    struct cb_heard h[N_HEARD];
    struct cb_origin o;
    (void) state;
    cb_scene_init(&s);
    size_t n = emit(3, 8, 14, NULL, h);
    drive(&s, 7, CB_MOTORCYCLE, 3, 8, 14);
    cb_attribute(&s, unknown_m, NULL, h, n, 3 * CB_NS_PER_S, &o);
    assert_int_equal(o.track, 7);
    assert_true(isnan(o.distance_m));
    drive(&s, 8, CB_CAR, 3, 40, 14);
    cb_attribute(&s, unknown_m, NULL, h, n, 3 * CB_NS_PER_S, &o);
    assert_int_equal(o.track, -1);
    assert_string_equal(o.why, "several_vehicles");
    cb_attribute(&s, unknown_m, NULL, h, 0, 3 * CB_NS_PER_S, &o);
    assert_int_equal(o.track, -1);
    cb_scene_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_microphone_tells_by_level_and_time),
        cmocka_unit_test(test_side_by_side_names_none),
        cmocka_unit_test(test_bearing_parts_them),
        cmocka_unit_test(test_someone_else_is_none_of_them),
        cmocka_unit_test(test_a_standing_vehicle_can_be_it),
        cmocka_unit_test(test_unknown_microphone_names_only_the_lonely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
