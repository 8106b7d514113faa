/* From pictures to passages, through the whole pipeline, on pictures whose truth is known. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vision_scene.h"

#define KMH(v) ((v) / 3.6)
/*
 * The near edge of a drawn box is a whole pixel in the picture, so it is off by up to half of
 * one; at 40 m that is 0.3 m, at 12 m 0.03 m. Over 28 m of zone a slope through some 40 such
 * points is good to 0.3 %; and the box's end stands on the road in these pictures.
 */
#define TOLERANCE_KMH 1.0

static const struct view day = {.width = 640, .height = 360, .f_px = 620, .height_m = 6,
                                .pitch_rad = 0.26, .fps = 25, .seconds = 6};

static void show(const struct outcome *o)
{
    for (int i = 0; i < o->n; i++)
        fprintf(stderr, "track %d: %.2f km/h ± %.2f, class %d, direction %d, reason %d\n",
                (int) o->passage[i].track, o->passage[i].speed_mps * 3.6,
                o->passage[i].u95_mps * 3.6, (int) o->passage[i].road_user,
                (int) o->passage[i].direction, (int) o->passage[i].reason);
}

static void assert_speed(const struct cb_passage *p, double kmh)
{
    double got = p->speed_mps * 3.6;
    if (!(fabs(got - kmh) <= TOLERANCE_KMH))
        fail_msg("speed %.3f km/h, want %.3f ± %.1f, reason %d", got, kmh, TOLERANCE_KMH,
                 (int) p->reason);
}

static void test_one_car_away(void **state)
{
    (void) state;
    const struct box car = {1.8, 5, KMH(60), 5, 1.8, 4.4, 1.45, 150, 0, 0};
    struct view v = day;
    v.seconds = 9; /* the first four are held back until the road is known */
    v.box = &car;
    v.n_boxes = 1;
    struct outcome o;
    watch(&v, 12, 40, 50, &o);
    show(&o);
    assert_int_equal(o.n, 1);
    assert_speed(&o.passage[0], 60);
    assert_int_equal(o.passage[0].track, 1);
    assert_int_equal(o.passage[0].direction, CB_AWAY);
    assert_int_equal(o.passage[0].road_user, CB_CAR);
    assert_int_equal(o.n_violations, 1);
    assert_true(o.t_told_ns[0] - o.passage[0].t_last_ns < 1000000000); /* told within a second */
}

/* A low sun: attached to the vehicle, and torn off it, the shadow is nobody. */
static void test_a_shadow_is_no_road_user(void **state)
{
    (void) state;
    const double gap_m[] = {0, 3.2};
    for (int i = 0; i < 2; i++) {
        const struct box car = {.x_m = -1.5, .y0_m = 5, .v_mps = KMH(60), .t0_s = 5,
                                .width_m = 1.8, .length_m = 4.4, .height_m = 1.45, .level = 150,
                                .shadow_m = 2.6, .shadow_gap_m = gap_m[i]};
        struct view v = day;
        v.width = 1280;
        v.height = 720;
        v.f_px = 1240;
        v.seconds = 9;
        v.box = &car;
        v.n_boxes = 1;
        struct outcome o;
        watch(&v, 12, 40, 50, &o);
        show(&o);
        assert_int_equal(o.n, 1);
        assert_speed(&o.passage[0], 60);
        assert_int_equal(o.passage[0].road_user, CB_CAR);
        assert_int_equal(o.n_violations, 1);
    }
}

/* What is followed would be the mirror image's edge, which moves too slowly: no speed then. */
static void test_a_mirror_image_has_no_speed(void **state)
{
    (void) state;
    for (int i = 0; i < 2; i++) {
        const struct box car = {.x_m = 1.8, .y0_m = 5, .v_mps = KMH(60), .t0_s = 5, .width_m = 1.8,
                                .length_m = 4.4, .height_m = 1.45, .level = 150,
                                .mirror_m = i == 1 ? 0.8 : 0};
        struct view v = day;
        v.seconds = 9;
        v.box = &car;
        v.n_boxes = 1;
        struct outcome o;
        watch(&v, 12, 40, 50, &o);
        show(&o);
        assert_int_equal(o.n, 1);
        assert_int_equal(o.n_violations, i == 1 ? 0 : 1);
        assert_int_equal(isnan(o.passage[0].speed_mps), i);
        if (i == 1)
            assert_int_equal(o.passage[0].reason, CB_REASON_INCONSISTENT);
    }
}

