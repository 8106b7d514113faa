/*
 * The packet ring, filled by ingest from clips that ffmpeg makes: its bounds, the clips that are
 * cut from it and the pictures that are found in it.
 */
#include "unit/test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/mem.h"
#include "base/sound.h"
#include "folder.h"
#include "ingest/ingest.h"
#include "ingest/packet_ring.h"
#include "schema/camera.h"

#define SEEN_MAX 2000

/* What ingest handed out of a clip. */
struct seen {
    int64_t t_ns[SEEN_MAX];
    uint32_t luma[SEEN_MAX];
    int width[SEEN_MAX];
    size_t n;
    int64_t sound_first_ns, sound_last_ns;
    size_t n_sound;
};

static uint32_t luma_sum(const struct cb_picture *p)
{
    uint32_t sum = 2166136261u;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++)
            sum = (sum ^ p->plane[0][y * p->stride[0] + x]) * 16777619u;
    return sum;
}

static int on_frame(void *self, struct cb_frame *f)
{
    struct seen *s = self;
    const struct cb_picture *p = cb_frame_picture(f);
    assert_true(s->n < SEEN_MAX);
    s->t_ns[s->n] = p->t_ns;
    s->width[s->n] = p->width;
    s->luma[s->n++] = luma_sum(p);
    return 0;
}

static int on_sound(void *self, struct cb_sound *b)
{
    struct seen *s = self;
    const struct cb_samples *p = cb_sound_samples(b);
    if (!s->n_sound++)
        s->sound_first_ns = p->t_ns;
    s->sound_last_ns = p->t_ns + (int64_t) p->n * CB_NS_PER_S / p->rate_hz;
    return 0;
}

static void read_clip(const char *path, struct cb_packet_ring *ring, struct seen *ret)
{
    struct cb_camera_conf conf = {.id = "ring"};
    struct cb_ingest *in = NULL;
    struct cb_error error = {0};
    const struct cb_ingest_opts opts = {.ring = ring};
    const struct cb_ingest_sink sink = {ret, on_frame, on_sound, NULL};
    memset(ret, 0, sizeof *ret);
    snprintf(conf.url, sizeof conf.url, "%s", path);
    assert_int_equal(cb_ingest_create(&in, &conf, &opts, &sink), 0);
    int r = cb_ingest_run(in, &error);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", error.where, error.text);
    assert_int_equal(r, 0);
    cb_ingest_destroy(&in);
}

static void make(const char *name, const char *args, char ret_path[256])
{
    char line[1024];
    snprintf(ret_path, 256, "%s/%s", folder, name);
    snprintf(line, sizeof line, "ffmpeg -v error -y %s %s", args, ret_path);
    assert_int_equal(system(line), 0);
}

#define PICTURES(size, seconds) "-f lavfi -i testsrc2=s=" size ":r=25:d=" seconds " "
#define TONE(seconds)           "-f lavfi -i sine=1000:r=48000:d=" seconds " "
#define X264 "-c:v libx264 -preset veryfast -g 25 -pix_fmt yuv420p -threads 1 "

static void cut_to(struct cb_packet_ring *ring, int64_t t0, int64_t t1, const char *want_suffix,
                   char ret_path[256])
{
    const char *suffix = NULL;
    snprintf(ret_path, 256, "%s/cut.%s", folder, want_suffix);
    FILE *f = fopen(ret_path, "w+b");
    assert_non_null(f);
    int r = cb_packet_ring_cut(ring, t0, t1, fileno(f), &suffix);
    fclose(f);
    assert_int_equal(r, 0);
    assert_string_equal(suffix, want_suffix);
}

/*
 * Every picture of the cut is one of the clip's, in order, at the same distance in time, up to t1;
 * behind it may be one that B-pictures before it needed.
 */
static void check_pictures(const struct seen *clip, const struct seen *cut, int64_t t0, int64_t t1)
{
    size_t j = 0, i = 0;
    while (j < clip->n && clip->luma[j] != cut->luma[0])
        j++;
    assert_true(j < clip->n);
    assert_true(clip->t_ns[j] <= t0 && clip->t_ns[j] > t0 - CB_NS_PER_S);
    for (; j + i < clip->n && clip->t_ns[j + i] <= t1; i++) {
        assert_true(i < cut->n);
        if (cut->luma[i] != clip->luma[j + i])
            fprintf(stderr, "picture %zu of %zu is not the clip's %zu\n", i, cut->n, j + i);
        assert_int_equal(cut->luma[i], clip->luma[j + i]);
        int64_t error = (cut->t_ns[i] - cut->t_ns[0]) - (clip->t_ns[j + i] - clip->t_ns[j]);
        assert_true(llabs(error) <= CB_NS_PER_MS);
    }
    assert_true(cut->n - i <= 2);
}

