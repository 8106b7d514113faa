/* What strangers send: the values of parameters, bodies, ranges, tags, paths. tests/fuzz has the rest. */
#include <errno.h>
#include <string.h>

#include "gateway_private.h"
#include "test.h"

static const char *const words[] = {"one", "two", NULL};
static const struct cb_param table[] = {
    {"text", CB_PARAM_TEXT, 2, 6, NULL, NULL, false},   {"n", CB_PARAM_INT, 1, 500, NULL, "50", false},
    {"x", CB_PARAM_REAL, -90, 90, NULL, NULL, false},   {"word", CB_PARAM_ENUM, 0, 0, words, NULL, false},
    {"at", CB_PARAM_TIME, 0, 0, NULL, NULL, false},     {"is", CB_PARAM_BOOL, 0, 0, NULL, NULL, false},
    {"id", CB_PARAM_UUID, 0, 0, NULL, NULL, false},     {"list", CB_PARAM_TEXTS, 0, 2, NULL, NULL, false},
    {"map", CB_PARAM_MAP, 0, 1, NULL, NULL, false},     {0}};

static int set(const char *name, const char *text, size_t n)
{
    struct cb_values v = {0};
    struct cb_error e = {0};
    int r = cb_values_set(&v, table, 3, name, text, n, &e);
    if (r < 0)
        assert_true(e.text[0] && strstr(e.where, name));
    cb_values_deinit(&v);
    return r;
}

static void test_values(void **state)
{
    (void) state;
    static const struct {
        const char *name, *text;
        int r;
    } tries[] = {
        {"text", "ab", 0},          {"text", "a", -EINVAL},       {"text", "深圳", 0},
        {"text", "深圳市", -EINVAL}, {"text", "a\x01", -EINVAL},   {"text", "\xff\xfe", -EINVAL},
        {"text", "\xc0\xaf", -EINVAL}, {"text", "\xed\xa0\x80", -EINVAL},
        {"n", "1", 0},              {"n", "500", 0},              {"n", "0", -EINVAL},
        {"n", "501", -EINVAL},      {"n", "+1", -EINVAL},         {"n", "1e2", -EINVAL},
        {"n", "", -EINVAL},         {"n", "99999999999999999999", -EINVAL},
        {"x", "-90", 0},            {"x", "1e1", 0},              {"x", "nan", -EINVAL},
        {"x", "0x10", -EINVAL},     {"x", "90.01", -EINVAL},      {"x", "1 ", -EINVAL},
        {"word", "two", 0},         {"word", "three", -EINVAL},   {"is", "true", 0},
        {"is", "yes", -EINVAL},     {"at", "2026-11-26T08:00:00+08:00", 0},
        {"at", "2026-02-30T00:00:00Z", -EINVAL}, {"id", "x", -EINVAL}, {"list", "[]", -EINVAL},
        {"id", "01927d5e-0000-7000-8000-000000000000", 0}, {"nobody", "x", -EINVAL},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        if (set(tries[i].name, tries[i].text, strlen(tries[i].text)) != tries[i].r)
            fail_msg("%s=%s", tries[i].name, tries[i].text);
    assert_int_equal(set("text", "ab\0c", 4), -EINVAL);
}

static void test_twice_and_defaults(void **state)
{
    (void) state;
    static const struct cb_param needed[] = {{"a", CB_PARAM_TEXT, 0, 9, NULL, NULL, true}, {0}};
    struct cb_values v = {0};
    struct cb_error e = {0};
    assert_int_equal(cb_values_finish(&v, needed, 0, &e), -EINVAL);
    assert_int_equal(cb_values_set(&v, table, 0, "text", "ab", 2, &e), 0);
    assert_int_equal(cb_values_set(&v, table, 0, "text", "cd", 2, &e), -EINVAL);
    assert_int_equal(cb_values_finish(&v, table, 0, &e), 0);
    assert_string_equal(v.v[0], "ab");
    assert_string_equal(v.v[1], "50");
    assert_null(v.v[2]);
    cb_values_deinit(&v);
}

static int set_body(const char *json)
{
    struct cb_values v = {0};
    struct cb_error e = {0};
    int r = cb_values_set_body(&v, table, 0, json, strlen(json), &e);
    cb_values_deinit(&v);
    return r;
}

static void test_bodies(void **state)
{
    (void) state;
    assert_int_equal(set_body("{\"x\": 1.5, \"n\": 7, \"list\": [\"a\", \"b\"], \"map\": {\"k\": \"v\"}}"), 0);
    assert_int_equal(set_body("{"), -EBADMSG);
    assert_int_equal(set_body("[1]"), -EBADMSG);
    assert_int_equal(set_body("{\"x\": 1, \"x\": 2}"), -EBADMSG);
    assert_int_equal(set_body("{\"x\": \"1\"}"), -EINVAL);
    assert_int_equal(set_body("{\"n\": 1.5}"), -EINVAL);
    assert_int_equal(set_body("{\"text\": 12}"), -EINVAL);
    assert_int_equal(set_body("{\"list\": [\"a\", \"b\", \"c\"]}"), -EINVAL);
    assert_int_equal(set_body("{\"list\": [1]}"), -EINVAL);
    assert_int_equal(set_body("{\"map\": {\"k\": 1}}"), -EINVAL);
    assert_int_equal(set_body("{\"other\": 1}"), -EINVAL);
    assert_int_equal(set_body("{\"text\": \"a\\u0000b\"}"), -EBADMSG);
}

static void test_ranges(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int r;
        uint64_t first, n;
    } tries[] = {
        {"bytes=0-9", 0, 0, 10},   {"bytes=5-", 0, 5, 95},    {"bytes=-7", 0, 93, 7},
        {"bytes=-500", 0, 0, 100}, {"bytes=99-200", 0, 99, 1}, {"bytes=100-", -ERANGE, 0, 0},
        {"bytes=-0", -ERANGE, 0, 0}, {"bytes=9-3", -ENOENT, 0, 0}, {"bytes=0-1,3-4", -ENOENT, 0, 0},
        {"bytes=-", -ENOENT, 0, 0}, {"lines=1-2", -ENOENT, 0, 0}, {"bytes= 1-2", -ENOENT, 0, 0},
        {"bytes=18446744073709551616-", -ENOENT, 0, 0},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        uint64_t first = 0, n = 0;
        if (cb_range_parse(tries[i].text, 100, &first, &n) != tries[i].r ||
            (tries[i].r == 0 && (first != tries[i].first || n != tries[i].n)))
            fail_msg("%s: %llu + %llu", tries[i].text, (unsigned long long) first, (unsigned long long) n);
    }
    assert_int_equal(cb_range_parse("bytes=0-", 0, &(uint64_t) {0}, &(uint64_t) {0}), -ERANGE);
}

