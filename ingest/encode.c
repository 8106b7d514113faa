#include "ingest/encode.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/frame.h"

#define TICKS_HZ 90000
static const AVRational ns_base = {1, (int) CB_NS_PER_S};

struct cb_encoder {
    AVFormatContext *file;
    AVCodecContext *codec;
    AVStream *stream;
    struct SwsContext *scale;
    AVFrame *frame;
    AVPacket *packet;
    int width, height, shift_x, shift_y; /* of the pictures */
    bool is_full_range, has_header;
    int64_t t0_ns, pts;                  /* of the first and of the latest picture */
    int64_t step;                        /* between the last two: how long the last is shown */
};

static enum AVPixelFormat layout_of(int shift_x, int shift_y)
{
    static const enum AVPixelFormat table[3][2] = {
        {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV440P},
        {AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_YUV411P, AV_PIX_FMT_NONE},
    };
    if (shift_x < 0 || shift_x > 2 || shift_y < 0 || shift_y > 1)
        return AV_PIX_FMT_NONE;
    return table[shift_x][shift_y];
}

/* From the camera's layout and range to what every player shows. The ranges are set before it is
 * initialised: else a picture of the same layout is copied as it is. */
static int open_scale(struct cb_encoder *e)
{
    e->scale = sws_alloc_context();
    if (!e->scale)
        return AVERROR(ENOMEM);
    const struct {
        const char *name;
        int64_t value;
    } set[] = {{"srcw", e->codec->width},   {"srch", e->codec->height},
               {"dstw", e->codec->width},   {"dsth", e->codec->height},
               {"src_format", layout_of(e->shift_x, e->shift_y)},
               {"dst_format", AV_PIX_FMT_YUV420P},
               {"src_range", e->is_full_range}, {"dst_range", 0},
               {"sws_flags", SWS_BILINEAR}};
    int r = 0;
    for (size_t i = 0; i < sizeof set / sizeof set[0] && r >= 0; i++)
        r = av_opt_set_int(e->scale, set[i].name, set[i].value, 0);
    return r < 0 ? r : sws_init_context(e->scale, NULL, NULL);
}

static int open_codec(struct cb_encoder *e)
{
    const AVCodec *c = avcodec_find_encoder_by_name("libx264");
    bool is_h264 = c;
    if (!c)
        c = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    e->codec = c ? avcodec_alloc_context3(c) : NULL;
    if (!e->codec)
        return c ? AVERROR(ENOMEM) : AVERROR_ENCODER_NOT_FOUND;
    e->codec->width = e->width & ~1;
    e->codec->height = e->height & ~1;
    e->codec->pix_fmt = AV_PIX_FMT_YUV420P;
    /* MPEG-4 counts a second in 16 bits */
    e->codec->time_base = (AVRational){1, is_h264 ? TICKS_HZ : 60000};
    e->codec->thread_count = 2;
    if (is_h264) {
        av_opt_set(e->codec->priv_data, "preset", "veryfast", 0);
        av_opt_set(e->codec->priv_data, "crf", "23", 0);
    } else {
        e->codec->bit_rate = (int64_t) e->width * e->height * 4;
    }
    if (e->file->oformat->flags & AVFMT_GLOBALHEADER)
        e->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    return avcodec_open2(e->codec, c, NULL);
}

static int open_file(struct cb_encoder *e, const char *name)
{
    int r = avformat_alloc_output_context2(&e->file, NULL, NULL, name);
    if (!e->file)
        r = avformat_alloc_output_context2(&e->file, NULL, "mp4", name);
    if (r < 0)
        return r;
    r = open_codec(e);
    if (r < 0)
        return r;
    e->stream = avformat_new_stream(e->file, NULL);
    if (!e->stream)
        return AVERROR(ENOMEM);
    e->stream->time_base = e->codec->time_base;
    r = avcodec_parameters_from_context(e->stream->codecpar, e->codec);
    if (r >= 0)
        r = avio_open(&e->file->pb, name, AVIO_FLAG_WRITE);
    if (r >= 0)
        r = avformat_write_header(e->file, NULL);
    e->has_header = r >= 0;
    return r;
}

