/* From beside the road: what tells that a track's wheels' line or its patch is not its own. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "speed/synthetic.h"
#include "track/flank.h"

#define N        30
#define LENGTH_M 4.5
#define WIDTH_M  1.8
#define LINE_M   3.0 /* the near side's distance from Y's axis; the camera is LINE_M + 9 from it */
#define V_MPS    15.0

static const struct cb_side_view view = {-12, 26, 7, 1};

struct course {
    double drift_m, leap_m; /* of the wheels' line: all along, and in the middle */
    int cut_from;           /* from here on the picture cuts its rear off and … */
    double over_m;          /* … shows so much more than a car */
    double hang_m, lag_mps; /* a shadow hangs on its rear in the second half; its rear falls back */
};

/* The bearing of an end at y: of its near corner, rounded by a hand's breadth, or, where it turns its
 * face to the camera, of its far one. */
static double slope_of(int end, double y, double away)
{
    bool is_far = end == 0 ? y > view.y_m : y < view.y_m;
    return (y - view.y_m) / (away + (is_far ? WIDTH_M - 0.1 : 0.1));
}

/* A car that drives past; what hangs on it shows as a far rear end that is cut off. */
static void follow(struct cb_track *t, const struct course *c)
{
    *t = (struct cb_track){.id = 1, .length_m = LENGTH_M, .n_seen = N};
    for (int i = 0; i < N; i++) {
        double s = 0.04 * i, y = 26 + V_MPS * (s - 0.02 * N), u = (double) i / (N - 1);
        double x = -LINE_M + c->drift_m * u + (2 * i >= N ? c->leap_m : 0), away = x - view.x_m;
        bool is_cut = i >= c->cut_from;
        double rear = y - 0.5 * LENGTH_M - (is_cut ? c->over_m : 0) -
                      (2 * i >= N ? c->hang_m : 0) - c->lag_mps * s;
        struct cb_track_point p = {
            .t_ns = cb_ns_from_s(s), .x_m = x, .y_m = y, .patch = CB_PATCH_OWN, .is_whole = !is_cut,
            .side = {.x_m = x,
                     .slope = {slope_of(0, rear, away), slope_of(1, y + 0.5 * LENGTH_M, away)},
                     .has_end = {!is_cut, true}}};
        assert_int_equal(cb_track_add(t, &p), 0);
    }
    t->x.x = t->point[N - 1].x_m;
}

static struct cb_road *any_road(void)
{
    struct cb_camera_conf conf = {.calibration.n_points = GRID_N};
    struct cb_road *road;
    uint64_t seed = 1;
    CB_AUTO_FREE struct cb_calibration_point *p = calloc(GRID_N, sizeof *p);
    survey(&hd_view, 0, &seed, p);
    conf.calibration.points = p;
    assert_int_equal(cb_road_create(&road, &conf.calibration, 1920, 1080, NULL), 0);
    return road;
}

/* Share of the sightings that are its own once the track is settled, and its speed's uncertainty. */
static double settle(const struct course *c, double *ret_u)
{
    struct cb_track t;
    struct cb_road *road = any_road();
    follow(&t, c);
    cb_flank_settle(&t, &view, road);
    double n_own = 0;
    for (size_t i = 0; i < t.n; i++)
        n_own += t.point[i].patch == CB_PATCH_OWN;
    *ret_u = cb_flank_u(&t, &view);
    cb_track_deinit(&t);
    cb_road_destroy(&road);
    return n_own / N;
}

static void test_a_plain_car_is_sure(void **state)
{
    (void) state;
    double u;
    CB_NEAR(settle(&(struct course){.cut_from = N}, &u), 1, 1e-9);
    CB_NEAR(u, 0.15 / 9, 0.002);
    /* its own length, cut by the picture's border, is its own */
    CB_NEAR(settle(&(struct course){.cut_from = 20}, &u), 1, 1e-9);
}

static void test_a_line_that_leaps_says_less_of_the_speed(void **state)
{
    (void) state;
    double plain, leaps;
    settle(&(struct course){.cut_from = N}, &plain);
    settle(&(struct course){.cut_from = N, .leap_m = 0.8}, &leaps);
    assert_true(leaps > 2 * plain);
}

static void test_who_changes_lanes_is_less_sure(void **state)
{
    (void) state;
    double plain, drifts;
    settle(&(struct course){.cut_from = N}, &plain);
    settle(&(struct course){.cut_from = N, .drift_m = 3}, &drifts);
    assert_true(drifts > 1.5 * plain && drifts < 3 * plain);
}

static void test_a_patch_longer_than_the_car_is_not_its_own(void **state)
{
    (void) state;
    double u;
    CB_NEAR(settle(&(struct course){.cut_from = 10, .over_m = 4}, &u), 10.0 / N, 1e-9);
}

static bool is_rigid(const struct course *c)
{
    struct cb_track t;
    follow(&t, c);
    bool ret = cb_flank_is_rigid(&t, &view);
    cb_track_deinit(&t);
    return ret;
}

static void test_ends_that_part_are_of_two(void **state)
{
    (void) state;
    assert_true(is_rigid(&(struct course){.cut_from = N}));
    assert_true(is_rigid(&(struct course){.cut_from = N, .hang_m = 1.2}));
    assert_false(is_rigid(&(struct course){.cut_from = N, .lag_mps = 2}));
    assert_false(is_rigid(&(struct course){.cut_from = N, .lag_mps = 6, .hang_m = 1.2}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_car_is_sure),
        cmocka_unit_test(test_a_line_that_leaps_says_less_of_the_speed),
        cmocka_unit_test(test_who_changes_lanes_is_less_sure),
        cmocka_unit_test(test_ends_that_part_are_of_two),
        cmocka_unit_test(test_a_patch_longer_than_the_car_is_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
