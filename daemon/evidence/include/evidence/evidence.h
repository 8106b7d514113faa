#ifndef EVIDENCE_EVIDENCE_H
#define EVIDENCE_EVIDENCE_H

#include <stdint.h>

#include "base/err.h"
#include "schema/evidence.h"

struct cb_camera_conf;
struct cb_frame;
struct cb_sound;

/** Pictures that the violation named, without knowing where they are kept. */
struct cb_still_source {
    void *self;
    /** The picture nearest to t_ns, yours to unref. @return 0; -ENODATA: not kept any more */
    int (*at)(void *self, int64_t t_ns, struct cb_frame **ret_frame);
};

/** The compressed stream, without knowing a ring. */
struct cb_clip_source {
    void *self;
    /**
     * Writes [t0, t1] with sound to fd. *ret_suffix "mp4" or "mkv" (static).
     * @return 0; -ENODATA: not kept any more; -errno of writing
     */
    int (*cut)(void *self, int64_t t0_ns, int64_t t1_ns, int fd, const char **ret_suffix);
    const char *video_codec, *sound_codec; /* "h264", …; NULL: none, or not known */
};

/** Decoded sound, without knowing where it is kept. */
struct cb_sound_source {
    void *self;
    /**
     * [t0, t1], or as much around t_must as is there without a gap; yours to unref. *ret_codec: what
     * it was kept in (static). @return 0; -ENODATA: not kept any more, or no sound
     */
    int (*at)(void *self, int64_t t0_ns, int64_t t1_ns, int64_t t_must_ns,
              struct cb_sound **ret_sound, const char **ret_codec);
};

/** Of sound before and after an event. */
#define CB_SOUND_AROUND_NS INT64_C(3000000000)

/**
 * Around the violation's own stretch of the stream: seal when the post-roll is in the ring. The
 * alert waits for the seal, so the post-roll is what is left of the second that an alert may take.
 */
#define CB_CLIP_PRE_ROLL_NS INT64_C(2000000000)
#define CB_CLIP_POST_ROLL_NS INT64_C(500000000)

struct cb_evidence_opts {
    const char *node;          /* [a-z0-9-]{1,64} */
    const char *data_dir;      /* packages go to data_dir/sealed; made when missing */
    const char *key_file;      /* Ed25519 secret as `citybrain keygen` writes it */
    const char *software;      /* "citybrain 0.1.0 (build id)" */
    const char *config_sha256; /* 64 lower-case hex digits */
};

/**
 * Turns violations into sealed packages, one after the other, each chained to the one before.
 * One thread. One sealer a data_dir: a second one, also in another process, is refused (-EBUSY).
 */
struct cb_evidence_sealer;

/**
 * Finds the end of the chain among the packages in data_dir/sealed and removes what a crash left
 * half done. @return 0; -EACCES (key readable by others), -EBUSY, -EINVAL, …: reterr names it
 */
int cb_evidence_sealer_create(struct cb_evidence_sealer **ret, const struct cb_evidence_opts *opts,
                              struct cb_error *reterr);
/** Takes NULL. Packages stay. */
void cb_evidence_sealer_destroy(struct cb_evidence_sealer **s);
/** After a reload: records from here on carry this. @return 0; -EINVAL */
int cb_evidence_sealer_set_config(struct cb_evidence_sealer *s, const char *config_sha256);
const char *cb_evidence_sealer_public_key(const struct cb_evidence_sealer *s);
/** Of the newest record; 0: none yet. */
uint64_t cb_evidence_sealer_sequence(const struct cb_evidence_sealer *s);

/** How far the node's clock was from UTC when last compared, and how long ago that was. */
struct cb_clock_check {
    double offset_s, age_s;
};

/** The stretch of the stream that the package of v is cut from ends here: seal when it is there. */
int64_t cb_evidence_wants_until(const struct cb_violation *v);

/** All lent. */
struct cb_evidence_request {
    const struct cb_violation *violation;
    const struct cb_camera_conf *camera;
    const struct cb_still_source *stills;
    const struct cb_clip_source *clip;  /* NULL: there is none; the package says so */
    const struct cb_clock_check *clock; /* NULL: never compared */
    const struct cb_sound_source *sound; /* NULL: there is none; a loud one's package says so */
};

struct cb_sealed {
    char id[CB_UUID_LEN];
    uint64_t sequence;
    char *dir; /* data_dir/sealed/<sequence>-<id>; free() it */
};

/**
 * Writes one package and makes it durable: when this returns 0, the folder with all its files
 * survives a power cut; when it returns < 0, or is killed, no trace of it stays and its sequence
 * number is used again.
 *
 * A vehicle is accused by two stills at least that show it at different times: else -ENODATA, and
 * reterr says which could not be had. A noise whose vehicle is not named needs none. A clip or
 * close-up that cannot be had is noted in samples.json, "missing".
 *
 * @return 0; -ENODATA; -ENOSPC and other -errno of writing; -EINVAL: a violation of another camera
 */
int cb_evidence_seal(struct cb_evidence_sealer *s, const struct cb_evidence_request *request,
                     struct cb_sealed *ret, struct cb_error *reterr);

#endif
