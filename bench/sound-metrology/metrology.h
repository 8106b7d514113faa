#ifndef BENCH_SOUND_METROLOGY_H
#define BENCH_SOUND_METROLOGY_H

#include <stdio.h>

#include "sound/weighting.h"

/**
 * Each puts signals through the meter as a laboratory would, prints measured value, goal, limits
 * and margin, and gives the smallest margin, dB (or dB/s); < 0: outside class 1. out: NULL for
 * none.
 */
double metrology_weighting(FILE *out, enum cb_weighting_kind kind, double rate_hz);
double metrology_bursts(FILE *out, enum cb_weighting_kind kind, double rate_hz);
double metrology_impulse(FILE *out, double rate_hz);
double metrology_peak(FILE *out, double rate_hz);
double metrology_decay(FILE *out, double rate_hz);
double metrology_linearity(FILE *out, double f_hz, double rate_hz);
double metrology_steady(FILE *out, double rate_hz);
double metrology_bands(FILE *out, double rate_hz);
double metrology_summation(FILE *out, double rate_hz);
/** The table of rates: what cb_rate_class claims, and the filters' worst there. */
double metrology_rates(FILE *out);

#endif
