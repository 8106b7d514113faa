#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * How a time on the stream's axis (t_ns) relates to UTC. Detectors measure on t_ns alone, which a
 * corrected clock never bends; records carry utc_ns = t_ns + utc_offset_ns.
 */
enum cb_time_source {
    CB_TIME_FILE,    /* a recording: t_ns is its PTS, UTC only by configuration */
    CB_TIME_ARRIVAL, /* live, no sender report yet: UTC anchored on arrival of the first packet */
    CB_TIME_RTCP,    /* live: UTC by RTCP sender reports (RFC 3550, 6.4.1) */
};

/** A decoded picture's layout: 8-bit planar YUV, whatever the camera sent. */
struct cb_picture {
    const uint8_t *plane[3]; /* Y, U, V; U and V are NULL for a grey picture */
    ptrdiff_t stride[3];     /* bytes from row to row, may be negative */
    int width, height;       /* luma, px */
    int chroma_shift_x, chroma_shift_y; /* 1,1: 4:2:0; 1,0: 4:2:2; 0,0: 4:4:4 */
    bool is_full_range;      /* luma 0…255, else 16…235 */
    int64_t t_ns;            /* capture time on the stream's axis (PTS), ns */
    int64_t utc_offset_ns;   /* add to t_ns for UTC; 0 when time_source is CB_TIME_FILE */
    enum cb_time_source time_source;
    bool is_discontinuity;   /* the picture before is not this one's neighbour: reset trackers */
};

/** Counted, immutable once wrapped. */
struct cb_frame;

/**
 * Wraps anyone's memory. release(owner) is called once, by whoever drops the last reference.
 * @return the one reference, yours; NULL when out of memory (release is then not called)
 */
struct cb_frame *cb_frame_wrap(const struct cb_picture *p, void (*release)(void *owner),
                               void *owner);
struct cb_frame *cb_frame_ref(const struct cb_frame *f);
/** Takes NULL; leaves NULL. Thread-safe, as ref. */
void cb_frame_unref(struct cb_frame **f);
/** Valid as long as the frame. */
const struct cb_picture *cb_frame_picture(const struct cb_frame *f);
/** What the planes hold, for bounds in bytes. */
size_t cb_frame_n_bytes(const struct cb_frame *f);
/**
 * A pixel inside the picture as 0x00RRGGBB, by BT.601, which is near enough for people's eyes
 * whatever the camera's matrix.
 */
uint32_t cb_picture_rgb(const struct cb_picture *p, int x, int y);

#endif
