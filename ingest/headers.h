#ifndef INGEST_HEADERS_H
#define INGEST_HEADERS_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>

/**
 * Watches a picture stream for new parameter sets: a camera that changes its resolution says so in
 * the stream only, and a clip's container must be told. One thread.
 */
struct cb_headers;

/** par is copied. @return 0; -ENOMEM */
int cb_headers_create(struct cb_headers **ret, const AVCodecParameters *par);
void cb_headers_destroy(struct cb_headers **h);
/** The parameters from packet p on; lent. *ret_is_new: they differ from those before. */
const AVCodecParameters *cb_headers_see(struct cb_headers *h, const AVPacket *p, bool *ret_is_new);

#endif
