#include "test.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static void expect_cell(const char *text, int width, bool is_right, const char *want)
{
    char *got = NULL;
    size_t n;
    FILE *out = open_memstream(&got, &n);
    cb_table_cell(out, text, width, is_right);
    fclose(out);
    assert_string_equal(got, want);
    free(got);
}

static void test_cells(void **state)
{
    (void) state;
    expect_cell("abc", 5, false, "abc  ");
    expect_cell("abc", 5, true, "  abc");
    expect_cell("福田", 6, false, "福田  ");
    expect_cell("福田", 6, true, "  福田");
    expect_cell("abcdef", 4, false, "abc…");
    expect_cell("深南大道", 6, false, "深南 …"); /* half a character does not fit */
    expect_cell("", 3, false, "   ");
    expect_cell("a\x1b[31m\n", 9, false, "a?[31m?  "); /* nothing drives the terminal */
    expect_cell("\xff\xfe", 4, false, "??  ");
}

static void expect_text(void (*print)(FILE *, const char *), const char *text, const char *want)
{
    char *got = NULL;
    size_t n;
    FILE *out = open_memstream(&got, &n);
    print(out, text);
    fclose(out);
    assert_string_equal(got, want);
    free(got);
}

static void test_csv_and_json(void **state)
{
    (void) state;
    expect_text(cb_table_csv, "plain", "plain");
    expect_text(cb_table_csv, "a,\"b\"\n", "\"a,\"\"b\"\"\n\"");
    expect_text(cb_table_csv, NULL, "");
    expect_text(cb_table_json, "a\"b\\c\n福", "\"a\\\"b\\\\c\\u000a福\"");
    expect_text(cb_table_json, NULL, "null");
}

int main(void)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 77;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells),
                                       cmocka_unit_test(test_csv_and_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
