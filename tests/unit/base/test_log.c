#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* What follows the time, which is the clock's. */
static void expect_line(const char *id, const char *text, const char *expected)
{
    char *line = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&line, &n);
    assert_non_null(out);
    cb_log_json(out, CB_LOG_WARN, "ingest", id, text);
    fclose(out);
    assert_memory_equal(line, "{\"time\":\"20", 11);
    const char *rest = strstr(line, "\"level\"");
    assert_non_null(rest);
    assert_string_equal(rest, expected);
    free(line);
}

static void test_line_is_one_object(void **state)
{
    (void) state;
    expect_line("c1", "live",
                "\"level\":\"warn\",\"topic\":\"ingest\",\"id\":\"c1\",\"text\":\"live\"}\n");
    expect_line(NULL, "", "\"level\":\"warn\",\"topic\":\"ingest\",\"text\":\"\"}\n");
}

#define TEXT(t) "\"level\":\"warn\",\"topic\":\"ingest\",\"text\":\"" t "\"}\n"
#define FFFD    "\xef\xbf\xbd"

static void test_what_json_reserves_is_escaped(void **state)
{
    (void) state;
    expect_line(NULL, "say \"a\\b\"\n\x01", TEXT("say \\\"a\\\\b\\\"\\u000a\\u0001"));
    expect_line(NULL, "深南大道 ±3 \xf0\x9f\x9a\x97", TEXT("深南大道 ±3 \xf0\x9f\x9a\x97"));
}

static void test_bytes_that_are_no_text_are_replaced(void **state)
{
    (void) state;
    expect_line(NULL,
                "a\xff"
                "b",
                TEXT("a" FFFD "b"));
    expect_line(NULL, "\xe6\xb7", TEXT(FFFD FFFD));                   /* cut off */
    expect_line(NULL, "\xc0\xaf", TEXT(FFFD FFFD));                   /* over-long */
    expect_line(NULL, "\xe0\x80\xaf", TEXT(FFFD FFFD FFFD));          /* over-long */
    expect_line(NULL, "\xed\xa0\x80", TEXT(FFFD FFFD FFFD));          /* a surrogate */
    expect_line(NULL, "\xf4\x90\x80\x80", TEXT(FFFD FFFD FFFD FFFD)); /* beyond U+10FFFF */
    expect_line(NULL, "\xf5\x80\x80\x80", TEXT(FFFD FFFD FFFD FFFD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_is_one_object),
        cmocka_unit_test(test_what_json_reserves_is_escaped),
        cmocka_unit_test(test_bytes_that_are_no_text_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
