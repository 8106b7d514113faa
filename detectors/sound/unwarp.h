#ifndef DETECTORS_SOUND_UNWARP_H
#define DETECTORS_SOUND_UNWARP_H

#include <stddef.h>

/**
 * An engine that revs up sweeps its orders through many bins of one window and leaves no lines.
 * Time is stretched so that a pitch that grows by e^(rate·t) stands still: then the orders are
 * lines again (time-warped spectrum: Weruaga & Képesi, "The fan-chirp transform for non-stationary
 * harmonic signals", Signal Processing 87, 2007).
 */
struct cb_unwarp;

/** Fastest change looked for, 1/s: an idling engine at full throttle trebles its speed in 0.2 s. */
#define CB_UNWARP_MAX_PER_S 6.0

/** @param n samples a window, by cb_spectrum_window_n @return 0 or -ENOMEM */
int cb_unwarp_create(struct cb_unwarp **ret, size_t n, int rate_hz);
void cb_unwarp_destroy(struct cb_unwarp **u);
/**
 * How fast the pitch changes in the window: the rate at which its spectrum is most made of lines.
 * @return 1/s; 0 when none is clearly better than standing still
 */
double cb_unwarp_find(struct cb_unwarp *u, const float *x);
/** The window with that change taken out, n samples; lent until the next call. */
const float *cb_unwarp_apply(struct cb_unwarp *u, const float *x, double rate_per_s);

#endif
