#include "headers.h"

#include <errno.h>
#include <libavcodec/bsf.h>
#include <stdlib.h>
#include <string.h>

struct cb_headers {
    AVCodecParameters *par;
    AVBSFContext *filter; /* NULL: the codec keeps no parameter sets in its packets */
    AVPacket *packet;
};

static int make_filter(struct cb_headers *h, AVBSFContext **ret)
{
    static const enum AVCodecID with_sets[] = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC,
                                               AV_CODEC_ID_MPEG4, AV_CODEC_ID_MPEG2VIDEO};
    bool is_one = false;
    for (size_t i = 0; i < sizeof with_sets / sizeof with_sets[0]; i++)
        is_one |= h->par->codec_id == with_sets[i];
    const AVBitStreamFilter *f = is_one ? av_bsf_get_by_name("extract_extradata") : NULL;
    if (!f)
        return 0;
    int r = av_bsf_alloc(f, ret);
    if (r >= 0)
        r = avcodec_parameters_copy((*ret)->par_in, h->par);
    if (r >= 0)
        r = av_bsf_init(*ret);
    if (r < 0)
        av_bsf_free(ret);
    return r == AVERROR(ENOMEM) ? -ENOMEM : 0;
}

int cb_headers_create(struct cb_headers **ret, const AVCodecParameters *par)
{
    struct cb_headers *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    h->par = avcodec_parameters_alloc();
    h->packet = av_packet_alloc();
    int r = h->par && h->packet ? avcodec_parameters_copy(h->par, par) : -ENOMEM;
    if (r >= 0)
        r = make_filter(h, &h->filter);
    if (r < 0) {
        cb_headers_destroy(&h);
        return -ENOMEM;
    }
    *ret = h;
    return 0;
}

void cb_headers_destroy(struct cb_headers **headers)
{
    struct cb_headers *h = *headers;
    if (!h)
        return;
    *headers = NULL;
    avcodec_parameters_free(&h->par);
    av_packet_free(&h->packet);
    av_bsf_free(&h->filter);
    free(h);
}

/* Size of the picture that the sets in p describe; 0: not said. */
static void read_size(const struct cb_headers *h, const AVPacket *p, int *ret_w, int *ret_h)
{
    AVCodecParserContext *parser = av_parser_init(h->par->codec_id);
    AVCodecContext *ctx = avcodec_alloc_context3(NULL);
    uint8_t *out;
    int n;
    *ret_w = *ret_h = 0;
    if (parser && ctx && avcodec_parameters_to_context(ctx, h->par) >= 0) {
        parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
        av_parser_parse2(parser, ctx, &out, &n, p->data, p->size, 0, 0, 0);
        *ret_w = parser->width;
        *ret_h = parser->height;
    }
    av_parser_close(parser);
    avcodec_free_context(&ctx);
}

static bool take_sets(struct cb_headers *h, const AVPacket *p, const uint8_t *sets, size_t n)
{
    int width, height;
    if ((size_t) h->par->extradata_size == n && !memcmp(h->par->extradata, sets, n))
        return false;
    uint8_t *copy = av_mallocz(n + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!copy)
        return false;
    memcpy(copy, sets, n);
    av_freep(&h->par->extradata);
    h->par->extradata = copy;
    h->par->extradata_size = (int) n;
    read_size(h, p, &width, &height);
    if (width > 0 && height > 0) {
        h->par->width = width;
        h->par->height = height;
    }
    return true;
}

const AVCodecParameters *cb_headers_see(struct cb_headers *h, const AVPacket *p, bool *ret_is_new)
{
    size_t n = 0;
    const uint8_t *sets = av_packet_get_side_data(p, AV_PKT_DATA_NEW_EXTRADATA, &n);
    *ret_is_new = false;
    if (sets && n) {
        *ret_is_new = take_sets(h, p, sets, n);
    } else if (h->filter && p->flags & AV_PKT_FLAG_KEY && av_packet_ref(h->packet, p) >= 0) {
        if (av_bsf_send_packet(h->filter, h->packet) >= 0 &&
            av_bsf_receive_packet(h->filter, h->packet) >= 0) {
            sets = av_packet_get_side_data(h->packet, AV_PKT_DATA_NEW_EXTRADATA, &n);
            if (sets && n)
                *ret_is_new = take_sets(h, p, sets, n);
        }
        av_packet_unref(h->packet);
    }
    return h->par;
}