/* A browser that gets the first bytes knows the whole clip. */
static void check_index_comes_first(const char *path)
{
    static uint8_t bytes[8 << 20];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    size_t moov = 0, mdat = 0;
    for (size_t at = 0; at + 8 <= n;) {
        size_t size = (size_t) bytes[at] << 24 | (size_t) bytes[at + 1] << 16 |
                      (size_t) bytes[at + 2] << 8 | bytes[at + 3];
        if (!memcmp(bytes + at + 4, "moov", 4))
            moov = at;
        if (!memcmp(bytes + at + 4, "mdat", 4))
            mdat = at;
        assert_true(size >= 8);
        at += size;
    }
    assert_true(moov > 0 && mdat > moov);
}

static void check_cut(const char *name, const char *args, const char *suffix)
{
    struct cb_packet_ring *ring = NULL;
    static struct seen clip, cut;
    char path[256], out[256];
    const int64_t t0 = 2500 * CB_NS_PER_MS, t1 = 5 * CB_NS_PER_S;
    assert_int_equal(cb_packet_ring_create(&ring, NULL), 0);
    make(name, args, path);
    read_clip(path, ring, &clip);
    cut_to(ring, t0, t1, suffix, out);
    read_clip(out, NULL, &cut);
    check_pictures(&clip, &cut, t0, t1);
    if (!strcmp(suffix, "mp4"))
        check_index_comes_first(out);
    /* sound from the first picture to the last, on the same axis */
    assert_true(llabs(cut.sound_first_ns - cut.t_ns[0]) < 50 * CB_NS_PER_MS);
    assert_true(llabs(cut.sound_last_ns - cut.t_ns[cut.n - 1]) < 200 * CB_NS_PER_MS);
    cb_packet_ring_destroy(&ring);
}

static void test_cut_h264_aac(void **state)
{
    (void) state; /* x264's B-frames: decode order is not the order of time */
    check_cut("b.mp4", PICTURES("320x240", "8") TONE("8") X264 "-bf 2 -c:a aac", "mp4");
}

static void test_cut_ts(void **state)
{
    (void) state; /* Annex B and ADTS become what MP4 wants */
    check_cut("t.ts", PICTURES("320x240", "8") TONE("8") X264 "-c:a aac", "mp4");
}

static void test_cut_pcm_goes_to_matroska(void **state)
{
    (void) state;
    check_cut("p.mkv", PICTURES("320x240", "8") TONE("8") X264 "-c:a pcm_alaw -ar 8000", "mkv");
}

static void test_cut_mjpeg(void **state)
{
    (void) state;
    check_cut("m.avi", PICTURES("320x240", "8") TONE("8") "-c:v mjpeg -c:a pcm_s16le", "mkv");
}

/* What ingest handed out of channel 0, put together. */
struct heard {
    float *x;
    size_t n, cap;
    int64_t t_ns;
    int rate_hz;
};

static int on_sound_keep(void *self, struct cb_sound *b)
{
    struct heard *h = self;
    const struct cb_samples *s = cb_sound_samples(b);
    if (!h->n) {
        h->t_ns = s->t_ns;
        h->rate_hz = s->rate_hz;
    }
    assert_int_equal(cb_grow((void **) &h->x, &h->cap, h->n + s->n, sizeof *h->x), 0);
    memcpy(h->x + h->n, s->channel[0], s->n * sizeof *h->x);
    h->n += s->n;
    return 0;
}

static void hear_clip(const char *path, struct cb_packet_ring *ring, struct heard *ret)
{
    struct cb_camera_conf conf = {.id = "ring"};
    struct cb_ingest *in = NULL;
    struct cb_error error = {0};
    const struct cb_ingest_opts opts = {.ring = ring};
    const struct cb_ingest_sink sink = {ret, NULL, on_sound_keep, NULL};
    snprintf(conf.url, sizeof conf.url, "%s", path);
    assert_int_equal(cb_ingest_create(&in, &conf, &opts, &sink), 0);
    assert_int_equal(cb_ingest_run(in, &error), 0);
    cb_ingest_destroy(&in);
}

static double largest_difference(const float *a, const float *b, size_t n)
{
    double d = 0;
    for (size_t i = 0; i < n; i++)
        d = fmax(d, fabs((double) a[i] - (double) b[i]));
    return d;
}

