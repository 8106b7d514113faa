#ifndef DETECTORS_SOUND_EAR_H
#define DETECTORS_SOUND_EAR_H

#include <stdbool.h>

#include "levels.h"
#include "schema/noise.h"
#include "spectrum.h"
#include "weigh.h"

struct cb_samples;
struct cb_microphone_conf;

/** Energies of this many seconds each: fine enough for single firings and for a bang's rise. */
#define CB_ENVELOPE_S  0.002
#define CB_HISS_HZ     1600.0 /* gas rushes and tyres hiss above; few orders are left */
#define CB_EVENT_MAX_S 12.0

/**
 * A stretch of sound that stood out. Lent for the call that brings it.
 * An event ends 10 dB under its peak, near the background, when another sound breaks in, or after
 * CB_EVENT_MAX_S; the next one begins when the level has risen again, so that one long noise does
 * not make many events.
 */
struct cb_sound_event {
    int64_t t_start_ns, t_peak_ns, t_end_ns;
    int64_t utc_offset_ns;
    int time_source;
    double lafmax_db, background_db; /* background: NaN when unknown yet */
    double beside_db; /* what sounds beside it: the background, or while that is unknown what bounds
                       * it, the quietest moment heard; NaN: nothing was heard for long enough */
    struct cb_sound_levels levels;   /* from start to end */
    bool is_overload;    /* clipped, at full scale or below it: a lower bound, never evidence */
    bool is_under_range; /* the stream's own rounding adds 0.8 dB or more: never evidence */
    const struct cb_row *const *row; /* n_rows, in time order; at least one */
    size_t n_rows, n_bins;
    double bin_hz;
    const struct cb_heard *heard; /* n_heard moments, one each CB_HEARD_S; level as measured, ln_hz
                                   * not filled */
    size_t n_heard;
    const float *envelope; /* n_envelope A-weighted mean squares of CB_ENVELOPE_S each */
    const float *hiss;     /* as many, of what lies over CB_HISS_HZ */
    size_t n_envelope;
};

struct cb_ear_listener {
    void *self;
    void (*on_level)(void *self, const struct cb_noise_level *l); /* each 100 ms of stream time */
    int (*on_event)(void *self, const struct cb_sound_event *e);
};

/**
 * The stream's side of hearing: sound-level meter on channel 0 (the calibrated microphone),
 * background, spectra, directions, and the cutting of events. Where blocks are cut is of no
 * effect. One thread.
 */
struct cb_ear;
struct cb_doa;

int cb_ear_create(struct cb_ear **ret, const struct cb_microphone_conf *conf,
                  const struct cb_ear_listener *listener);
void cb_ear_destroy(struct cb_ear **e);
/** @return 0; -ENOMEM; what on_event returned */
int cb_ear_add(struct cb_ear *e, const struct cb_samples *s);
/** Of the air, for the speed of sound; NaN: not known. Costs nothing while it stays. @return -ENOMEM */
int cb_ear_set_temperature(struct cb_ear *e, double temperature_c);
/** Ends what is open. */
int cb_ear_flush(struct cb_ear *e);
/** Time of the latest sample; INT64_MIN before the first. */
int64_t cb_ear_t_ns(const struct cb_ear *e);
/** NULL: one microphone, or no sound yet. Valid until the next cb_ear_add. */
const struct cb_doa *cb_ear_doa(const struct cb_ear *e);
/** The speed of sound at the temperature that is known, or taken for granted. */
double cb_ear_sound_mps(const struct cb_ear *e);

#endif
