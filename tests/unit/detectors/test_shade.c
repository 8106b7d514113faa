/* What tells a cast shadow from a body, on drawn pixels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vision/shade.h"

enum { W = 64, H = 48, BLACK = 16, Y_TOP = 10, Y_LOW = 38, X = 30 };

struct scene {
    uint8_t img[W * H], mask[W * H];
    uint16_t bg[W * H];
    struct cb_foreground fg;
};

/* A road of texture, ±10 levels, the same in picture and backdrop. */
static void draw_road(struct scene *s)
{
    uint32_t seed = 1;
    for (int i = 0; i < W * H; i++) {
        seed = seed * 1664525u + 1013904223u;
        s->img[i] = (uint8_t) (120 + (int) (seed >> 24) % 21 - 10);
        s->bg[i] = (uint16_t) (s->img[i] << 8);
        s->mask[i] = 0;
    }
    s->fg = (struct cb_foreground){.img = s->img, .bg = s->bg, .mask = s->mask, .w = W, .h = H,
                                   .black = BLACK};
}

static void change(struct scene *s, int i, int luma)
{
    s->img[i] = (uint8_t) luma;
    s->mask[i] = 1;
}

/* The road times a ratio, in columns 20 to 40. */
static void cast(struct scene *s, double ratio)
{
    draw_road(s);
    for (int y = Y_TOP; y <= Y_LOW; y++)
        for (int x = 20; x <= 40; x++) {
            int i = y * W + x;
            change(s, i, BLACK + (int) ((s->img[i] - BLACK) * ratio + 0.5));
        }
}

static void test_the_road_times_one_ratio_is_shade(void **state)
{
    (void) state;
    struct scene s;
    for (double ratio = 0.3; ratio < 0.9; ratio += 0.1) {
        cast(&s, ratio);
        if (!cb_shade_is_column(&s.fg, X, Y_LOW, Y_TOP))
            fail_msg("a shadow of %.1f of the road's light is taken for a body", ratio);
    }
}

/* Snow on the picture: as much noise as the backdrop says there is, and no more. */
static void test_noise_makes_no_body_of_a_shadow(void **state)
{
    (void) state;
    struct scene s;
    uint32_t seed = 7;
    cast(&s, 0.5);
    for (int i = 0; i < W * H; i++) {
        seed = seed * 1664525u + 1013904223u;
        s.img[i] = (uint8_t) (s.img[i] + (int) (seed >> 24) % 33 - 16);
    }
    assert_false(cb_shade_is_column(&s.fg, X, Y_LOW, Y_TOP)); /* these could be a body's edges */
    s.fg.noise = 10; /* median step between two of −16 … 16 */
    assert_true(cb_shade_is_column(&s.fg, X, Y_LOW, Y_TOP));
}

static void test_what_is_darker_than_skylight_is_a_body(void **state)
{
    (void) state;
    struct scene s;
    cast(&s, 0.1);
    assert_false(cb_shade_is_column(&s.fg, X, Y_LOW, Y_TOP));
}

static void test_what_is_lighter_is_a_body(void **state)
{
    (void) state;
    struct scene s;
    cast(&s, 1.5);
    assert_false(cb_shade_is_column(&s.fg, X, Y_LOW, Y_TOP));
}

/* Bumper, grille, glass: as dark as a shadow on the whole, with edges of its own. */
static void test_a_dark_body_with_edges_is_a_body(void **state)
{
    (void) state;
    struct scene s;
    draw_road(&s);
    for (int y = Y_TOP; y <= Y_LOW; y++)
        for (int x = 20; x <= 40; x++)
            change(&s, y * W + x, y / 3 % 2 ? 40 : 90);
    assert_false(cb_shade_is_column(&s.fg, X, Y_LOW, Y_TOP));
}

/* A body above its own shadow: not shade all the way. */
static void test_a_body_above_its_shadow_is_a_body(void **state)
{
    (void) state;
    struct scene s;
    cast(&s, 0.5);
    for (int y = Y_TOP; y < 24; y++)
        for (int x = 20; x <= 40; x++)
            change(&s, y * W + x, y / 2 % 2 ? 30 : 200);
    assert_false(cb_shade_is_column(&s.fg, X, Y_LOW, Y_TOP));
    assert_true(cb_shade_is_column(&s.fg, X, Y_LOW, 27));
}

static void test_the_border_is_no_shade(void **state)
{
    (void) state;
    struct scene s;
    cast(&s, 0.5);
    assert_true(cb_shade_at(&s.fg, X, 20));
    assert_false(cb_shade_at(&s.fg, 0, 20));
    assert_false(cb_shade_at(&s.fg, W - 1, 20));
    assert_false(cb_shade_at(&s.fg, X, H - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_road_times_one_ratio_is_shade),
        cmocka_unit_test(test_noise_makes_no_body_of_a_shadow),
        cmocka_unit_test(test_what_is_darker_than_skylight_is_a_body),
        cmocka_unit_test(test_what_is_lighter_is_a_body),
        cmocka_unit_test(test_a_dark_body_with_edges_is_a_body),
        cmocka_unit_test(test_a_body_above_its_shadow_is_a_body),
        cmocka_unit_test(test_the_border_is_no_shade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
