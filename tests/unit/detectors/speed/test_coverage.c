/*
 * Cameras, calibrations and vehicles drawn at random, each input with the error that it really
 * has: the stated interval must hold the truth as often as it says, and nothing must be biased.
 * The vehicles are bodies, whose lowest edge is worked out point by point.
 */
#include <stdlib.h>

#include "rules/speeding.h"
#include "synthetic.h"

#define SAMPLES_MAX 400
#define LENGTHS_N   7
#define POINTS_N    9

struct world {
    struct synthetic camera;
    double x_m, y0_m, y1_m; /* the zone: its middle across, its ends along */
    struct cb_camera_conf conf;
    struct cb_calibration_point point[POINTS_N];
    struct cb_calibration_distance distance[LENGTHS_N];
    struct cb_speed_sample s[SAMPLES_MAX];
};

static double between(double lo, double hi, uint64_t *seed)
{
    return lo + (hi - lo) * uniform(seed);
}

/* A camera beside or above a road, tilted so that the zone fills its picture. */
static void draw_camera(struct world *w, uint64_t *seed)
{
    double h = between(5, 11, seed);
    w->y0_m = h * between(1.2, 2.4, seed);
    w->y1_m = w->y0_m + between(25, 32, seed);
    double middle = sqrt(w->y0_m * w->y1_m), pan = between(-0.35, 0.35, seed);
    /* of the road's far and near end below the horizon, the zone's depth is 0.8 of 1080 lines */
    double f = 0.8 * 1080 / (h / w->y0_m - h / w->y1_m);
    w->camera = (struct synthetic){
        1920, 1080, fmin(f, 4000), h, atan(h / middle), between(-0.03, 0.03, seed), pan, 0, 0};
    w->x_m = -middle * tan(pan);
}

static void read_off(const struct world *w, double x, double y, double sigma_px, uint64_t *seed,
                     double *ret_x, double *ret_y)
{
    struct cb_vec2 px = synthetic_px(&w->camera, w->x_m + x, y, 0);
    *ret_x = px.x + sigma_px * normal(seed);
    *ret_y = px.y + sigma_px * normal(seed);
}

static void tape_zone(struct world *w, uint64_t *seed)
{
    double l = w->y1_m - w->y0_m, px[8][2];
    const double mark[8][2] = {{-4, 0}, {-4, 0.25}, {-4, 0.5}, {-4, 0.75}, {-4, 1}, {4, 0}, {4, 1}};
    static const int ends[LENGTHS_N][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {5, 6}, {0, 5}, {4, 6}};
    for (int i = 0; i < 7; i++)
        read_off(w, mark[i][0], w->y0_m + l * mark[i][1], 1.0, seed, &px[i][0], &px[i][1]);
    for (int i = 0; i < LENGTHS_N; i++) {
        const double *a = mark[ends[i][0]], *b = mark[ends[i][1]];
        double m = hypot(a[0] - b[0], l * (a[1] - b[1]));
        const double *p = px[ends[i][0]], *q = px[ends[i][1]];
        w->distance[i] = (struct cb_calibration_distance){
            p[0], p[1], q[0], q[1], m + 0.01 * normal(seed), i < 5, 20 + i, 0};
    }
    w->conf.calibration.distances = w->distance;
    w->conf.calibration.n_distances = LENGTHS_N;
}

static void survey_zone(struct world *w, uint64_t *seed)
{
    for (int i = 0; i < POINTS_N; i++) {
        double x = -4 + 4 * (i % 3), y = w->y0_m + (w->y1_m - w->y0_m) * (i / 3) / 2.0;
        struct cb_calibration_point *p = &w->point[i];
        *p = (struct cb_calibration_point){0, 0, w->x_m + x + 0.01 * normal(seed),
                                           y + 0.01 * normal(seed), 10 + i};
        read_off(w, x, y, 0.7, seed, &p->x_px, &p->y_px);
    }
    w->conf.calibration.points = w->point;
    w->conf.calibration.n_points = POINTS_N;
}

struct body {
    double lip_m, tyre_m; /* height of the bumper's lip; how far behind it the tyre stands */
    double share;         /* of the followed point's place that the body has, not its shadow */
};

/* Where the road plane has the lowest of a body whose lip is over y: the lip as the ray over it
 * meets the road, or the tyre if that is nearer, or the shadow's edge below the lip. */
static double seen_at(const struct world *w, const struct body *b, double y)
{
    double h = w->camera.height_m, lip = y * h / (h - b->lip_m), tyre = y + b->tyre_m;
    return b->share * fmin(lip, tyre) + (1 - b->share) * y;
}

