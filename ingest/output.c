#include <errno.h>
#include <libavutil/pixdesc.h>
#include <string.h>

#include "base/clock.h"
#include "ring.h"
#include "session.h"

#define KEY_WAIT_NS  (10 * CB_NS_PER_S) /* a stream without key frames (intra refresh) is taken so */
#define FPS_WINDOW_NS (2 * CB_NS_PER_S)
#define PACE_SLICE_NS (50 * CB_NS_PER_MS)
static const AVRational ns_base = {1, (int) CB_NS_PER_S};

/* Raw streams and MJPEG over HTTP have no times of their own; what is made of it is said. */
static void explain_times(struct cb_session *s, const struct cb_source *src)
{
    struct cb_ingest *in = s->in;
    double hz = src->picture ? av_q2d(src->picture->avg_frame_rate) : 0;
    if (!src->has_no_times || !src->picture)
        return;
    in->order[CB_TRACK_PICTURE].may_begin = !in->opts.is_live;
    if (hz >= 1 && hz <= 1000)
        in->order[CB_TRACK_PICTURE].step_ns = cb_ns_from_s(1 / hz);
    if (in->opts.is_live)
        cb_warn(in, "the stream carries no time stamps: times of arrival are used");
    else
        cb_warn(in, "the recording carries no time stamps: %.3f pictures a second are assumed", hz);
}

int cb_session_add_streams(struct cb_session *s, struct cb_source *src, struct cb_error *reterr)
{
    AVStream *const st[CB_TRACK_COUNT] = {src->picture, src->sound};
    struct cb_packet_ring *ring = s->in->opts.ring;
    int r = 0;
    for (int k = 0; k < CB_TRACK_COUNT && r >= 0; k++) {
        if (!st[k] || (k == CB_TRACK_SOUND && s->decoder[k]))
            continue;
        r = cb_decoder_create(&s->decoder[k], st[k]->codecpar, s->in->where, reterr);
        if (r >= 0 && ring)
            r = cb_ring_set_format(ring, (enum cb_track_kind) k, st[k]->codecpar);
        if (r >= 0 && ring && k == CB_TRACK_PICTURE)
            r = cb_headers_create(&s->headers, st[k]->codecpar);
    }
    explain_times(s, src);
    return r;
}

/* Live for the first output of a connection, with what is seen. */
static void say_live(struct cb_session *s)
{
    char text[160], picture[60] = "", sound[60] = "";
    const struct cb_source *a = s->input[0].source, *b = s->input[1].source;
    const AVStream *heard = b ? b->sound : a->sound;
    if (s->has_output)
        return;
    s->has_output = true;
    if (a->picture)
        snprintf(picture, sizeof picture, "%s %d x %d",
                 avcodec_get_name(a->picture->codecpar->codec_id), a->picture->codecpar->width,
                 a->picture->codecpar->height);
    if (heard)
        snprintf(sound, sizeof sound, "%s %d Hz %d channels",
                 avcodec_get_name(heard->codecpar->codec_id), heard->codecpar->sample_rate,
                 heard->codecpar->ch_layout.nb_channels);
    snprintf(text, sizeof text, "%s%s%s", picture, picture[0] && sound[0] ? ", " : "", sound);
    cb_ingest_set_state(s->in, CB_LIVE, text);
    pthread_mutex_lock(&s->in->lock);
    s->in->stats.n_reconnects += s->in->has_connected;
    pthread_mutex_unlock(&s->in->lock);
    s->in->has_connected = true;
}

/* A recording at its own rate: waits until t is due. */
static void pace(struct cb_ingest *in, int64_t t_ns)
{
    if (!in->opts.is_paced || in->opts.is_live)
        return;
    if (!in->is_paced_yet) {
        in->is_paced_yet = true;
        in->pace_t_ns = t_ns;
        in->pace_mono_ns = cb_clock_mono_ns();
    }
    for (;;) {
        int64_t left = in->pace_mono_ns + t_ns - in->pace_t_ns - cb_clock_mono_ns();
        if (left <= 0 || __atomic_load_n(&in->stop, __ATOMIC_ACQUIRE))
            return;
        cb_clock_sleep_ns(left < PACE_SLICE_NS ? left : PACE_SLICE_NS);
    }
}

