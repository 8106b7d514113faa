#ifndef INGEST_PACKET_RING_H
#define INGEST_PACKET_RING_H

#include <stddef.h>
#include <stdint.h>

struct cb_frame;
struct cb_sound;

struct cb_packet_ring_opts {
    int64_t span_ns;    /* how much to keep; default 30 s */
    size_t n_bytes_max; /* default 64 MiB */
};

struct cb_packet_ring_stats {
    int64_t t_oldest_ns, t_newest_ns; /* stream axis; equal when empty */
    size_t n_packets, n_bytes;
    const char *video_codec, *sound_codec; /* of the next packets: "h264", …; static; NULL: none */
};

/**
 * The latest compressed packets of one camera, pictures and sound, from which clips are cut and
 * stills decoded. Bounded in seconds and bytes: the oldest group of pictures goes first.
 * Thread-safe: ingest pushes while others cut.
 */
struct cb_packet_ring;

int cb_packet_ring_create(struct cb_packet_ring **ret, const struct cb_packet_ring_opts *opts);
void cb_packet_ring_destroy(struct cb_packet_ring **r);
struct cb_packet_ring_stats cb_packet_ring_stats(struct cb_packet_ring *r);

/**
 * Writes [t0, t1] with sound to fd (seekable, the caller's), without re-encoding, from the last
 * key frame at or before t0: MP4 where it can hold the codecs, else Matroska.
 * @return 0 and *ret_suffix "mp4" or "mkv" (static); -ENODATA: nothing of the stretch is in the
 *         ring; -errno of writing
 */
int cb_packet_ring_cut(struct cb_packet_ring *r, int64_t t0_ns, int64_t t1_ns, int fd,
                       const char **ret_suffix);
/**
 * Decodes the picture whose capture time is nearest to t_ns.
 * @return 0 and *ret_frame yours; -ENODATA
 */
int cb_packet_ring_frame_at(struct cb_packet_ring *r, int64_t t_ns, struct cb_frame **ret_frame);
/**
 * The same for n times in any order; what lies in one group of pictures is decoded in one pass.
 * @return 0 and each ret_frame[i] yours, or NULL where there is no such picture; -ENODATA: there is
 *         none at all; -ENOMEM
 */
int cb_packet_ring_frames_at(struct cb_packet_ring *r, const int64_t *t_ns, size_t n,
                             struct cb_frame **ret_frame);
/**
 * Decodes the sound of [t0, t1] as ingest handed it out: the same rate, channels and samples, in
 * one block. Of a stretch with gaps in it, the part around t_must that has none.
 * @return 0 and *ret yours, *ret_codec what it was kept in ("aac"; static); -ENODATA: t_must is
 *         not in the ring, or without sound; -ENOMEM; -ENOSYS: no decoder
 */
int cb_packet_ring_sound(struct cb_packet_ring *r, int64_t t0_ns, int64_t t1_ns, int64_t t_must_ns,
                         struct cb_sound **ret, const char **ret_codec);

#endif
