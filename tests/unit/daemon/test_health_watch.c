#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "health_watch.h"

static const struct cb_health lost = {.camera = "c1", .district = "福田", .what = CB_HEALTH_LOST,
                                      .text = "gives no pictures or sound"};
static const struct cb_health disk = {.what = CB_HEALTH_DISK, .text = "outbox: full"};

/* One look, at second s. @return whether what is raised has changed */
static bool look(struct cb_health_watch *w, int s, bool has_lost, bool has_disk)
{
    cb_health_watch_begin(w, s * CB_NS_PER_S, (1000 + s) * CB_NS_PER_S);
    if (has_disk)
        cb_health_watch_add(w, &disk);
    if (has_lost)
        cb_health_watch_add(w, &lost);
    return cb_health_watch_end(w);
}

static size_t n_raised(const struct cb_health_watch *w, struct cb_health *ret_first)
{
    struct cb_health *h = NULL;
    size_t n = 0;
    assert_int_equal(cb_health_watch_raised(w, &h, &n), 0);
    if (n && ret_first)
        *ret_first = h[0];
    free(h);
    return n;
}

static void test_what_lasts_is_raised_once_and_cleared_once(void **state)
{
    struct cb_health_watch w = {.node = "edge-1"};
    struct cb_health h;
    (void) state;
    for (int s = 10; s < 15; s++)
        assert_false(look(&w, s, true, false));
    assert_int_equal(n_raised(&w, NULL), 0);
    assert_true(look(&w, 15, true, false));
    assert_false(look(&w, 16, true, false));
    assert_int_equal(n_raised(&w, &h), 1);
    assert_string_equal(h.node, "edge-1");
    assert_string_equal(h.camera, "c1");
    assert_string_equal(h.district, "福田");
    assert_true(h.is_raised && h.since_utc_ns == 1010 * CB_NS_PER_S);
    for (int s = 17; s < 21; s++) /* seen last at 16 */
        assert_false(look(&w, s, false, false));
    assert_int_equal(n_raised(&w, NULL), 1);
    assert_true(look(&w, 21, false, false));
    assert_int_equal(n_raised(&w, NULL), 0);
    cb_health_watch_deinit(&w);
}

static void test_a_breath_is_nobodys_errand(void **state)
{
    struct cb_health_watch w = {.node = "edge-1"};
    (void) state;
    for (int s = 0; s < 40; s++) /* there four seconds, gone one */
        assert_false(look(&w, s, s % 5 != 4, false));
    for (int s = 40; s < 46; s++)
        look(&w, s, true, false);
    assert_int_equal(n_raised(&w, NULL), 1);
    for (int s = 46; s < 80; s++) /* raised, it is not over for being away two looks of three */
        assert_false(look(&w, s, s % 3 == 0, false));
    cb_health_watch_deinit(&w);
}

static void test_each_thing_by_itself(void **state)
{
    struct cb_health_watch w = {.node = "edge-1"};
    struct cb_health h;
    (void) state;
    for (int s = 0; s <= 5; s++)
        look(&w, s, true, s >= 2);
    assert_int_equal(n_raised(&w, NULL), 1);
    assert_false(look(&w, 6, true, true));
    assert_true(look(&w, 7, true, true));
    assert_int_equal(n_raised(&w, NULL), 2);
    for (int s = 8; s < 12; s++)
        look(&w, s, false, true);
    assert_true(look(&w, 12, false, true));
    assert_int_equal(n_raised(&w, &h), 1);
    assert_int_equal(h.what, CB_HEALTH_DISK);
    assert_string_equal(h.camera, "");
    cb_health_watch_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_lasts_is_raised_once_and_cleared_once),
        cmocka_unit_test(test_a_breath_is_nobodys_errand),
        cmocka_unit_test(test_each_thing_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
