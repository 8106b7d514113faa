#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "unit/test.h"

static const struct {
    int64_t utc_ns;
    const char *text;
} exact[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {INT64_C(1795428000123000000), "2026-11-23T10:00:00.123Z"},
    {INT64_C(951782400000000000), "2000-02-29T00:00:00.000Z"},
    {INT64_C(-1000000), "1969-12-31T23:59:59.999Z"},
    {INT64_C(1798761599999000000), "2026-12-31T23:59:59.999Z"},
};

static void test_print_and_parse_agree(void **state)
{
    (void) state;
    for (size_t i = 0; i < CB_LEN(exact); i++) {
        char text[CB_UTC_LEN];
        int64_t back = -7;
        cb_utc_print(exact[i].utc_ns, text);
        assert_string_equal(text, exact[i].text);
        assert_int_equal(cb_utc_parse(text, &back), 0);
        assert_true(back == exact[i].utc_ns);
    }
}

static void test_print_truncates(void **state)
{
    char text[CB_UTC_LEN];
    (void) state;
    cb_utc_print(INT64_C(999999999), text); /* rounding up would name a second not yet begun */
    assert_string_equal(text, "1970-01-01T00:00:00.999Z");
    cb_utc_print(INT64_C(-1), text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

static void test_parse_zones_and_decimals(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"1970-01-01T08:00:00+08:00", 0},
        {"1969-12-31T19:30:00-04:30", 0},
        {"1970-01-01T00:00:01z", CB_NS_PER_S},
        {"1970-01-01T00:00:00.5Z", CB_NS_PER_S / 2},
        {"1970-01-01T00:00:00.123456789Z", 123456789},
    };
    (void) state;
    for (size_t i = 0; i < CB_LEN(good); i++) {
        int64_t ns = -7;
        assert_int_equal(cb_utc_parse(good[i].text, &ns), 0);
        assert_true(ns == good[i].ns);
    }
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "", "yesterday", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00:00+8:00",
        "1970-01-01T00:00:00+08:00x", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00Zulu",
        "1970-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "1970-01-01T24:00:00Z",
        "1970-01-01T00:00:00+ 8:00", "1970-01-01T00:00:00+-8:00", "1970-01-01T00:00:00.Z",
        " 1970-01-01T00:00:00Z", "1970-1-1T0:0:0Z", "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:00.1234567891Z", "2300-01-01T00:00:00Z", "1970-00-01T00:00:00Z",
    };
    (void) state;
    for (size_t i = 0; i < CB_LEN(bad); i++) {
        int64_t ns = -7;
        if (cb_utc_parse(bad[i], &ns) != -EINVAL)
            fail_msg("'%s' is accepted", bad[i]);
        assert_true(ns == -7);
    }
}

static void test_units(void **state)
{
    (void) state;
    assert_true(cb_ns_from_s(1.5) == INT64_C(1500000000));
    assert_true(cb_ns_from_s(-0.001) == INT64_C(-1000000));
    for (int ms = -2000; ms < 2000; ms++) /* ms precision survives the trip through seconds */
        assert_true(cb_ns_from_s(cb_s_from_ns(ms * CB_NS_PER_MS)) == ms * CB_NS_PER_MS);
    assert_true(cb_kmh_from_mps(10.0) == 36.0);
    assert_true(cb_mps_from_kmh(36.0) == 10.0);
}

static void test_monotonic_clock_does_not_go_back(void **state)
{
    int64_t before = cb_clock_mono_ns();
    (void) state;
    cb_clock_sleep_ns(-5);
    cb_clock_sleep_ns(2 * CB_NS_PER_MS);
    assert_true(cb_clock_mono_ns() - before >= 2 * CB_NS_PER_MS);
    assert_true(cb_clock_now_ns() > INT64_C(1600000000) * CB_NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_and_parse_agree),
        cmocka_unit_test(test_print_truncates),
        cmocka_unit_test(test_parse_zones_and_decimals),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_monotonic_clock_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
