#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "unit/test.h"
#include "vision/drift.h"

/*
 * A textured street of the test's own, drawn anew for each look at any sub-pixel place: squares of
 * random grey with soft edges, so that nothing is resampled.
 */

#define W 1280
#define H 720

struct world {
    double x_px, y_px, turn_rad;   /* where the camera looks, against how it was calibrated */
    double gain, offset, noise;    /* levels */
    double box_x_px;               /* left end of a dark box 400 × 300; NaN: none */
    bool is_dark, is_other;
};

static const struct world calm = {0, 0, 0, 1, 0, 2, NAN, false, false};

static unsigned hashed(int x, int y, unsigned salt)
{
    unsigned h = (unsigned) x * 374761393u + (unsigned) y * 668265263u + salt * 2246822519u;
    h = (h ^ (h >> 13)) * 1274126177u;
    return h ^ (h >> 16);
}

static double level_at(double x, double y, unsigned salt)
{
    const double cell = 40, soft = 2;
    int i = (int) floor(x / cell), j = (int) floor(y / cell);
    double fx = x - i * cell, fy = y - j * cell;
    double a = fx > cell - soft ? (fx - cell + soft) / soft : 0;
    double b = fy > cell - soft ? (fy - cell + soft) / soft : 0;
    double v[4];
    for (int k = 0; k < 4; k++)
        v[k] = 60 + hashed(i + (k & 1), j + (k >> 1), salt) % 120;
    return (1 - b) * ((1 - a) * v[0] + a * v[1]) + b * ((1 - a) * v[2] + a * v[3]);
}

static uint8_t pixel(const struct world *w, int x, int y, unsigned k)
{
    double n = w->noise * ((double) (hashed(x, y, k) % 1000) / 500 - 1);
    if (w->is_dark)
        return (uint8_t) (20 + n);
    if (x >= w->box_x_px && x < w->box_x_px + 400 && y >= 250 && y < 550)
        return (uint8_t) (30 + n);
    double dx = x - W / 2.0, dy = y - H / 2.0;
    double u = dx - w->turn_rad * dy + w->x_px, v = dy + w->turn_rad * dx + w->y_px;
    double l = w->offset + w->gain * level_at(u + 5000, v + 5000, w->is_other ? 7 : 1) + n;
    return (uint8_t) (l < 0 ? 0 : l > 255 ? 255 : l);
}

struct watch {
    struct cb_drift *d;
    uint8_t *img;
    unsigned k; /* looks so far, five a second */
    int n_changes;
};

static void see(struct watch *t, const struct world *w)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            t->img[y * W + x] = pixel(w, x, y, t->k + 11);
    struct cb_picture p = {.plane = {t->img}, .stride = {W}, .width = W, .height = H,
                           .t_ns = (int64_t) t->k * 200 * CB_NS_PER_MS};
    int r = cb_drift_add(t->d, &p);
    assert_true(r >= 0);
    t->n_changes += r;
    t->k++;
}

static void see_for(struct watch *t, const struct world *w, int looks)
{
    for (int i = 0; i < looks; i++)
        see(t, w);
}

static void start(struct watch *t)
{
    *t = (struct watch){.img = malloc(W * H)};
    assert_non_null(t->img);
    assert_int_equal(cb_drift_create(&t->d, NULL, W, H), 0);
    see_for(t, &calm, 50);
    assert_true(cb_drift_state(t->d).is_watching);
    assert_true(cb_drift_state(t->d).shift_px < 0.2);
}

static void stop(struct watch *t)
{
    cb_drift_destroy(&t->d);
    free(t->img);
}

static void a_knock_of_three_px_suspends_until_it_is_back(void **state)
{
    (void) state;
    struct watch t;
    struct world w = calm;
    start(&t);
    w.x_px = 2.4, w.y_px = 1.8;
    see_for(&t, &w, 8);
    assert_false(cb_drift_state(t.d).is_suspended); /* 1.6 s: a lorry's draught, perhaps */
    assert_true(cb_drift_state(t.d).is_in_doubt);   /* but nobody is charged meanwhile */
    see_for(&t, &w, 32);
    struct cb_drift_state s = cb_drift_state(t.d);
    assert_true(s.is_suspended);
    if (!(fabs(s.shift_px - 3) < 0.3))
        fail_msg("shift %.3f px, want 3 ± 0.3", s.shift_px);
    see_for(&t, &calm, 40);
    s = cb_drift_state(t.d);
    assert_false(s.is_suspended || s.is_in_doubt);
    assert_int_equal(t.n_changes, 2);
    stop(&t);
}

