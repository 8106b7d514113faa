/* A roof that is followed as if it stood on the road is told from who really does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "track/upper.h"

#define CAMERA_M    6.8
#define FPS         25
#define CAR_M       6.0
#define CONTACT_MPS (-20.0)

/* A car's near end on the road, from 45 m, or what stands foot_m behind it, z_m up, seen on the
 * road from the camera over (0, 0). */
static void follow(struct cb_track *t, double x_m, double foot_m, double z_m, double v_mps)
{
    double ratio = CAMERA_M / (CAMERA_M - z_m);
    *t = (struct cb_track){.id = 1};
    for (int i = 0; i < 35; i++) {
        double ragged_m = 0.1 * ((i * 7) % 5 - 2) / 2;
        struct cb_track_point p = {.t_ns = i * CB_NS_PER_S / FPS,
                                   .x_m = x_m * ratio,
                                   .y_m = (45 + foot_m + v_mps * i / FPS) * ratio + ragged_m,
                                   .width_m = 1.8};
        assert_int_equal(cb_track_add(t, &p), 0);
    }
}

static void drop_first(struct cb_track *t, size_t n)
{
    memmove(t->point, t->point + n, (t->n - n) * sizeof *t->point);
    t->n -= n;
}

/* @param x_m, foot_m, z_m, v_mps of the one that is doubted, beside a car at x = −2 */
static bool is_part(double x_m, double foot_m, double z_m, double v_mps)
{
    struct cb_track car, doubted;
    follow(&car, -2, 0, 0, CONTACT_MPS);
    follow(&doubted, x_m, foot_m, z_m, v_mps);
    bool ret = cb_track_is_upper_part(&doubted, &car, CAMERA_M, 0, 0, CAR_M);
    cb_track_deinit(&car);
    cb_track_deinit(&doubted);
    return ret;
}

static void test_a_roof_is_part_of_its_car(void **state)
{
    (void) state;
    assert_true(is_part(-2, 1.5, 1.45, CONTACT_MPS));
    assert_true(is_part(-2.4, 4, 1.0, CONTACT_MPS));
    assert_true(is_part(-2, 0.2, 0.6, CONTACT_MPS)); /* the headlights */
}

static void test_a_car_behind_at_its_pace_is_somebody(void **state)
{
    (void) state;
    assert_false(is_part(-2, 10, 0, CONTACT_MPS));
    assert_false(is_part(-2, 7, 0, 1.02 * CONTACT_MPS));
}

static void test_a_faster_car_in_the_next_lane_is_somebody(void **state)
{
    (void) state;
    assert_false(is_part(1.75, 9, 0, 1.28 * CONTACT_MPS));
    assert_false(is_part(-5.5, 9, 0, 1.28 * CONTACT_MPS));
}

/* Both seen in a picture of 100 px a metre: the car's patch ends gap_px below the doubted one, which
 * begins aside_px beside it. */
static bool is_part_beyond(float gap_px, float aside_px, bool *ret_may_be)
{
    struct cb_track car, doubted;
    follow(&car, -2, 0, 0, CONTACT_MPS);
    follow(&doubted, -2, 1.5, 1.45, CONTACT_MPS);
    for (size_t i = 0; i < car.n; i++) {
        car.point[i].sample.box = (struct cb_box){.x = 0, .y = 300, .w = 180, .h = 150};
        doubted.point[i].sample.y_px = 300 - gap_px;
        doubted.point[i].sample.box = (struct cb_box){.x = aside_px, .y = 0, .w = 180, .h = 100};
    }
    bool ret = cb_track_is_upper_part(&doubted, &car, CAMERA_M, 0, 0, CAR_M);
    *ret_may_be = cb_track_may_be_upper_part(&doubted, &car, CAMERA_M, 0, 0, CAR_M);
    cb_track_deinit(&car);
    cb_track_deinit(&doubted);
    return ret;
}

/* Road between the two, or a bonnet as grey: somebody ahead, and faster, or a roof. */
static void test_who_is_seen_apart_may_be_a_part(void **state)
{
    (void) state;
    bool may_be;
    assert_true(is_part_beyond(-40, 0, &may_be));
    assert_true(is_part_beyond(20, -60, &may_be));
    assert_false(is_part_beyond(80, 0, &may_be));
    assert_true(may_be);
    assert_false(is_part_beyond(-40, 190, &may_be)); /* beside it */
    assert_true(may_be);
}

