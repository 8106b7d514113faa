#ifndef INGEST_AUDIO_H
#define INGEST_AUDIO_H

#include <libavutil/frame.h>
#include <stdbool.h>

#include "base/sound.h"

/** Samples in other formats become planar float; rate and channels are kept. */
struct cb_resampler {
    struct SwrContext *swr;
    int format, rate_hz, n_channels;      /* of what swr was made for */
    bool has_last;
    int last_rate_hz, last_n_channels;
    int64_t t_expected_ns;                /* where the next block starts when nothing is missing */
};

void cb_resampler_deinit(struct cb_resampler *r);
/**
 * Makes a block of a frame that was decoded. Takes what f refers to on 0.
 * about: times and flags; is_discontinuity is set when samples are missing before the block.
 * @return 0; -ENOTSUP: rate or channels out of the range of base/sound.h
 */
int cb_sound_make(struct cb_resampler *r, AVFrame *f, const struct cb_samples *about,
                  struct cb_sound **ret);

#endif
