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
/**
 * Low-pass and every second sample, in place: x[0 … n/2 − 1]. Up to a sixth of the rate it is flat
 * within 0.1 dB and without a phase of its own; what folds back onto that is 50 dB down.
 *
 * @param n even; before and after it is silence
 * @param scratch n + 2·CB_DSP_HALF_TAPS
 */
#define CB_DSP_HALF_TAPS 5
void cb_dsp_halve(float *x, size_t n, float *scratch);
double cb_dsp_sum(const float *x, size_t n);
/** The moving median of ±half values, edges repeated; half ≤ 63. */
void cb_dsp_moving_median(float *dst, const float *x, size_t n, size_t half);
/**
 * The cross-spectrum a·conj(b), weighted, its bins first … first + n − 1 summed in groups;
 * all weights together make one.
 *
 * @param a, b interleaved re, im from bin 0 on; magnitudes one: phase transform (PHAT)
 * @param weight of each bin from 0 on; NULL: all alike
 * @return the number of groups
 */
size_t cb_dsp_cross(float *re, float *im, const float *a, const float *b, const float *weight,
                    size_t first, size_t n, size_t group);

/** One delay's phases over a cross-spectrum's bins: e^{jφ} at the first, and from one to the next. */
struct cb_dsp_turn {
    double re, im, step_re, step_im;
};
/** Of values that lie at the bins first, first + step, … */
struct cb_dsp_turn cb_dsp_turn_at(double first, double step, double cycles_per_bin);
/** Cross-correlation of n values at one delay: Σ Re(x·e^{+j·2π·bin·cycles_per_bin}). */
double cb_dsp_steer(const float *re, const float *im, size_t n, const struct cb_dsp_turn *t);

#endif
