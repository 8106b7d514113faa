#include <errno.h>
#include <stdlib.h>

#include "rules/speeding.h"
#include "synthetic.h"

#define SAMPLES_MAX 2000
#define KMH         (1 / 3.6)

struct bench {
    struct cb_road *road;
    struct cb_camera_conf conf;
    struct cb_calibration_point point[GRID_N];
    struct cb_speed_sample s[SAMPLES_MAX];
};

static void open_bench(struct bench *b, double dx, double dy, double angle)
{
    memset(b, 0, sizeof *b);
    cb_camera_conf_init(&b->conf);
    survey(&hd_view, 0, NULL, b->point);
    for (int i = 0; i < GRID_N; i++) {
        struct cb_calibration_point *p = &b->point[i];
        double x = p->x_m, y = p->y_m;
        p->x_m = dx + cos(angle) * x - sin(angle) * y;
        p->y_m = dy + sin(angle) * x + cos(angle) * y;
    }
    b->conf.has_calibration = true;
    b->conf.calibration.points = b->point;
    b->conf.calibration.n_points = GRID_N;
    assert_int_equal(cb_road_create(&b->road, &b->conf.calibration, 1920, 1080, NULL), 0);
}

static struct bench *new_bench(void)
{
    struct bench *b = malloc(sizeof *b);
    assert_non_null(b);
    open_bench(b, 0, 0, 0);
    return b;
}

static void free_bench(struct bench *b)
{
    cb_road_destroy(&b->road);
    free(b);
}

static struct cb_passage measure(struct bench *b, size_t n)
{
    struct cb_passage p;
    assert_int_equal(cb_speed_measure(b->road, &b->conf, b->s, n, &p), 0);
    assert_true(p.n_path > 0);
    for (size_t i = 1; i < p.n_path; i++)
        assert_true(p.path[i].t_ns > p.path[i - 1].t_ns);
    assert_true(isnan(p.speed_mps) == (p.reason != CB_REASON_NONE));
    assert_true(isnan(p.u95_mps) == isnan(p.speed_mps));
    return p;
}

static enum cb_reason reason_of(struct bench *b, size_t n)
{
    struct cb_passage p = measure(b, n);
    enum cb_reason r = p.reason;
    cb_passage_deinit(&p);
    return r;
}

static void test_exact(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    for (double v = 20 * KMH; v < 220 * KMH; v *= 1.7)
        for (int away = 0; away < 2; away++) {
            size_t n = drive(&hd_view, 2, 0, away ? v : -v, 0, 0, NULL, b->s, SAMPLES_MAX);
            struct cb_passage p = measure(b, n);
            assert_int_equal(p.reason, CB_REASON_NONE);
            CB_NEAR(p.speed_mps, v, 1e-4 * v);
            assert_true(p.u95_mps > 0 && p.u95_mps < 0.05 * v);
            assert_int_equal(p.direction, away ? CB_AWAY : CB_TOWARD);
            assert_true(p.path[0].y_m >= 12 - 1e-6 && p.path[0].y_m <= 42 + 1e-6);
            b->conf.speed_limit_kmh = 30;
            cb_speeding_judge(&b->conf, &p);
            assert_true(p.charged_mps <= v - 3 * KMH + 1e-3); /* never above the truth */
            cb_passage_deinit(&p);
        }
    free_bench(b);
}

/* The mean over the zone: distance by time, whatever the foot does. */
static void test_acceleration(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    for (double a = -3; a <= 3; a += 1) {
        size_t n = drive(&hd_view, -1, 0, 20, a, 0, NULL, b->s, SAMPLES_MAX);
        struct cb_passage p = measure(b, n);
        assert_int_equal(p.reason, CB_REASON_NONE);
        const struct cb_fix *f = p.path, *l = p.path + p.n_path - 1;
        double mean = (l->y_m - f->y_m) / ((double) (l->t_ns - f->t_ns) * 1e-9);
        CB_NEAR(p.speed_mps, mean, 0.02);
        cb_passage_deinit(&p);
    }
    free_bench(b);
}