/* Sample by sample what was measured, also of a codec that builds on the packets before. */
static void check_sound(const char *name, const char *args, const char *want_codec,
                        double tolerance)
{
    struct cb_packet_ring *ring = NULL;
    struct heard clip = {0};
    struct cb_sound *sound = NULL;
    const char *codec = NULL;
    char path[256];
    const int64_t t0 = 2512345678, t1 = 5 * CB_NS_PER_S;
    assert_int_equal(cb_packet_ring_create(&ring, NULL), 0);
    make(name, args, path);
    hear_clip(path, ring, &clip);
    assert_int_equal(cb_packet_ring_sound(ring, t0, t1, 3 * CB_NS_PER_S, &sound, &codec), 0);
    assert_string_equal(codec, want_codec);
    const struct cb_samples *s = cb_sound_samples(sound);
    assert_int_equal(s->rate_hz, clip.rate_hz);
    assert_true(s->t_ns >= t0 && s->t_ns - t0 < 2 * CB_NS_PER_MS);
    assert_true(llabs((int64_t) s->n * CB_NS_PER_S / s->rate_hz - (t1 - t0)) < 2 * CB_NS_PER_MS);
    size_t at = (size_t) (((s->t_ns - clip.t_ns) * s->rate_hz + CB_NS_PER_S / 2) / CB_NS_PER_S);
    /* Matroska's time stamps are whole milliseconds: the samples are found near to there */
    size_t slack = (size_t) s->rate_hz / 500, i = at - slack;
    assert_true(at + slack + s->n <= clip.n);
    while (i <= at + slack && largest_difference(s->channel[0], clip.x + i, s->n) > tolerance)
        i++;
    assert_true(i <= at + slack);
    cb_sound_unref(&sound);
    assert_int_equal(cb_packet_ring_sound(ring, 60 * CB_NS_PER_S, 70 * CB_NS_PER_S,
                                          65 * CB_NS_PER_S, &sound, &codec), -ENODATA);
    assert_null(sound);
    free(clip.x);
    cb_packet_ring_destroy(&ring);
}

#define CHIRP "-f lavfi -i aevalsrc='0.4*sin(300*t*t)|0.2*sin(900*t)':s=48000:d=8 "

static void test_sound_is_what_was_measured(void **state)
{
    (void) state;
    check_sound("s.mkv", PICTURES("320x240", "8") CHIRP X264 "-c:a pcm_s16le", "pcm_s16le", 0);
    check_sound("s.mp4", PICTURES("320x240", "8") CHIRP X264 "-c:a aac", "aac",
                1e-4); /* AAC puts noise of its own, of another phase each time, into quiet bands */
    check_sound("s8.mkv", PICTURES("320x240", "8") CHIRP X264 "-c:a pcm_alaw -ar 8000 -ac 1",
                "pcm_alaw", 0);
    check_sound("s.wav", CHIRP, "pcm_s16le", 0);
}

static void test_frame_at_is_the_picture(void **state)
{
    struct cb_packet_ring *ring = NULL;
    static struct seen clip;
    char path[256];
    (void) state;
    assert_int_equal(cb_packet_ring_create(&ring, NULL), 0);
    make("f.mp4", PICTURES("320x240", "4") X264 "-bf 2", path);
    read_clip(path, ring, &clip);
    for (size_t i = 0; i < clip.n; i += 7) {
        struct cb_frame *f = NULL;
        const int64_t near = clip.t_ns[i] + (i % 2 ? 15 : -15) * CB_NS_PER_MS;
        assert_int_equal(cb_packet_ring_frame_at(ring, near, &f), 0);
        const struct cb_picture *p = cb_frame_picture(f);
        assert_int_equal(p->t_ns, clip.t_ns[i]);
        assert_int_equal(luma_sum(p), clip.luma[i]);
        cb_frame_unref(&f);
    }
    struct cb_frame *none = NULL;
    assert_int_equal(cb_packet_ring_frame_at(ring, 60 * CB_NS_PER_S, &none), -ENODATA);
    assert_null(none);
    cb_packet_ring_destroy(&ring);
}

static void check_several(struct cb_packet_ring *ring, const struct seen *clip, const size_t *which,
                          size_t n)
{
    int64_t t_ns[8];
    struct cb_frame *f[8];
    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++)
        t_ns[i] = clip->t_ns[which[i]] + (i % 2 ? 15 : -15) * CB_NS_PER_MS;
    assert_int_equal(cb_packet_ring_frames_at(ring, t_ns, n, f), 0);
    for (size_t i = 0; i < n; i++) {
        const struct cb_picture *p = cb_frame_picture(f[i]);
        assert_int_equal(p->t_ns, clip->t_ns[which[i]]);
        assert_int_equal(luma_sum(p), clip->luma[which[i]]);
        cb_frame_unref(&f[i]);
    }
}

