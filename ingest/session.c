#include "session.h"

#include <errno.h>
#include <libavutil/avutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ring.h"

static struct cb_source_opts source_opts(const struct cb_ingest *in, int i)
{
    return (struct cb_source_opts){
        .url = i == 0 ? in->conf->url : in->conf->sound_url,
        .where = i == 0 ? in->where : in->where_sound,
        .is_live = in->opts.is_live,
        .is_udp = in->conf->rtsp_transport == CB_RTSP_UDP,
        .has_no_picture = i > 0,
        .has_no_sound = i == 0 && in->conf->sound_url[0],
        .open_timeout_s = in->opts.open_timeout_s,
        .read_timeout_s = in->opts.read_timeout_s,
        .width_max = in->opts.width_max,
        .height_max = in->opts.height_max,
        .stop = &in->stop,
    };
}

static int open_input(struct cb_session *s, int i, struct cb_error *reterr)
{
    const struct cb_source_opts opts = source_opts(s->in, i);
    s->input[i].packet = av_packet_alloc();
    if (!s->input[i].packet)
        return -ENOMEM;
    int r = cb_source_open(&s->input[i].source, &opts, reterr);
    return r < 0 ? r : cb_session_add_streams(s, s->input[i].source, reterr);
}

/* A recording's second file is read in turn with the first; a camera's by a thread of its own. */
static int open_second(struct cb_session *s, struct cb_error *reterr)
{
    const struct cb_source_opts opts = source_opts(s->in, 1);
    if (!s->in->opts.is_live)
        return open_input(s, 1, reterr);
    return cb_second_start(&s->second, &opts, &s->in->opts, &s->in->log);
}

/* A stream that was there before a reconnect and is no more: clips are cut without it. */
static void forget_missing(struct cb_session *s)
{
    for (int k = 0; s->in->opts.ring && k < CB_TRACK_COUNT; k++)
        if (!s->decoder[k] && !(k == CB_TRACK_SOUND && s->second))
            cb_ring_forget_format(s->in->opts.ring, (enum cb_track_kind) k);
}

static int session_init(struct cb_session *s, struct cb_ingest *in, struct cb_error *reterr)
{
    *s = (struct cb_session){.in = in, .start_mono_ns = cb_clock_mono_ns()};
    s->awaits_key = s->is_priming = in->opts.is_live;
    s->report_ns[0] = s->report_ns[1] = CB_NO_TIME;
    s->frame = av_frame_alloc();
    if (!s->frame)
        return -ENOMEM;
    int r = open_input(s, 0, reterr);
    if (r >= 0 && in->conf->sound_url[0])
        r = open_second(s, reterr);
    if (r >= 0)
        forget_missing(s);
    return r;
}

static void session_deinit(struct cb_session *s)
{
    cb_second_stop(&s->second);
    for (int i = 0; i < CB_INPUTS; i++) {
        av_packet_free(&s->input[i].packet);
        cb_source_close(&s->input[i].source);
    }
    for (int k = 0; k < CB_TRACK_COUNT; k++)
        cb_decoder_destroy(&s->decoder[k]);
    cb_converter_deinit(&s->converter);
    cb_resampler_deinit(&s->resampler);
    cb_headers_destroy(&s->headers);
    cb_session_drop_held(s);
    av_frame_free(&s->frame);
}

static const AVStream *stream_of(const struct cb_input *i)
{
    return i->source->fmt->streams[i->packet->stream_index];
}

static int64_t next_time_ns(const struct cb_input *i)
{
    const AVPacket *p = i->packet;
    int64_t t = p->dts != AV_NOPTS_VALUE ? p->dts : p->pts;
    return t == AV_NOPTS_VALUE
               ? CB_NO_TIME /* at once: where it belongs is known only to its own stream */
               : av_rescale_q(t, stream_of(i)->time_base, (AVRational){1, (int) CB_NS_PER_S});
}

