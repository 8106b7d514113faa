#ifndef DETECTORS_SOUND_DOPPLER_H
#define DETECTORS_SOUND_DOPPLER_H

#include <stddef.h>

#define CB_HEARD_MAX 320 /* moments of an event: 12 s, one each 40 ms */

struct cb_row;

/**
 * Follows the firing rate through an event: the comb of lines that stands out best over all its
 * moments while it moves no faster than an engine can (dynamic programming over its pitch).
 * Which order of the engine the comb's distance is does not matter: only how it moves.
 *
 * @param ret_ln_hz n values: log of the rate; NaN where no comb stands out
 * @return 0 or -ENOMEM
 */
int cb_firing_follow(const struct cb_row *const *row, size_t n, size_t n_bins, double bin_hz,
                     double *ret_ln_hz);

/**
 * What an engine's own rate may do in an event: a steady change, itself changing steadily. Whatever
 * else a heard rate does is the Doppler shift, or against the way that explains it.
 */
struct cb_doppler_basis {
    size_t n;                  /* 0: the rate jumps as no Doppler shift makes it: gears, throttle */
    double q[3][CB_HEARD_MAX]; /* orthonormal over the moments with a rate */
};

/** @param t_s, ln_hz n moments, NaN where there is no rate */
void cb_doppler_basis_init(struct cb_doppler_basis *b, const double *t_s, const double *ln_hz,
                           size_t n);
/**
 * Mean square of what the basis leaves of ln_hz − ln(1 − v/c): the rate at the source.
 *
 * @param radial_mps with which the distance grows as heard (d distance / d time of hearing)
 * @return NaN when fewer than 8 moments are known
 */
double cb_doppler_left(const struct cb_doppler_basis *b, const double *ln_hz,
                       const double *radial_mps, double sound_mps);

#endif
