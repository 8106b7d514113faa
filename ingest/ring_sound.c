#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "base/clock.h"
#include "base/mem.h"
#include "decode.h"
#include "ring.h"

/* Codecs build on the packets before: what comes out of the first of them is not yet the sound. */
#define RUN_UP_NS (200 * CB_NS_PER_MS)
/* As ingest itself tells a missing block from rounded time stamps. */
#define GAP_NS (10 * CB_NS_PER_MS)

/* The samples so far, without a gap between them. */
struct run {
    float *channel[CB_SOUND_CHANNELS_MAX];
    size_t n, cap[CB_SOUND_CHANNELS_MAX];
    int n_channels, rate_hz;
    int64_t t_ns; /* of the first */
};

struct search {
    int64_t t0_ns, t1_ns, t_must_ns;
    struct run *run;
    bool is_done;
};

static void release_run(void *owner)
{
    struct run *r = owner;
    for (int c = 0; c < CB_SOUND_CHANNELS_MAX; c++)
        free(r->channel[c]);
    free(r);
}

static int64_t end_of(const struct run *r)
{
    return r->t_ns + (int64_t) r->n * CB_NS_PER_S / r->rate_hz;
}

static bool continues(const struct run *r, const struct cb_samples *s)
{
    return r->n && r->rate_hz == s->rate_hz && r->n_channels == s->n_channels &&
           llabs(s->t_ns - end_of(r)) <= GAP_NS;
}

static int append(struct run *r, const struct cb_samples *s, size_t from, size_t to)
{
    for (int c = 0; c < s->n_channels; c++) {
        if (cb_grow((void **) &r->channel[c], &r->cap[c], r->n + to - from, sizeof(float)) < 0)
            return -ENOMEM;
        memcpy(r->channel[c] + r->n, s->channel[c] + from, (to - from) * sizeof(float));
    }
    r->n += to - from;
    return 0;
}

/* The part of a block that is inside; after a gap only if what must be there is still to come. */
static int take(struct search *s, const struct cb_samples *b)
{
    struct run *r = s->run;
    double per_ns = b->rate_hz / (double) CB_NS_PER_S;
    double from = ceil((double) (s->t0_ns - b->t_ns) * per_ns),
           to = ceil((double) (s->t1_ns - b->t_ns) * per_ns);
    from = fmin(fmax(from, 0), (double) b->n);
    to = fmin(fmax(to, 0), (double) b->n);
    if (from >= to || s->is_done)
        return 0;
    if (r->n && !continues(r, b)) {
        s->is_done = b->t_ns > s->t_must_ns;
        if (s->is_done)
            return 0;
        r->n = 0;
    }
    if (!r->n) {
        r->rate_hz = b->rate_hz;
        r->n_channels = b->n_channels;
        r->t_ns = b->t_ns + (int64_t) llround(from / per_ns);
    }
    return append(r, b, (size_t) from, (size_t) to);
}

static int take_decoded(struct cb_decoder *d, struct cb_resampler *rs, AVFrame *f,
                        struct search *s)
{
    int r = 0;
    while (r == 0 && cb_decoder_receive(d, f) == 0) {
        const struct cb_samples about = {.t_ns = f->pts};
        struct cb_sound *sound = NULL;
        if (f->pts != CB_NO_TIME && cb_sound_make(rs, f, &about, &sound) == 0)
            r = take(s, cb_sound_samples(sound));
        cb_sound_unref(&sound);
        av_frame_unref(f);
    }
    return r;
}

static int decode(const struct cb_ring_stretch *stretch, struct search *s)
{
    struct cb_decoder *d = NULL;
    struct cb_resampler rs = {0};
    AVFrame *f = av_frame_alloc();
    int r = f ? cb_decoder_create(&d, stretch->par[CB_TRACK_SOUND], "packet ring", NULL) : -ENOMEM;
    for (size_t i = 0; r == 0 && i < stretch->n; i++) {
        const struct cb_ring_item *item = &stretch->item[i];
        if (item->kind != CB_TRACK_SOUND || item->t_ns < s->t0_ns - RUN_UP_NS)
            continue;
        cb_decoder_send(d, item->packet); /* a bad packet is a gap */
        r = take_decoded(d, &rs, f, s);
    }
    if (r == 0) {
        cb_decoder_send(d, NULL);
        r = take_decoded(d, &rs, f, s);
    }
    cb_resampler_deinit(&rs);
    cb_decoder_destroy(&d);
    av_frame_free(&f);
    return r;
}

static int wrap(struct run *r, const struct cb_ring_stretch *stretch, struct cb_sound **ret)
{
    const struct cb_ring_item *last = &stretch->item[stretch->n - 1];
    struct cb_samples s = {.n = r->n, .n_channels = r->n_channels, .rate_hz = r->rate_hz,
                           .t_ns = r->t_ns, .utc_offset_ns = last->utc_offset_ns,
                           .time_source = last->time_source};
    for (int c = 0; c < r->n_channels; c++)
        s.channel[c] = r->channel[c];
    *ret = cb_sound_wrap(&s, release_run, r);
    return *ret ? 0 : -ENOMEM;
}

int cb_packet_ring_sound(struct cb_packet_ring *r, int64_t t0_ns, int64_t t1_ns, int64_t t_must_ns,
                         struct cb_sound **ret, const char **ret_codec)
{
    struct cb_ring_stretch stretch;
    int e = cb_ring_take(r, t0_ns - RUN_UP_NS, t0_ns, t1_ns, &stretch);
    if (e < 0)
        return e;
    struct search s = {t0_ns, t1_ns, t_must_ns, calloc(1, sizeof *s.run), false};
    const AVCodecParameters *par = stretch.par[CB_TRACK_SOUND];
    e = !s.run ? -ENOMEM : par ? decode(&stretch, &s) : -ENODATA;
    if (e == 0 && (!s.run->n || s.run->t_ns > t_must_ns || end_of(s.run) < t_must_ns))
        e = -ENODATA;
    if (e == 0)
        *ret_codec = avcodec_get_name(par->codec_id);
    if (e == 0)
        e = wrap(s.run, &stretch, ret);
    if (e < 0 && s.run)
        release_run(s.run);
    cb_ring_stretch_deinit(&stretch);
    return e;
}
