#ifndef DETECTORS_SOUND_RANGE_H
#define DETECTORS_SOUND_RANGE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * True when the tops of the n samples are cut off flat, at whatever level: clipped before a gain,
 * in the microphone's amplifier, or at a codec's own full scale (G.711: 0.98). Of both polarities
 * the samples within ε of the highest are counted against those within 8·ε: of a round top there
 * are 1/√8 = 35 % (a sine's, or any single frequency's), of peaks of several heights fewer, of a
 * flat one nearly all. ε is 0.5 %, or the step of a coarse quantisation.
 *
 * @param x finite; some 0.1 s
 */
bool cb_range_is_clipped(const float *x, size_t n);

/** The stream's own resolution. Zeroed memory is a fresh one. */
struct cb_range {
    float last, step; /* step: smallest difference of neighbours so far; 0: none yet */
};

void cb_range_add(struct cb_range *r, const float *x, size_t n);
/** Mean square of the noise that rounding to that step adds; 0: not known. */
double cb_range_noise(const struct cb_range *r);
/** A level under this mean square reads 0.8 dB or more too high (IEC 61672-1, 5.6: under-range). */
double cb_range_least(const struct cb_range *r);

#endif