static bool take_flag(struct cb_session *s, enum cb_track_kind kind, int64_t t_ns)
{
    bool is = s->must_flag[kind] && t_ns >= s->break_t_ns[kind];
    if (is)
        s->must_flag[kind] = false;
    return is;
}

static void count_picture(struct cb_ingest *in, const struct cb_picture *p)
{
    struct cb_ingest_stats *st = &in->stats;
    pthread_mutex_lock(&in->lock);
    st->n_frames++;
    st->width = p->width;
    st->height = p->height;
    st->t_last_ns = p->t_ns;
    if (in->fps_n++ == 0 || p->t_ns < in->fps_t_ns || p->is_discontinuity) {
        in->fps_t_ns = p->t_ns;
        in->fps_n = 1;
    } else if (p->t_ns - in->fps_t_ns >= FPS_WINDOW_NS) {
        st->fps = (double) (in->fps_n - 1) / cb_s_from_ns(p->t_ns - in->fps_t_ns);
        in->fps_t_ns = p->t_ns;
        in->fps_n = 1;
    }
    pthread_mutex_unlock(&in->lock);
}

static void count_sound(struct cb_ingest *in, const struct cb_samples *b)
{
    pthread_mutex_lock(&in->lock);
    in->stats.n_sound_blocks++;
    in->stats.n_channels = b->n_channels;
    in->stats.rate_hz = b->rate_hz;
    if (b->t_ns > in->stats.t_last_ns)
        in->stats.t_last_ns = b->t_ns;
    pthread_mutex_unlock(&in->lock);
}

static void count_bad(struct cb_ingest *in)
{
    pthread_mutex_lock(&in->lock);
    in->stats.n_decode_errors++;
    pthread_mutex_unlock(&in->lock);
}

/* What a sink answers ends a recording and never a camera. */
static int judge(struct cb_session *s, int r)
{
    if (r < 0 && !s->in->opts.is_live)
        s->sink_error = r;
    return s->sink_error;
}

static int put_picture(struct cb_session *s, int64_t t_ns)
{
    struct cb_ingest *in = s->in;
    const AVFrame *f = s->frame;
    struct cb_frame *frame = NULL;
    if (f->width > in->opts.width_max || f->height > in->opts.height_max)
        return -EFBIG;
    bool is_other_size = in->width && (in->width != f->width || in->height != f->height);
    struct cb_picture about = {
        .t_ns = t_ns,
        .time_source = in->opts.is_live ? in->utc.source : CB_TIME_FILE,
        .utc_offset_ns = in->opts.is_live ? in->utc.offset_ns : 0,
        .is_discontinuity = take_flag(s, CB_TRACK_PICTURE, t_ns) || is_other_size,
    };
    if (is_other_size)
        cb_info(in, "the picture changes from %d x %d to %d x %d", in->width, in->height, f->width,
                f->height);
    in->width = f->width;
    in->height = f->height;
    int r = cb_picture_wrap(&s->converter, s->frame, &about, &frame);
    if (r == -EINVAL) {
        count_bad(in);
        return 0;
    }
    if (r < 0)
        return r;
    say_live(s);
    pace(in, t_ns);
    count_picture(in, cb_frame_picture(frame));
    if (in->sink.on_frame)
        r = judge(s, in->sink.on_frame(in->sink.self, frame));
    cb_frame_unref(&frame);
    return r;
}

static int put_sound(struct cb_session *s, int64_t t_ns)
{
    struct cb_ingest *in = s->in;
    struct cb_sound *sound = NULL;
    struct cb_samples about = {
        .t_ns = t_ns,
        .time_source = in->opts.is_live ? in->utc.source : CB_TIME_FILE,
        .utc_offset_ns = in->opts.is_live ? in->utc.offset_ns : 0,
        .is_discontinuity = take_flag(s, CB_TRACK_SOUND, t_ns),
    };
    int r = cb_sound_make(&s->resampler, s->frame, &about, &sound);
    if (r == -ENOTSUP && !s->has_refused_sound) {
        s->has_refused_sound = true;
        cb_warn(in, "its sound has %d channels at %d Hz, expected 1 to %d at 4000 to 192000 Hz, "
                "ignoring", s->frame->ch_layout.nb_channels, s->frame->sample_rate,
                CB_SOUND_CHANNELS_MAX);
    }
    if (r == -EINVAL)
        count_bad(in);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    say_live(s);
    pace(in, t_ns);
    count_sound(in, cb_sound_samples(sound));
    if (in->sink.on_sound)
        r = judge(s, in->sink.on_sound(in->sink.self, sound));
    cb_sound_unref(&sound);
    return r;
}

