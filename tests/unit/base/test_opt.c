#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"
#include "unit/test.h"

struct thing {
    double y_m;
    int n;
    bool is_on;
    char id[8];
    int colour;
};

static const char *const colours[] = {"red", "amber", "green", NULL};
static const struct cb_opt opts[] = {
    {"y", CB_OPT_DOUBLE, CB_OPT_AT(struct thing, y_m), 0, 500, "m", "far edge", NULL},
    {"n", CB_OPT_INT, CB_OPT_AT(struct thing, n), -3, 10, NULL, "how many", NULL},
    {"on", CB_OPT_BOOL, CB_OPT_AT(struct thing, is_on), 0, 0, NULL, "whether", NULL},
    {"id", CB_OPT_STRING, CB_OPT_AT(struct thing, id), 1, 0, NULL, "its name", NULL},
    {"colour", CB_OPT_ENUM, CB_OPT_AT(struct thing, colour), 0, 0, NULL, "which", colours},
    {0},
};

static int set(struct thing *t, const char *key, const char *text, struct cb_error *e)
{
    const struct cb_opt *o = cb_opt_find(opts, key);
    assert_non_null(o);
    return cb_opt_set(o, t, text, e);
}

static void test_find(void **state)
{
    (void) state;
    assert_ptr_equal(cb_opt_find(opts, "n"), &opts[1]);
    assert_null(cb_opt_find(opts, "nn"));
    assert_null(cb_opt_find(opts, ""));
}

static void test_set(void **state)
{
    struct thing t = {0};
    (void) state;
    assert_int_equal(set(&t, "y", "12.5", NULL), 0);
    assert_true(t.y_m == 12.5);
    assert_int_equal(set(&t, "y", "500", NULL), 0); /* the ends are legal */
    assert_int_equal(set(&t, "n", "-3", NULL), 0);
    assert_int_equal(t.n, -3);
    assert_int_equal(set(&t, "on", "true", NULL), 0);
    assert_true(t.is_on);
    assert_int_equal(set(&t, "id", "1234567", NULL), 0);
    assert_string_equal(t.id, "1234567");
    assert_int_equal(set(&t, "colour", "green", NULL), 0);
    assert_int_equal(t.colour, 2);
}

static void test_refused_text_changes_nothing_and_says_why(void **state)
{
    static const struct {
        const char *key, *text;
        int code;
        const char *says;
    } bad[] = {
        {"y", "nan", -EINVAL, "a number from 0 to 500 m"},
        {"y", "inf", -EINVAL, "is 'inf'"},
        {"y", "1.5x", -EINVAL, "is '1.5x'"},
        {"y", "1,5", -EINVAL, "is '1,5'"},
        {"y", "", -EINVAL, "a number"},
        {"y", "500.001", -ERANGE, "from 0 to 500 m"},
        {"y", "-0.1", -ERANGE, "from 0 to 500 m"},
        {"n", "2.5", -EINVAL, "a whole number from -3 to 10"},
        {"n", "11", -ERANGE, "a whole number"},
        {"n", "1e99", -ERANGE, "a whole number"},
        {"on", "yes", -EINVAL, "true or false"},
        {"id", "12345678", -ERANGE, "text of 1 to 7 bytes"},
        {"id", "", -ERANGE, "text of 1 to 7 bytes"},
        {"colour", "blue", -EINVAL, "one of red, amber, green"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct thing t = {7.0, 7, true, "seven", 1}, before = t;
        struct cb_error e = {"city.yaml:14 zone", ""};
        assert_int_equal(set(&t, bad[i].key, bad[i].text, &e), bad[i].code);
        assert_memory_equal(&t, &before, sizeof t);
        assert_string_equal(e.where, "city.yaml:14 zone"); /* the reader's place is kept */
        if (!strstr(e.text, bad[i].says))
            fail_msg("%s=%s: '%s' does not say '%s'", bad[i].key, bad[i].text, e.text, bad[i].says);
        assert_int_equal(set(&t, bad[i].key, bad[i].text, NULL), bad[i].code);
    }
}

static void test_numbers_are_read_alike_in_every_locale(void **state)
{
    struct thing t = {0};
    (void) state;
    const char *comma = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    assert_int_equal(set(&t, "y", "1.5", NULL), 0);
    assert_true(t.y_m == 1.5);
    assert_int_equal(set(&t, "y", "1,5", NULL), -EINVAL);
    if (comma)
        setlocale(LC_NUMERIC, "C");
}

static void test_long_text_is_cut_not_overrun(void **state)
{
    struct thing t = {0};
    struct cb_error e = {0};
    char text[2000];
    (void) state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (const struct cb_opt *o = opts; o->key; o++)
        assert_true(cb_opt_set(o, &t, text, &e) < 0);
    char small[10];
    cb_opt_print_expected(&opts[4], small, sizeof small);
    assert_int_equal(strlen(small), sizeof small - 1);
}

static void test_help_has_a_line_a_row(void **state)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    (void) state;
    assert_non_null(out);
    cb_opt_print_help(opts, out);
    fclose(out);
    int lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 5);
    assert_non_null(strstr(text, "far edge (a number from 0 to 500 m)"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_refused_text_changes_nothing_and_says_why),
        cmocka_unit_test(test_numbers_are_read_alike_in_every_locale),
        cmocka_unit_test(test_long_text_is_cut_not_overrun),
        cmocka_unit_test(test_help_has_a_line_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
