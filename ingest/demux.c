#include <errno.h>
#include <libavutil/avstring.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "avlog.h"
#include "base/clock.h"
#include "source.h"
#include "url.h"

/*
 * What a camera or its recording may be. Formats that name other files (concat, image2, dash) and
 * those that make pictures of any text (tty) are left out on purpose.
 */
#define FORMATS                                                                                    \
    "rtsp,rtp,sdp,mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,live_flv,h264,hevc,mjpeg,"   \
    "mpjpeg,m4v,ogg,wav,w64,aac,mp3,flac,asf,nut,ivf,obu,mxf,yuv4mpegpipe,aiff,caf,au,ac3,eac3,"   \
    "amr,hls,dv,mjpeg_2000,jpeg_pipe,png_pipe,alaw,mulaw,3gp"
/* Pictures one after the other, without times. */
#define BARE_FORMATS     "h264,hevc,mjpeg,mpjpeg,m4v,mpegvideo,jpeg_pipe,png_pipe,obu"
#define STREAMS_MAX      64
#define PROBE_BYTES      (8 * 1024 * 1024)
#define ANALYZE_LIVE_US  "3000000"
#define ANALYZE_US       "10000000"
#define AGAIN_SLEEP_NS   (5 * CB_NS_PER_MS)

static bool is_stopped(const struct cb_source *s)
{
    return s->opts.stop && __atomic_load_n(s->opts.stop, __ATOMIC_ACQUIRE);
}

/* libav asks this all the while it blocks. */
static int on_interrupt(void *self)
{
    struct cb_source *s = self;
    if (is_stopped(s))
        return 1;
    if (cb_clock_mono_ns() > s->deadline_mono_ns)
        s->is_timed_out = true;
    return s->is_timed_out;
}

static void set_deadline(struct cb_source *s, double timeout_s)
{
    s->is_timed_out = false;
    s->deadline_mono_ns = timeout_s > 0 ? cb_clock_mono_ns() + cb_ns_from_s(timeout_s) : INT64_MAX;
}

/* The first of libav's options that can't be set, or 0; *opts is the caller's to free. */
static int make_options(const struct cb_source_opts *o, const struct cb_url_kind *kind,
                        AVDictionary **opts)
{
    char probe[24];
    const char *const pairs[][2] = {
        {"protocol_whitelist", kind->protocols},
        {"format_whitelist", FORMATS},
        {"probesize", probe},
        {"analyzeduration", o->is_live ? ANALYZE_LIVE_US : ANALYZE_US},
        {"rtsp_transport", o->is_udp ? "udp" : "tcp"},
    };
    snprintf(probe, sizeof probe, "%d", PROBE_BYTES);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        int r = av_dict_set(opts, pairs[i][0], pairs[i][1], 0);
        if (r < 0)
            return r;
    }
    return 0;
}

static int explain(struct cb_source *s, int averror, const char *doing, struct cb_error *reterr)
{
    if (is_stopped(s))
        return cb_error_set(reterr, -ECANCELED, s->opts.where, "stopped");
    if (s->is_timed_out)
        return cb_error_set(reterr, -ETIMEDOUT, s->opts.where, "%s: nothing for %.1f s", doing,
                            s->fmt && s->fmt->nb_streams ? s->opts.read_timeout_s
                                                         : s->opts.open_timeout_s);
    int code = averror > -4096 ? averror : -EINVAL; /* libav's own codes are far below errno's */
    return cb_error_set(reterr, code, s->opts.where, "%s: %s", doing, cb_avlog_words(averror));
}

/* libav takes a still's name for a pattern of names (image2), before it has looked into it. */
static const AVInputFormat *still_format(const char *path)
{
    static const char *const stills[][2] = {
        {".png", "png_pipe"}, {".jpg", "jpeg_pipe"}, {".jpeg", "jpeg_pipe"}};
    const char *dot = path ? strrchr(path, '.') : NULL;
    for (size_t i = 0; dot && i < sizeof stills / sizeof stills[0]; i++)
        if (!strcasecmp(dot, stills[i][0]))
            return av_find_input_format(stills[i][1]);
    return NULL;
}

static int open_input(struct cb_source *s, struct cb_error *reterr)
{
    const struct cb_url_kind *kind = cb_url_kind(s->opts.url);
    const char *path = cb_url_path(s->opts.url);
    char url[1100];
    AVDictionary *opts = NULL;
    if (!kind)
        return cb_error_set(reterr, -EPROTONOSUPPORT, s->opts.where,
                            "unknown kind of URL, expected rtsp://, http(s)://, udp://, rtp://, "
                            "tcp://, srt://, rtmp:// or a file");
    int r = path ? cb_source_check_file(path, s->opts.where, reterr) : 0;
    if (r < 0)
        return r;
    snprintf(url, sizeof url, "%s%s", path ? "file:" : "", path ? path : s->opts.url);
    s->fmt = avformat_alloc_context();
    if (!s->fmt)
        return -ENOMEM;
    s->fmt->interrupt_callback = (AVIOInterruptCB){on_interrupt, s};
    s->fmt->max_streams = STREAMS_MAX;
    r = make_options(&s->opts, kind, &opts);
    if (r >= 0) {
        set_deadline(s, s->opts.open_timeout_s);
        r = avformat_open_input(&s->fmt, url, still_format(path), &opts); /* frees fmt when it fails */
    }
    av_dict_free(&opts);
    return r < 0 ? explain(s, r, "can't be opened", reterr) : 0;
}

