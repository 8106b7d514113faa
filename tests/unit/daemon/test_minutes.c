#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "minutes.h"
#include "schema/minute.h"
#include "schema/noise.h"

#define MINUTE (60 * CB_NS_PER_S)
#define T0 (INT64_C(29400000) * MINUTE) /* a whole minute of UTC */

static void pass(struct cb_minutes *m, int64_t utc_ns, double v_mps)
{
    struct cb_passage p = {.speed_mps = v_mps};
    cb_minutes_add_passage(m, 0, utc_ns, &p);
}

static struct cb_minute *take(struct cb_minutes *m, size_t *ret_n)
{
    uint64_t number;
    char *json = NULL;
    struct cb_minute *row = NULL;
    struct cb_error e = {0};
    *ret_n = 0;
    int r = cb_minutes_next(m, &number, &json);
    if (r == -EAGAIN)
        return NULL;
    assert_int_equal(r, 0);
    r = cb_minutes_parse(json, strlen(json), &row, ret_n, &e);
    if (r < 0)
        fail_msg("%s: %s in %s", e.where, e.text, json);
    free(json);
    cb_minutes_done(m, number);
    return row;
}

static struct cb_minutes *make(int64_t now)
{
    struct cb_minutes *m = NULL;
    assert_int_equal(cb_minutes_create(&m), 0);
    assert_int_equal(cb_minutes_add_camera(m, "c1", now), 0);
    return m;
}

static void test_mean_p85_and_laeq(void **state)
{
    (void) state;
    struct cb_minutes *m = make(T0);
    for (int i = 1; i <= 20; i++)
        pass(m, T0 + i * CB_NS_PER_S, i); /* mean 10.5, 85 % of 20 is the 17th */
    pass(m, T0 + 30 * CB_NS_PER_S, NAN);  /* seen, not measured */
    struct cb_noise_level a = {.laf_db = 60, .lafmax_db = 61}, b = {.laf_db = 70, .lafmax_db = 72};
    cb_minutes_add_level(m, 0, T0 + CB_NS_PER_S, &a);
    cb_minutes_add_level(m, 0, T0 + 2 * CB_NS_PER_S, &b);
    cb_minutes_tick(m, T0 + 2 * MINUTE);
    size_t n;
    struct cb_minute *row = take(m, &n);
    assert_int_equal(n, 1);
    assert_string_equal(row->camera, "c1");
    assert_true(row->minute_utc_ns == T0);
    assert_int_equal(row->n_passages, 21);
    assert_int_equal(row->n_measured, 20);
    assert_true(fabs(row->mean_mps - 10.5) < 0.01 && fabs(row->p85_mps - 17) < 0.01);
    /* 10 lg((10^6 + 10^7) / 2) */
    assert_true(fabs(row->laeq_db - 67.40) < 0.01 && row->lafmax_db == 72);
    free(row);
    cb_minutes_destroy(&m);
}

/* A passage is reported after its minute is over, and still counts in it. */
static void test_late_passage_counts_in_its_minute(void **state)
{
    (void) state;
    struct cb_minutes *m = make(T0);
    struct cb_noise_level next = {.laf_db = 50, .lafmax_db = 50};
    cb_minutes_add_level(m, 0, T0 + MINUTE + CB_NS_PER_S, &next);
    pass(m, T0 + MINUTE - CB_NS_PER_S, 12);
    cb_minutes_tick(m, T0 + MINUTE + 10 * CB_NS_PER_S);
    size_t n;
    assert_null(take(m, &n));
    cb_minutes_tick(m, T0 + MINUTE + 30 * CB_NS_PER_S);
    struct cb_minute *row = take(m, &n);
    assert_int_equal(n, 1);
    assert_int_equal(row->n_passages, 1);
    free(row);
    cb_minutes_destroy(&m);
}

static void test_not_done_is_given_again(void **state)
{
    (void) state;
    struct cb_minutes *m = make(T0 + 20 * CB_NS_PER_S);
    cb_minutes_tick(m, T0 + 2 * MINUTE);
    uint64_t a, b;
    char *first = NULL, *again = NULL;
    assert_int_equal(cb_minutes_next(m, &a, &first), 0);
    assert_int_equal(cb_minutes_next(m, &b, &again), 0);
    assert_string_equal(first, again);
    assert_true(a != b);
    assert_non_null(strstr(first, "20")); /* counting began 20 s into the minute */
    cb_minutes_done(m, a);                /* an answer that came too late changes nothing */
    free(again);
    assert_int_equal(cb_minutes_next(m, &b, &again), 0);
    cb_minutes_done(m, b);
    free(first);
    free(again);
    assert_int_equal(cb_minutes_next(m, &b, &again), -EAGAIN);
    cb_minutes_destroy(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_p85_and_laeq),
        cmocka_unit_test(test_late_passage_counts_in_its_minute),
        cmocka_unit_test(test_not_done_is_given_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