/* Who brakes at once, in the middle, followed to a hand's breadth, is one motion and not two halves. */
static void test_a_sudden_brake(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    size_t n = drive(&hd_view, -1, 0, 9.2, 0, 0, NULL, b->s, SAMPLES_MAX), half = 0;
    while (half < n && b->s[half].t_ns - b->s[0].t_ns < 1500000000)
        half++;
    struct cb_speed_sample *slow = calloc(SAMPLES_MAX, sizeof *slow);
    size_t n_slow = drive(&hd_view, -1, 0, 6.1, 0, 0, NULL, slow, SAMPLES_MAX), first = 0;
    while (first < n_slow && slow[first].y_px > b->s[half].y_px)
        first++;
    int64_t shift = b->s[half].t_ns - slow[first].t_ns;
    for (n = half; n < SAMPLES_MAX && first < n_slow; n++, first++) {
        b->s[n] = slow[first];
        b->s[n].t_ns += shift;
    }
    struct cb_passage p = measure(b, n);
    assert_int_equal(p.reason, CB_REASON_NONE);
    const struct cb_fix *f = p.path, *l = p.path + p.n_path - 1;
    double mean = (l->y_m - f->y_m) / ((double) (l->t_ns - f->t_ns) * 1e-9);
    CB_NEAR(p.speed_mps, mean, 0.1);
    assert_true(p.u95_mps > fabs(p.speed_mps - mean));
    cb_passage_deinit(&p);
    free(slow);
    free_bench(b);
}

/* Where the road's axes lie changes no speed, nor does when it was; time stretched divides it. */
static void test_invariance(void **state)
{
    (void) state;
    struct bench *b = new_bench(), *moved = malloc(sizeof *moved);
    uint64_t seed = 5;
    assert_non_null(moved);
    b->conf.has_zone = true; /* all of the track, in any frame */
    b->conf.zone_y_min_m = -1e4;
    b->conf.zone_y_max_m = 1e4;
    size_t n = drive(&hd_view, 1, 0, 20, 0.5, 1, &seed, b->s, SAMPLES_MAX);
    struct cb_passage p = measure(b, n), q;
    for (int i = 0; i < 6; i++) {
        open_bench(moved, 300 * i, -70 * i, 0.25 * i);
        moved->conf.has_zone = true;
        moved->conf.zone_y_min_m = -1e4;
        moved->conf.zone_y_max_m = 1e4;
        memcpy(moved->s, b->s, sizeof b->s);
        q = measure(moved, n);
        /* only the prior on acceleration knows which way is along */
        CB_NEAR(q.speed_mps, p.speed_mps, 0.02);
        cb_passage_deinit(&q);
        cb_road_destroy(&moved->road);
    }
    for (size_t i = 0; i < n; i++)
        b->s[i].t_ns += 1700000000000000000;
    q = measure(b, n);
    CB_NEAR(q.speed_mps, p.speed_mps, 1e-6);
    cb_passage_deinit(&q);
    cb_passage_deinit(&p);
    n = drive(&hd_view, 1, 0, 20, 0, 1, &seed, b->s, SAMPLES_MAX);
    p = measure(b, n);
    for (size_t i = 0; i < n; i++)
        b->s[i].t_ns *= 2;
    q = measure(b, n);
    /* the acceleration that is usual is one in seconds */
    CB_NEAR(2 * q.speed_mps, p.speed_mps, 0.002 * p.speed_mps);
    cb_passage_deinit(&q);
    cb_passage_deinit(&p);
    free(moved);
    free_bench(b);
}

/* A reference counts by what it knows: a sure one sets the speed and its interval, an unsure one
 * hardly moves either. */