static AVStream *choose(struct cb_source *s, enum AVMediaType type)
{
    int i = av_find_best_stream(s->fmt, type, -1, -1, NULL, 0);
    if (i < 0)
        return NULL;
    AVStream *st = s->fmt->streams[i];
    return st->disposition & AV_DISPOSITION_ATTACHED_PIC ? NULL : st;
}

static int check_size(struct cb_source *s, struct cb_error *reterr)
{
    const AVCodecParameters *p = s->picture->codecpar;
    if (p->width <= s->opts.width_max && p->height <= s->opts.height_max)
        return 0;
    return cb_error_set(reterr, -EFBIG, s->opts.where,
                        "its picture is %d x %d, expected at most %d x %d", p->width, p->height,
                        s->opts.width_max, s->opts.height_max);
}

static int find_streams(struct cb_source *s, struct cb_error *reterr)
{
    set_deadline(s, s->opts.open_timeout_s);
    int r = avformat_find_stream_info(s->fmt, NULL);
    if (is_stopped(s) || s->is_timed_out)
        return explain(s, r, "no picture or sound came", reterr);
    s->picture = s->opts.has_no_picture ? NULL : choose(s, AVMEDIA_TYPE_VIDEO);
    s->sound = s->opts.has_no_sound ? NULL : choose(s, AVMEDIA_TYPE_AUDIO);
    for (unsigned i = 0; i < s->fmt->nb_streams; i++)
        if (s->fmt->streams[i] != s->picture && s->fmt->streams[i] != s->sound)
            s->fmt->streams[i]->discard = AVDISCARD_ALL;
    s->has_no_times = av_match_name(s->fmt->iformat->name, BARE_FORMATS);
    if (!s->picture && !s->sound)
        return cb_error_set(reterr, -EINVAL, s->opts.where,
                            "no %s stream found%s%s",
                            s->opts.has_no_picture ? "sound"
                            : s->opts.has_no_sound ? "picture"
                                                   : "picture or sound",
                            cb_avlog_last()[0] ? ": " : "", cb_avlog_last());
    return s->picture ? check_size(s, reterr) : 0;
}

int cb_source_open(struct cb_source **ret, const struct cb_source_opts *opts,
                   struct cb_error *reterr)
{
    struct cb_source *s = calloc(1, sizeof *s);
    if (!s)
        return cb_error_set(reterr, -ENOMEM, opts->where, "out of memory");
    s->opts = *opts;
    s->deadline_mono_ns = INT64_MAX;
    cb_avlog_clear();
    int r = open_input(s, reterr);
    if (r >= 0)
        r = find_streams(s, reterr);
    if (r < 0) {
        cb_source_close(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void cb_source_close(struct cb_source **source)
{
    struct cb_source *s = *source;
    if (!s)
        return;
    *source = NULL;
    set_deadline(s, 1.0); /* a TEARDOWN to a dead camera must not hold us */
    avformat_close_input(&s->fmt);
    free(s);
}

/* The end, or what a recording that was cut in the middle looks like. */
static int at_end(struct cb_source *s, int averror, struct cb_error *reterr)
{
    if (is_stopped(s) || s->is_timed_out)
        return explain(s, averror, "no packet", reterr);
    if (averror == AVERROR_EOF)
        return -ENODATA;
    if (s->opts.is_live)
        return explain(s, averror, "lost", reterr);
    s->is_cut_short = true;
    snprintf(s->cut_why, sizeof s->cut_why, "%s", cb_avlog_words(averror));
    return -ENODATA;
}

int cb_source_read(struct cb_source *s, AVPacket *ret_packet, struct cb_error *reterr)
{
    const int i_picture = s->picture ? s->picture->index : -1;
    const int i_sound = s->sound ? s->sound->index : -1;
    cb_avlog_clear();
    set_deadline(s, s->opts.read_timeout_s);
    for (;;) {
        int r = av_read_frame(s->fmt, ret_packet);
        if (r == AVERROR(EAGAIN) && !on_interrupt(s)) {
            cb_clock_sleep_ns(AGAIN_SLEEP_NS);
            continue;
        }
        if (r < 0)
            return at_end(s, r, reterr);
        if (ret_packet->stream_index == i_picture || ret_packet->stream_index == i_sound)
            return 0;
        av_packet_unref(ret_packet);
        if (on_interrupt(s))
            return explain(s, AVERROR_EXIT, "no packet of picture or sound", reterr);
    }
}