/* While it comes out from behind the caption its near edge is the caption's, which stands still. */
static void test_comes_out_from_behind_a_caption(void **state)
{
    (void) state;
    const double fps[] = {25, 12.5};
    for (int i = 0; i < 2; i++) {
        const struct box car = {1.8, 3.5, KMH(110), 5, 1.8, 4.4, 1.45, 150, 0, 0};
        struct view v = day;
        v.seconds = 8;
        v.fps = fps[i];
        v.caption_px = 50;
        v.box = &car;
        v.n_boxes = 1;
        struct outcome o;
        watch(&v, 12, 40, 90, &o);
        show(&o);
        assert_int_equal(o.n, 1);
        assert_speed(&o.passage[0], 110);
    }
}

static void test_two_directions(void **state)
{
    (void) state;
    const struct box both[] = {{1.9, 5, KMH(50), 1.0, 1.8, 4.4, 1.45, 160, 0, 0},
                               {-1.9, 75, -KMH(70), 0.2, 1.8, 4.4, 1.45, 60, 0, 0}};
    struct view v = day;
    v.box = both;
    v.n_boxes = 2;
    struct outcome o;
    watch(&v, 12, 40, 80, &o);
    show(&o);
    assert_int_equal(o.n, 2);
    assert_int_equal(o.n_violations, 0);
    int toward = o.passage[0].direction == CB_TOWARD ? 0 : 1;
    assert_int_equal(o.passage[toward].direction, CB_TOWARD);
    assert_int_equal(o.passage[!toward].direction, CB_AWAY);
    assert_speed(&o.passage[toward], 70);
    assert_speed(&o.passage[!toward], 50);
}

/* A lorry, a car and a motorcycle; sizes and colours differ, also darker than the road. */
static void test_classes(void **state)
{
    (void) state;
    const struct box three[] = {{1.9, 5, KMH(60), 0.2, 2.5, 9, 3.4, 190, 0, 0},
                                {-1.9, 5, KMH(60), 1.6, 1.8, 4.4, 1.45, 45, 0, 0},
                                {1.5, 5, KMH(60), 3.4, 0.75, 2.1, 1.5, 45, 0, 0}};
    struct view v = day;
    v.seconds = 8;
    v.box = three;
    v.n_boxes = 3;
    struct outcome o;
    watch(&v, 12, 40, 80, &o);
    show(&o);
    assert_int_equal(o.n, 3);
    const enum cb_road_user want[] = {CB_TRUCK, CB_CAR, CB_MOTORCYCLE};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(o.passage[i].road_user, want[i]);
        assert_speed(&o.passage[i], 60);
    }
}

/* Half of the zone so far up in the picture that its border hides the tops of vehicles there. */
static void test_classes_where_tops_are_hidden(void **state)
{
    (void) state;
    const struct box of[] = {{1.8, 5, KMH(40), 5, 1.8, 4.4, 1.9, 150, 0, 0},
                             {1.8, 5, KMH(40), 5, 2.5, 8, 3.4, 150, 0, 0}};
    for (int i = 0; i < 2; i++) {
        struct view v = day;
        v.pitch_rad = 0.45;
        v.seconds = 10;
        v.box = &of[i];
        v.n_boxes = 1;
        struct outcome o;
        watch(&v, 10, 34, 50, &o);
        show(&o);
        assert_int_equal(o.n, 1);
        assert_int_equal(o.passage[0].road_user, i == 0 ? CB_CAR : CB_TRUCK);
    }
}

static void test_who_stops_is_no_speeder(void **state)
{
    (void) state;
    const struct box car = {1.8, 5, KMH(40), 2.5, 1.8, 4.4, 1.45, 150, 4.2, 7};
    struct view v = day;
    v.seconds = 12;
    v.box = &car;
    v.n_boxes = 1;
    struct outcome o;
    watch(&v, 12, 40, 30, &o);
    show(&o);
    assert_int_equal(o.n_violations, 0);
    assert_true(o.n <= 1);
}

static void test_exposure_step_is_no_vehicle(void **state)
{
    (void) state;
    struct view v = day;
    v.step_s = 3;
    v.step_gain = 1.3;
    struct outcome o;
    watch(&v, 12, 40, 50, &o);
    assert_int_equal(o.n, 0);
    const struct box car = {1.8, 5, KMH(60), 2.5, 1.8, 4.4, 1.45, 150, 0, 0};
    v.box = &car;
    v.n_boxes = 1;
    watch(&v, 12, 40, 50, &o);
    show(&o);
    assert_int_equal(o.n, 1);
    assert_speed(&o.passage[0], 60);
}

