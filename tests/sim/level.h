#ifndef SIM_LEVEL_H
#define SIM_LEVEL_H

#include <stddef.h>

/* Levels of the truth: the analogue A curve applied in the frequency domain, on a whole signal. */

#define SIM_P0_PA 20e-6

/** Gain of the A weighting, amplitude; 1 at 1 kHz (IEC 61672-1:2013, annex E). */
double sim_a_gain(double f_hz);
/**
 * A-weights a whole signal; before and after it there is silence.
 * @return 0 or -ENOMEM; ret_y may be x
 */
int sim_a_weight(const float *x, size_t n, int rate_hz, float *ret_y);
/** Level with Fast time weighting (0.125 s) at each sample, dB re 20 µPa, from A-weighted Pa. */
void sim_fast_level(const float *a_weighted, size_t n, int rate_hz, float *ret_db);
/** Root mean square. */
double sim_rms(const float *x, size_t n);
/** A-weighted rms of at most the first five seconds: to set a source's strength. NAN: no memory. */
double sim_a_rms(const float *x, size_t n, int rate_hz);
/** Shapes noise in place by gain(f), in the frequency domain. @return 0 or -ENOMEM */
int sim_shape_spectrum(float *x, size_t n, int rate_hz, double (*gain)(double f_hz));

#endif
