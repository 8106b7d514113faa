#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/curve.h"

static char dir[] = "/tmp/citybrain-curve-XXXXXX";

static const char *path(const char *name)
{
    static char p[3][256];
    static int i;
    i = (i + 1) % 3;
    snprintf(p[i], sizeof p[i], "%s/%s", dir, name);
    return p[i];
}

static const char *write_text(const char *name, const char *text)
{
    const char *p = path(name);
    FILE *f = fopen(p, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(p, 0600);
    return p;
}

static void test_round_trip(void **state)
{
    char public[CB_BUS_KEY_LEN], text[512];
    struct cb_bus_curve c;
    struct cb_error e = {0};
    (void) state;
    assert_int_equal(cb_bus_keys_write(path("k"), public, &e), 0);
    snprintf(text, sizeof text, "# clients\n\n%s centre\n  %s\n", public, public);
    write_text("allow", text);
    snprintf(text, sizeof text, "public %s\n", public);
    write_text("server", text);
    assert_int_equal(cb_bus_curve_load(&c, path("k"), path("allow"), path("server"), &e), 0);
    assert_string_equal(c.public_key, public);
    assert_string_equal(c.server_key, public);
    assert_int_equal(c.n_allowed, 2);
    assert_string_equal(c.allowed[1].key, public);
    cb_bus_curve_deinit(&c);
    assert_int_equal(cb_bus_keys_write(path("k"), public, &e), -EEXIST);
}

static void test_refusals(void **state)
{
    char public[2][CB_BUS_KEY_LEN], text[512], line[256];
    struct cb_bus_curve c;
    struct cb_error e;
    (void) state;
    assert_int_equal(cb_bus_keys_write(path("a"), public[0], &e), 0);
    assert_int_equal(cb_bus_keys_write(path("b"), public[1], &e), 0);
    FILE *f = fopen(path("b"), "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_non_null(fgets(line, sizeof line, f)); /* b's secret */
    fclose(f);
    snprintf(text, sizeof text, "public %s\n%s", public[0], line);
    write_text("mixed", text);
    assert_int_equal(cb_bus_curve_load(&c, path("mixed"), NULL, NULL, &e), -EINVAL);
    assert_non_null(strstr(e.text, "does not belong"));

    write_text("half", text);
    assert_int_equal(truncate(path("half"), 48), 0);
    assert_int_equal(cb_bus_curve_load(&c, path("half"), NULL, NULL, &e), -EINVAL);
    assert_non_null(strstr(e.text, "secret"));

    write_text("junk", "public ????\n");
    assert_int_equal(cb_bus_curve_load(&c, path("junk"), NULL, NULL, &e), -EINVAL);
    assert_non_null(strstr(e.where, "junk:1"));

    write_text("allow", "# one\nnot-a-key\n");
    assert_int_equal(cb_bus_curve_load(&c, path("a"), path("allow"), NULL, &e), -EINVAL);
    assert_non_null(strstr(e.where, "allow:2"));

    chmod(path("a"), 0640);
    assert_int_equal(cb_bus_curve_load(&c, path("a"), NULL, NULL, &e), -EACCES);
    chmod(path("a"), 0600);
    assert_int_equal(cb_bus_curve_load(&c, path("none"), NULL, NULL, &e), -ENOENT);
    assert_int_equal(cb_bus_curve_load(&c, dir, NULL, NULL, &e), -EINVAL);
}

static void load_allowed(const char *text, struct cb_bus_curve *ret)
{
    struct cb_error e = {0};
    write_text("allow", text);
    assert_int_equal(cb_bus_curve_load(ret, path("a"), path("allow"), NULL, &e), 0);
}

#define K1 "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define K2 "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static void test_districts(void **state)
{
    struct cb_bus_curve all, some, fewer, copy;
    struct cb_error e;
    (void) state;
    load_allowed(K1 " centre\n" K2 "\n", &all);
    load_allowed(K1 " centre, all of it\n" K2 " car 7 districts=福田, Nan Shan.,南山 \r\n", &some);
    load_allowed(K2 " districts=南山\n" K2 " districts=福田\n", &fewer);
    assert_true(cb_bus_curve_may(&some, K1, NULL) && cb_bus_curve_may(&some, K1, "x"));
    assert_false(cb_bus_curve_may(&some, K2, NULL) || cb_bus_curve_may(&some, K2, "福"));
    assert_true(cb_bus_curve_may(&some, K2, "福田") && cb_bus_curve_may(&some, K2, "Nan_Shan_"));
    assert_true(cb_bus_curve_may(&fewer, K2, "福田") && cb_bus_curve_may(&fewer, K2, "南山"));
    assert_false(cb_bus_curve_may(&fewer, K1, "福田"));
    assert_true(cb_bus_curve_keeps(&some, &all) && cb_bus_curve_keeps(&fewer, &some));
    assert_false(cb_bus_curve_keeps(&all, &some) || cb_bus_curve_keeps(&some, &fewer));
    assert_int_equal(cb_bus_curve_copy(&some, &copy), 0);
    assert_true(cb_bus_curve_keeps(&some, &copy) && cb_bus_curve_keeps(&copy, &some));
    cb_bus_curve_deinit(&all);
    cb_bus_curve_deinit(&some);
    cb_bus_curve_deinit(&fewer);
    cb_bus_curve_deinit(&copy);
    write_text("allow", K1 " x districts=\n");
    assert_int_equal(cb_bus_curve_load(&all, path("a"), path("allow"), NULL, &e), -EINVAL);
    assert_non_null(strstr(e.where, "allow:1"));
    assert_non_null(strstr(e.text, "names of districts"));
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_districts)};
    int n = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const names[] = {"k", "allow", "server", "a", "b", "mixed", "half", "junk"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path(names[i]));
    rmdir(dir);
    return n;
}
