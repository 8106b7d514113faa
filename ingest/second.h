#ifndef INGEST_SECOND_H
#define INGEST_SECOND_H

#include <libavcodec/avcodec.h>

#include "base/log.h"
#include "ingest/ingest.h"
#include "source.h"

/** A packet of the second URL, with what it needs to be understood on another thread. */
struct cb_second_packet {
    AVPacket *packet;
    AVCodecParameters *par; /* set on the first of a connection, else NULL */
    AVRational time_base;
    int wrap_bits;
    int64_t arrival_mono_ns, arrival_utc_ns;
};

/**
 * The camera's sound where it has a URL of its own: read on a thread that reconnects by itself,
 * so that neither stream waits for the other.
 */
struct cb_second;

/** Returns at once; src's strings must outlive it, its stop is not used. */
int cb_second_start(struct cb_second **ret, const struct cb_source_opts *src,
                    const struct cb_ingest_opts *opts, const struct cb_log *log);
/** Interrupts, joins, frees. Takes NULL. */
void cb_second_stop(struct cb_second **s);
/** What has come; does not wait. Yours on 0. @return -EAGAIN: nothing now */
int cb_second_take(struct cb_second *s, struct cb_second_packet **ret);
void cb_second_packet_free(struct cb_second_packet **p);

#endif