static void test_empty_road(void **state)
{
    (void) state;
    struct outcome o;
    watch(&day, 12, 40, 50, &o);
    assert_int_equal(o.n, 0);
}

/* The stream breaks while a car is in the zone; what comes after is another car. */
static void test_discontinuity_joins_nothing(void **state)
{
    (void) state;
    const struct box car = {1.8, 5, KMH(60), 2.5, 1.8, 4.4, 1.45, 150, 0, 0};
    struct view v = day;
    v.seconds = 8;
    v.box = &car;
    v.n_boxes = 1;
    v.cut_s = 3.4;
    v.jump_s = 0.6; /* the car is 10 m farther on in the next picture */
    struct outcome o;
    watch(&v, 12, 40, 50, &o);
    show(&o);
    for (int i = 0; i < o.n; i++)
        if (!isnan(o.passage[i].speed_mps))
            assert_speed(&o.passage[i], 60);
    assert_true(o.n <= 1);
}

/* Two abreast with no gap to be seen: refused, or told apart, but never one vehicle. */
static void test_two_in_one_patch(void **state)
{
    (void) state;
    const struct box two[] = {{-0.95, 5, KMH(60), 2.5, 1.8, 4.4, 1.45, 150, 0, 0},
                              {0.95, 5, KMH(60), 2.5, 1.8, 4.4, 1.45, 60, 0, 0}};
    struct view v = day;
    v.box = two;
    v.n_boxes = 2;
    struct outcome o;
    watch(&v, 12, 40, 50, &o);
    show(&o);
    assert_true(o.n >= 1);
    if (o.n == 1) {
        assert_int_equal(o.passage[0].reason, CB_REASON_SEVERAL_VEHICLES);
        assert_true(isnan(o.passage[0].speed_mps));
        assert_int_equal(o.n_violations, 0);
    }
}

/* From a pole beside the road: the farther one's side is hidden by the nearer one, both feet show. */
static void test_abreast_in_one_patch(void **state)
{
    (void) state;
    const struct box two[] = {{0.2, 13, KMH(60), 5, 1.8, 4.4, 1.45, 150, 0, 0},
                              {3.4, 14, KMH(61), 5, 1.8, 4.4, 1.45, 190, 0, 0}};
    struct view v = day;
    v.seconds = 9;
    v.x_m = -8;
    v.yaw_rad = 0.35;
    v.box = two;
    v.n_boxes = 2;
    struct outcome o;
    watch(&v, 16, 40, 50, &o);
    show(&o);
    assert_int_equal(o.n, 2);
    for (int i = 0; i < 2; i++)
        assert_speed(&o.passage[i], fabs(o.passage[i].speed_mps - KMH(60)) < KMH(0.5) ? 60 : 61);
    assert_true(fabs(o.passage[0].speed_mps - o.passage[1].speed_mps) > KMH(0.2));
}

/* A lorry and its shadow beside it are broader than any road user, and yet one. */
static void test_a_shadow_beside_a_lorry_is_not_another(void **state)
{
    (void) state;
    const struct box lorry = {.x_m = -1.2, .y0_m = 5, .v_mps = KMH(60), .t0_s = 5, .width_m = 2.4,
                              .length_m = 7, .height_m = 3.4, .level = 190, .shadow_m = 1.8};
    struct view v = day;
    v.width = 1280;
    v.height = 720;
    v.f_px = 1240;
    v.seconds = 9;
    v.box = &lorry;
    v.n_boxes = 1;
    struct outcome o;
    watch(&v, 12, 40, 50, &o);
    show(&o);
    assert_int_equal(o.n, 1);
    assert_speed(&o.passage[0], 60);
}

/* One overtakes the other inside the zone: two passages, and no speed that is neither's. */
static void test_overtaking(void **state)
{
    (void) state;
    const struct box two[] = {{1.9, 5, KMH(50), 2.2, 1.8, 4.4, 1.45, 150, 0, 0},
                              {-1.6, 5, KMH(80), 2.8, 1.8, 4.4, 1.45, 60, 0, 0}};
    struct view v = day;
    v.box = two;
    v.n_boxes = 2;
    struct outcome o;
    watch(&v, 12, 40, 90, &o);
    show(&o);
    assert_int_equal(o.n, 2);
    assert_speed(&o.passage[0], 80);
    assert_speed(&o.passage[1], 50);
}

