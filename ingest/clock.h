#ifndef INGEST_CLOCK_H
#define INGEST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/frame.h"

#define CB_NO_TIME INT64_MIN

enum cb_track_kind { CB_TRACK_PICTURE, CB_TRACK_SOUND, CB_TRACK_COUNT };

/** The times of a packet, ns; CB_NO_TIME where the stream gives none. */
struct cb_stamp {
    int64_t pts_ns, dts_ns;
    int64_t duration_ns;      /* 0: unknown */
    int64_t wrap_ns;          /* the time stamp's period: 2^33 ticks of MPEG-TS; 0: none */
    int64_t arrival_mono_ns;
    bool may_be_reordered;    /* pts without dts need not rise from packet to packet */
};

/** One stream's way onto the axis. */
struct cb_track_clock {
    bool is_anchored;         /* offset holds for this connection */
    int64_t offset_ns;        /* axis less (unwrapped) stream time */
    int64_t offset_before_ns; /* before the last break; a glitch returns to it */
    int64_t wraps_ns;         /* what the wraps so far add */
    int64_t raw_last_ns;      /* unwrapped */
    int64_t t_last_ns;        /* on the axis, decode order */
    bool is_last_loose;       /* t_last is the highest presentation time so far */
    int64_t arrival_last_ns;
    int64_t step_ns;          /* usual distance of packets; 0: not known yet */
    bool has_last;
};

/**
 * One camera's axis of capture times: mends what time stamps do (wrap, jump, stop, repeat) and
 * keeps all else as it is. A plain value; one thread.
 */
struct cb_axis {
    bool is_live;
    struct cb_track_clock track[CB_TRACK_COUNT];
    bool has_last;     /* over all tracks and connections */
    bool is_continued; /* not the first connection: each track begins with a break */
    int64_t t_last_ns, arrival_last_ns;
    uint64_t n_jumps;
};

void cb_axis_init(struct cb_axis *a, bool is_live);
/** The next packets come from a new connection: their time stamps have nothing to do with ours. */
void cb_axis_reconnect(struct cb_axis *a);
/**
 * Puts a packet's times on the axis: pts_ns and dts_ns become axis times.
 * @return true: the axis breaks here, the packet before is no neighbour
 */
bool cb_axis_map(struct cb_axis *a, enum cb_track_kind kind, struct cb_stamp *stamp);
/**
 * Says where a track lies, for one whose time stamps have nothing to do with the other's; the
 * next packet is not measured against those before. stamp time + offset_ns is the axis time.
 */
void cb_axis_place(struct cb_axis *a, enum cb_track_kind kind, int64_t offset_ns);

/** Decoded pictures or blocks of one stream: their times strictly increase. */
struct cb_order {
    int64_t t_last_ns, step_ns;
    bool has_last;
    bool may_begin; /* without a time: the first is at zero */
    bool may_drop; /* sound: what was heard already is not heard again at another time */
};
/**
 * Time of the next output. t_ns: the decoder's, CB_NO_TIME where it has none.
 * @param ret_is_mended the stream's own time was not usable
 * @return the time; CB_NO_TIME: drop it: nothing is known yet, or may_drop and it is no later
 */
int64_t cb_order_next(struct cb_order *o, int64_t t_ns, bool *ret_is_mended);

/** From the axis to UTC. */
struct cb_utc_map {
    enum cb_time_source source;
    int64_t offset_ns;
    int64_t least_ns[2];      /* least arrival offset of this and of the last window */
    int64_t window_start_ns;  /* mono */
    bool has_window, is_rtcp_doubted;
};

/** By arrival alone, whatever the source: for comparing two streams of one place. */
int64_t cb_utc_map_by_arrival(const struct cb_utc_map *m);

#define CB_RTCP_TRUST_NS (INT64_C(60) * 1000000000)

void cb_utc_map_init(struct cb_utc_map *m);
/** A packet of axis time t arrived. Its latency varies: the quickest of the last minute count. */
void cb_utc_map_arrival(struct cb_utc_map *m, int64_t t_ns, int64_t mono_ns, int64_t utc_ns);
/**
 * The sender's own UTC of a packet. Not believed when over a minute off this node's clock (a
 * camera that sends local time, or 1970).
 * @param wrap_ns 2^32 ticks: the period in which such a time may be off after an RTP wrap
 * @return false: not believed
 */
bool cb_utc_map_rtcp(struct cb_utc_map *m, int64_t t_ns, int64_t sender_utc_ns, int64_t wrap_ns,
                     int64_t utc_ns);

#endif