static int prepare(struct cb_encoder *e, const char *name)
{
    if (layout_of(e->shift_x, e->shift_y) == AV_PIX_FMT_NONE || e->width < 2 || e->height < 2)
        return AVERROR(EINVAL);
    int r = open_file(e, name);
    if (r >= 0)
        r = open_scale(e);
    e->frame = r >= 0 ? av_frame_alloc() : NULL;
    e->packet = r >= 0 ? av_packet_alloc() : NULL;
    if (r < 0)
        return r;
    if (!e->frame || !e->packet)
        return AVERROR(ENOMEM);
    e->frame->format = AV_PIX_FMT_YUV420P;
    e->frame->width = e->codec->width;
    e->frame->height = e->codec->height;
    return av_frame_get_buffer(e->frame, 0);
}

int cb_encoder_create(struct cb_encoder **ret, const char *file, const struct cb_picture *p,
                      struct cb_error *reterr)
{
    struct cb_encoder *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->width = p->width;
    e->height = p->height;
    e->shift_x = p->chroma_shift_x;
    e->shift_y = p->chroma_shift_y;
    e->is_full_range = p->is_full_range;
    e->pts = -1;
    int r = prepare(e, file);
    if (r < 0) {
        cb_encoder_destroy(&e);
        return cb_error_set(reterr, r, file, "can't be written as a video: %s", av_err2str(r));
    }
    *ret = e;
    return 0;
}

/* What the codec has ready goes into the file. */
static int drain(struct cb_encoder *e)
{
    int r;
    while ((r = avcodec_receive_packet(e->codec, e->packet)) >= 0) {
        if (!e->packet->duration)
            e->packet->duration = e->step;
        e->packet->stream_index = e->stream->index;
        av_packet_rescale_ts(e->packet, e->codec->time_base, e->stream->time_base);
        r = av_interleaved_write_frame(e->file, e->packet);
        if (r < 0)
            return r;
    }
    return r == AVERROR(EAGAIN) || r == AVERROR_EOF ? 0 : r;
}

int cb_encoder_add(struct cb_encoder *e, const struct cb_picture *p)
{
    if (p->width != e->width || p->height != e->height || p->chroma_shift_x != e->shift_x ||
        p->chroma_shift_y != e->shift_y || !p->plane[1] || !p->plane[2])
        return -EINVAL;
    if (e->pts < 0)
        e->t0_ns = p->t_ns;
    int64_t pts = av_rescale_q(p->t_ns - e->t0_ns, ns_base, e->codec->time_base);
    if (pts <= e->pts)
        return 0;
    const int stride[3] = {(int) p->stride[0], (int) p->stride[1], (int) p->stride[2]};
    int r = av_frame_make_writable(e->frame);
    if (r < 0)
        return r;
    sws_scale(e->scale, p->plane, stride, 0, e->codec->height, e->frame->data, e->frame->linesize);
    e->step = e->pts < 0 ? 0 : pts - e->pts;
    e->frame->pts = e->pts = pts;
    r = avcodec_send_frame(e->codec, e->frame);
    return r < 0 ? r : drain(e);
}

int cb_encoder_finish(struct cb_encoder *e)
{
    int r = avcodec_send_frame(e->codec, NULL);
    if (r >= 0)
        r = drain(e);
    int end = av_write_trailer(e->file);
    e->has_header = false;
    int closed = avio_closep(&e->file->pb);
    return r < 0 ? r : end < 0 ? end : closed;
}

void cb_encoder_destroy(struct cb_encoder **encoder)
{
    struct cb_encoder *e = *encoder;
    if (!e)
        return;
    *encoder = NULL;
    if (e->file && e->file->pb)
        avio_closep(&e->file->pb);
    avformat_free_context(e->file);
    avcodec_free_context(&e->codec);
    sws_freeContext(e->scale);
    av_frame_free(&e->frame);
    av_packet_free(&e->packet);
    free(e);
}
