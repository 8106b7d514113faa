#ifndef INGEST_RING_H
#define INGEST_RING_H

#include <libavcodec/avcodec.h>
#include <pthread.h>

#include "clock.h"
#include "ingest/packet_ring.h"

/** The codec parameters that packets were made with. Immutable, counted under the ring's lock. */
struct cb_ring_format {
    AVCodecParameters *par[CB_TRACK_COUNT]; /* NULL: no such stream */
    int refs;
};

/** A packet with its times on the axis in ns, and what they mean in UTC. */
struct cb_ring_item {
    AVPacket *packet;
    enum cb_track_kind kind;
    struct cb_ring_format *format;
    int64_t t_ns; /* capture time */
    int64_t utc_offset_ns;
    enum cb_time_source time_source;
};

struct cb_packet_ring {
    struct cb_packet_ring_opts opts; /* set at create */

    pthread_mutex_t lock; /* leaf */
    struct cb_ring_item *item; /* lock, as all below: head … head + n, in stream order */
    size_t head, n, cap, n_bytes;
    int64_t t_newest_ns;
    struct cb_ring_format *format; /* of the next push */
    bool awaits_key; /* nothing is kept until a picture decodes alone */
};

/** What the next packets of a stream are made with; par is copied. The same again is no change. */
int cb_ring_set_format(struct cb_packet_ring *r, enum cb_track_kind kind,
                       const AVCodecParameters *par);
/** A stream that the next connection does not have. */
void cb_ring_forget_format(struct cb_packet_ring *r, enum cb_track_kind kind);
/** Keeps a reference to the packet's bytes. item: packet, kind and times; the rest is ignored.
 *  @return 0; -EINVAL: its kind has no format; -ENOMEM */
int cb_ring_push(struct cb_packet_ring *r, const struct cb_ring_item *item);

/** A stretch of the ring: references of its own, so that no lock is held while it is worked on. */
struct cb_ring_stretch {
    struct cb_ring_item *item;
    size_t n;
    AVCodecParameters *par[CB_TRACK_COUNT]; /* the stretch's own copies */
    int64_t t_base_ns; /* of its first picture, or sound */
};
/**
 * From the last key frame at or before t_key to t1, of one format only: the one most of [t0, t1]
 * is made with. @return 0; -ENODATA; -ENOMEM
 */
int cb_ring_take(struct cb_packet_ring *r, int64_t t_key_ns, int64_t t0_ns, int64_t t1_ns,
                 struct cb_ring_stretch *ret);
void cb_ring_stretch_deinit(struct cb_ring_stretch *s);

#endif
