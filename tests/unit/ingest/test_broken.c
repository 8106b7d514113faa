/*
 * Broken recordings: bytes of real containers changed, cut and mixed, and plain noise, all through
 * cb_ingest_run with a ring from which is cut. What is asked for: no crash, no leak, rising times.
 */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/sound.h"
#include "folder.h"
#include "ingest/ingest.h"
#include "ingest/packet_ring.h"
#include "schema/camera.h"

#define CHANGES   12 /* variants of each clip */
#define NOISE     8
#define FRAMES_MAX 400

static unsigned seed = 20261123;

struct seen {
    int64_t t_frame_ns, t_sound_ns;
    size_t n_frames, n_sound;
};

static int on_frame(void *self, struct cb_frame *f)
{
    struct seen *s = self;
    const struct cb_picture *p = cb_frame_picture(f);
    volatile uint8_t touched = 0; /* the planes must be there to their last byte */
    assert_true(!s->n_frames || p->t_ns > s->t_frame_ns);
    s->t_frame_ns = p->t_ns;
    for (int y = 0; y < p->height; y++)
        touched = touched ^ p->plane[0][y * p->stride[0] + p->width - 1];
    return ++s->n_frames < FRAMES_MAX ? 0 : -ECANCELED;
}

static int on_sound(void *self, struct cb_sound *b)
{
    struct seen *s = self;
    const struct cb_samples *p = cb_sound_samples(b);
    volatile float touched = 0;
    assert_true(!s->n_sound || p->t_ns > s->t_sound_ns);
    s->t_sound_ns = p->t_ns;
    for (int c = 0; c < p->n_channels; c++)
        touched = touched + p->channel[c][p->n - 1];
    return ++s->n_sound < 4 * FRAMES_MAX ? 0 : -ECANCELED;
}

static void use_ring(struct cb_packet_ring *ring)
{
    char path[256];
    const char *suffix;
    struct cb_frame *f = NULL;
    struct cb_packet_ring_stats s = cb_packet_ring_stats(ring);
    snprintf(path, sizeof path, "%s/cut", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    cb_packet_ring_cut(ring, s.t_oldest_ns, s.t_newest_ns, fd, &suffix);
    close(fd);
    if (cb_packet_ring_frame_at(ring, s.t_newest_ns, &f) == 0)
        cb_frame_unref(&f);
}

/* @return as cb_ingest_run */
static int run(const char *path)
{
    struct cb_camera_conf conf = {.id = "broken"};
    struct cb_ingest *in = NULL;
    struct cb_packet_ring *ring = NULL;
    struct cb_error error = {0};
    struct seen seen = {0};
    const struct cb_ingest_sink sink = {&seen, on_frame, on_sound, NULL};
    assert_int_equal(cb_packet_ring_create(&ring, NULL), 0);
    const struct cb_ingest_opts opts = {.ring = ring, .width_max = 1920, .height_max = 1080};
    snprintf(conf.url, sizeof conf.url, "%s", path);
    assert_int_equal(cb_ingest_create(&in, &conf, &opts, &sink), 0);
    int r = cb_ingest_run(in, &error);
    if (r < 0) {
        assert_true(error.where[0] && error.text[0]); /* every refusal has words */
        assert_non_null(strstr(error.where, "camera broken"));
    } else {
        assert_true(seen.n_frames + seen.n_sound > 0);
    }
    use_ring(ring);
    cb_ingest_destroy(&in);
    cb_packet_ring_destroy(&ring);
    return r;
}

static size_t read_file(const char *path, uint8_t *b, size_t size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(b, 1, size, f);
    fclose(f);
    return n;
}

static void write_file(const char *path, const uint8_t *b, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b, 1, n, f), n);
    fclose(f);
}

/* Single bytes, a stretch of noise, a stretch moved, or the end cut off. */
static size_t change(uint8_t *b, size_t n, int kind)
{
    size_t from = (size_t) rand_r(&seed) % n, len = (size_t) rand_r(&seed) % 2000 + 1;
    if (from + len > n)
        len = n - from;
    switch (kind % 4) {
    case 0:
        for (int i = 0; i < 40; i++)
            b[(size_t) rand_r(&seed) % n] = (uint8_t) rand_r(&seed);
        return n;
    case 1:
        for (size_t i = 0; i < len; i++)
            b[from + i] = (uint8_t) rand_r(&seed);
        return n;
    case 2:
        memmove(b + (size_t) rand_r(&seed) % (n - len + 1), b + from, len);
        return n;
    default:
        return from + 1;
    }
}

static void break_clip(const char *name, const char *args)
{
    static uint8_t whole[1 << 20], changed[1 << 20];
    char line[1024], path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(line, sizeof line,
             "ffmpeg -v error -y -f lavfi -i testsrc2=s=160x120:r=25:d=2 -f lavfi -i sine=d=2 "
             "-pix_fmt yuv420p -threads 1 %s %s", args, path);
    assert_int_equal(system(line), 0);
    size_t n = read_file(path, whole, sizeof whole);
    assert_true(n > 1000 && n < sizeof whole);
    assert_int_equal(run(path), 0);
    for (int i = 0; i < CHANGES; i++) {
        memcpy(changed, whole, n);
        size_t m = change(changed, n, i);
        write_file(path, changed, m);
        run(path);
    }
}

static void test_mp4(void **state)
{
    (void) state;
    break_clip("a.mp4", "-c:v libx264 -preset ultrafast -g 12 -c:a aac -movflags +faststart");
}

static void test_ts(void **state)
{
    (void) state;
    break_clip("a.ts", "-c:v libx264 -preset ultrafast -bf 2 -g 12 -c:a aac");
}

static void test_mkv(void **state)
{
    (void) state;
    break_clip("a.mkv", "-c:v libx265 -preset ultrafast -x265-params log-level=none -c:a libopus");
}

static void test_avi(void **state)
{
    (void) state;
    break_clip("a.avi", "-c:v mjpeg -c:a pcm_s16le");
}

static void test_noise(void **state)
{
    static uint8_t b[64 * 1024];
    char path[256];
    static const char *const ends[] = {"mp4", "ts", "h264", "wav", "avi", "mkv", "mjpeg", "bin"};
    (void) state;
    for (int i = 0; i < NOISE; i++) {
        for (size_t k = 0; k < sizeof b; k++)
            b[k] = (uint8_t) rand_r(&seed);
        snprintf(path, sizeof path, "%s/noise.%s", folder, ends[i]);
        write_file(path, b, sizeof b);
        run(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mp4), cmocka_unit_test(test_ts),    cmocka_unit_test(test_mkv),
        cmocka_unit_test(test_avi), cmocka_unit_test(test_noise),
    };
    cb_log_set_max(CB_LOG_ERR); /* hundreds of warnings are what is expected here */
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
