/* Frames, sound, memory, errors and the log's line. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sound.h"
#include "unit/test.h"

static void count_release(void *owner)
{
    ++*(int *) owner;
}

static void test_frame_lives_until_the_last_reference(void **state)
{
    int n = 0;
    uint8_t y[8] = {0};
    const struct cb_picture p = {.plane = {y}, .stride = {4}, .width = 4, .height = 2, .t_ns = 40};
    struct cb_frame *a = cb_frame_wrap(&p, count_release, &n), *b = cb_frame_ref(a);
    (void) state;
    assert_ptr_equal(a, b);
    assert_int_equal(cb_frame_picture(b)->t_ns, 40);
    cb_frame_unref(&a);
    assert_null(a);
    assert_int_equal(n, 0);
    assert_ptr_equal(cb_frame_picture(b)->plane[0], y);
    cb_frame_unref(&b);
    assert_int_equal(n, 1);
    cb_frame_unref(&b);
    assert_int_equal(n, 1);
}

static size_t frame_bytes(int w, int h, bool is_grey, int shift_x, int shift_y)
{
    int n = 0;
    uint8_t byte = 0;
    struct cb_picture p = {.plane = {&byte, is_grey ? NULL : &byte, is_grey ? NULL : &byte},
                           .width = w, .height = h,
                           .chroma_shift_x = shift_x, .chroma_shift_y = shift_y};
    struct cb_frame *f = cb_frame_wrap(&p, count_release, &n);
    size_t bytes = cb_frame_n_bytes(f);
    cb_frame_unref(&f);
    return bytes;
}

static void test_frame_bytes_by_layout(void **state)
{
    (void) state;
    assert_int_equal(frame_bytes(100, 50, true, 0, 0), 5000);
    assert_int_equal(frame_bytes(100, 50, false, 1, 1), 7500);
    assert_int_equal(frame_bytes(100, 50, false, 1, 0), 10000);
    assert_int_equal(frame_bytes(100, 50, false, 0, 0), 15000);
}

static void test_sound_lives_until_the_last_reference(void **state)
{
    int n = 0;
    float left[3] = {0}, right[3] = {0};
    const struct cb_samples p = {.channel = {left, right}, .n = 3, .n_channels = 2,
                                 .rate_hz = 48000};
    struct cb_sound *a = cb_sound_wrap(&p, count_release, &n), *b = cb_sound_ref(a);
    (void) state;
    assert_int_equal(cb_sound_n_bytes(a), 2 * 3 * sizeof(float));
    assert_ptr_equal(cb_sound_samples(a)->channel[1], right);
    cb_sound_unref(&a);
    assert_null(a);
    assert_int_equal(n, 0);
    cb_sound_unref(&b);
    assert_int_equal(n, 1);
    cb_sound_unref(&b);
}

static void test_grow(void **state)
{
    int *p = NULL;
    size_t cap = 0;
    (void) state;
    for (size_t n = 1; n <= 1000; n++) {
        assert_int_equal(cb_grow((void **) &p, &cap, n, sizeof *p), 0);
        assert_true(cap >= n);
        p[n - 1] = (int) n;
    }
    for (size_t n = 1; n <= 1000; n++)
        assert_int_equal(p[n - 1], (int) n);
    int *kept = p;
    size_t cap_kept = cap;
    assert_int_equal(cb_grow((void **) &p, &cap, SIZE_MAX / 2, sizeof *p), -ENOMEM);
    assert_int_equal(cb_grow((void **) &p, &cap, SIZE_MAX, 1), -ENOMEM);
    assert_ptr_equal(p, kept);
    assert_int_equal(cap, cap_kept);
    free(p);
}

static void test_aligned_memory_and_paths(void **state)
{
    char *path = NULL;
    (void) state;
    for (size_t n = 1; n < 300; n += 37) {
        void *p = cb_alloc_aligned(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t) p % 64, 0);
        memset(p, 1, n);
        free(p);
    }
    assert_null(cb_alloc_aligned(SIZE_MAX - 1));
    assert_int_equal(cb_path_join("a/b", "c", &path), 0);
    assert_string_equal(path, "a/b/c");
    free(path);
}

static void test_error_keeps_its_place(void **state)
{
    struct cb_error e = {0};
    char huge[1000];
    (void) state;
    assert_int_equal(cb_error_set(NULL, -EINVAL, "x", "y"), -EINVAL);
    assert_int_equal(cb_error_set(&e, -ENOENT, "city.yaml:3 url", "is %d", 5), -ENOENT);
    assert_string_equal(e.where, "city.yaml:3 url");
    assert_string_equal(e.text, "is 5");
    cb_error_set(&e, -EINVAL, e.where, "again"); /* rewording the text, same place */
    assert_string_equal(e.where, "city.yaml:3 url");
    cb_error_set(&e, -EINVAL, NULL, "nowhere");
    assert_string_equal(e.where, "");
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    cb_error_set(&e, -EINVAL, huge, "%s", huge);
    assert_int_equal(strlen(e.where), sizeof e.where - 1);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

struct line {
    enum cb_level level;
    char topic[32], id[32], text[2048];
    int n;
};

static void keep_line(void *self, enum cb_level level, const char *topic, const char *id,
                      const char *text)
{
    struct line *l = self;
    l->level = level;
    snprintf(l->topic, sizeof l->topic, "%s", topic);
    snprintf(l->id, sizeof l->id, "%s", id ? id : "(none)");
    snprintf(l->text, sizeof l->text, "%s", text);
    l->n++;
}

static void test_log_line(void **state)
{
    struct line l = {0};
    const struct {
        struct cb_log log;
    } who = {{"ingest", "sz-nh-0001"}};
    (void) state;
    cb_log_set_sink(keep_line, &l);
    cb_warn(&who, "stalled for %d s, reconnecting", 5);
    assert_int_equal(l.level, CB_LOG_WARN);
    assert_string_equal(l.topic, "ingest");
    assert_string_equal(l.id, "sz-nh-0001");
    assert_string_equal(l.text, "stalled for 5 s, reconnecting");
    cb_log_at(NULL, CB_LOG_ERR, "no one");
    assert_string_equal(l.topic, "citybrain");
    assert_string_equal(l.id, "(none)");
    assert_int_equal(l.n, 2);
    cb_debug(&who, "not shown by default");
    assert_int_equal(l.n, 2);
    cb_log_set_max(CB_LOG_DEBUG);
    cb_debug(&who, "now it is");
    assert_int_equal(l.n, 3);
    cb_log_set_max(CB_LOG_INFO);
    cb_log_set_sink(NULL, NULL);
}

/* A camera's server chooses part of what is logged: it must not forge a line of its own. */
static void test_log_text_is_one_line(void **state)
{
    struct line l = {0};
    char huge[5000];
    (void) state;
    cb_log_set_sink(keep_line, &l);
    cb_log_at(NULL, CB_LOG_INFO, "server says %s", "ok\n2026 info store forged\r\x1b[2J 深南");
    assert_null(strpbrk(l.text, "\n\r\x1b"));
    assert_non_null(strstr(l.text, "深南"));
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    cb_log_at(NULL, CB_LOG_INFO, "%s", huge);
    assert_true(strlen(l.text) >= 900 && strlen(l.text) < 5000);
    cb_log_set_sink(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_lives_until_the_last_reference),
        cmocka_unit_test(test_frame_bytes_by_layout),
        cmocka_unit_test(test_sound_lives_until_the_last_reference),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_aligned_memory_and_paths),
        cmocka_unit_test(test_error_keeps_its_place),
        cmocka_unit_test(test_log_line),
        cmocka_unit_test(test_log_text_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
