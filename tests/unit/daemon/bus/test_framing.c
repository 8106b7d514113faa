#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "bus/framing.h"

#define ID "01a207d9-3438-7be8-a653-0340a774c7c4"
#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static char signature[CB_SIGNATURE_LEN];

static struct cb_bus_frame good[6] = {
    TEXT("CB\x01\x01"), TEXT(ID), TEXT("{}"), {signature, 128}, TEXT("clip.mp4"), TEXT("bytes")};

static int parse(const struct cb_bus_frame *f, size_t n, struct cb_package *p, struct cb_error *e)
{
    static struct cb_bus_names names;
    return cb_bus_package_parse(f, n, &names, p, e);
}

static void test_good_package(void **state)
{
    struct cb_package p;
    (void) state;
    assert_int_equal(parse(good, CB_LEN(good), &p, NULL), 0);
    assert_string_equal(p.id, ID);
    assert_int_equal(p.n_record, 2);
    assert_int_equal(p.n_files, 1);
    assert_string_equal(p.file[0].name, "clip.mp4");
    assert_memory_equal(p.file[0].bytes, "bytes", 5);
    assert_int_equal(parse(good, 4, &p, NULL), 0);
    assert_int_equal(p.n_files, 0);
}

/* Each row changes one frame of the good package. */
static void test_bad_packages(void **state)
{
    static const struct {
        size_t i;
        struct cb_bus_frame frame;
        int code;
        const char *words;
    } rows[] = {
        {0, TEXT(""), -EPROTO, "frame 0"},
        {0, TEXT("CB\x01"), -EPROTO, "frame 0"},
        {0, TEXT("CB\x02\x01"), -EPROTONOSUPPORT, "version"},
        {0, TEXT("CB\x01\x02"), -EPROTO, "another kind"},
        {0, TEXT("CB\x01\x99"), -EPROTO, "frame 0"},
        {1, TEXT(""), -EBADMSG, "frame 1"},
        {1, TEXT("01A207D9-3438-7BE8-A653-0340A774C7C4"), -EBADMSG, "frame 1"},
        {1, TEXT("01a207d9-3438-7be8-a653-0340a774c7c4x"), -EBADMSG, "frame 1"},
        {2, TEXT(""), -EBADMSG, "record.json"},
        {2, {"", CB_BUS_RECORD_BYTES_MAX + 1}, -EBADMSG, "record.json"},
        {3, TEXT("short"), -EBADMSG, "record.sig"},
        {4, TEXT(""), -EBADMSG, "name"},
        {4, TEXT(".hidden"), -EBADMSG, "name"},
        {4, TEXT("../x"), -EBADMSG, "name"},
        {4, TEXT("a/b"), -EBADMSG, "name"},
        {4, TEXT("a\0b"), -EBADMSG, "name"},
        {4, TEXT("record.json"), -EBADMSG, "no name for a file"},
        {5, {"", CB_BUS_FILE_BYTES_MAX + 1u}, -EBADMSG, "clip.mp4"},
    };
    (void) state;
    for (size_t i = 0; i < CB_LEN(rows); i++) {
        struct cb_bus_frame f[CB_LEN(good)];
        struct cb_package p = {.id = "untouched"};
        struct cb_error e = {0};
        memcpy(f, good, sizeof f);
        f[rows[i].i] = rows[i].frame;
        int r = parse(f, CB_LEN(f), &p, &e);
        if (r != rows[i].code || !strstr(e.text, rows[i].words))
            fail_msg("row %zu: %d \"%s: %s\", expected %d \"%s\"", i, r, e.where, e.text,
                     rows[i].code, rows[i].words);
        assert_string_equal(p.id, "untouched");
    }
}

static void test_bad_counts(void **state)
{
    struct cb_bus_frame f[CB_BUS_FRAMES_MAX + 2];
    char name[CB_EVIDENCE_FILES_MAX + 1][8];
    struct cb_package p;
    (void) state;
    memcpy(f, good, sizeof good);
    for (size_t i = 0; i < CB_LEN(name); i++) {
        snprintf(name[i], sizeof name[i], "f%zu", i);
        f[4 + 2 * i] = (struct cb_bus_frame) {name[i], strlen(name[i])};
        f[5 + 2 * i] = good[5];
    }
    for (size_t n = 0; n <= CB_LEN(f); n++) {
        int want = n == 0                                             ? -EPROTO
                   : n >= 4 && n % 2 == 0 && n <= CB_BUS_FRAMES_MAX ? 0
                                                                      : -EBADMSG;
        assert_int_equal(parse(f, n, &p, NULL), want);
    }
    f[6] = f[4]; /* the same name twice */
    assert_int_equal(parse(f, 8, &p, NULL), -EBADMSG);
}

static void test_sum_of_sizes(void **state)
{
    struct cb_package p = {.id = ID, .record = "{}", .n_record = 2, .signature = signature,
                           .n_signature = 128, .n_files = 3};
    static const char *const names[] = {"a", "b", "c"};
    (void) state;
    for (size_t i = 0; i < 3; i++)
        p.file[i] = (struct cb_package_file) {names[i], "", CB_BUS_PACKAGE_BYTES_MAX / 3 - 1};
    assert_int_equal(cb_bus_package_check(&p, NULL), 0);
    p.file[0].n_bytes += 10;
    assert_int_equal(cb_bus_package_check(&p, NULL), -EBADMSG);
}

static void test_numbers(void **state)
{
    static const uint64_t numbers[] = {0, 1, 255, 256, 0x0102030405060708, UINT64_MAX};
    uint8_t b[8];
    (void) state;
    for (size_t i = 0; i < CB_LEN(numbers); i++) {
        cb_bus_u64_print(numbers[i], b);
        assert_true(cb_bus_u64_parse(b) == numbers[i]);
    }
    cb_bus_u64_print(0x0102030405060708, b);
    assert_memory_equal(b, "\1\2\3\4\5\6\7\10", 8);
}

static void test_replies(void **state)
{
    struct cb_bus_reply y;
    struct cb_bus_frame f[] = {TEXT("CB\x01\x42"), TEXT(ID), TEXT("bad\nline\x1b[31m"), TEXT("x")};
    (void) state;
    assert_int_equal(cb_bus_reply_parse(f, 3, &y), 0);
    assert_int_equal(y.kind, CB_BUS_REJECT);
    assert_string_equal(y.id, ID);
    assert_string_equal(y.reason, "bad line [31m");
    f[1] = (struct cb_bus_frame) TEXT("\0\0\0\0\0\0\0\7");
    assert_int_equal(cb_bus_reply_parse(f, 2, &y), 0);
    assert_true(y.number == 7 && !y.id[0] && !y.reason[0]);
    assert_int_equal(cb_bus_reply_parse(f, 4, &y), -EBADMSG);
    assert_int_equal(cb_bus_reply_parse(f, 1, &y), -EBADMSG);
    f[0] = (struct cb_bus_frame) TEXT("CB\x01\x01");
    assert_int_equal(cb_bus_reply_parse(f, 2, &y), -EBADMSG);
}

int main(void)
{
    memset(signature, '0', sizeof signature - 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_package), cmocka_unit_test(test_bad_packages),
        cmocka_unit_test(test_bad_counts),   cmocka_unit_test(test_sum_of_sizes),
        cmocka_unit_test(test_numbers),      cmocka_unit_test(test_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
