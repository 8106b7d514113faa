#include "decode.h"

#include <errno.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/clock.h"
#include "clock.h"

struct cb_decoder {
    AVCodecContext *ctx;
};

/* The largest picture of any camera; what a stream claims beyond is not even made room for. */
#define PIXELS_MAX (INT64_C(8192) * 8192)

int cb_decoder_create(struct cb_decoder **ret, const AVCodecParameters *par, const char *where,
                      struct cb_error *reterr)
{
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    if (!codec)
        return cb_error_set(reterr, -ENOSYS, where, "no decoder for %s",
                            avcodec_get_name(par->codec_id));
    struct cb_decoder *d = calloc(1, sizeof *d);
    if (d)
        d->ctx = avcodec_alloc_context3(codec);
    int r = d && d->ctx ? avcodec_parameters_to_context(d->ctx, par) : AVERROR(ENOMEM);
    if (r >= 0) {
        d->ctx->thread_count = 1; /* one camera, one thread: a city's worth share the cores */
        d->ctx->pkt_timebase = (AVRational){1, (int) CB_NS_PER_S};
        d->ctx->err_recognition = 0;
        d->ctx->max_pixels = PIXELS_MAX;
        r = avcodec_open2(d->ctx, codec, NULL);
    }
    if (r < 0) {
        cb_decoder_destroy(&d);
        return cb_error_set(reterr, -EINVAL, where, "its %s stream can't be decoded",
                            avcodec_get_name(par->codec_id));
    }
    *ret = d;
    return 0;
}

void cb_decoder_destroy(struct cb_decoder **decoder)
{
    struct cb_decoder *d = *decoder;
    if (!d)
        return;
    *decoder = NULL;
    avcodec_free_context(&d->ctx);
    free(d);
}

int cb_decoder_send(struct cb_decoder *d, const AVPacket *p)
{
    int r = avcodec_send_packet(d->ctx, p);
    return r == AVERROR_EOF ? 0 : r;
}

int cb_decoder_receive(struct cb_decoder *d, AVFrame *ret_frame)
{
    int r = avcodec_receive_frame(d->ctx, ret_frame);
    if (r < 0)
        return r == AVERROR(EAGAIN) || r == AVERROR_EOF ? -EAGAIN : -EINVAL;
    if (d->ctx->codec_type == AVMEDIA_TYPE_VIDEO || ret_frame->pts == AV_NOPTS_VALUE)
        ret_frame->pts = ret_frame->best_effort_timestamp;
    if (ret_frame->pts == AV_NOPTS_VALUE)
        ret_frame->pts = CB_NO_TIME;
    return 0;
}

static void release_avframe(void *owner)
{
    AVFrame *f = owner;
    av_frame_free(&f);
}

/* The layouts of base/frame.h: 8 bits, planar, luma and two or no chroma planes. */
static bool is_ours(enum AVPixelFormat format)
{
    switch (format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUV422P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUV444P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_GRAY8:
        return true;
    default:
        return false;
    }
}

static enum AVPixelFormat nearest_of_ours(const AVPixFmtDescriptor *d)
{
    if (d->nb_components < 3)
        return AV_PIX_FMT_GRAY8;
    if (d->flags & AV_PIX_FMT_FLAG_RGB)
        return AV_PIX_FMT_YUV444P;
    if (d->log2_chroma_w == 0 && d->log2_chroma_h == 0)
        return AV_PIX_FMT_YUV444P;
    return d->log2_chroma_h == 0 ? AV_PIX_FMT_YUV422P : AV_PIX_FMT_YUV420P;
}

static bool is_full_range(const AVFrame *f)
{
    return f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P ||
           f->format == AV_PIX_FMT_YUVJ422P || f->format == AV_PIX_FMT_YUVJ444P;
}

/* Keeps range and matrix: only the layout changes. */
static void keep_range(struct SwsContext *sws, const AVFrame *f, bool is_rgb)
{
    const int *table = sws_getCoefficients(f->colorspace == AVCOL_SPC_BT709 ? SWS_CS_ITU709
                                                                             : SWS_CS_DEFAULT);
    int full = is_full_range(f);
    sws_setColorspaceDetails(sws, table, full, table, is_rgb ? 0 : full, 0, 1 << 16, 1 << 16);
}

static int convert(struct cb_converter *c, const AVFrame *f, AVFrame **ret)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat) f->format);
    if (!d || d->flags & AV_PIX_FMT_FLAG_HWACCEL)
        return -EINVAL;
    bool is_rgb = d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL);
    AVFrame *out = av_frame_alloc();
    if (!out)
        return -ENOMEM;
    out->format = d->flags & AV_PIX_FMT_FLAG_PAL ? AV_PIX_FMT_YUV444P : nearest_of_ours(d);
    out->width = f->width;
    out->height = f->height;
    out->color_range = is_rgb ? AVCOL_RANGE_MPEG : f->color_range;
    c->sws = sws_getCachedContext(c->sws, f->width, f->height, (enum AVPixelFormat) f->format,
                                  f->width, f->height, (enum AVPixelFormat) out->format,
                                  SWS_POINT | SWS_ACCURATE_RND, NULL, NULL, NULL);
    int r = c->sws ? av_frame_get_buffer(out, 0) : AVERROR(EINVAL);
    if (r >= 0) {
        keep_range(c->sws, f, is_rgb);
        r = sws_scale(c->sws, (const uint8_t *const *) f->data, f->linesize, 0, f->height,
                      out->data, out->linesize);
    }
    if (r < 0) {
        av_frame_free(&out);
        return r == AVERROR(ENOMEM) ? -ENOMEM : -EINVAL;
    }
    *ret = out;
    return 0;
}

void cb_converter_deinit(struct cb_converter *c)
{
    sws_freeContext(c->sws);
    c->sws = NULL;
}

static void describe(const AVFrame *f, struct cb_picture *p)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat) f->format);
    p->width = f->width;
    p->height = f->height;
    p->chroma_shift_x = d->nb_components < 3 ? 0 : d->log2_chroma_w;
    p->chroma_shift_y = d->nb_components < 3 ? 0 : d->log2_chroma_h;
    p->is_full_range = is_full_range(f);
    for (int i = 0; i < 3; i++) {
        bool has_plane = i == 0 || d->nb_components >= 3;
        p->plane[i] = has_plane ? f->data[i] : NULL;
        p->stride[i] = has_plane ? f->linesize[i] : 0;
    }
}

int cb_picture_wrap(struct cb_converter *c, AVFrame *f, const struct cb_picture *about,
                    struct cb_frame **ret)
{
    AVFrame *own = NULL;
    int r = 0;
    if (f->width < 1 || f->height < 1)
        return -EINVAL;
    if (is_ours((enum AVPixelFormat) f->format))
        own = av_frame_alloc();
    else
        r = convert(c, f, &own);
    if (r < 0 || !own)
        return r < 0 ? r : -ENOMEM;
    if (is_ours((enum AVPixelFormat) f->format))
        av_frame_move_ref(own, f);
    struct cb_picture p = *about;
    describe(own, &p);
    struct cb_frame *frame = cb_frame_wrap(&p, release_avframe, own);
    if (!frame) {
        av_frame_free(&own);
        return -ENOMEM;
    }
    av_frame_unref(f);
    *ret = frame;
    return 0;
}