static int put_outputs(struct cb_session *s, enum cb_track_kind kind)
{
    int r = 0;
    while (r == 0 && (r = cb_decoder_receive(s->decoder[kind], s->frame)) == 0) {
        bool is_mended, is_corrupt = s->frame->flags & AV_FRAME_FLAG_CORRUPT;
        if (is_corrupt)
            count_bad(s->in);
        int64_t t = is_corrupt ? CB_NO_TIME
                               : cb_order_next(&s->in->order[kind], s->frame->pts, &is_mended);
        if (t != CB_NO_TIME) {
            s->in->axis.n_jumps += is_mended;
            r = kind == CB_TRACK_PICTURE ? put_picture(s, t) : put_sound(s, t);
        }
        if (r != -EFBIG) /* the message names its size */
            av_frame_unref(s->frame);
    }
    return r == -EAGAIN || r == -EINVAL ? 0 : r;
}

static bool must_skip(struct cb_session *s, enum cb_track_kind kind, const AVPacket *p)
{
    if (kind != CB_TRACK_PICTURE || !s->awaits_key)
        return false;
    if (p->flags & AV_PKT_FLAG_KEY || cb_clock_mono_ns() - s->start_mono_ns > KEY_WAIT_NS)
        s->awaits_key = false;
    return s->awaits_key;
}

/*
 * The sender's UTC of this packet, ns; CB_NO_TIME: none. Where libav's parser puts pictures
 * together, a picture is complete only with the next packet, and leaves with that one's report.
 */
static int64_t report_of(struct cb_session *s, enum cb_track_kind kind, const AVStream *st,
                         const AVPacket *p)
{
    size_t n = 0;
    const AVProducerReferenceTime *side =
        (const void *) av_packet_get_side_data(p, AV_PKT_DATA_PRFT, &n);
    const AVCodecParserContext *parser = av_stream_get_parser(st);
    bool is_late = kind == CB_TRACK_PICTURE && parser && !(parser->flags & PARSER_FLAG_COMPLETE_FRAMES);
    int64_t now = side && n >= sizeof *side ? side->wallclock * 1000 : CB_NO_TIME;
    int64_t before = s->report_ns[kind];
    s->report_ns[kind] = now;
    return is_late ? before : now;
}

/* UTC by the sender's reports where they came, by arrival where not. */
static void map_utc(struct cb_session *s, const AVStream *st, const struct cb_stamp *stamp,
                    int64_t report_ns)
{
    struct cb_ingest *in = s->in;
    int64_t t = stamp->dts_ns != CB_NO_TIME ? stamp->dts_ns : stamp->pts_ns;
    int64_t utc = cb_clock_now_ns();
    if (!in->opts.is_live || t == CB_NO_TIME)
        return;
    cb_utc_map_arrival(&in->utc, t, stamp->arrival_mono_ns, utc);
    if (report_ns == CB_NO_TIME || stamp->pts_ns == CB_NO_TIME)
        return;
    bool was_doubted = in->utc.is_rtcp_doubted;
    int64_t wrap = av_rescale_q(INT64_C(1) << 32, st->time_base, ns_base);
    if (!cb_utc_map_rtcp(&in->utc, stamp->pts_ns, report_ns, wrap, utc) && !was_doubted)
        cb_warn(in, "the camera's clock is %.0f s off this node's: its time is not used",
                (double) (report_ns - utc) * 1e-9);
}

static int64_t to_ns(int64_t t, AVRational base)
{
    return t == AV_NOPTS_VALUE ? CB_NO_TIME : av_rescale_q(t, base, ns_base);
}

static struct cb_stamp stamp_of(const AVStream *st, const AVPacket *p)
{
    bool has_wrap = st->pts_wrap_bits > 0 && st->pts_wrap_bits < 63;
    return (struct cb_stamp){
        .pts_ns = to_ns(p->pts, st->time_base),
        .dts_ns = to_ns(p->dts, st->time_base),
        .duration_ns = p->duration > 0 ? to_ns(p->duration, st->time_base) : 0,
        .wrap_ns = has_wrap ? to_ns(INT64_C(1) << st->pts_wrap_bits, st->time_base) : 0,
        .arrival_mono_ns = cb_clock_mono_ns(),
        .may_be_reordered = st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO,
    };
}

