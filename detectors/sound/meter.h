#ifndef DETECTORS_SOUND_METER_H
#define DETECTORS_SOUND_METER_H

#include <stdbool.h>
#include <stddef.h>

#include "weighting.h"

/** Levels are clamped here: digital silence has no logarithm, and no microphone hears less. */
#define CB_LEVEL_FLOOR_DB (-20.0)
/** Time constant of the Fast weighting (IEC 61672-1:2013, 3.8). */
#define CB_FAST_S 0.125

/** Sound-level meter: A weighting, Fast. The caller's memory; nothing to free. */
struct cb_meter {
    struct cb_weighting weighting;
    double alpha;     /* of the exponential mean, a sample */
    double offset_db; /* dB re 20 µPa of mean square 1 */
    double mean;      /* exponential mean of the weighted squares */
    double max;       /* of mean, since cb_meter_take_max */
    bool is_primed;
};

/**
 * @param sensitivity_dbfs level of a 94 dB SPL 1 kHz tone in the samples, dBFS RMS: 10·lg of the
 *        mean square, so that a full-scale sine is −3.01
 */
void cb_meter_init(struct cb_meter *m, double rate_hz, double sensitivity_dbfs);
/** Filter and mean forgotten (samples are missing); the calibration stays. */
void cb_meter_reset(struct cb_meter *m);
/**
 * One sample, full scale ±1. What is no number counts as zero.
 * @return the A-weighted sample, same unit. Does not allocate.
 */
double cb_meter_add(struct cb_meter *m, float x);
double cb_meter_laf_db(const struct cb_meter *m);
/** LAFmax since the last call, and starts the next. */
double cb_meter_take_max_db(struct cb_meter *m);
/** dB re 20 µPa of a mean square of (weighted) samples, clamped. */
double cb_meter_db(const struct cb_meter *m, double mean_square);

/** True when the sample can't be told from a clipped one. 16-bit full scale is 32767/32768. */
static inline bool cb_meter_is_overload(float x)
{
    return !(x < 0.9999f && x > -0.9999f);
}

#endif