/* In one group of pictures and over several (of 25), in any order, the same one twice. */
static void test_several_frames_are_the_pictures(void **state)
{
    struct cb_packet_ring *ring = NULL;
    static struct seen clip;
    char path[256];
    (void) state;
    assert_int_equal(cb_packet_ring_create(&ring, NULL), 0);
    make("s.mp4", PICTURES("320x240", "4") X264 "-bf 2", path);
    read_clip(path, ring, &clip);
    check_several(ring, &clip, (size_t[]){26, 35, 48}, 3);
    check_several(ring, &clip, (size_t[]){99, 3, 51, 52, 3, 24, 25}, 7);
    check_several(ring, &clip, (size_t[]){60}, 1);

    struct cb_frame *f[2];
    int64_t t_ns[] = {60 * CB_NS_PER_S, clip.t_ns[40]};
    assert_int_equal(cb_packet_ring_frames_at(ring, t_ns, 2, f), 0);
    assert_null(f[0]);
    assert_int_equal(cb_frame_picture(f[1])->t_ns, clip.t_ns[40]);
    cb_frame_unref(&f[1]);
    t_ns[1] = t_ns[0];
    assert_int_equal(cb_packet_ring_frames_at(ring, t_ns, 2, f), -ENODATA);
    assert_int_equal(cb_packet_ring_frames_at(ring, t_ns, 0, f), -ENODATA);
    assert_null(f[0]);
    cb_packet_ring_destroy(&ring);
}

static void test_bounds(void **state)
{
    static struct seen clip;
    char path[256];
    (void) state;
    make("l.mp4", PICTURES("320x240", "20") TONE("20") X264 "-c:a aac", path);
    struct cb_packet_ring *ring = NULL;
    const struct cb_packet_ring_opts by_time = {.span_ns = 5 * CB_NS_PER_S};
    assert_int_equal(cb_packet_ring_create(&ring, &by_time), 0);
    read_clip(path, ring, &clip);
    struct cb_packet_ring_stats s = cb_packet_ring_stats(ring);
    assert_in_range(s.t_newest_ns - s.t_oldest_ns, 5 * CB_NS_PER_S, 6 * CB_NS_PER_S + CB_NS_PER_MS);
    assert_true(s.t_newest_ns > 19 * CB_NS_PER_S);
    int64_t from = s.t_newest_ns - 3 * CB_NS_PER_S;
    const char *suffix;
    assert_int_equal(cb_packet_ring_cut(ring, 0, 2 * CB_NS_PER_S, -1, &suffix), -ENODATA);
    assert_int_equal(cb_packet_ring_cut(ring, from, s.t_newest_ns, -1, &suffix), -EBADF);
    cb_packet_ring_destroy(&ring);

    const struct cb_packet_ring_opts by_bytes = {.n_bytes_max = 300 * 1000};
    assert_int_equal(cb_packet_ring_create(&ring, &by_bytes), 0);
    read_clip(path, ring, &clip);
    s = cb_packet_ring_stats(ring);
    assert_in_range(s.n_bytes, 1, 300 * 1000);
    cb_packet_ring_destroy(&ring);
}

static void test_cut_never_mixes_sizes(void **state)
{
    static struct seen clip, cut;
    char small[256], large[256], both[256], out[256], line[1024];
    struct cb_packet_ring *ring = NULL;
    (void) state;
    make("s.ts", PICTURES("320x240", "4") X264, small);
    make("g.ts", PICTURES("640x360", "4") X264 "-output_ts_offset 4", large);
    snprintf(both, sizeof both, "%s/both.ts", folder);
    snprintf(line, sizeof line, "cat %s %s > %s", small, large, both);
    assert_int_equal(system(line), 0);
    assert_int_equal(cb_packet_ring_create(&ring, NULL), 0);
    read_clip(both, ring, &clip);
    assert_int_equal(clip.width[0], 320);
    assert_int_equal(clip.width[clip.n - 1], 640);
    int64_t change = 0;
    for (size_t i = 0; i < clip.n && !change; i++)
        change = clip.width[i] == 640 ? clip.t_ns[i] : 0;
    cut_to(ring, change - CB_NS_PER_S, change + 2 * CB_NS_PER_S, "mp4", out);
    read_clip(out, NULL, &cut);
    assert_in_range(cut.n, 40, 60);
    for (size_t i = 0; i < cut.n; i++)
        assert_int_equal(cut.width[i], 640);
    cb_packet_ring_destroy(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_h264_aac),
        cmocka_unit_test(test_cut_ts),
        cmocka_unit_test(test_cut_pcm_goes_to_matroska),
        cmocka_unit_test(test_cut_mjpeg),
        cmocka_unit_test(test_sound_is_what_was_measured),
        cmocka_unit_test(test_frame_at_is_the_picture),
        cmocka_unit_test(test_several_frames_are_the_pictures),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_cut_never_mixes_sizes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