static void count_packet(struct cb_ingest *in, const AVPacket *p, int64_t arrival_mono_ns)
{
    pthread_mutex_lock(&in->lock);
    in->stats.n_packets++;
    in->stats.n_bytes += (uint64_t) p->size;
    in->stats.n_time_jumps = in->axis.n_jumps;
    in->stats.last_arrival_mono_ns = arrival_mono_ns;
    pthread_mutex_unlock(&in->lock);
}

static int keep(struct cb_session *s, enum cb_track_kind kind, AVPacket *p)
{
    struct cb_ingest *in = s->in;
    int64_t t = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;
    bool is_new = false;
    int r = 0;
    if (!in->opts.ring || t == AV_NOPTS_VALUE)
        return 0;
    if (kind == CB_TRACK_PICTURE && s->headers) {
        const AVCodecParameters *par = cb_headers_see(s->headers, p, &is_new);
        if (is_new)
            r = cb_ring_set_format(in->opts.ring, kind, par);
    }
    const struct cb_ring_item item = {
        .packet = p,
        .kind = kind,
        .t_ns = t,
        .utc_offset_ns = in->opts.is_live ? in->utc.offset_ns : 0,
        .time_source = in->opts.is_live ? in->utc.source : CB_TIME_FILE,
    };
    return r < 0 ? r : cb_ring_push(in->opts.ring, &item);
}

void cb_session_note_break(struct cb_session *s, enum cb_track_kind kind, int64_t t_ns)
{
    s->must_flag[kind] = true;
    s->break_t_ns[kind] = t_ns;
}

static void put_on_axis(struct cb_session *s, enum cb_track_kind kind, struct cb_stamp *stamp)
{
    if (cb_axis_map(&s->in->axis, kind, stamp))
        cb_session_note_break(s, kind,
                              stamp->pts_ns != CB_NO_TIME ? stamp->pts_ns : stamp->dts_ns);
}

/* A packet whose place on the axis is known. */
static int feed(struct cb_session *s, enum cb_track_kind kind, AVPacket *p,
                const struct cb_stamp *stamp)
{
    p->pts = stamp->pts_ns == CB_NO_TIME ? AV_NOPTS_VALUE : stamp->pts_ns;
    p->dts = stamp->dts_ns == CB_NO_TIME ? AV_NOPTS_VALUE : stamp->dts_ns;
    p->duration = stamp->duration_ns;
    int r = keep(s, kind, p);
    if (r < 0)
        return r;
    if (cb_decoder_send(s->decoder[kind], p) < 0)
        count_bad(s->in);
    return put_outputs(s, kind);
}

int cb_session_take_stamped(struct cb_session *s, enum cb_track_kind kind, AVPacket *p,
                            struct cb_stamp *stamp)
{
    put_on_axis(s, kind, stamp);
    return feed(s, kind, p, stamp);
}

int cb_session_take(struct cb_session *s, const AVStream *st, AVPacket *p)
{
    enum cb_track_kind kind = st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO ? CB_TRACK_PICTURE
                                                                              : CB_TRACK_SOUND;
    struct cb_stamp stamp = stamp_of(st, p);
    if (s->in->opts.is_live && s->input[0].source->has_no_times) {
        stamp.pts_ns = stamp.dts_ns = stamp.arrival_mono_ns - s->start_mono_ns;
        stamp.wrap_ns = 0;
    }
    int64_t report_ns = report_of(s, kind, st, p);
    count_packet(s->in, p, stamp.arrival_mono_ns);
    if (must_skip(s, kind, p))
        return 0;
    put_on_axis(s, kind, &stamp);
    map_utc(s, st, &stamp, report_ns);
    return feed(s, kind, p, &stamp);
}

int cb_session_flush(struct cb_session *s)
{
    int r = 0;
    for (int k = 0; k < CB_TRACK_COUNT && r == 0; k++) {
        if (!s->decoder[k])
            continue;
        cb_decoder_send(s->decoder[k], NULL);
        r = put_outputs(s, (enum cb_track_kind) k);
    }
    return r;
}
