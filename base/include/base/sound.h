#ifndef BASE_SOUND_H
#define BASE_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"

#define CB_SOUND_CHANNELS_MAX 16

/** A block of sound as the camera sent it: its own rate, its channels kept apart. */
struct cb_samples {
    const float *channel[CB_SOUND_CHANNELS_MAX]; /* n samples each, full scale ±1.0 */
    size_t n;
    int n_channels;        /* [1, CB_SOUND_CHANNELS_MAX] */
    int rate_hz;           /* [4000, 192000] */
    int64_t t_ns;          /* capture time of sample 0 on the stream's axis, as cb_picture.t_ns */
    int64_t utc_offset_ns; /* as cb_picture.utc_offset_ns */
    enum cb_time_source time_source;
    bool is_discontinuity; /* samples are missing before this block, or rate or channels changed */
};

/** Counted, immutable once wrapped; the rules of cb_frame. */
struct cb_sound;

struct cb_sound *cb_sound_wrap(const struct cb_samples *s, void (*release)(void *owner),
                               void *owner);
struct cb_sound *cb_sound_ref(const struct cb_sound *s);
void cb_sound_unref(struct cb_sound **s);
const struct cb_samples *cb_sound_samples(const struct cb_sound *s);
size_t cb_sound_n_bytes(const struct cb_sound *s);

#endif
