#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct cb_source_opts {
    const char *url;
    const char *where;     /* for errors: "camera c1 (rtsp://host/1)" */
    bool is_live, is_udp;  /* is_udp: RTP over UDP instead of TCP */
    bool has_no_picture, has_no_sound; /* such a stream in it is not read */
    double open_timeout_s, read_timeout_s;
    int width_max, height_max;
    const bool *stop;      /* atomic; asks blocking calls to return */
};

/** An opened URL: its demuxer and the streams we take. One thread. */
struct cb_source {
    AVFormatContext *fmt;
    AVStream *picture, *sound; /* either may be NULL, not both */
    struct cb_source_opts opts;
    int64_t deadline_mono_ns;  /* of the blocking call under way; INT64_MAX: none */
    bool is_timed_out;
    bool has_no_times;         /* its format carries none: libav makes them up of a frame rate */
    bool is_cut_short;         /* the recording ended by an error, not by its end */
    char cut_why[160];
};

/**
 * Opens and looks for streams.
 * @return 0; -ECANCELED when stopped; -ETIMEDOUT; -ENOENT, -EINVAL, … : reterr says why
 */
int cb_source_open(struct cb_source **ret, const struct cb_source_opts *opts,
                   struct cb_error *reterr);
void cb_source_close(struct cb_source **s);
/**
 * The next packet of picture or sound.
 * @return 0; -ENODATA at the end (is_cut_short tells how); -ECANCELED; -ETIMEDOUT: nothing came for
 *         read_timeout_s; other: reterr says why
 */
int cb_source_read(struct cb_source *s, AVPacket *ret_packet, struct cb_error *reterr);

/** Looks at a file before libav does: missing, a folder, empty, text. @return 0 or -errno */
int cb_source_check_file(const char *path, const char *where, struct cb_error *reterr);

#endif