static void test_reference(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    size_t n = drive(&hd_view, 2, 0, -20, 0, 0, NULL, b->s, SAMPLES_MAX);
    struct cb_passage p = measure(b, n);
    double v = p.speed_mps, u95 = p.u95_mps;
    cb_passage_deinit(&p);
    b->conf.calibration.reference_factor = 0.99;
    b->conf.calibration.reference_u = 0.0005;
    p = measure(b, n);
    assert_true(p.speed_mps < 0.991 * v && p.speed_mps > 0.99 * v);
    assert_true(p.u95_mps < 0.9 * u95);
    cb_passage_deinit(&p);
    b->conf.calibration.reference_u = 0.05;
    p = measure(b, n);
    assert_true(p.speed_mps < v && p.speed_mps > 0.9995 * v);
    assert_true(p.u95_mps <= u95 && p.u95_mps > 0.99 * u95);
    cb_passage_deinit(&p);
    free_bench(b);
}

/* A tracker's point that stays behind at the picture's border, and gross misses between. */
static void test_outliers(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    uint64_t seed = 9;
    for (int i = 0; i < 40; i++) {
        double v = (40 + 2 * i) * KMH;
        size_t n = drive(&hd_view, 1, 0, -v, 0, 1, &seed, b->s, SAMPLES_MAX);
        for (size_t k = n - n / 6; k < n; k++) {
            b->s[k].x_px = b->s[n - n / 6 - 1].x_px;
            b->s[k].y_px = b->s[n - n / 6 - 1].y_px;
        }
        for (size_t k = 3; k < n; k += 7) {
            b->s[k].x_px += 200 * (uniform(&seed) - 0.5);
            b->s[k].y_px -= 100 * uniform(&seed);
        }
        struct cb_passage p = measure(b, n);
        assert_int_equal(p.reason, CB_REASON_NONE);
        CB_NEAR(p.speed_mps, v, 0.015 * v);
        cb_passage_deinit(&p);
    }
    free_bench(b);
}

static void test_refusals(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    uint64_t seed = 4;
    struct cb_passage p;
    size_t n = drive(&hd_view, 1, 0, -15, 0, 0.5, &seed, b->s, SAMPLES_MAX);
    assert_int_equal(cb_speed_measure(b->road, &b->conf, b->s, 0, &p), -ENODATA);
    assert_int_equal(reason_of(b, 14), CB_REASON_TOO_FEW_SAMPLES);
    for (size_t i = 0; i < 200; i++) { /* parked: trembles about one place */
        struct cb_vec2 px = synthetic_px(&hd_view, 1, 25, 0);
        b->s[i] = (struct cb_speed_sample){.t_ns = 40000000 * (int64_t) i,
                                           .x_px = px.x + normal(&seed),
                                           .y_px = px.y + normal(&seed)};
    }
    assert_int_equal(reason_of(b, 200), CB_REASON_STANDING);
    for (size_t i = 0; i < 60; i++) { /* jumps between two vehicles */
        struct cb_vec2 px = synthetic_px(&hd_view, 1, 14 + 24 * uniform(&seed), 0);
        b->s[i] =
            (struct cb_speed_sample){.t_ns = 40000000 * (int64_t) i, .x_px = px.x, .y_px = px.y};
    }
    assert_int_equal(reason_of(b, 60), CB_REASON_INCONSISTENT);
    n = drive(&hd_view, 1, 0, 14, 0, 40, &seed, b->s, SAMPLES_MAX);
    enum cb_reason r = reason_of(b, n);
    assert_true(r == CB_REASON_TOO_UNCERTAIN || r == CB_REASON_INCONSISTENT);
    b->conf.has_zone = true;
    b->conf.zone_y_min_m = 60;
    b->conf.zone_y_max_m = 90;
    assert_int_equal(cb_speed_measure(b->road, &b->conf, b->s, n, &p), -ENODATA);
    free_bench(b);
}

static void look(struct cb_speed_sample *s, double t_s, double x_m, double y_m, uint64_t *seed)
{
    struct cb_vec2 px = synthetic_px(&hd_view, x_m, y_m, 0);
    *s = (struct cb_speed_sample){.t_ns = (int64_t) (t_s * 1e9),
                                  .x_px = px.x + normal(seed),
                                  .y_px = px.y + normal(seed),
                                  .box = {0, 0, 9, 9}};
}