static void test_same_input_same_output(void **state)
{
    (void) state;
    const struct box two[] = {{1.9, 5, KMH(50), 1.0, 1.8, 4.4, 1.45, 160, 0, 0},
                              {-1.9, 75, -KMH(70), 0.2, 1.8, 4.4, 1.45, 60, 0, 0}};
    struct view v = day;
    v.box = two;
    v.n_boxes = 2;
    struct outcome a, b;
    watch(&v, 12, 40, 40, &a);
    watch(&v, 12, 40, 40, &b);
    assert_int_equal(a.n, b.n);
    assert_true(a.n > 0);
    for (int i = 0; i < a.n; i++) {
        assert_memory_equal(&a.passage[i].speed_mps, &b.passage[i].speed_mps, sizeof(double));
        assert_memory_equal(&a.passage[i].u95_mps, &b.passage[i].u95_mps, sizeof(double));
        assert_int_equal(a.passage[i].t_first_ns, b.passage[i].t_first_ns);
    }
}

/* 320 × 240 at 12 frames a second up to full HD, which is analysed at half its size. */
static void test_sizes_and_rates(void **state)
{
    (void) state;
    static const struct {
        int w, h;
        double f, fps;
    } of[] = {{320, 240, 400, 12}, {640, 357, 620, 60}, {1920, 1080, 1860, 25}};
    const struct box car = {1.8, 5, KMH(60), 1.5, 1.8, 4.4, 1.45, 150, 0, 0};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct view v = day;
        v.width = of[i].w;
        v.height = of[i].h;
        v.f_px = of[i].f;
        v.fps = of[i].fps;
        v.seconds = 4.2;
        v.box = &car;
        v.n_boxes = 1;
        struct outcome o;
        watch(&v, 12, 36, 50, &o);
        show(&o);
        assert_int_equal(o.n, 1);
        assert_speed(&o.passage[0], 60);
    }
}

/* Beside the road, looking straight across it. */
static const struct view across = {.width = 640, .height = 360, .f_px = 430, .height_m = 6,
                                   .pitch_rad = 0.3, .x_m = -15, .yaw_rad = M_PI / 2, .fps = 25,
                                   .seconds = 9};

/*
 * A silhouette's ends are points above the road; read on the road they run too fast by z / (h − z)
 * and by half a vehicle's width, 4 to 20 % here. Height, direction and lane must not matter.
 */
static void test_seen_from_the_side(void **state)
{
    (void) state;
    static const struct {
        struct box box;
        enum cb_road_user class;
    } of[] = {
        {{-1.8, -12, KMH(60), 5.2, 1.8, 4.4, 1.45, 150, 0, 0}, CB_CAR},
        {{1.8, 10, -KMH(60), 5.2, 1.8, 4.4, 1.45, 60, 0, 0}, CB_CAR},
        {{-1.8, 10, -KMH(60), 5.2, 2.5, 8, 3.4, 150, 0, 0}, CB_TRUCK},
        {{1.8, -18, KMH(60), 5.2, 2.5, 8, 3.4, 150, 0, 0}, CB_TRUCK},
        {{1.8, -12, KMH(60), 5.2, 0.75, 2.1, 1.5, 45, 0, 0}, CB_MOTORCYCLE},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct view v = across;
        v.box = &of[i].box;
        v.n_boxes = 1;
        struct outcome o;
        watch(&v, -8, 8, 50, &o);
        show(&o);
        assert_int_equal(o.n, 1);
        assert_speed(&o.passage[0], 60);
        assert_true(o.passage[0].u95_mps > 0.02 * o.passage[0].speed_mps); /* the wheels' line */
        assert_int_equal(o.passage[0].road_user, of[i].class);
        assert_int_equal(o.passage[0].direction, of[i].box.v_mps > 0 ? CB_AWAY : CB_TOWARD);
    }
}

/* Its shadow lies before it, towards the camera: the wheels are past that. */
static void test_past_a_broad_shadow_from_the_side(void **state)
{
    (void) state;
    static const struct box truck = {-1.8, -18, KMH(60), 5.2, 2.5, 8, 3.4, 150, .shadow_m = 4.5};
    struct view v = across;
    v.x_m = 15;
    v.yaw_rad = -M_PI / 2;
    v.box = &truck;
    v.n_boxes = 1;
    struct outcome o;
    watch(&v, -8, 8, 50, &o);
    show(&o);
    assert_int_equal(o.n, 1);
    assert_speed(&o.passage[0], 60);
}