static bool may_be_part(double x_m, double foot_m, double v_mps)
{
    struct cb_track car, doubted;
    follow(&car, -2, 0, 0, CONTACT_MPS);
    follow(&doubted, x_m, foot_m, 0, v_mps);
    bool ret = cb_track_may_be_upper_part(&doubted, &car, CAMERA_M, 0, 0, CAR_M);
    cb_track_deinit(&car);
    cb_track_deinit(&doubted);
    return ret;
}

static void test_who_follows_is_no_part(void **state)
{
    (void) state;
    assert_false(may_be_part(-2, 7, CONTACT_MPS));
    assert_false(may_be_part(-2, 7, 1.05 * CONTACT_MPS));
    assert_false(may_be_part(1.75, 9, 1.28 * CONTACT_MPS)); /* in the next lane */
}

static void test_a_car_that_falls_back_is_somebody(void **state)
{
    (void) state;
    assert_false(is_part(-2, 6, 0, 0.8 * CONTACT_MPS));
}

static void test_a_part_too_far_behind_is_of_another(void **state)
{
    (void) state;
    assert_false(is_part(-2, 9, 1.45, CONTACT_MPS)); /* the roof of the next car */
}

/* Lamps are seen long before what is below them is. */
static void test_lamps_seen_first_are_a_part(void **state)
{
    (void) state;
    struct cb_track car, lamps;
    follow(&car, -2, 0, 0, CONTACT_MPS);
    follow(&lamps, -2, 0.5, 0.7, CONTACT_MPS);
    drop_first(&car, 20);
    assert_false(cb_track_is_upper_part(&lamps, &car, CAMERA_M, 0, 0, CAR_M));
    for (size_t i = 0; i < lamps.n; i++)
        lamps.point[i].is_dark = car.point[i < car.n ? i : 0].is_dark = true;
    assert_true(cb_track_is_upper_part(&lamps, &car, CAMERA_M, 0, 0, CAR_M));
    drop_first(&car, 6); /* too little of it */
    assert_false(cb_track_is_upper_part(&lamps, &car, CAMERA_M, 0, 0, CAR_M));
    cb_track_deinit(&car);
    cb_track_deinit(&lamps);
}

/* By night the foot that is followed may be that of one lamp, and the part the other's. */
static void test_a_part_beside_a_lamp(void **state)
{
    (void) state;
    struct cb_track foot, part;
    for (int is_dark = 0; is_dark < 2; is_dark++) {
        follow(&foot, -1.2, 0, 0, CONTACT_MPS);
        follow(&part, -2.8, 1.4, 0.6, CONTACT_MPS);
        for (size_t i = 0; i < foot.n; i++) {
            foot.point[i].is_dark = part.point[i].is_dark = is_dark;
            foot.point[i].width_m = part.point[i].width_m = 0.2;
        }
        assert_int_equal(cb_track_is_upper_part(&part, &foot, CAMERA_M, 0, 0, CAR_M), is_dark);
        part.width_m = 1.8;
        for (size_t i = 0; i < part.n; i++)
            part.point[i].width_m = part.width_m;
        assert_false(cb_track_is_upper_part(&part, &foot, CAMERA_M, 0, 0, CAR_M)); /* a body */
        part.width_m = 0.2;
        for (size_t i = 0; i < part.n; i++)
            part.point[i].width_m = part.width_m;
        for (size_t i = 0; i < part.n; i++)
            part.point[i].x_m -= 1.7; /* a faster one in the next lane */
        assert_false(cb_track_is_upper_part(&part, &foot, CAMERA_M, 0, 0, CAR_M));
        cb_track_deinit(&foot);
        cb_track_deinit(&part);
    }
}

static void test_a_short_look_tells_nothing(void **state)
{
    (void) state;
    struct cb_track car, roof;
    follow(&car, -2, 0, 0, CONTACT_MPS);
    follow(&roof, -2, 1.5, 1.45, CONTACT_MPS);
    car.n = roof.n = 4;
    assert_false(cb_track_is_upper_part(&roof, &car, CAMERA_M, 0, 0, CAR_M));
    cb_track_deinit(&car);
    cb_track_deinit(&roof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_roof_is_part_of_its_car),
        cmocka_unit_test(test_a_car_behind_at_its_pace_is_somebody),
        cmocka_unit_test(test_a_faster_car_in_the_next_lane_is_somebody),
        cmocka_unit_test(test_who_is_seen_apart_may_be_a_part),
        cmocka_unit_test(test_who_follows_is_no_part),
        cmocka_unit_test(test_a_car_that_falls_back_is_somebody),
        cmocka_unit_test(test_a_part_too_far_behind_is_of_another),
        cmocka_unit_test(test_lamps_seen_first_are_a_part),
        cmocka_unit_test(test_a_part_beside_a_lamp),
        cmocka_unit_test(test_a_short_look_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
