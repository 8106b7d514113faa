#ifndef DETECTORS_SOUND_METER_H
#define DETECTORS_SOUND_METER_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "weighting.h"

/** Levels are clamped here: digital silence has no logarithm, and no microphone hears less. */
#define CB_LEVEL_FLOOR_DB (-20.0)
/** Time constants of Fast and Slow (IEC 61672-1:2013, 3.8), of Impulse's rise and of its decay
 * (IEC 61672-1:2002, annex C). */
#define CB_FAST_S          0.125
#define CB_SLOW_S          1.0
#define CB_IMPULSE_S       0.035
#define CB_IMPULSE_DECAY_S 1.5

/** The two frequency weightings of a meter, side by side in one register. */
typedef double cb_pair __attribute__((vector_size(16), aligned(8)));

/** What a meter saw since it was asked last. Squares are those of samples, full scale 1. */
struct cb_meter_tick {
    double max_fast, max_slow, max_impulse; /* highest mean squares, first weighting (A) */
    double sum[2];                          /* of the squares: first weighting (A), second (C) */
    double peak[2];                         /* highest magnitudes */
    double n;                               /* samples */
};

/**
 * Sound-level meter: A with Fast, Slow and Impulse; energies; C-weighted peak. f64 throughout. The
 * caller's memory; nothing to free.
 */
struct cb_meter {
    cb_pair b0[CB_WEIGHTING_SECTIONS], b1[CB_WEIGHTING_SECTIONS], b2[CB_WEIGHTING_SECTIONS],
        a1[CB_WEIGHTING_SECTIONS], a2[CB_WEIGHTING_SECTIONS];
    cb_pair s1[CB_WEIGHTING_SECTIONS], s2[CB_WEIGHTING_SECTIONS];
    double alpha_fast, alpha_slow, alpha_impulse; /* of the exponential means, a sample */
    double decay;                                 /* of Impulse, a sample */
    double offset_db;                             /* dB re 20 µPa of mean square 1 */
    double rate_hz;
    double fast, slow, rise, impulse; /* the means, of the first weighting's squares */
    struct cb_meter_tick since;
    bool is_primed;
};

/**
 * Weightings A and C.
 * @param sensitivity_dbfs level of a 94 dB SPL 1 kHz tone in the samples, dBFS RMS: 10·lg of the
 *        mean square, so that a full-scale sine is −3.01
 */
void cb_meter_init(struct cb_meter *m, double rate_hz, double sensitivity_dbfs);
/** The same with other weightings: the means are those of the first. */
void cb_meter_init_as(struct cb_meter *m, double rate_hz, double sensitivity_dbfs,
                      enum cb_weighting_kind first, enum cb_weighting_kind second);
/** Filters, means and maxima forgotten (samples are missing); the calibration stays. */
void cb_meter_reset(struct cb_meter *m);
/**
 * n samples, full scale ±1; blocks may be cut anywhere. What is no number counts as zero.
 * @param ret_squares NULL, or n squares of the samples in the first weighting
 */
void cb_meter_add_block(struct cb_meter *m, const float *x, size_t n, float *ret_squares);
/** One sample. */
void cb_meter_add(struct cb_meter *m, float x);
/** What was seen since the call before; the maxima start anew from the means as they are. */
void cb_meter_take(struct cb_meter *m, struct cb_meter_tick *ret);
/** The same, for LAFmax alone. */
double cb_meter_take_max_db(struct cb_meter *m);
double cb_meter_laf_db(const struct cb_meter *m);
double cb_meter_las_db(const struct cb_meter *m);
double cb_meter_lai_db(const struct cb_meter *m);
/** dB re 20 µPa of a mean square of (weighted) samples, clamped. */
double cb_meter_db(const struct cb_meter *m, double mean_square);

/** What may pass as a sample: no number is zero, and beyond 60 dB over full scale a float stream is
 * garbage that would never ring out. */
static inline float cb_meter_sane(float x)
{
    return !isfinite(x) ? 0 : x > 1e3f ? 1e3f : x < -1e3f ? -1e3f : x;
}

/** True when the sample can't be told from a clipped one. 16-bit full scale is 32767/32768. */
static inline bool cb_meter_is_overload(float x)
{
    return !(x < 0.9999f && x > -0.9999f);
}

#endif
