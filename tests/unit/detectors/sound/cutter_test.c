#include "unit/test.h"

#include <math.h>

#include "base/clock.h"
#include "sound/cutter.h"

#define TICK_NS (10 * CB_NS_PER_MS)
#define FLOOR   1e4 /* power of the street, 40 dB */

/* What a cutter made of a run of levels. */
struct cut {
    size_t n;
    double t_start_s[8], t_peak_s[8], t_end_s[8], peak_db[8];
};

static void keep_cut(struct cut *got, const struct cb_cutter *c)
{
    if (got->n == 8)
        return;
    got->t_start_s[got->n] = cb_s_from_ns(c->t_start_ns);
    got->t_peak_s[got->n] = cb_s_from_ns(c->peak.t_ns);
    got->peak_db[got->n] = c->peak.db;
    got->t_end_s[got->n++] = cb_s_from_ns(c->t_end_ns);
}

/* Vehicles that pass at 8 m with 14 m/s, each at its time; 90 dB at the nearest. */
static struct cut pass(const double *at_s, size_t n, double seconds)
{
    struct cb_cutter c;
    struct cut got = {0};
    cb_cutter_init(&c, NAN);
    for (int64_t t_ns = 0; t_ns < (int64_t) (seconds * 1e9); t_ns += TICK_NS) {
        double power = FLOOR;
        for (size_t i = 0; i < n; i++) {
            double y_m = 14 * (cb_s_from_ns(t_ns) - at_s[i]);
            power += 1e9 / (1 + y_m * y_m / 64);
        }
        if (cb_cutter_add(&c, t_ns, 10 * log10(power), 40) == CB_CUT_END)
            keep_cut(&got, &c);
    }
    return got;
}

static void test_one_pass_is_one_event(void **state)
{
    (void) state;
    struct cut got = pass((const double[]){6}, 1, 15);
    assert_int_equal(got.n, 1);
    assert_true(fabs(got.t_peak_s[0] - 6) < 0.02);
}

/* 3 s apart the level falls by 5.9 dB between them: no event may span both. */
static void test_a_dip_parts_two_vehicles(void **state)
{
    (void) state;
    struct cut got = pass((const double[]){5, 8}, 2, 16);
    assert_int_equal(got.n, 2);
    assert_true(fabs(got.t_peak_s[0] - 5) < 0.05 && fabs(got.t_peak_s[1] - 8) < 0.05);
    /* the cut is at the bottom of the dip, and nothing is lost or told twice */
    assert_true(fabs(got.t_end_s[0] - 6.5) < 0.2);
    assert_true(fabs(got.t_start_s[1] - got.t_end_s[0]) < 0.011);
}

/* Half a second apart there is no dip to speak of: they can't be told apart by level. */
static void test_without_a_dip_it_is_one(void **state)
{
    (void) state;
    assert_int_equal(pass((const double[]){5, 5.6}, 2, 14).n, 1);
}

/* A bang 16 dB over an engine of 80 dB, at 5 s, with Fast weighting: it begins an event of its own,
 * and the engine keeps neither its level nor a moment of it. */
static void test_what_breaks_in_is_no_part(void **state)
{
    (void) state;
    struct cb_cutter c;
    struct cut got = {0};
    double fast = 1e8;
    cb_cutter_init(&c, NAN);
    for (int64_t t_ns = 2 * CB_NS_PER_S; t_ns < 8 * CB_NS_PER_S; t_ns += TICK_NS) {
        double t_s = cb_s_from_ns(t_ns);
        fast += 0.077 * ((t_s < 3 || t_s > 7 ? FLOOR : t_s < 5 ? 1e8 : 4e9) - fast);
        if (cb_cutter_add(&c, t_ns, 10 * log10(fast), 40) == CB_CUT_END)
            keep_cut(&got, &c);
    }
    assert_true(got.n >= 2);
    size_t i = got.n - 2;
    assert_true(got.t_end_s[i] < 5.02 && got.t_end_s[i] > 4.8);
    assert_true(got.t_peak_s[i] < 5 && got.peak_db[i] < 80.1);
    assert_true(fabs(got.t_start_s[i + 1] - got.t_end_s[i]) < 0.011);
    assert_true(got.peak_db[i + 1] > 95);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_pass_is_one_event),
        cmocka_unit_test(test_a_dip_parts_two_vehicles),
        cmocka_unit_test(test_without_a_dip_it_is_one),
        cmocka_unit_test(test_what_breaks_in_is_no_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
