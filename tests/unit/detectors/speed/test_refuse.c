#include <errno.h>
#include <stdlib.h>

#include "synthetic.h"

static void refused(const struct cb_calibration_conf *conf, const char *where, const char *text)
{
    struct cb_road *r = NULL;
    struct cb_error e = {0};
    if (cb_road_create(&r, conf, 1920, 1080, &e) != -EINVAL) {
        cb_road_destroy(&r);
        fail_msg("accepted, expected a refusal of %s: %s", where, text);
    }
    assert_null(r);
    if (!strstr(e.where, where) || !strstr(e.text, text))
        fail_msg("said \"%s: %s\", expected \"%s: …%s\"", e.where, e.text, where, text);
    assert_int_equal(cb_road_create(&r, conf, 1920, 1080, NULL), -EINVAL);
}

static struct cb_calibration_conf points(struct cb_calibration_point *p, size_t n)
{
    survey(&hd_view, 0, NULL, p);
    return (struct cb_calibration_conf){.points = p, .n_points = n};
}

static void test_numbers(void **state)
{
    (void) state;
    struct cb_calibration_point p[GRID_N];
    struct cb_calibration_conf c = points(p, 3);
    refused(&c, "calibration.points", "has 3 points, expected 4 or more");
    refused(&(struct cb_calibration_conf){0}, "calibration.points", "has 0 points");
    c = points(p, GRID_N);
    p[5].x_px = NAN;
    refused(&c, "points[5], line 15", "not finite");
    c = points(p, GRID_N);
    p[2].y_m = INFINITY;
    refused(&c, "points[2], line 12", "not finite");
    c = points(p, GRID_N);
    p[2].y_m = 1e7;
    refused(&c, "points[2], line 12", "100 km");
    c = points(p, GRID_N);
    p[7].x_px = 4000;
    refused(&c, "points[7], line 17", "outside the 1920 x 1080 picture");
    c = points(p, GRID_N);
    p[9].x_px = p[1].x_px;
    p[9].y_px = p[1].y_px;
    refused(&c, "points[9], line 19", "same px as points[1]");
    c = points(p, GRID_N);
    p[9].x_m = p[3].x_m;
    p[9].y_m = p[3].y_m;
    refused(&c, "points[9], line 19", "same m as points[3]");
    c = points(p, GRID_N);
    c.k1 = -2;
    refused(&c, "calibration.distortion", "fold");
    c.k1 = NAN;
    refused(&c, "calibration.distortion", "fold");
}

static void test_degenerate(void **state)
{
    (void) state;
    struct cb_calibration_point all[GRID_N], p[6];
    struct cb_calibration_conf c = points(all, GRID_N);
    c.points = p;
    for (int i = 0; i < 4; i++) /* a kerb */
        p[i] = all[3 * i];
    c.n_points = 4;
    refused(&c, "calibration.points", "all lie on one line in the picture");
    p[4] = all[4];
    c.n_points = 5; /* and one lamp post */
    refused(&c, "calibration.points", "all but one lie on one line in the picture");
    p[4] = all[4];
    p[5] = all[5];
    for (int i = 0; i < 6; i++)
        p[i].x_m = 0.1 * (p[i].y_m += i); /* metres copied wrongly */
    c.n_points = 6;
    refused(&c, "calibration.points", "one line on the road");
}

static void test_inconsistent(void **state)
{
    (void) state;
    struct cb_calibration_point p[GRID_N];
    for (int i = 0; i < GRID_N; i++) {
        struct cb_calibration_conf c = points(p, GRID_N);
        char where[32];
        p[i].y_m += 6; /* a wrong dash of the lane mark */
        snprintf(where, sizeof where, "points[%d], line %d", i, 10 + i);
        refused(&c, where, "px from where the other points put it");
    }
    struct cb_calibration_conf c = points(p, GRID_N);
    for (int i = 0; i < GRID_N; i += 2)
        p[i].x_m += i % 4 ? 2 : -2;
    refused(&c, "calibration.points[", "px");
    c = points(p, 5);
    p[3] = p[10];
    p[4] = p[11];
    double y = p[4].y_px;
    p[4].y_px = p[0].y_px;
    p[0].y_px = y;
    refused(&c, "calibration.points[", "");
}

static struct cb_calibration_conf lengths(struct cb_calibration_distance *d)
{
    tape(&hd_view, 0, 0, NULL, d);
    return (struct cb_calibration_conf){.distances = d, .n_distances = TAPED_N};
}

