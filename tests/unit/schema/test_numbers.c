/* Which numbers records may hold: all that is measured comes back, what cannot is refused. */
#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"
#include "schema/noise.h"
#include "schema/violation.h"

/* detectors/sound/attribute.c gives odds up to e^50. */
static void test_the_surest_odds_come_back(void **state)
{
    struct cb_noise n, back;
    char *json = NULL;
    (void) state;
    sample_noise(&n);
    n.attribution_odds = exp(50);
    n.feature[0].value = exp(50);
    assert_int_equal(cb_noise_print(&n, &json), 0);
    assert_int_equal(cb_noise_parse(json, strlen(json), &back), 0);
    assert_true(fabs(back.attribution_odds / n.attribution_odds - 1) < 1e-14);
    assert_true(fabs(back.feature[0].value / n.feature[0].value - 1) < 1e-14);
    free(json);
}

static int parse_with(const char *number, double *ret)
{
    char json[256];
    struct cb_noise n;
    snprintf(json, sizeof json,
             "{\"camera\":\"c1\",\"t_start\":1,\"t_peak\":1,\"t_end\":1,\"class\":\"other\","
             "\"confidence\":%s,"
             "\"overload\":false,\"track\":null,\"violation\":null,\"utc_offset_ns\":0,"
             "\"time_source\":\"file\"}", number);
    int r = cb_noise_parse(json, strlen(json), &n);
    if (r == 0)
        *ret = n.confidence;
    return r;
}

static void test_what_cannot_come_back_is_refused(void **state)
{
    double v = 7;
    (void) state;
    assert_int_equal(parse_with("1e31", &v), -EINVAL);
    assert_int_equal(parse_with("-1e31", &v), -EINVAL);
    assert_int_equal(parse_with("1.7976931348623157e308", &v), -EINVAL);
    assert_int_equal(parse_with("\"1\"", &v), -EINVAL);
    assert_true(v == 7);
    assert_int_equal(parse_with("-1e30", &v), 0);
    assert_true(v == -1e30);
    assert_int_equal(parse_with("null", &v), 0);
    assert_true(isnan(v));
}

/* A box is of floats, which end at 3.4e38. */
static void test_a_box_beyond_a_float_is_refused(void **state)
{
    struct cb_fix path[SAMPLE_FIXES];
    struct cb_violation v, back;
    char *json = NULL;
    (void) state;
    sample_speeding(&v, path);
    v.still[0].box.x = 1e30f;
    assert_int_equal(cb_violation_print(&v, &json), 0);
    char *at = strstr(json, "1.00000001504747e30");
    assert_non_null(at);
    assert_int_equal(cb_violation_parse(json, strlen(json), &back), -EINVAL); /* just beyond 1e30 */
    memcpy(strstr(at, "30"), "29", 2);
    assert_int_equal(cb_violation_parse(json, strlen(json), &back), 0);
    cb_violation_deinit(&back);
    memcpy(strstr(at, "29"), "54", 2);
    assert_int_equal(cb_violation_parse(json, strlen(json), &back), -EINVAL);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_surest_odds_come_back),
        cmocka_unit_test(test_what_cannot_come_back_is_refused),
        cmocka_unit_test(test_a_box_beyond_a_float_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
