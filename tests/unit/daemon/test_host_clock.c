#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "host_clock.h"

#define AT(s) ((int64_t) (s) * CB_NS_PER_S)

static void near(double got, double want)
{
    if (!(fabs(got - want) < 1e-9))
        fail_msg("got %.9f, want %.9f", got, want);
}

/* What adjtimex(2) tells while timesyncd or chrony holds the clock, loses its server, and is back. */
static void test_a_host_that_is_held_and_let_go(void **state)
{
    struct cb_host_clock c = {0};
    (void) state;
    struct timex t = {.offset = 2500000, .esterror = 300, .maxerror = 5000,
                      .status = STA_PLL | STA_NANO};
    cb_host_clock_update(&c, &t, TIME_OK, AT(1000));
    assert_true(c.is_synchronised && !cb_host_clock_is_beyond(&c));
    near(c.offset_s, -0.0025); /* to be added: the clock is behind */
    near(c.age_s, 10);         /* 5 ms of maxerror at 500 us a second */
    t.maxerror = 15000;
    cb_host_clock_update(&c, &t, TIME_OK, AT(1020));
    near(c.age_s, 30);
    t.maxerror = 400; /* compared again */
    t.offset = -1500;
    t.status = STA_PLL;
    cb_host_clock_update(&c, &t, TIME_OK, AT(1021));
    near(c.age_s, 0);
    near(c.offset_s, 0.0015);
    t.status |= STA_UNSYNC;
    t.maxerror = 16000000;
    cb_host_clock_update(&c, &t, TIME_ERROR, AT(1100));
    assert_false(c.is_synchronised || cb_host_clock_is_beyond(&c));
    assert_true(isnan(c.offset_s));
    near(c.age_s, 79); /* but when it was compared last is known */
}

static void test_a_host_beyond_a_second(void **state)
{
    struct cb_host_clock c = {0};
    (void) state;
    struct timex t = {.offset = -990000, .esterror = 5000, .status = STA_PLL};
    cb_host_clock_update(&c, &t, TIME_OK, AT(10));
    assert_false(cb_host_clock_is_beyond(&c));
    t.esterror = 11000; /* it may be */
    cb_host_clock_update(&c, &t, TIME_OK, AT(11));
    assert_true(cb_host_clock_is_beyond(&c));
}

static void test_a_host_that_was_never_compared(void **state)
{
    struct cb_host_clock c = {0};
    (void) state;
    struct timex t = {.status = STA_UNSYNC, .maxerror = 16000000};
    cb_host_clock_update(&c, &t, TIME_ERROR, AT(10));
    assert_true(!c.is_synchronised && isnan(c.age_s) && isnan(c.offset_s));
}

/* Pictures 0.2 to 0.9 s under way from a camera whose clock is 5 s behind, then put right. */
static void test_a_camera_against_the_host(void **state)
{
    struct cb_clock_pair p = {0};
    int64_t got = 0;
    (void) state;
    for (int i = 0; i < 600; i++)
        got = cb_clock_pair_add(&p, -AT(5) - (2 + i % 8) * (CB_NS_PER_S / 10), AT(100) + AT(i) / 10);
    near(cb_s_from_ns(got), -5.2);
    assert_false(cb_clock_pair_is_settled(&p)); /* a minute is not over */
    assert_false(cb_clock_pair_is_off(cb_s_from_ns(got), false));
    assert_true(cb_clock_pair_is_off(cb_s_from_ns(got), true));
    for (int i = 600; i < 2000; i++)
        got = cb_clock_pair_add(&p, -(2 + i % 8) * (CB_NS_PER_S / 10), AT(100) + AT(i) / 10);
    near(cb_s_from_ns(got), -0.2);
    assert_true(cb_clock_pair_is_settled(&p));
    assert_false(cb_clock_pair_is_off(cb_s_from_ns(got), true));
    for (int i = 2000; i < 3400; i++) /* and a step back is seen within two minutes */
        got = cb_clock_pair_add(&p, -AT(9), AT(100) + AT(i) / 10);
    near(cb_s_from_ns(got), -9);
    assert_true(cb_clock_pair_is_off(1.01, false) && !cb_clock_pair_is_off(0.99, true));
    assert_false(cb_clock_pair_is_off(-2.9, true) || cb_clock_pair_is_off(NAN, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_that_is_held_and_let_go),
        cmocka_unit_test(test_a_host_beyond_a_second),
        cmocka_unit_test(test_a_host_that_was_never_compared),
        cmocka_unit_test(test_a_camera_against_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