/* A walker is watched for half a minute; a car that stops at a light and stays is no speeder. */
static void test_slow(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    uint64_t seed = 21;
    size_t n = 0;
    for (double t = 0; 12 + 1.3 * t < 42; t += 0.1)
        look(&b->s[n++], t, 3 + 0.3 * sin(t), 12 + 1.3 * t, &seed);
    struct cb_passage p = measure(b, n);
    assert_int_equal(p.reason, CB_REASON_NONE);
    CB_NEAR(p.speed_mps, 1.3, 0.03);
    cb_passage_deinit(&p);
    n = 0;
    for (double t = 0; t < 40; t += 0.1) {
        double moving = fmin(t, 4);
        look(&b->s[n++], t, 1, 40 - 12 * moving + 1.5 * moving * moving, &seed);
    }
    assert_int_equal(reason_of(b, n), CB_REASON_STANDING);
    free_bench(b);
}

/* Pictures come when they come, and drivers change lanes, within four seconds. */
static void test_lane_change(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    uint64_t seed = 22;
    for (int i = 0; i < 20; i++) {
        double v = 8 + 1.3 * i, t = 0;
        size_t n = 0;
        while (12 + v * t < 42) {
            double share = fmin(1, fmax(0, 0.5 + (t - 15 / v) / 4));
            look(&b->s[n++], t, -2 + 3.5 * share * share * (3 - 2 * share), 12 + v * t, &seed);
            t += 0.02 + 0.06 * uniform(&seed);
        }
        struct cb_passage p = measure(b, n);
        assert_int_equal(p.reason, CB_REASON_NONE);
        double way = hypot(p.path[p.n_path - 1].y_m - p.path[0].y_m,
                           p.path[p.n_path - 1].x_m - p.path[0].x_m);
        CB_NEAR(p.speed_mps, way / ((double) (p.t_last_ns - p.t_first_ns) * 1e-9), 0.01 * v);
        assert_true(p.speed_mps > 0.995 * v && p.u95_mps < 0.05 * v);
        cb_passage_deinit(&p);
    }
    free_bench(b);
}

/* Whatever comes, no crash, no speed out of nothing. */
static void test_hostile(void **state)
{
    (void) state;
    struct bench *b = new_bench();
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 0, 1e9, -5};
    static const int64_t when[] = {INT64_MIN, INT64_MAX, 0, -1, 40000000};
    uint64_t seed = 11;
    for (int i = 0; i < 3000; i++) {
        size_t n = drive(&hd_view, 1, 0, -15, 0, 0.5, &seed, b->s, SAMPLES_MAX);
        for (int k = 0; k < 1 + i % 40; k++) {
            struct cb_speed_sample *s = &b->s[(size_t) (uniform(&seed) * (double) n)];
            double x = odd[(size_t) (uniform(&seed) * 8)];
            switch ((int) (uniform(&seed) * 4)) {
            case 0:
                s->x_px = x;
                break;
            case 1:
                s->y_px = x;
                break;
            case 2:
                s->sigma_px = x;
                break;
            default:
                s->t_ns = when[(size_t) (uniform(&seed) * 5)];
            }
        }
        struct cb_passage p;
        int r = cb_speed_measure(b->road, &b->conf, b->s, n, &p);
        assert_true(r == 0 || r == -ENODATA);
        if (r < 0)
            continue;
        assert_true(isnan(p.speed_mps) || (p.speed_mps > 0 && p.u95_mps > 0));
        cb_passage_deinit(&p);
    }
    free_bench(b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exact),       cmocka_unit_test(test_acceleration),
    cmocka_unit_test(test_invariance),  cmocka_unit_test(test_a_sudden_brake),
    cmocka_unit_test(test_outliers),    cmocka_unit_test(test_refusals),
    cmocka_unit_test(test_hostile),     cmocka_unit_test(test_slow),
    cmocka_unit_test(test_lane_change), cmocka_unit_test(test_reference),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
