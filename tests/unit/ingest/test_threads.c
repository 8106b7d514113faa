/* Ingest on its thread while others ask, cut, look for pictures and stop it. */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/frame.h"
#include "folder.h"
#include "ingest/ingest.h"
#include "ingest/packet_ring.h"
#include "schema/camera.h"

struct count {
    unsigned n_frames, n_sound, n_states; /* atomic */
};

static int on_frame(void *self, struct cb_frame *f)
{
    (void) f;
    __atomic_fetch_add(&((struct count *) self)->n_frames, 1, __ATOMIC_RELAXED);
    return 0;
}

static int on_sound(void *self, struct cb_sound *s)
{
    (void) s;
    __atomic_fetch_add(&((struct count *) self)->n_sound, 1, __ATOMIC_RELAXED);
    return 0;
}

static void on_state(void *self, enum cb_ingest_state state, const char *reason)
{
    (void) state, (void) reason;
    __atomic_fetch_add(&((struct count *) self)->n_states, 1, __ATOMIC_RELAXED);
}

static void make_clip(char *ret_path, size_t size)
{
    char line[512];
    snprintf(ret_path, size, "%s/clip.ts", folder);
    snprintf(line, sizeof line,
             "ffmpeg -v error -y -f lavfi -i testsrc2=s=160x120:r=25:d=20 -f lavfi -i sine=d=20 "
             "-c:v libx264 -preset ultrafast -g 12 -threads 1 -c:a aac %s", ret_path);
    assert_int_equal(system(line), 0);
}

/* @return whether both a clip and a picture came */
static bool use_ring(struct cb_packet_ring *ring)
{
    const char *suffix;
    char path[256];
    struct cb_frame *f = NULL;
    struct cb_packet_ring_stats s = cb_packet_ring_stats(ring);
    snprintf(path, sizeof path, "%s/cut", folder);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    int cut = cb_packet_ring_cut(ring, s.t_newest_ns - CB_NS_PER_S, s.t_newest_ns, fileno(out),
                                 &suffix);
    fclose(out);
    int found = cb_packet_ring_frame_at(ring, s.t_newest_ns, &f);
    cb_frame_unref(&f);
    return cut == 0 && found == 0;
}

static void run_and_ask(const struct cb_camera_conf *conf, bool is_live)
{
    struct cb_ingest *in = NULL;
    struct cb_packet_ring *ring = NULL;
    struct count count = {0};
    const struct cb_packet_ring_opts ring_opts = {.span_ns = 2 * CB_NS_PER_S};
    const struct cb_ingest_sink sink = {&count, on_frame, on_sound, on_state};
    assert_int_equal(cb_packet_ring_create(&ring, &ring_opts), 0);
    const struct cb_ingest_opts opts = {.ring = ring, .is_paced = !is_live, .is_live = is_live,
                                        .backoff_max_s = 0.5};
    assert_int_equal(cb_ingest_create(&in, conf, &opts, &sink), 0);
    assert_int_equal(cb_ingest_start(in), 0);
    unsigned n_used = 0;
    while (n_used < 20) {
        struct cb_ingest_stats s = cb_ingest_stats(in);
        assert_non_null(memchr(s.reason, '\0', sizeof s.reason));
        n_used += use_ring(ring);
        cb_clock_sleep_ns(CB_NS_PER_MS);
    }
    cb_ingest_ask_stop(in);
    cb_ingest_stop(in);
    assert_true(__atomic_load_n(&count.n_frames, __ATOMIC_RELAXED) > 0);
    assert_int_equal(cb_ingest_stats(in).state, CB_DOWN);
    cb_ingest_destroy(&in);
    cb_packet_ring_destroy(&ring);
}

static void test_recording(void **state)
{
    struct cb_camera_conf conf = {.id = "threads"};
    (void) state;
    make_clip(conf.url, sizeof conf.url);
    run_and_ask(&conf, false);
}

/* A file read as a camera ends and is opened again and again; its sound has a thread of its own. */
static void test_live_with_a_second_url(void **state)
{
    struct cb_camera_conf conf = {.id = "threads"};
    (void) state;
    make_clip(conf.url, sizeof conf.url);
    memcpy(conf.sound_url, conf.url, sizeof conf.url);
    run_and_ask(&conf, true);
}

static void test_stopped_before_it_ran(void **state)
{
    struct cb_camera_conf conf = {.id = "threads", .url = "rtsp://127.0.0.1:1/none"};
    const struct cb_ingest_sink sink = {NULL, NULL, NULL, NULL};
    struct cb_ingest *in = NULL;
    (void) state;
    assert_int_equal(cb_ingest_create(&in, &conf, NULL, &sink), 0);
    assert_int_equal(cb_ingest_start(in), 0);
    cb_ingest_destroy(&in); /* stops by itself */
    assert_null(in);
    cb_ingest_destroy(&in);
    cb_ingest_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recording),
        cmocka_unit_test(test_live_with_a_second_url),
        cmocka_unit_test(test_stopped_before_it_ran),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
