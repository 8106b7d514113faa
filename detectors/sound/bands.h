#ifndef DETECTORS_SOUND_BANDS_H
#define DETECTORS_SOUND_BANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weighting.h"

/** One-third octaves with nominal centres 25 Hz … 16 kHz. */
#define CB_BANDS 29

#define CB_BAND_OCTAVES  11 /* of rates: 192 kHz halved until 25 Hz fits */
#define CB_BAND_SECTIONS 4  /* pole pairs */
#define CB_HALF_TAPS     24 /* of the low-pass before each halving, the zeros between not counted */

/** One value for each band that is filtered at one rate: at most four. */
typedef double cb_lanes __attribute__((vector_size(32), aligned(8)));

/** The bands that are filtered at one rate. */
struct cb_band_octave {
    double rate_hz, alpha; /* of the exponential mean */
    cb_lanes g[CB_BAND_SECTIONS], a1[CB_BAND_SECTIONS], a2[CB_BAND_SECTIONS];
    cb_lanes s1[CB_BAND_SECTIONS], s2[CB_BAND_SECTIONS];
    cb_lanes mean; /* exponential mean of the squares, Fast */
    cb_lanes sum;  /* of the squares since the last cb_bands_take */
    double n_sum;
    /* the low-pass towards the next octave: its past inputs, every other one apart */
    double even[CB_HALF_TAPS], odd[CB_HALF_TAPS];
    bool is_odd; /* the next input is of the second kind */
};

/**
 * One-third-octave filters, IEC 61260-1:2014 class 1 (base ten, Butterworth, four pole pairs),
 * each with Fast time weighting. Low bands are filtered at a lower rate. The caller's memory;
 * nothing to free.
 */
struct cb_bands {
    struct cb_band_octave octave[CB_BAND_OCTAVES];
    size_t n_octaves;
    int octave_of[CB_BANDS], lane_of[CB_BANDS]; /* octave −1: beyond the rate */
    double half[CB_HALF_TAPS]; /* the low-pass's taps other than the middle one, which is 1/2 */
};

/** Exact centre, Hz: 1000·10^((i − 16) / 10). @param i [0, CB_BANDS) */
double cb_band_hz(size_t i);
/** As it is printed: 25, 31.5, 40 … */
double cb_band_nominal_hz(size_t i);

/** @param rate_hz [4000, 192000] */
void cb_bands_init(struct cb_bands *b, double rate_hz);
/** Forgets what was heard. */
void cb_bands_reset(struct cb_bands *b);
/** n samples, full scale ±1; blocks may be cut anywhere. What is no number counts as zero. */
void cb_bands_add(struct cb_bands *b, const float *x, size_t n);
/** Fast mean square of each band; NaN where the rate does not reach. */
void cb_bands_get(const struct cb_bands *b, double ret[CB_BANDS]);
/** Plain mean square of each band since the last call, NaN where none; starts the next. */
void cb_bands_take(struct cb_bands *b, double ret[CB_BANDS]);
/** The filter's own gain at f_hz (its low-passes before it included), dB; NaN beyond the rate. */
double cb_bands_gain_db(const struct cb_bands *b, size_t i, double f_hz);

#endif
