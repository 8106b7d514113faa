/* Which of the changes are shadow that the sun casts, on drawn pixels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/camera.h"
#include "vision/cast.h"

enum { W = 160, H = 120, BLACK = 16, SIDE = 40 };
#define M_PER_PX 0.05 /* seen from straight above */
#define RATIO    0.7 /* of a low sun; */
#define HIGH_SUN 0.5

struct scene {
    uint8_t img[W * H], mask[W * H];
    uint16_t bg[W * H];
    int span[2 * H];
    struct cb_foreground fg;
    struct cb_region region;
    struct cb_road *road;
    struct cb_cast *cast;
};

static void clear(struct scene *s)
{
    for (int i = 0; i < W * H; i++) {
        s->img[i] = (uint8_t) (s->bg[i] >> 8);
        s->mask[i] = 0;
    }
    s->fg = (struct cb_foreground){.img = s->img, .bg = s->bg, .mask = s->mask, .w = W, .h = H,
                                   .black = BLACK, .noise = 1};
}

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct cb_calibration_point at[4];
    for (int i = 0; i < 4; i++) {
        double x = i % 2 ? W - 1 : 0, y = i / 2 ? H - 1 : 0;
        at[i] = (struct cb_calibration_point){x, y, x * M_PER_PX, 20 - y * M_PER_PX, 0};
    }
    struct cb_calibration_conf conf = {.points = at, .n_points = 4};
    struct cb_error err = {0};
    uint32_t seed = 1;
    if (!s || cb_road_create(&s->road, &conf, W, H, &err) < 0)
        return -1;
    for (int y = 0; y < H; y++)
        s->span[2 * y + 1] = W;
    for (int i = 0; i < W * H; i++) { /* a road of texture, ±10 levels */
        seed = seed * 1664525u + 1013904223u;
        s->bg[i] = (uint16_t) (120 + (int) (seed >> 24) % 21 - 10) << 8;
    }
    s->region = (struct cb_region){.factor = 1, .w = W, .h = H, .span = s->span, .near = 1};
    clear(s);
    *state = s;
    return cb_cast_create(&s->cast, &s->region, s->road);
}

static int teardown(void **state)
{
    struct scene *s = *state;
    cb_cast_destroy(&s->cast);
    cb_road_destroy(&s->road);
    free(s);
    return 0;
}

static void change(struct scene *s, int i, double luma)
{
    s->img[i] = (uint8_t) (luma + 0.5);
    s->mask[i] = 2;
}

/* The road, darkened. */
static void shade(struct scene *s, int x0, int y0, int w, int h, double ratio)
{
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++) {
            int i = y * W + x;
            change(s, i, BLACK + ((s->bg[i] >> 8) - BLACK) * ratio);
        }
}

/* A smooth body. */
static void paint(struct scene *s, int x0, int y0, int w, int h, double luma)
{
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++)
            change(s, y * W + x, luma);
}

static int count(const struct scene *s, int x0, int y0, int w, int h)
{
    int n = 0;
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++)
            n += s->fg.mask[y * W + x] != 0;
    return n;
}

static void learn(struct scene *s, double ratio)
{
    for (int k = 0; k < 8; k++) {
        clear(s);
        shade(s, 20 + 8 * k, 30, SIDE, SIDE, ratio);
        cb_cast_learn(s->cast, &s->fg, s->span);
    }
    clear(s);
}

static void test_the_suns_ratio_is_learnt_from_broad_shadows(void **state)
{
    struct scene *s = *state;
    learn(s, RATIO);
    assert_true(s->cast->ratio > RATIO - 0.02 && s->cast->ratio < RATIO + 0.02);
}

static void test_a_high_suns_shadows_are_left(void **state)
{
    struct scene *s = *state;
    learn(s, HIGH_SUN);
    assert_true(s->cast->ratio == 0);
}

static void test_cast_shadow_is_no_change_with_its_rim_and_paint(void **state)
{
    struct scene *s = *state;
    learn(s, RATIO);
    shade(s, 50, 40, SIDE, SIDE, RATIO);
    shade(s, 48, 40, 2, SIDE, 0.87); /* its soft rim */
    shade(s, 65, 40, 3, SIDE, 0.8); /* a line, whose paint is too bright to darken alike */
    assert_int_equal(cb_cast_take_out(s->cast, &s->fg, s->span), 0);
    assert_true(count(s, 0, 0, W, H) <= 8); /* corners */
    assert_true(s->fg.shade[60 * W + 70]);
    assert_false(s->fg.shade[20 * W + 70]);
}

