#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "schema/minute.h"

static struct cb_minute some(void)
{
    return (struct cb_minute) {.camera = "c1", .minute_utc_ns = 29000000 * 60 * CB_NS_PER_S,
                               .from_s = 5, .n_passages = 9, .n_measured = 8, .n_violations = 1,
                               .mean_mps = 14.3, .p85_mps = 16.2, .laeq_db = 68.2, .lafmax_db = NAN};
}

static void test_round_trip(void **state)
{
    struct cb_minute m[2] = {some(), some()}, *back = NULL;
    char *json = NULL;
    size_t n = 0;
    (void) state;
    strcpy(m[1].camera, "c2");
    assert_int_equal(cb_minutes_print(m, 2, &json), 0);
    assert_int_equal(cb_minutes_parse(json, strlen(json), &back, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_string_equal(back[1].camera, "c2");
    assert_true(back[0].minute_utc_ns == m[0].minute_utc_ns && back[0].from_s == 5);
    assert_true(fabs(back[0].mean_mps - 14.3) < 0.005 / 3.6 + 1e-9); /* printed to 0.01 km/h */
    assert_true(isnan(back[0].lafmax_db));
    free(back);
    free(json);
}

/* Of one or two vehicles no speed is told, whoever asks. */
static void test_few_vehicles_have_no_speed(void **state)
{
    struct cb_minute m = some(), *back = NULL;
    struct cb_error e = {0};
    char *json = NULL;
    size_t n;
    (void) state;
    m.n_measured = CB_MINUTE_VEHICLES_MIN - 1;
    assert_int_equal(cb_minutes_print(&m, 1, &json), 0);
    assert_int_equal(cb_minutes_parse(json, strlen(json), &back, &n, NULL), 0);
    assert_true(isnan(back[0].mean_mps) && isnan(back[0].p85_mps));
    free(back);
    back = NULL;
    char *at = strstr(json, "\"mean_speed_kmh\":null");
    assert_non_null(at);
    memcpy(at, "\"mean_speed_kmh\":51.5", 21);
    assert_int_equal(cb_minutes_parse(json, strlen(json), &back, &n, &e), -EINVAL);
    assert_non_null(strstr(e.text, "too few vehicles"));
    assert_null(back);
    free(json);
}

static void test_wrong_rows(void **state)
{
    static const char *const rows[] = {
        "", "{}", "[1]", "[{}]", "null",
        "[{\"camera\":\"c\",\"minute_at\":\"2026-11-23T10:00:30Z\",\"from_s\":0,\"n_passages\":1,"
        "\"n_measured\":1,\"n_violations\":0}]",
        "[{\"camera\":\"c\",\"minute_at\":\"2026-11-23T10:00:00Z\",\"from_s\":0,\"n_passages\":1,"
        "\"n_measured\":2,\"n_violations\":0}]",
        "[{\"camera\":\"c\",\"minute_at\":\"2026-11-23T10:00:00Z\",\"from_s\":60,\"n_passages\":1,"
        "\"n_measured\":1,\"n_violations\":0}]",
        "[{\"camera\":\"\",\"minute_at\":\"2026-11-23T10:00:00Z\",\"from_s\":0,\"n_passages\":1,"
        "\"n_measured\":1,\"n_violations\":0}]",
    };
    struct cb_minute *m = NULL, bad = some();
    char *json = NULL;
    size_t n = 0;
    (void) state;
    for (size_t i = 0; i < CB_LEN(rows); i++)
        if (cb_minutes_parse(rows[i], strlen(rows[i]), &m, &n, NULL) != -EINVAL)
            fail_msg("accepted: %s", rows[i]);
    bad.minute_utc_ns++;
    assert_int_equal(cb_minutes_print(&bad, 1, &json), -EINVAL);
    assert_true(!m && !json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_few_vehicles_have_no_speed),
                                       cmocka_unit_test(test_wrong_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