static void shake_of_two_px_does_not(void **state)
{
    (void) state;
    struct watch t;
    start(&t);
    for (int i = 0; i < 100; i++) {
        struct world w = calm;
        double angle = hashed(i, 3, 5) % 628 / 100.0, size = hashed(i, 4, 6) % 200 / 100.0;
        w.x_px = size * cos(angle), w.y_px = size * sin(angle);
        see(&t, &w);
        struct cb_drift_state s = cb_drift_state(t.d);
        assert_false(s.is_suspended || s.is_in_doubt);
        assert_true(s.is_watching);
        if (!(s.shift_px < 1.2))
            fail_msg("look %d: shift %.3f px under shake, want below 1.2", i, s.shift_px);
    }
    stop(&t);
}

static void light_does_not(void **state)
{
    (void) state;
    static const double gain[] = {0.5, 1.3, 0.8, 1.0}, offset[] = {40, -10, 20, 0};
    struct watch t;
    start(&t);
    for (int i = 0; i < 4; i++) {
        struct world w = calm;
        w.gain = gain[i], w.offset = offset[i];
        see_for(&t, &w, 30);
        assert_false(cb_drift_state(t.d).is_suspended);
        assert_true(cb_drift_state(t.d).is_watching);
        assert_true(cb_drift_state(t.d).shift_px < 0.5);
    }
    stop(&t);
}

static void dark_boxes_that_pass_do_not(void **state)
{
    (void) state;
    struct watch t;
    start(&t);
    for (int i = 0; i < 80; i++) {
        struct world w = calm;
        w.box_x_px = -400 + i % 20 * 84.0;
        see(&t, &w);
        assert_false(cb_drift_state(t.d).is_suspended || cb_drift_state(t.d).is_in_doubt);
        assert_true(cb_drift_state(t.d).shift_px < 0.5);
    }
    stop(&t);
}

static void a_turn_about_the_middle_suspends(void **state)
{
    (void) state;
    struct watch t;
    struct world w = calm;
    start(&t);
    w.turn_rad = 0.012; /* 4 px in the middle of a quarter */
    see_for(&t, &w, 45);
    assert_true(cb_drift_state(t.d).is_suspended);
    stop(&t);
}

static void another_view_suspends_but_the_dark_does_not(void **state)
{
    (void) state;
    struct watch t;
    struct world w = calm;
    start(&t);
    w.is_dark = true;
    see_for(&t, &w, 60);
    assert_false(cb_drift_state(t.d).is_suspended);
    assert_false(cb_drift_state(t.d).is_watching);
    w.is_dark = false, w.is_other = true;
    see_for(&t, &w, 60);
    assert_true(cb_drift_state(t.d).is_suspended);
    assert_true(cb_drift_state(t.d).is_lost);
    see_for(&t, &calm, 45);
    assert_false(cb_drift_state(t.d).is_suspended);
    stop(&t);
}

static void a_blank_picture_is_not_watched(void **state)
{
    (void) state;
    struct watch t = {.img = malloc(W * H)};
    struct world w = calm;
    w.is_dark = true;
    assert_int_equal(cb_drift_create(&t.d, NULL, W, H), 0);
    see_for(&t, &w, 50);
    assert_false(cb_drift_state(t.d).is_watching || cb_drift_state(t.d).is_suspended);
    see_for(&t, &calm, 70); /* and is learnt once there is something to see */
    assert_true(cb_drift_state(t.d).is_watching);
    stop(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_knock_of_three_px_suspends_until_it_is_back),
        cmocka_unit_test(shake_of_two_px_does_not),
        cmocka_unit_test(light_does_not),
        cmocka_unit_test(dark_boxes_that_pass_do_not),
        cmocka_unit_test(a_turn_about_the_middle_suspends),
        cmocka_unit_test(another_view_suspends_but_the_dark_does_not),
        cmocka_unit_test(a_blank_picture_is_not_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
