/* What runs for years must not ask for memory picture by picture: once the road is learnt, a quiet one
 * costs no request at all, and what drives on it only what its track grows by, and its passage. */
#include <stdio.h>

#include "failing.h"
#include "unit/detectors/vision_scene.h"
#include "unit/test.h"

#define FPS 25
#define LEARNT (8 * FPS) /* pictures */

static long requests[60 * FPS];

static void count(int i, bool is_done)
{
    if (is_done)
        requests[i] = failing_disarm();
    else
        failing_arm(-1, false);
}

static long sum(int from, int to)
{
    long n = 0;
    for (int i = from; i < to; i++)
        n += requests[i];
    return n;
}

static const struct view street = {.width = 640, .height = 360, .f_px = 500, .height_m = 6.5,
                                   .pitch_rad = 0.25, .fps = FPS, .seconds = 20, .on_picture = count};

static void test_a_quiet_road_asks_for_nothing(void **state)
{
    (void) state;
    struct outcome o;
    watch(&street, 12, 40, 50, &o);
    assert_int_equal(o.n, 0);
    printf("learning %ld, then %ld in %d pictures\n", sum(0, LEARNT), sum(LEARNT, 20 * FPS), 20 * FPS - LEARNT);
    assert_int_equal(sum(LEARNT, 20 * FPS), 0);
}

static void test_who_drives_asks_for_a_track(void **state)
{
    (void) state;
    const struct box car[] = {{.x_m = 0, .y0_m = -30, .v_mps = 14, .t0_s = 9, .width_m = 1.8,
                               .length_m = 4.4, .height_m = 1.4, .level = 60}};
    struct view v = street;
    struct outcome o;
    v.box = car;
    v.n_boxes = 1;
    watch(&v, 12, 40, 50, &o);
    assert_int_equal(o.n, 1);
    printf("one vehicle, followed for some 80 pictures: %ld\n", sum(LEARNT, 20 * FPS));
    assert_in_range(sum(LEARNT, 20 * FPS), 1, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quiet_road_asks_for_nothing),
        cmocka_unit_test(test_who_drives_asks_for_a_track),
    };
    failing_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