/* The road's texture does not go on beneath it, all of its border is lit road or not. */
static void test_a_body_as_dark_as_the_shadow_is_a_body(void **state)
{
    struct scene *s = *state;
    learn(s, RATIO);
    paint(s, 50, 40, SIDE, SIDE, BLACK + (120 - BLACK) * RATIO);
    assert_int_equal(cb_cast_take_out(s->cast, &s->fg, s->span), 0);
    assert_true(count(s, 50, 40, SIDE, SIDE) > 0.95 * SIDE * SIDE);
}

/* Body, the dark beneath it, its shadow on the road towards the camera. */
static void test_the_dark_beneath_a_body_stays_its_lower_edge(void **state)
{
    struct scene *s = *state;
    learn(s, RATIO);
    paint(s, 50, 30, SIDE, 30, 200);
    shade(s, 50, 60, SIDE, 5, 0.2);
    shade(s, 50, 65, SIDE, 30, RATIO);
    assert_int_equal(cb_cast_take_out(s->cast, &s->fg, s->span), 0);
    assert_true(count(s, 50, 30, SIDE, 34) > 0.98 * SIDE * 34);
    assert_int_equal(count(s, 0, 66, W, H - 66), 0);
}

static void test_two_bodies_that_a_shadow_joined_are_two(void **state)
{
    struct scene *s = *state;
    learn(s, RATIO);
    paint(s, 20, 30, 30, 40, 200);
    shade(s, 50, 30, 40, 40, RATIO);
    paint(s, 90, 30, 30, 40, 30);
    assert_int_equal(cb_cast_take_out(s->cast, &s->fg, s->span), 0);
    struct cb_blobs b = {0};
    assert_int_equal(cb_blobs_find(&b, s->fg.mask, W, H, true), 0);
    assert_int_equal(b.n, 2);
    cb_blobs_deinit(&b);
}

/* Grey bodies, however many and alike. */
static void test_nothing_is_learnt_from_bodies(void **state)
{
    struct scene *s = *state;
    for (int k = 0; k < 40; k++) {
        clear(s);
        paint(s, 20 + k, 30, SIDE, SIDE, BLACK + (120 - BLACK) * RATIO);
        assert_int_equal(cb_cast_take_out(s->cast, &s->fg, s->span), 0);
        assert_true(count(s, 20 + k, 30, SIDE, SIDE) == SIDE * SIDE);
        assert_true(s->cast->ratio == 0);
        assert_null(s->fg.shade);
    }
}

/* The dark beneath a vehicle keeps the road's texture, but is never broad. */
static void test_nothing_is_learnt_from_narrow_dark(void **state)
{
    struct scene *s = *state;
    for (int k = 0; k < 100; k++) {
        clear(s);
        shade(s, 20 + k % 40, 30, SIDE, 10, RATIO);
        cb_cast_learn(s->cast, &s->fg, s->span);
    }
    assert_true(s->cast->ratio == 0);
}

static void test_a_strip_within_shadow_is_a_rest_of_it(void **state)
{
    struct scene *s = *state;
    uint8_t shaded[W * H] = {0};
    struct cb_blobs b = {0};
    for (int is_rest = 0; is_rest < 2; is_rest++) {
        clear(s);
        paint(s, 60, 30, 4, 40, 200);
        memset(shaded, 0, sizeof shaded);
        for (int y = 30; y < 70; y++)
            shaded[y * W + 64] = shaded[y * W + 59] = is_rest;
        s->fg.shade = shaded;
        assert_int_equal(cb_blobs_find(&b, s->mask, W, H, true), 0);
        assert_int_equal(cb_cast_is_rest(&s->fg, &b, 0), is_rest);
    }
    cb_blobs_deinit(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_suns_ratio_is_learnt_from_broad_shadows),
        TEST(test_a_high_suns_shadows_are_left),
        TEST(test_cast_shadow_is_no_change_with_its_rim_and_paint),
        TEST(test_a_body_as_dark_as_the_shadow_is_a_body),
        TEST(test_the_dark_beneath_a_body_stays_its_lower_edge),
        TEST(test_two_bodies_that_a_shadow_joined_are_two),
        TEST(test_nothing_is_learnt_from_bodies),
        TEST(test_nothing_is_learnt_from_narrow_dark),
        TEST(test_a_strip_within_shadow_is_a_rest_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
