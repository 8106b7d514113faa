/* A camera's compressed packets, of any bytes, times and kinds, through the packet ring: clips,
 * pictures and sound are cut from them, or refused; the ring keeps its bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sound.h"
#include "ring.h"
#include "target.h"

#define RING_BYTES ((size_t) 64 << 10)

/* What is left of the input; at its end it gives zeros. */
struct input {
    const uint8_t *at;
    size_t n;
};

static int take(struct input *in)
{
    if (!in->n)
        return 0;
    in->n--;
    return *in->at++;
}

static const uint8_t *take_bytes(struct input *in, size_t *n)
{
    const uint8_t *at = in->at;
    *n = *n < in->n ? *n : in->n;
    in->at += *n;
    in->n -= *n;
    return at;
}

static void want(bool is_true, const char *what)
{
    if (is_true)
        return;
    fprintf(stderr, "not so: %s\n", what);
    abort();
}

static void quiet(void *self, enum cb_level level, const char *topic, const char *id,
                  const char *text)
{
    (void) self, (void) level, (void) topic, (void) id, (void) text;
}

static void set_format(struct cb_packet_ring *r, struct input *in)
{
    static const enum AVCodecID video[] = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MJPEG,
                                           AV_CODEC_ID_MPEG4, AV_CODEC_ID_VP9, AV_CODEC_ID_NONE};
    static const enum AVCodecID sound[] = {AV_CODEC_ID_AAC, AV_CODEC_ID_OPUS, AV_CODEC_ID_PCM_ALAW,
                                           AV_CODEC_ID_MP3, AV_CODEC_ID_PCM_S16BE};
    AVCodecParameters *p = avcodec_parameters_alloc();
    bool is_sound = take(in) & 1;
    size_t n;
    want(p, "there is memory");
    p->codec_type = is_sound ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    p->codec_id = is_sound ? sound[(size_t) take(in) % CB_LEN(sound)]
                           : video[(size_t) take(in) % CB_LEN(video)];
    p->width = take(in) * 4;
    p->height = take(in) * 4;
    p->sample_rate = take(in) * 1000;
    av_channel_layout_default(&p->ch_layout, take(in) % 10);
    n = (size_t) take(in);
    const uint8_t *extra = take_bytes(in, &n);
    p->extradata = n ? av_mallocz(n + AV_INPUT_BUFFER_PADDING_SIZE) : NULL;
    if (p->extradata) {
        memcpy(p->extradata, extra, n);
        p->extradata_size = (int) n;
    }
    cb_ring_set_format(r, is_sound ? CB_TRACK_SOUND : CB_TRACK_PICTURE, p);
    avcodec_parameters_free(&p);
}

static void push(struct cb_packet_ring *r, struct input *in, int64_t *t_ns)
{
    int flags = take(in);
    size_t n = (size_t) take(in) * 4;
    *t_ns += (int64_t) (int8_t) take(in) * 10 * CB_NS_PER_MS;
    const uint8_t *bytes = take_bytes(in, &n);
    AVPacket *p = av_packet_alloc();
    want(p && av_new_packet(p, (int) n) == 0, "there is memory");
    if (n)
        memcpy(p->data, bytes, n);
    p->flags = flags & 2 ? AV_PKT_FLAG_KEY : 0;
    struct cb_ring_item item = {.packet = p,
                                .kind = flags & 1 ? CB_TRACK_SOUND : CB_TRACK_PICTURE,
                                .t_ns = *t_ns,
                                .time_source = CB_TIME_RTCP};
    cb_ring_push(r, &item);
    av_packet_free(&p);
    want(cb_packet_ring_stats(r).n_bytes <= 2 * RING_BYTES, "the ring keeps its bounds");
}

static void cut(struct cb_packet_ring *r, int64_t t0_ns, int64_t t1_ns)
{
    const char *suffix = NULL, *codec = NULL;
    struct cb_frame *frame[2] = {NULL, NULL};
    struct cb_sound *sound = NULL;
    const int64_t at_ns[2] = {t0_ns, t1_ns};
    CB_AUTO_CLOSE int fd = memfd_create("clip", MFD_CLOEXEC);
    want(fd >= 0, "there is memory");
    if (cb_packet_ring_cut(r, t0_ns, t1_ns, fd, &suffix) == 0)
        want(suffix && (!strcmp(suffix, "mp4") || !strcmp(suffix, "mkv")), "a clip has a kind");
    cb_packet_ring_frames_at(r, at_ns, 2, frame);
    for (int i = 0; i < 2; i++) {
        if (frame[i])
            want(cb_frame_picture(frame[i])->width > 0, "a picture has a size");
        cb_frame_unref(&frame[i]);
    }
    if (cb_packet_ring_sound(r, t0_ns, t1_ns, t0_ns, &sound, &codec) == 0)
        want(codec && cb_sound_samples(sound)->n > 0, "sound has samples");
    cb_sound_unref(&sound);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cb_packet_ring *r = NULL;
    const struct cb_packet_ring_opts opts = {10 * CB_NS_PER_S, RING_BYTES};
    struct input in = {data, size};
    int64_t t_ns = CB_NS_PER_S;
    int n_cuts = 0;
    cb_log_set_sink(quiet, NULL);
    av_log_set_level(AV_LOG_QUIET);
    want(cb_packet_ring_create(&r, &opts) == 0, "a ring can be created");
    while (in.n) {
        int what = take(&in);
        if (what < 24)
            set_format(r, &in);
        else if (what < 32 && n_cuts++ < 4)
            cut(r, t_ns - (int64_t) take(&in) * 50 * CB_NS_PER_MS, t_ns);
        else
            push(r, &in, &t_ns);
    }
    cut(r, t_ns - CB_NS_PER_S, t_ns);
    cb_packet_ring_destroy(&r);
    return 0;
}
