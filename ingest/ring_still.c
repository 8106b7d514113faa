#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/mem.h"
#include "decode.h"
#include "ring.h"

/*
 * Pictures farther away than this are not the one that was asked for; and decoders give pictures
 * late: so much more than the wanted time is taken from the ring.
 */
#define AROUND_NS (2 * CB_NS_PER_S)

/* One picture that is looked for. */
struct search {
    int64_t t_ns;
    AVFrame *best; /* its data: none yet */
    size_t key;    /* index of the packet where decoding must start for it */
};

static bool is_nearer(const struct search *s, const AVFrame *f)
{
    if (f->pts == CB_NO_TIME || f->flags & AV_FRAME_FLAG_CORRUPT)
        return false;
    return !s->best->buf[0] || llabs(f->pts - s->t_ns) < llabs(s->best->pts - s->t_ns);
}

static int offer(struct search *s, size_t n, size_t key, const AVFrame *f)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i].key != key || !is_nearer(&s[i], f))
            continue;
        av_frame_unref(s[i].best);
        if (av_frame_ref(s[i].best, f) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* @return 1 when later pictures than t_last can only be farther away; -ENOMEM */
static int take_frames(struct cb_decoder *d, AVFrame *now, struct search *s, size_t n, size_t key,
                       int64_t t_last_ns)
{
    int r = 0;
    while (r >= 0 && cb_decoder_receive(d, now) == 0) {
        bool is_past = r > 0 || now->pts >= t_last_ns;
        r = offer(s, n, key, now);
        r = r < 0 ? r : is_past;
        av_frame_unref(now);
    }
    return r;
}

static int decode_from(struct cb_decoder *d, const struct cb_ring_stretch *stretch, size_t key,
                       struct search *s, size_t n, AVFrame *now)
{
    int64_t t_last_ns = INT64_MIN;
    int r = 0;
    for (size_t i = 0; i < n; i++)
        if (s[i].key == key && s[i].t_ns > t_last_ns)
            t_last_ns = s[i].t_ns;
    for (size_t i = key; r == 0 && i < stretch->n; i++) {
        if (stretch->item[i].kind != CB_TRACK_PICTURE)
            continue;
        cb_decoder_send(d, stretch->item[i].packet); /* a bad packet costs its own picture only */
        r = take_frames(d, now, s, n, key, t_last_ns);
    }
    if (r == 0) {
        cb_decoder_send(d, NULL);
        r = take_frames(d, now, s, n, key, t_last_ns);
    }
    return r < 0 ? r : 0;
}

static size_t key_for(const struct cb_ring_stretch *stretch, int64_t t_ns)
{
    size_t key = 0;
    for (size_t i = 0; i < stretch->n; i++) {
        const struct cb_ring_item *item = &stretch->item[i];
        if (item->kind == CB_TRACK_PICTURE && item->packet->flags & AV_PKT_FLAG_KEY &&
            item->t_ns <= t_ns)
            key = i;
    }
    return key;
}

/* Each group of pictures in which something is looked for, once. */
static int decode_groups(const struct cb_ring_stretch *stretch, struct search *s, size_t n)
{
    AVFrame *now = av_frame_alloc();
    int r = now ? 0 : -ENOMEM;
    for (size_t i = 0; i < n; i++)
        s[i].key = key_for(stretch, s[i].t_ns);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct cb_decoder *d = NULL;
        bool is_done = false;
        for (size_t j = 0; j < i; j++)
            is_done |= s[j].key == s[i].key;
        if (is_done)
            continue;
        r = cb_decoder_create(&d, stretch->par[CB_TRACK_PICTURE], "packet ring", NULL);
        if (r == 0)
            r = decode_from(d, stretch, s[i].key, s, n, now);
        cb_decoder_destroy(&d);
    }
    av_frame_free(&now);
    return r;
}