static void test_lengths(void **state)
{
    (void) state;
    struct cb_calibration_distance d[TAPED_N], only[3];
    struct cb_calibration_conf c = lengths(d);
    d[1].length_m = NAN;
    refused(&c, "distances[1], line 21", "expected");
    c = lengths(d);
    d[1].length_m = -7;
    refused(&c, "distances[1], line 21", "m: -7");
    c = lengths(d);
    d[6].x2_px = d[6].x1_px;
    d[6].y2_px = d[6].y1_px;
    refused(&c, "distances[6], line 26", "ends where it begins");
    c = lengths(d);
    d[2].y1_px = INFINITY;
    refused(&c, "distances[2], line 22", "not finite");
    c = lengths(d);
    d[2].y1_px = 5000;
    refused(&c, "distances[2], line 22", "outside");
    c = lengths(d);
    c.n_distances = 5;
    refused(&c, "calibration.distances", "5 lengths along the road and 0 across");
    c = lengths(d);
    c.distances = d + 4;
    c.n_distances = 3;
    refused(&c, "calibration.distances", "1 lengths along the road and 2 across");
    c = lengths(d); /* one line and what crosses it at one end: no vanishing point */
    only[0] = d[0];
    only[1] = d[1];
    only[2] = d[5];
    c.distances = only;
    c.n_distances = 3;
    only[2].x2_px = only[2].x1_px + 10;
    only[2].y2_px = only[2].y1_px;
    only[2].length_m = 5;
    refused(&c, "calibration.distances", "");
}

static void test_wrong_length(void **state)
{
    (void) state;
    struct cb_calibration_distance d[TAPED_N];
    for (int i = 0; i < 5; i++) {
        struct cb_calibration_conf c = lengths(d);
        char where[32];
        d[i].length_m *= 1.15; /* read off the tape wrongly */
        snprintf(where, sizeof where, "distances[%d], line %d", i, 20 + i);
        refused(&c, where, "by the other lengths");
    }
    struct cb_calibration_conf c = lengths(d);
    d[5].is_along = true;
    refused(&c, "calibration.distances[", "");
}

/* Whatever a file may hold: a road or a refusal with words, never a crash or a silent no. */
static void assert_answers(const struct cb_calibration_conf *c, int width, int height)
{
    struct cb_road *r = NULL;
    struct cb_error e = {0};
    int err = cb_road_create(&r, c, width, height, &e);
    assert_true(err == 0 || err == -EINVAL);
    assert_true((err == 0) == (r != NULL));
    assert_true(err == 0 || (e.where[0] && e.text[0]));
    cb_road_destroy(&r);
}

static double odd(uint64_t *seed)
{
    static const double odds[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 0, 1e9, -5, 1e-300};
    return odds[(size_t) (uniform(seed) * 9)];
}

static void test_hostile(void **state)
{
    (void) state;
    struct cb_calibration_point p[GRID_N];
    struct cb_calibration_distance d[TAPED_N];
    uint64_t seed = 12;
    for (int i = 0; i < 1500; i++) {
        struct cb_calibration_conf c = points(p, GRID_N);
        double *field = (double *) &p[(size_t) (uniform(&seed) * GRID_N)];
        field[(size_t) (uniform(&seed) * 4)] = odd(&seed);
        c.n_points = 3 + (size_t) (uniform(&seed) * 10);
        c.k1 = i % 5 ? 0 : odd(&seed);
        assert_answers(&c, i % 2 ? 1920 : 0, i % 2 ? 1080 : 0);
        for (int k = 0; k < GRID_N; k++) /* any four to twelve places at all */
            p[k] = (struct cb_calibration_point){1920 * uniform(&seed), 1080 * uniform(&seed),
                                                 10 * uniform(&seed), 40 * uniform(&seed), 0};
        c.k1 = 0;
        assert_answers(&c, 1920, 1080);
    }
    for (int i = 0; i < 60; i++) {
        struct cb_calibration_conf c = lengths(d);
        double *field = (double *) &d[(size_t) (uniform(&seed) * TAPED_N)];
        field[(size_t) (uniform(&seed) * 5)] = i % 2 ? odd(&seed) : 1000 * uniform(&seed);
        c.n_distances = 3 + (size_t) (uniform(&seed) * 5);
        d[c.n_distances - 1].is_along = false;
        assert_answers(&c, i % 3 ? 1920 : 0, i % 3 ? 1080 : 0);
    }
}

static void test_too_many(void **state)
{
    (void) state;
    struct cb_calibration_point *p = calloc(500, sizeof *p);
    struct cb_calibration_distance *d = calloc(50, sizeof *d);
    assert_true(p && d);
    refused(&(struct cb_calibration_conf){.points = p, .n_points = 500}, "calibration.points",
            "has 500 points");
    refused(&(struct cb_calibration_conf){.distances = d, .n_distances = 50},
            "calibration.distances", "has 50 lengths");
    free(p);
    free(d);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_hostile),      cmocka_unit_test(test_too_many),
    cmocka_unit_test(test_numbers),      cmocka_unit_test(test_degenerate),
    cmocka_unit_test(test_inconsistent), cmocka_unit_test(test_lengths),
    cmocka_unit_test(test_wrong_length),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