static void test_headers(void **state)
{
    (void) state;
    assert_true(cb_etag_matches("\"a\", W/\"tag\"", "tag") && cb_etag_matches("*", "tag"));
    assert_false(cb_etag_matches("\"tagg\"", "tag") || cb_etag_matches("tag", "tag") || cb_etag_matches(NULL, "tag"));
    assert_true(cb_takes_gzip("br, gzip") && cb_takes_gzip("gzip;q=0.1"));
    assert_false(cb_takes_gzip("gzip;q=0") || cb_takes_gzip("br") || cb_takes_gzip(NULL) || cb_takes_gzip("gzip;q=0.0"));
    assert_true(cb_origin_is_own("https://city.example:8443", "city.example:8443"));
    assert_false(cb_origin_is_own("https://city.example.evil", "city.example") || cb_origin_is_own("null", "city.example"));
    assert_false(cb_origin_is_own("https://city.example", NULL));
}

static void test_paths(void **state)
{
    (void) state;
    struct cb_part p[2];
    assert_true(cb_path_match("/a/{x}/b/{y}", "/a/12/b/3", p, 2));
    assert_true(p[0].n == 2 && !memcmp(p[0].at, "12", 2) && p[1].n == 1);
    assert_false(cb_path_match("/a/{x}", "/a/", p, 2) || cb_path_match("/a/{x}", "/a/1/2", p, 2) ||
                 cb_path_match("/a", "/a/", p, 2) || cb_path_match("/a/{x}/b/{y}", "/a/1/b/2", p, 1));
    assert_true(cb_path_is_plain("assets/index-1.js") && cb_path_is_plain(""));
    assert_false(cb_path_is_plain("../x") || cb_path_is_plain("a/../b") || cb_path_is_plain(".git/config") ||
                 cb_path_is_plain("a//b") || cb_path_is_plain("/etc/passwd") || cb_path_is_plain("a/") ||
                 cb_path_is_plain("a%b"));
}

static void test_rate(void **state)
{
    (void) state;
    static struct cb_bucket table_of[CB_BUCKETS];
    unsigned char who[CB_TOKEN_HASH_BYTES] = {7}, other[CB_TOKEN_HASH_BYTES] = {8};
    int64_t now_ns = 1;
    int n = 0;
    while (cb_limit_take(table_of, who, now_ns) == 0)
        n++;
    assert_int_equal(n, 120);
    assert_int_equal(cb_limit_take(table_of, other, now_ns), 0);
    assert_int_equal(cb_limit_take(table_of, who, now_ns + 1000000000), 0); /* 20 a second come back */
}

static void test_csrf(void **state)
{
    (void) state;
    char a[CB_TOKEN_LEN], b[CB_TOKEN_LEN], csrf[CB_TOKEN_LEN];
    cb_session_new_token(a);
    cb_session_new_token(b);
    assert_string_not_equal(a, b);
    cb_session_csrf(a, csrf);
    assert_string_not_equal(a, csrf);
    assert_true(cb_session_csrf_is_right(a, csrf));
    assert_false(cb_session_csrf_is_right(b, csrf) || cb_session_csrf_is_right(a, NULL) ||
                 cb_session_csrf_is_right(a, "") || cb_session_csrf_is_right(a, a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),  cmocka_unit_test(test_twice_and_defaults),
        cmocka_unit_test(test_bodies),  cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_headers), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_rate),    cmocka_unit_test(test_csrf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
