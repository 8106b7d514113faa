#include <errno.h>
#include <stdlib.h>

#include "synthetic.h"

static struct cb_road *road_of(const struct cb_calibration_conf *conf, int width, int height)
{
    struct cb_road *r = NULL;
    struct cb_error e = {0};
    if (cb_road_create(&r, conf, width, height, &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
    return r;
}

/* Every place of the zone is found again, both ways. */
static void assert_agrees(const struct cb_road *r, const struct synthetic *c, double tol_m,
                          double tol_px)
{
    for (double y = 12; y <= 42; y += 6)
        for (double x = -5; x <= 5; x += 2.5) {
            struct cb_vec2 px = synthetic_px(c, x, y, 0), m, back;
            assert_int_equal(cb_road_from_px(r, px, &m), 0);
            CB_NEAR(m.x, x, tol_m);
            CB_NEAR(m.y, y, tol_m);
            assert_int_equal(cb_road_to_px(r, (struct cb_vec2){x, y}, &back), 0);
            CB_NEAR(back.x, px.x, tol_px);
            CB_NEAR(back.y, px.y, tol_px);
        }
}

static void assert_pose(const struct cb_road *r, const struct synthetic *c)
{
    const struct cb_pose *pose = cb_road_pose(r);
    struct cb_vec2 px, want = synthetic_px(c, 2, 25, 1.5);
    assert_non_null(pose);
    CB_NEAR(pose->f_px, c->f_px, 1e-3 * c->f_px);
    CB_NEAR(pose->position_m[0], 0, 0.02);
    CB_NEAR(pose->position_m[1], 0, 0.02);
    CB_NEAR(pose->position_m[2], c->height_m, 0.02);
    assert_int_equal(cb_road_to_px_3d(r, 2, 25, 1.5, &px), 0);
    CB_NEAR(px.x, want.x, 0.5);
    CB_NEAR(px.y, want.y, 0.5);
}

static void test_points_exact(void **state)
{
    (void) state;
    struct synthetic views[] = {hd_view, hd_view, hd_view};
    views[1].pan_rad = -0.3;
    views[1].f_px = 1300;
    views[2].k1 = -0.22;
    views[2].k2 = 0.06;
    for (size_t i = 0; i < 3; i++) {
        struct cb_calibration_point p[GRID_N];
        survey(&views[i], 0, NULL, p);
        struct cb_calibration_conf conf = {
            .points = p, .n_points = GRID_N, .k1 = views[i].k1, .k2 = views[i].k2};
        struct cb_road *r = road_of(&conf, 1920, 1080);
        assert_agrees(r, &views[i], 1e-6, 1e-5);
        assert_pose(r, &views[i]);
        cb_road_destroy(&r);
        assert_null(r);
    }
}

/* Four points are a road, though nothing is left to judge them by. */
static void test_four_points(void **state)
{
    (void) state;
    struct cb_calibration_point all[GRID_N];
    survey(&hd_view, 0, NULL, all);
    struct cb_calibration_point p[4] = {all[0], all[2], all[9], all[11]};
    struct cb_calibration_conf conf = {.points = p, .n_points = 4};
    struct cb_road *r = road_of(&conf, 0, 0);
    assert_agrees(r, &hd_view, 1e-6, 1e-5);
    assert_null(cb_road_pose(r)); /* the centre of an unknown picture is not known */
    assert_int_equal(cb_road_to_px_3d(r, 0, 20, 1, &(struct cb_vec2){0, 0}), -ENOTSUP);
    cb_road_destroy(&r);
}

static void test_lengths_exact(void **state)
{
    (void) state;
    struct synthetic views[] = {hd_view, hd_view, hd_view, hd_view};
    views[1].pan_rad = -0.3;
    views[1].f_px = 1300;
    views[2].height_m = 5;
    views[2].f_px = 1500;
    views[2].pan_rad = 0;
    views[3].k1 = -0.1;
    views[3].f_px = 1600;
    for (size_t i = 0; i < 4; i++) {
        struct cb_calibration_distance d[TAPED_N];
        tape(&views[i], 0, 0, NULL, d);
        struct cb_calibration_conf conf = {
            .distances = d, .n_distances = TAPED_N, .k1 = views[i].k1};
        struct cb_road *r = road_of(&conf, 1920, 1080);
        /* the priors (level, f about 1.2 widths, centre) pull by far less than this */
        for (double y = 12; y < 40; y += 7) {
            struct cb_vec2 a, b;
            assert_int_equal(cb_road_from_px(r, synthetic_px(&views[i], 1, y, 0), &a), 0);
            assert_int_equal(cb_road_from_px(r, synthetic_px(&views[i], 1, y + 7, 0), &b), 0);
            CB_NEAR(hypot(b.x - a.x, b.y - a.y), 7, 0.02);
            CB_NEAR(b.x - a.x, 0, 0.05);
            assert_true(b.y > a.y);
        }
        assert_non_null(cb_road_pose(r));
        CB_NEAR(cb_road_pose(r)->position_m[2], views[i].height_m, 0.05);
        cb_road_destroy(&r);
    }
}

/* Scale errors of noisy calibrations lie in their stated uncertainty as often as they say. */
static double scale_error(const struct cb_calibration_conf *conf)
{
    struct cb_road *r = road_of(conf, 1920, 1080);
    struct cb_vec2 a, b;
    assert_int_equal(cb_road_from_px(r, synthetic_px(&hd_view, 0, 14, 0), &a), 0);
    assert_int_equal(cb_road_from_px(r, synthetic_px(&hd_view, 0, 38, 0), &b), 0);
    double u = cb_road_scale_u(r, a.x, a.y, b.y), e = hypot(b.x - a.x, b.y - a.y) / 24 - 1;
    assert_true(u > 0 && u < 0.05);
    cb_road_destroy(&r);
    return e / u;
}

static void assert_true_scale(double sum, double squares, int n, int n_inside)
{
    print_message("scale: bias %.2f u, rms %.2f u, %d of %d within 2 u\n", sum / n,
                  sqrt(squares / n), n_inside, n);
    assert_true(fabs(sum / n) < 0.35);
    assert_true(sqrt(squares / n) > 0.4 && sqrt(squares / n) < 1.25);
    assert_true(n_inside >= 0.91 * n);
}

static void test_points_uncertainty(void **state)
{
    (void) state;
    uint64_t seed = 20240611;
    double sum = 0, squares = 0;
    int inside = 0;
    for (int i = 0; i < 200; i++) {
        struct cb_calibration_point p[GRID_N];
        survey(&hd_view, 1, &seed, p);
        struct cb_calibration_conf conf = {.points = p, .n_points = GRID_N};
        double e = scale_error(&conf);
        sum += e;
        squares += e * e;
        inside += fabs(e) < 2;
    }
    assert_true_scale(sum, squares, 200, inside);
}

static void test_lengths_uncertainty(void **state)
{
    (void) state;
    uint64_t seed = 77;
    double sum = 0, squares = 0;
    int inside = 0;
    for (int i = 0; i < 40; i++) {
        struct cb_calibration_distance d[TAPED_N];
        tape(&hd_view, 1, 0.012, &seed, d);
        struct cb_calibration_conf conf = {.distances = d, .n_distances = TAPED_N};
        double e = scale_error(&conf);
        sum += e;
        squares += e * e;
        inside += fabs(e) < 2;
    }
    assert_true_scale(sum, squares, 40, inside);
}

static void test_horizon(void **state)
{
    (void) state;
    struct cb_calibration_point p[GRID_N];
    survey(&hd_view, 0, NULL, p);
    struct cb_calibration_conf conf = {.points = p, .n_points = GRID_N};
    struct cb_road *r = road_of(&conf, 1920, 1080);
    struct cb_vec2 v = {-7, -7};
    assert_int_equal(cb_road_from_px(r, (struct cb_vec2){960, -500}, &v), -EDOM);
    assert_int_equal(cb_road_from_px(r, (struct cb_vec2){NAN, 500}, &v), -EDOM);
    assert_int_equal(cb_road_from_px(r, (struct cb_vec2){INFINITY, 500}, &v), -EDOM);
    assert_int_equal(cb_road_to_px(r, (struct cb_vec2){0, -50}, &v), -EDOM);
    CB_NEAR(v.x, -7, 0);
    cb_road_destroy(&r);
    cb_road_destroy(&r);
}

static void test_jacobian(void **state)
{
    (void) state;
    struct cb_calibration_point p[GRID_N];
    survey(&hd_view, 0, NULL, p);
    struct cb_calibration_conf conf = {.points = p, .n_points = GRID_N};
    struct cb_road *r = road_of(&conf, 1920, 1080);
    struct cb_vec2 at = {900, 600}, a, b;
    double j[4];
    assert_int_equal(cb_road_jacobian(r, at, j), 0);
    cb_road_from_px(r, at, &a);
    cb_road_from_px(r, (struct cb_vec2){at.x + 0.5, at.y - 0.25}, &b);
    CB_NEAR(b.x - a.x, 0.5 * j[0] - 0.25 * j[1], 1e-4);
    CB_NEAR(b.y - a.y, 0.5 * j[2] - 0.25 * j[3], 1e-4);
    cb_road_destroy(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_points_exact),
    cmocka_unit_test(test_four_points),
    cmocka_unit_test(test_lengths_exact),
    cmocka_unit_test(test_points_uncertainty),
    cmocka_unit_test(test_lengths_uncertainty),
    cmocka_unit_test(test_horizon),
    cmocka_unit_test(test_jacobian),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
