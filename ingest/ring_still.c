#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "decode.h"
#include "ring.h"

/*
 * Pictures farther away than this are not the one that was asked for; and decoders give pictures
 * late: so much more than the wanted time is taken from the ring.
 */
#define AROUND_NS (2 * CB_NS_PER_S)

struct search {
    int64_t t_ns;
    AVFrame *best, *now;
};

static bool is_nearer(const struct search *s)
{
    if (s->now->pts == CB_NO_TIME || s->now->flags & AV_FRAME_FLAG_CORRUPT)
        return false;
    return !s->best->buf[0] || llabs(s->now->pts - s->t_ns) < llabs(s->best->pts - s->t_ns);
}

/* @return true when later pictures can only be farther away */
static bool take_frames(struct cb_decoder *d, struct search *s)
{
    bool is_past = false;
    while (cb_decoder_receive(d, s->now) == 0) {
        is_past |= s->now->pts >= s->t_ns;
        if (is_nearer(s)) {
            av_frame_unref(s->best);
            av_frame_move_ref(s->best, s->now);
        }
        av_frame_unref(s->now);
    }
    return is_past;
}

static void decode_all(struct cb_decoder *d, const struct cb_ring_stretch *stretch,
                       struct search *s)
{
    for (size_t i = 0; i < stretch->n; i++) {
        if (stretch->item[i].kind != CB_TRACK_PICTURE)
            continue;
        cb_decoder_send(d, stretch->item[i].packet); /* a bad packet costs its own picture only */
        if (take_frames(d, s))
            return;
    }
    cb_decoder_send(d, NULL);
    take_frames(d, s);
}

/* UTC as it was for the packet nearest to the picture. */
static void describe(const struct cb_ring_stretch *stretch, int64_t t_ns, struct cb_picture *p)
{
    const struct cb_ring_item *best = &stretch->item[0];
    for (size_t i = 1; i < stretch->n; i++)
        if (llabs(stretch->item[i].t_ns - t_ns) < llabs(best->t_ns - t_ns))
            best = &stretch->item[i];
    *p = (struct cb_picture){.t_ns = t_ns,
                             .utc_offset_ns = best->utc_offset_ns,
                             .time_source = best->time_source};
}

static int find(const struct cb_ring_stretch *stretch, struct search *s, struct cb_frame **ret)
{
    struct cb_decoder *d = NULL;
    struct cb_converter converter = {NULL};
    struct cb_picture about;
    int e = cb_decoder_create(&d, stretch->par[CB_TRACK_PICTURE], "packet ring", NULL);
    if (e < 0)
        return e;
    decode_all(d, stretch, s);
    cb_decoder_destroy(&d);
    if (!s->best->buf[0])
        return -ENODATA;
    describe(stretch, s->best->pts, &about);
    e = cb_picture_wrap(&converter, s->best, &about, ret);
    cb_converter_deinit(&converter);
    return e;
}

int cb_packet_ring_frame_at(struct cb_packet_ring *r, int64_t t_ns, struct cb_frame **ret_frame)
{
    struct cb_ring_stretch stretch;
    struct search s = {t_ns, av_frame_alloc(), av_frame_alloc()};
    int e = s.best && s.now
                ? cb_ring_take(r, t_ns, t_ns - AROUND_NS, t_ns + AROUND_NS, &stretch)
                : -ENOMEM;
    if (e == 0) {
        e = stretch.par[CB_TRACK_PICTURE] ? find(&stretch, &s, ret_frame) : -ENODATA;
        cb_ring_stretch_deinit(&stretch);
    }
    av_frame_free(&s.best);
    av_frame_free(&s.now);
    return e;
}