/* UTC as it was for the packet nearest to the picture. */
static void describe(const struct cb_ring_stretch *stretch, int64_t t_ns, struct cb_picture *p)
{
    const struct cb_ring_item *best = &stretch->item[0];
    for (size_t i = 1; i < stretch->n; i++)
        if (llabs(stretch->item[i].t_ns - t_ns) < llabs(best->t_ns - t_ns))
            best = &stretch->item[i];
    *p = (struct cb_picture){
        .t_ns = t_ns, .utc_offset_ns = best->utc_offset_ns, .time_source = best->time_source};
}

/* Fills ret_frame[i] of s[i] where it is NULL. */
static int wrap(const struct cb_ring_stretch *stretch, const struct search *s, size_t n,
                struct cb_frame **ret_frame)
{
    struct cb_converter converter = {NULL};
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct cb_picture about;
        if (!s[i].best->buf[0] || ret_frame[i] ||
            (n > 1 && llabs(s[i].best->pts - s[i].t_ns) > AROUND_NS))
            continue;
        describe(stretch, s[i].best->pts, &about);
        r = cb_picture_wrap(&converter, s[i].best, &about, &ret_frame[i]);
    }
    cb_converter_deinit(&converter);
    return r;
}

/* In one stretch, of one format. */
static int find(struct cb_packet_ring *r, struct search *s, size_t n, struct cb_frame **ret_frame)
{
    struct cb_ring_stretch stretch;
    int64_t t0_ns = s[0].t_ns, t1_ns = s[0].t_ns;
    for (size_t i = 1; i < n; i++) {
        t0_ns = s[i].t_ns < t0_ns ? s[i].t_ns : t0_ns;
        t1_ns = s[i].t_ns > t1_ns ? s[i].t_ns : t1_ns;
    }
    int e = cb_ring_take(r, t0_ns, t0_ns - AROUND_NS, t1_ns + AROUND_NS, &stretch);
    if (e < 0)
        return e;
    if (!stretch.par[CB_TRACK_PICTURE])
        e = -ENODATA;
    else if ((e = decode_groups(&stretch, s, n)) == 0)
        e = wrap(&stretch, s, n, ret_frame);
    cb_ring_stretch_deinit(&stretch);
    return e;
}

static int find_all(struct cb_packet_ring *r, struct search *s, size_t n,
                    struct cb_frame **ret_frame)
{
    bool has_any = false;
    int e = find(r, s, n, ret_frame);
    /* A change of format between them: each on its own side of it. */
    for (size_t i = 0; n > 1 && i < n && (e == 0 || e == -ENODATA); i++) {
        if (ret_frame[i])
            continue;
        av_frame_unref(s[i].best);
        e = find(r, &s[i], 1, &ret_frame[i]);
    }
    for (size_t i = 0; i < n; i++)
        has_any |= ret_frame[i] != NULL;
    return e < 0 && e != -ENODATA ? e : has_any ? 0 : -ENODATA;
}

int cb_packet_ring_frames_at(struct cb_packet_ring *r, const int64_t *t_ns, size_t n,
                             struct cb_frame **ret_frame)
{
    CB_AUTO_FREE struct search *s = calloc(n ? n : 1, sizeof *s);
    int e = s ? n ? 0 : -ENODATA : -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ret_frame[i] = NULL;
    for (size_t i = 0; e == 0 && i < n; i++) {
        s[i].t_ns = t_ns[i];
        s[i].best = av_frame_alloc();
        if (!s[i].best)
            e = -ENOMEM;
    }
    if (e == 0)
        e = find_all(r, s, n, ret_frame);
    for (size_t i = 0; s && i < n; i++)
        av_frame_free(&s[i].best);
    for (size_t i = 0; e < 0 && i < n; i++)
        cb_frame_unref(&ret_frame[i]);
    return e;
}

int cb_packet_ring_frame_at(struct cb_packet_ring *r, int64_t t_ns, struct cb_frame **ret_frame)
{
    struct cb_frame *f;
    int e = cb_packet_ring_frames_at(r, &t_ns, 1, &f);
    if (e == 0)
        *ret_frame = f;
    return e;
}
