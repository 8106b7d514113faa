#ifndef INGEST_DECODE_H
#define INGEST_DECODE_H

#include <libavcodec/avcodec.h>

#include "base/err.h"
#include "base/frame.h"

struct cb_sound;

/** A decoder of one stream; packets carry axis times in ns. One thread. */
struct cb_decoder;

/** par is copied. @return -ENOSYS: no decoder for the codec; reterr says which */
int cb_decoder_create(struct cb_decoder **ret, const AVCodecParameters *par, const char *where,
                      struct cb_error *reterr);
void cb_decoder_destroy(struct cb_decoder **d);
/** Lends a packet; NULL: the end, what is inside comes out. @return 0 or < 0: it can't be decoded */
int cb_decoder_send(struct cb_decoder *d, const AVPacket *p);
/** The next decoded frame, its pts on the axis in ns or CB_NO_TIME. @return 0; -EAGAIN: no more */
int cb_decoder_receive(struct cb_decoder *d, AVFrame *ret_frame);

/** Pixels in other layouts become 8-bit planar. Kept between frames. */
struct cb_converter {
    struct SwsContext *sws;
};
void cb_converter_deinit(struct cb_converter *c);
/**
 * Makes a frame of a picture that was decoded, without a copy where the layout is ours already.
 * Takes what f refers to on 0. about: the times and flags; size and planes are filled in.
 */
int cb_picture_wrap(struct cb_converter *c, AVFrame *f, const struct cb_picture *about,
                    struct cb_frame **ret);

#endif
