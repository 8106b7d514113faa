#ifndef INGEST_SESSION_H
#define INGEST_SESSION_H

#include <pthread.h>

#include "audio.h"
#include "base/log.h"
#include "clock.h"
#include "decode.h"
#include "headers.h"
#include "ingest/ingest.h"
#include "schema/camera.h"
#include "second.h"
#include "source.h"

/** One camera's ingest. The ingest thread's, but for what is marked. */
struct cb_ingest {
    struct cb_log log;
    const struct cb_camera_conf *conf; /* set at create, as the next two */
    struct cb_ingest_opts opts;
    struct cb_ingest_sink sink;
    char where[192];                   /* "camera c1 (rtsp://host/1)" */
    char where_sound[192];             /* the same of the sound's URL */

    bool stop; /* atomic; any thread */

    struct cb_axis axis;   /* over all connections */
    struct cb_utc_map utc;
    struct cb_order order[CB_TRACK_COUNT];
    int width, height;     /* of the last picture; 0: none yet */
    int64_t pace_t_ns, pace_mono_ns; /* a paced recording: this time was handed out then */
    bool is_paced_yet;
    bool has_connected;    /* at least once */

    pthread_mutex_t lock;  /* leaf */
    struct cb_ingest_stats stats; /* lock */
    int64_t fps_t_ns, fps_n;      /* lock: start of the window that fps is counted over */

    pthread_t thread;
    bool is_started;
};

/** One opened URL and the packet of it that is next in turn. */
struct cb_input {
    struct cb_source *source; /* NULL: there is none */
    AVPacket *packet;
    bool has_packet, is_at_end;
};

#define CB_HELD_MAX 16
#define CB_INPUTS 2 /* the camera's URL, its sound's URL */

/** Sound that comes by a connection of its own. */
struct cb_hearing {
    bool has_decoder, is_placed;
    int64_t since_mono_ns; /* its connection's first packet */
    int64_t offset_ns;     /* where it was placed: axis less its time stamps */
    struct cb_utc_map utc;
};

/** One connection (or one reading of a recording): what is made anew at each. */
struct cb_session {
    struct cb_ingest *in;
    struct cb_input input[CB_INPUTS];
    struct cb_second *second;      /* a camera's sound URL; NULL: none, or a recording's */
    struct cb_hearing hearing;
    struct cb_decoder *decoder[CB_TRACK_COUNT];
    struct cb_converter converter;
    struct cb_resampler resampler;
    struct cb_headers *headers;    /* NULL: the ring is not kept */
    AVFrame *frame;
    bool awaits_key;               /* joined in the middle: pictures would be built on nothing */
    int64_t start_mono_ns;
    bool must_flag[CB_TRACK_COUNT]; /* the next output from break_t_ns on is a discontinuity */
    int64_t break_t_ns[CB_TRACK_COUNT];
    bool has_output, has_refused_sound;
    int64_t report_ns[CB_TRACK_COUNT]; /* the sender's UTC that came with the packet before */
    bool is_priming;               /* the first picture's packets wait for a time stamp */
    AVPacket *held[CB_HELD_MAX];
    int n_held;
    int sink_error;                /* why a recording was stopped */
};

/** Reads one connection to its end. @return as cb_ingest_run, -ENODATA at the end of a stream */
int cb_session_run(struct cb_ingest *in, struct cb_error *reterr);

/** Changes the state, tells the log and the sink, once a change. */
void cb_ingest_set_state(struct cb_ingest *in, enum cb_ingest_state state, const char *reason);

/** Decoders for the streams of an opened input. */
int cb_session_add_streams(struct cb_session *s, struct cb_source *src, struct cb_error *reterr);
/**
 * A packet of a session's stream: onto the axis, to the ring, through the decoder, to the sink.
 * @return 0; -ENOMEM; -EFBIG; a sink's error
 */
int cb_session_take(struct cb_session *s, const AVStream *st, AVPacket *p);
/**
 * The same for a camera's first packets: a key frame without a time stamp (libav's parser gives
 * the first picture of an RTP stream none) waits for those that tell it.
 */
int cb_session_prime(struct cb_session *s, const AVStream *st, AVPacket *p);
void cb_session_drop_held(struct cb_session *s);
/** The same for a packet whose stamp is known; its times are set from the stamp's. */
int cb_session_take_stamped(struct cb_session *s, enum cb_track_kind kind, AVPacket *p,
                            struct cb_stamp *stamp);
/** The next output from t_ns on is a discontinuity. */
void cb_session_note_break(struct cb_session *s, enum cb_track_kind kind, int64_t t_ns);
/** What has come of the second URL. */
int cb_session_hear(struct cb_session *s);
/** What the decoders still hold. */
int cb_session_flush(struct cb_session *s);

#endif
