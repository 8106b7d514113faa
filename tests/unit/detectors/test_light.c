/* What tells headlights' light on the road from a body, on drawn pixels. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "vision/light.h"

enum { W = 200, H = 160, BLACK = 16, ROAD = 60, PAINT = 140, CHANGED = 9 };

struct scene {
    uint8_t img[W * H], mask[W * H];
    uint16_t bg[W * H];
    int span[2 * H];
    struct cb_foreground fg;
    struct cb_light_map map;
};

/* Asphalt with a painted line at x 60 to 63. */
static void draw_road(struct scene *s, int luma)
{
    for (int i = 0; i < W * H; i++) {
        s->img[i] = (uint8_t) (i % W >= 60 && i % W < 64 ? PAINT : luma);
        s->bg[i] = (uint16_t) (s->img[i] << 8);
    }
    for (int y = 0; y < H; y++) {
        s->span[2 * y] = 0;
        s->span[2 * y + 1] = W;
    }
    s->fg = (struct cb_foreground){.img = s->img, .bg = s->bg, .mask = s->mask, .w = W, .h = H,
                                   .black = BLACK, .noise = 1};
}

/* Light about (100, 80) that falls off softly, so many px wide; paint gives more of it back. */
static void light_up_wide(struct scene *s, double wide, double high)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int i = y * W + x, luma = s->img[i];
            double r = hypot((x - 100) / wide, (y - 80) / high);
            s->img[i] = (uint8_t) fmin(255, luma + 90 * exp(-r * r) * (luma + 20) / (ROAD + 20));
        }
}

static void light_up(struct scene *s)
{
    light_up_wide(s, 22, 16);
}

static void draw_body(struct scene *s, int x0, int y0, int x1, int y1, int luma)
{
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            s->img[y * W + x] = (uint8_t) luma;
}

static bool clear_at(struct scene *s, double px_per_m)
{
    for (int i = 0; i < W * H; i++)
        s->mask[i] = abs(s->img[i] - (s->bg[i] >> 8)) > CHANGED;
    assert_int_equal(0, cb_light_map_init(&s->map, W, H, px_per_m));
    assert_int_equal(0, cb_light_map_clear(&s->map, &s->fg, s->span));
    return s->fg.light;
}

static bool clear(struct scene *s)
{
    return clear_at(s, 18);
}

static int count(const struct scene *s, int x0, int y0, int x1, int y1)
{
    int n = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            n += s->fg.mask[y * W + x] != 0;
    return n;
}

static void test_a_pool_leaves_nothing_in_the_mask(void **state)
{
    (void) state;
    static struct scene s;
    draw_road(&s, ROAD);
    light_up(&s);
    assert_true(clear(&s));
    assert_in_range(count(&s, 0, 0, W, H), 0, 30); /* rims of the paint */
    assert_int_equal(1, s.fg.light[80 * W + 100]);
    cb_light_map_deinit(&s.map);
}

/* A dark body in the pool, and a bright one: both stay, to their last row. */
static void test_bodies_in_a_pool_stay(void **state)
{
    (void) state;
    for (int luma = 25; luma < 256; luma += 205) {
        static struct scene s;
        draw_road(&s, ROAD);
        light_up(&s);
        draw_body(&s, 90, 60, 110, 95, luma);
        assert_true(clear(&s));
        assert_in_range(count(&s, 91, 61, 109, 94), 18 * 33 * 9 / 10, 18 * 33);
        assert_in_range(count(&s, 91, 92, 109, 95), 18 * 2, 18 * 3);
        assert_in_range(count(&s, 115, 0, W, H), 0, 10);
        cb_light_map_deinit(&s.map);
    }
}

/* A little brighter than the light around it, as a yellow car's roof: in a sharp picture its edge shows. */
static void test_a_body_as_bright_as_its_light_stays(void **state)
{
    (void) state;
    for (int is_sharp = 0; is_sharp < 2; is_sharp++) {
        static struct scene s;
        draw_road(&s, ROAD);
        light_up_wide(&s, 50, 40);
        draw_body(&s, 85, 70, 115, 90, 170);
        assert_true(clear_at(&s, is_sharp ? 64 : 18));
        int n = count(&s, 86, 71, 114, 89);
        if (is_sharp)
            assert_in_range(n, 28 * 18 * 9 / 10, 28 * 18);
        else
            assert_in_range(n, 0, 28 * 18 * 9 / 10 - 1); /* or the test shows nothing */
        assert_in_range(count(&s, 0, 0, 80, H), 0, 60);
        cb_light_map_deinit(&s.map);
    }
}

/* Uniform and lighter than the road, as a white car's side: no light, with or without a pool. */
static void test_a_lit_side_is_no_light(void **state)
{
    (void) state;
    static struct scene s;
    draw_road(&s, ROAD);
    draw_body(&s, 90, 60, 130, 95, ROAD + 40);
    assert_false(clear(&s));
    assert_ptr_equal(s.mask, s.fg.mask);
    assert_null(s.fg.light);
    cb_light_map_deinit(&s.map);
}

/* A body that gets softly as dark as the road towards its middle, (120, 80). */
static void draw_hollow_body(struct scene *s)
{
    draw_body(s, 80, 40, 160, 120, ROAD + 60);
    for (int y = 50; y < 110; y++)
        for (int x = 90; x < 150; x++) {
            double r = hypot(x - 120, y - 80) / 30;
            s->img[y * W + x] = (uint8_t) (ROAD + 60 * fmin(1, r * r));
        }
}

/* A hole is no road from which light comes in. */
static void test_a_hole_in_a_body_lets_no_light_in(void **state)
{
    (void) state;
    static struct scene s;
    draw_road(&s, ROAD);
    draw_hollow_body(&s);
    clear(&s);
    assert_in_range(count(&s, 81, 41, 159, 49), 78 * 8, 78 * 8);
    assert_in_range(count(&s, 81, 111, 159, 119), 78 * 8, 78 * 8);
    cb_light_map_deinit(&s.map);
}

/* Nor one that meets the road at corners only, from one square of the picture to the next. */
static void test_a_corner_lets_no_light_in(void **state)
{
    (void) state;
    static struct scene s;
    draw_road(&s, ROAD);
    draw_hollow_body(&s);
    for (int k = 0; k < 10; k++)
        draw_body(&s, 76 + 4 * k, 36 + 4 * k, 80 + 4 * k, 40 + 4 * k, ROAD);
    clear(&s);
    assert_in_range(count(&s, 81, 111, 159, 119), 78 * 8, 78 * 8);
    cb_light_map_deinit(&s.map);
}

static void test_by_day_nothing_is_light(void **state)
{
    (void) state;
    static struct scene s;
    draw_road(&s, 125);
    light_up(&s);
    assert_false(clear(&s));
    cb_light_map_deinit(&s.map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pool_leaves_nothing_in_the_mask),
        cmocka_unit_test(test_bodies_in_a_pool_stay),
        cmocka_unit_test(test_a_body_as_bright_as_its_light_stays),
        cmocka_unit_test(test_a_lit_side_is_no_light),
        cmocka_unit_test(test_a_hole_in_a_body_lets_no_light_in),
        cmocka_unit_test(test_a_corner_lets_no_light_in),
        cmocka_unit_test(test_by_day_nothing_is_light),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
