#ifndef DETECTORS_DSP_SOUND_H
#define DETECTORS_DSP_SOUND_H

#include <stddef.h>

/* Kernels: pointers and counts; they never allocate, log, lock or fail. */

/** Periodic Hann window. */
void cb_dsp_hann(float *w, size_t n);
/** dst[i] = x[i]·w[i] */
void cb_dsp_multiply(float *dst, const float *x, const float *w, size_t n);
/** Copies the n samples that end before `next` out of a ring of `cap`, oldest first; n ≤ cap. */
void cb_dsp_unroll(float *dst, const float *ring, size_t cap, size_t next, size_t n);
double cb_dsp_sum(const float *x, size_t n);
/** The moving median of ±half values, edges repeated; half ≤ 63. */
void cb_dsp_moving_median(float *dst, const float *x, size_t n, size_t half);
/**
 * Cross-correlation of two spectra with all magnitudes one (PHAT), at one delay:
 * Σ Re(a·conj(b)·e^{+j·2π·k·cycles_per_bin}) / (n), k = first … first + n − 1.
 * a, b: interleaved re, im from bin 0 on.
 */
double cb_dsp_phat(const float *a, const float *b, size_t first, size_t n, double cycles_per_bin);

#endif
