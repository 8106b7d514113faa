#include <errno.h>

#include "session.h"

#define RATE_MIN_HZ 1.0 /* frame rates that are believed */
#define RATE_MAX_HZ 240.0
#define RATE_DEFAULT_HZ 25.0

static bool has_time(const AVPacket *p)
{
    return p->pts != AV_NOPTS_VALUE || p->dts != AV_NOPTS_VALUE;
}

/* Distance of pictures in the stream's time base, by what probing it has found. */
static int64_t step_of(const AVStream *st)
{
    double hz = av_q2d(st->avg_frame_rate);
    if (!(hz >= RATE_MIN_HZ && hz <= RATE_MAX_HZ))
        hz = RATE_DEFAULT_HZ;
    return (int64_t) (1.0 / (hz * av_q2d(st->time_base)) + 0.5);
}

static int hold(struct cb_session *s, AVPacket *p)
{
    AVPacket *kept = av_packet_alloc();
    if (!kept)
        return -ENOMEM;
    av_packet_move_ref(kept, p);
    s->held[s->n_held++] = kept;
    return 0;
}

/* The first picture is shown one step before the earliest that follows it. */
static int release(struct cb_session *s, const AVStream *st)
{
    int64_t first = AV_NOPTS_VALUE;
    int r = 0;
    for (int i = 1; i < s->n_held; i++) {
        int64_t t = s->held[i]->pts != AV_NOPTS_VALUE ? s->held[i]->pts : s->held[i]->dts;
        if (t != AV_NOPTS_VALUE && (first == AV_NOPTS_VALUE || t < first))
            first = t;
    }
    if (first != AV_NOPTS_VALUE)
        s->held[0]->pts = first - step_of(st);
    s->is_priming = false;
    for (int i = 0; i < s->n_held && r == 0; i++)
        r = cb_session_take(s, st, s->held[i]);
    cb_session_drop_held(s);
    return r;
}

int cb_session_prime(struct cb_session *s, const AVStream *st, AVPacket *p)
{
    if (!s->is_priming || st->codecpar->codec_type != AVMEDIA_TYPE_VIDEO ||
        s->input[0].source->has_no_times)
        return cb_session_take(s, st, p);
    if (s->n_held == 0 && has_time(p)) {
        s->is_priming = false;
        return cb_session_take(s, st, p);
    }
    if (s->n_held == 0 && !(p->flags & AV_PKT_FLAG_KEY))
        return 0; /* joined in the middle: no picture comes of it anyway */
    bool is_told = p->dts != AV_NOPTS_VALUE;
    int r = hold(s, p);
    if (r == 0 && (is_told || s->n_held == CB_HELD_MAX))
        r = release(s, st);
    return r;
}

void cb_session_drop_held(struct cb_session *s)
{
    while (s->n_held > 0)
        av_packet_free(&s->held[--s->n_held]);
}