/* One patch while they meet: each is followed by the end that is its own. */
static void test_meeting_seen_from_the_side(void **state)
{
    (void) state;
    const struct box two[] = {{-1.8, -12, KMH(50), 5.2, 1.8, 4.4, 1.45, 150, 0, 0},
                              {1.8, 9, -KMH(70), 5.2, 1.8, 4.4, 1.45, 180, 0, 0}};
    struct view v = across;
    v.box = two;
    v.n_boxes = 2;
    struct outcome o;
    watch(&v, -8, 8, 80, &o);
    show(&o);
    assert_int_equal(o.n, 2);
    for (int i = 0; i < 2; i++)
        assert_speed(&o.passage[i], o.passage[i].direction == CB_AWAY ? 50 : 70);
}

/* They come into view in one patch, whose ends are of two vehicles, and part in the zone. */
static void test_enter_together_seen_from_the_side(void **state)
{
    (void) state;
    const struct box two[] = {{1.8, -17, KMH(35), 5.2, 1.8, 4.4, 1.45, 150, 0, 0},
                              {-1.8, -17, KMH(70), 5.2, 1.8, 4.4, 1.45, 60, 0, 0}};
    struct view v = across;
    v.seconds = 9;
    v.box = two;
    v.n_boxes = 2;
    struct outcome o;
    watch(&v, -8, 8, 80, &o);
    show(&o);
    assert_int_equal(o.n, 2);
    for (int i = 0; i < 2; i++)
        assert_speed(&o.passage[i], i == 0 ? 70 : 35);
}

static void knocked(int bump_px, struct outcome *o)
{
    const struct box cars[] = {{1.8, 5, KMH(60), 5, 1.8, 4.4, 1.45, 150, 0, 0},
                               {1.8, 5, KMH(60), 17, 1.8, 4.4, 1.45, 150, 0, 0}};
    struct view v = day;
    v.seconds = 21;
    v.box = cars;
    v.n_boxes = 2;
    v.bump_s = 10;
    v.bump_px = bump_px;
    watch(&v, 12, 40, 50, o);
    show(o);
    assert_int_equal(o->n, 2);
    assert_speed(&o->passage[0], 60);
}

static void test_knocked_camera_charges_nobody(void **state)
{
    (void) state;
    struct outcome o;
    knocked(3, &o);
    assert_true(isnan(o.passage[1].speed_mps) && isnan(o.passage[1].u95_mps));
    assert_int_equal(o.passage[1].reason, CB_REASON_SUSPENDED);
    assert_int_equal(o.n_violations, 1);
    assert_int_equal(o.n_suspended, 1);
    assert_int_equal(o.n_resumed, 0);
    if (!(fabs(o.drift_px - 3) < 0.3))
        fail_msg("drift %.2f px, want 3 ± 0.3", o.drift_px);
    knocked(0, &o); /* and one that was not goes on */
    assert_speed(&o.passage[1], 60);
    assert_int_equal(o.n_violations, 2);
    assert_int_equal(o.n_suspended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_car_away),
        cmocka_unit_test(test_a_shadow_is_no_road_user),
        cmocka_unit_test(test_a_mirror_image_has_no_speed),
        cmocka_unit_test(test_comes_out_from_behind_a_caption),
        cmocka_unit_test(test_two_directions),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_classes_where_tops_are_hidden),
        cmocka_unit_test(test_who_stops_is_no_speeder),
        cmocka_unit_test(test_exposure_step_is_no_vehicle),
        cmocka_unit_test(test_empty_road),
        cmocka_unit_test(test_discontinuity_joins_nothing),
        cmocka_unit_test(test_two_in_one_patch),
        cmocka_unit_test(test_abreast_in_one_patch),
        cmocka_unit_test(test_a_shadow_beside_a_lorry_is_not_another),
        cmocka_unit_test(test_overtaking),
        cmocka_unit_test(test_same_input_same_output),
        cmocka_unit_test(test_sizes_and_rates),
        cmocka_unit_test(test_seen_from_the_side),
        cmocka_unit_test(test_past_a_broad_shadow_from_the_side),
        cmocka_unit_test(test_meeting_seen_from_the_side),
        cmocka_unit_test(test_enter_together_seen_from_the_side),
        cmocka_unit_test(test_knocked_camera_charges_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
