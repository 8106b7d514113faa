/* A wet road mirrors all who drive on it; on a dry one somebody without a dark foot is just that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "track/foot.h"

#define DARK_FOOT 0.5
#define NO_FOOT   0.02

static bool passes(struct cb_feet *f, double step)
{
    struct cb_track t = {.id = 1};
    for (int i = 0; i < 12; i++) {
        struct cb_track_point p = {.t_ns = i, .y_m = 20, .patch = CB_PATCH_OWN, .foot_step = step};
        assert_int_equal(cb_track_add(&t, &p), 0);
    }
    bool ret = !cb_feet_are_dry(f) && cb_foot_is_mirrored(&t);
    cb_feet_note(f, &t);
    assert_false(cb_foot_is_unsteady(&t));
    cb_track_deinit(&t);
    return ret;
}

static void test_the_first_is_judged_by_its_own_edge(void **state)
{
    (void) state;
    struct cb_feet f = {0};
    assert_false(passes(&f, DARK_FOOT));
    f = (struct cb_feet){0};
    assert_true(passes(&f, NO_FOOT));
}

static void test_a_dry_road_mirrors_nobody(void **state)
{
    (void) state;
    struct cb_feet f = {0};
    for (int i = 0; i < 4; i++)
        assert_false(passes(&f, DARK_FOOT));
    assert_false(passes(&f, NO_FOOT));
}

static void test_a_wet_road_mirrors_all(void **state)
{
    (void) state;
    struct cb_feet f = {0};
    for (int i = 0; i < 20; i++) {
        bool has_foot = i % 4 == 3; /* who is as dark as its mirror image */
        assert_int_equal(passes(&f, has_foot ? DARK_FOOT : NO_FOOT), !has_foot);
    }
}

/* It has begun to rain. */
static void test_a_road_becomes_wet(void **state)
{
    (void) state;
    struct cb_feet f = {0};
    for (int i = 0; i < 50; i++)
        assert_false(passes(&f, DARK_FOOT));
    int n_trusted = 0;
    while (n_trusted < 50 && !passes(&f, NO_FOOT))
        n_trusted++;
    assert_in_range(n_trusted, 0, 3);
}

/* Its white body is in a house's shadow, and the dark beneath it was taken for that. */
static void test_now_the_foot_now_the_body(void **state)
{
    (void) state;
    struct cb_track t = {.id = 1};
    for (int i = 0; i < 30; i++) {
        struct cb_track_point p = {.t_ns = i, .y_m = 20, .patch = CB_PATCH_OWN,
                                   .foot_step = i < 12 ? -0.8 : DARK_FOOT};
        assert_int_equal(cb_track_add(&t, &p), 0);
    }
    assert_false(cb_foot_is_mirrored(&t));
    assert_true(cb_foot_is_unsteady(&t));
    cb_track_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_is_judged_by_its_own_edge),
        cmocka_unit_test(test_a_dry_road_mirrors_nobody),
        cmocka_unit_test(test_a_wet_road_mirrors_all),
        cmocka_unit_test(test_a_road_becomes_wet),
        cmocka_unit_test(test_now_the_foot_now_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