static size_t drive_body(struct world *w, const struct body *b, double x, double v, double drift_m,
                         uint64_t *seed)
{
    size_t n = 0;
    double length = w->y1_m - w->y0_m, along = drift_m * normal(seed) / length;
    double end = drift_m * normal(seed) / length;
    for (; n < SAMPLES_MAX; n++) {
        double t = 0.04 * (double) n, gone = v * t;
        if (gone > length)
            break;
        double y = w->y1_m - gone;
        y = seen_at(w, b, y) + along * gone + end * (length - gone);
        struct cb_vec2 px = synthetic_px(&w->camera, w->x_m + x, y, 0);
        w->s[n] = (struct cb_speed_sample){.t_ns = 5000000000 + (int64_t) (t * 1e9),
                                           .x_px = px.x + 0.7 * normal(seed),
                                           .y_px = px.y + 0.7 * normal(seed)};
    }
    return n;
}

enum way { BY_POINTS, BY_LENGTHS };

static int measure_one(struct world *w, enum way way, bool is_contact, double v, uint64_t *seed,
                       struct cb_passage *ret)
{
    struct cb_road *road = NULL;
    memset(w, 0, sizeof *w);
    cb_camera_conf_init(&w->conf);
    draw_camera(w, seed);
    if (way == BY_POINTS)
        survey_zone(w, seed);
    else
        tape_zone(w, seed);
    w->conf.has_calibration = true;
    struct body b = {0.2 + 0.04 * normal(seed), 0.75 + 0.1 * normal(seed),
                     is_contact ? 0.15 * normal(seed) : 0.67 + 0.25 * normal(seed)};
    int r = cb_road_create(&road, &w->conf.calibration, 1920, 1080, NULL);
    if (r < 0)
        return r;
    /* crown and wear, which no mark shows */
    double scale = 1 + 0.002 * normal(seed);
    size_t n = drive_body(w, &b, between(-3, 3, seed), v * scale, is_contact ? 0.03 : 0.08, seed);
    for (size_t i = 0; i < n && is_contact; i++)
        w->s[i].box = (struct cb_box){0, 0, 9, 9};
    r = cb_speed_measure(road, &w->conf, w->s, n, ret);
    cb_road_destroy(&road);
    return r;
}

static void cover(enum way way, bool is_contact, int n)
{
    struct world *w = malloc(sizeof *w);
    uint64_t seed = 31337;
    int n_held = 0, n_over = 0, n_fit = 0, n_speed = 0;
    double bias = 0, u95 = 0;
    assert_non_null(w);
    for (int i = 0; i < n; i++) {
        double v = between(30, 120, &seed) / 3.6;
        struct cb_passage p;
        if (measure_one(w, way, is_contact, v, &seed, &p) < 0)
            continue;
        n_fit++;
        if (p.reason == CB_REASON_NONE) {
            cb_speeding_judge(&w->conf, &p);
            n_speed++;
            n_held += fabs(p.speed_mps - v) <= p.u95_mps;
            n_over += p.charged_mps > v;
            bias += p.speed_mps / v - 1;
            u95 += p.u95_mps / v;
        }
        cb_passage_deinit(&p);
    }
    free(w);
    print_message("%s, %s: %d of %d calibrated, %d measured, coverage %.1f %%, bias %+.3f %%, "
                  "mean U95 %.2f %%, charged above truth %d\n",
                  way == BY_POINTS ? "points" : "lengths", is_contact ? "contact" : "low point",
                  n_fit, n, n_speed, 100.0 * n_held / n_speed, 100 * bias / n_speed,
                  100 * u95 / n_speed, n_over);
    assert_true(n_fit > 0.95 * n && n_speed > 0.98 * n_fit);
    assert_true(n_held >= 0.93 * n_speed && n_held <= 0.99 * n_speed);
    /* the mean of n passages whose standard uncertainty is about U95 / 2, three times */
    assert_true(fabs(bias / n_speed) < 1.5 * u95 / n_speed / sqrt(n_speed));
    assert_int_equal(n_over, 0);
}

static void test_points_contact(void **state)
{
    (void) state;
    cover(BY_POINTS, true, 1000);
}

static void test_points_low(void **state)
{
    (void) state;
    cover(BY_POINTS, false, 1000);
}

static void test_lengths_contact(void **state)
{
    (void) state;
    cover(BY_LENGTHS, true, 400);
}

static void test_lengths_low(void **state)
{
    (void) state;
    cover(BY_LENGTHS, false, 400);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_points_contact),
    cmocka_unit_test(test_points_low),
    cmocka_unit_test(test_lengths_contact),
    cmocka_unit_test(test_lengths_low),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