static int fill(struct cb_input *i, struct cb_error *reterr)
{
    if (!i->source || i->has_packet || i->is_at_end)
        return 0;
    int r = cb_source_read(i->source, i->packet, reterr);
    i->has_packet = r == 0;
    i->is_at_end = r == -ENODATA;
    return i->is_at_end ? 0 : r;
}

/* The input whose packet is next in time; NULL at the end of all. */
static struct cb_input *choose(struct cb_session *s)
{
    struct cb_input *best = NULL;
    for (int i = 0; i < CB_INPUTS; i++)
        if (s->input[i].has_packet &&
            (!best || next_time_ns(&s->input[i]) < next_time_ns(best)))
            best = &s->input[i];
    return best;
}

static int read_all(struct cb_session *s, struct cb_error *reterr)
{
    for (;;) {
        int r = 0;
        for (int i = 0; i < CB_INPUTS && r == 0; i++)
            r = fill(&s->input[i], reterr);
        if (r < 0)
            return r;
        struct cb_input *next = choose(s);
        if (!next)
            return -ENODATA;
        if (__atomic_load_n(&s->in->stop, __ATOMIC_ACQUIRE))
            return cb_error_set(reterr, -ECANCELED, s->in->where, "stopped");
        r = cb_session_prime(s, stream_of(next), next->packet);
        av_packet_unref(next->packet);
        next->has_packet = false;
        if (r == 0)
            r = cb_session_hear(s);
        if (r < 0)
            return r;
    }
}

/* A recording that ends before its header says so, or by an error, is worth a line. */
static void warn_if_cut(struct cb_session *s)
{
    struct cb_ingest *in = s->in;
    const struct cb_source *src = s->input[0].source;
    const AVFormatContext *f = src->fmt;
    double t_s = cb_s_from_ns(in->stats.t_last_ns);
    double end_s = (double) (f->duration + (f->start_time > 0 ? f->start_time : 0)) / AV_TIME_BASE;
    bool has_end = f->duration > 0 && f->duration_estimation_method == AVFMT_DURATION_FROM_STREAM;
    if (src->is_cut_short)
        cb_warn(in, "the recording is cut short at %.3f s: %s", t_s, src->cut_why);
    else if (has_end && t_s < end_s - 1.0)
        cb_warn(in, "the recording is cut short: it ends at %.3f s, its header says %.3f s", t_s,
                end_s);
}

static int explain(struct cb_session *s, int r, struct cb_error *reterr)
{
    if (s->sink_error < 0)
        return cb_error_set(reterr, s->sink_error, s->in->where, "what it was read for has failed: "
                            "%s", strerror(-s->sink_error));
    if (r == -EFBIG)
        return cb_error_set(reterr, r, s->in->where,
                            "its picture became %d x %d, expected at most %d x %d",
                            s->frame->width, s->frame->height, s->in->opts.width_max,
                            s->in->opts.height_max);
    if (r == -ENODATA && !s->has_output && !s->in->opts.is_live)
        return cb_error_set(reterr, -EINVAL, s->in->where,
                            "nothing in it can be decoded (%llu packets, %llu bad)",
                            (unsigned long long) s->in->stats.n_packets,
                            (unsigned long long) s->in->stats.n_decode_errors);
    if (r == -ENOMEM)
        return cb_error_set(reterr, r, s->in->where, "out of memory");
    return r;
}

int cb_session_run(struct cb_ingest *in, struct cb_error *reterr)
{
    struct cb_session s;
    int r = session_init(&s, in, reterr);
    bool is_open = r >= 0;
    if (r >= 0)
        r = read_all(&s, reterr);
    if (r == -ENODATA) {
        int e = cb_session_flush(&s);
        r = e < 0 ? e : r;
    }
    if (is_open && r == -ENODATA && !in->opts.is_live)
        warn_if_cut(&s);
    if (is_open || r == -ENOMEM)
        r = explain(&s, r, reterr);
    session_deinit(&s);
    return r;
}
