#ifndef INGEST_INGEST_H
#define INGEST_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct cb_frame;
struct cb_sound;
struct cb_packet_ring;
struct cb_camera_conf;

enum cb_ingest_state { CB_CONNECTING, CB_LIVE, CB_STALLED, CB_DOWN };

/** Called on the ingest thread (or cb_ingest_run's caller), in stream order. */
struct cb_ingest_sink {
    void *self;
    /** Lent: ref to keep. < 0 stops a recording with that code; ignored for live streams. */
    int (*on_frame)(void *self, struct cb_frame *f);
    int (*on_sound)(void *self, struct cb_sound *s);
    /** On each change, with the reason in words; no password is ever in it. May be NULL. */
    void (*on_state)(void *self, enum cb_ingest_state state, const char *reason);
};

struct cb_ingest_opts {
    struct cb_packet_ring *ring; /* NULL: packets are not kept */
    bool is_live;       /* reconnect for ever; else a recording: read once to its end */
    bool is_paced;      /* a recording is handed out at its own rate, as a live stream would be */
    double open_timeout_s;  /* default 10 */
    double read_timeout_s;  /* default 5: no packet for so long is a stall, then a reconnect */
    double backoff_min_s, backoff_max_s; /* default 0.5 and 30, with jitter */
    int width_max, height_max; /* default 8192 */
};

struct cb_ingest_stats {
    enum cb_ingest_state state;
    char reason[160];
    uint64_t n_frames, n_sound_blocks, n_packets, n_bytes;
    uint64_t n_decode_errors, n_reconnects, n_time_jumps;
    int width, height, n_channels, rate_hz;
    double fps;                 /* measured over the last seconds */
    int64_t t_last_ns;          /* stream axis */
    int64_t last_arrival_mono_ns;
};

struct cb_ingest;

/** True for URLs of live protocols (rtsp, rtsps, udp, rtp, srt, http(s) streams without an end). */
bool cb_ingest_is_live_url(const char *url);
/** The URL with user and password replaced by "***"; ret of at least CB_URL_LEN. For any output. */
void cb_ingest_redact_url(const char *url, char *ret, unsigned size);
/** Defaults for a camera: is_live by its URL. */
struct cb_ingest_opts cb_ingest_defaults(const struct cb_camera_conf *conf);

/** Opens nothing yet. conf and sink's self must outlive it. */
int cb_ingest_create(struct cb_ingest **ret, const struct cb_camera_conf *conf,
                     const struct cb_ingest_opts *opts, const struct cb_ingest_sink *sink);
/**
 * Reads on the caller's thread until a recording's end (0), a stop (-ECANCELED), a sink's error,
 * or, for a recording, an error that reterr words: a missing file, no stream in it, …
 * A recording cut in the middle ends with 0 and a warning in the log.
 */
int cb_ingest_run(struct cb_ingest *in, struct cb_error *reterr);
/** The same on a thread of its own; how it ended is in the state and the log. */
int cb_ingest_start(struct cb_ingest *in);
/** Asks; interrupts a blocking read. From any thread. */
void cb_ingest_ask_stop(struct cb_ingest *in);
/** Asks, joins. Takes NULL and never started. */
void cb_ingest_stop(struct cb_ingest *in);
/** After stop. Takes NULL. */
void cb_ingest_destroy(struct cb_ingest **in);
/** From any thread. */
struct cb_ingest_stats cb_ingest_stats(struct cb_ingest *in);

const char *cb_ingest_state_name(enum cb_ingest_state s);

#endif
