#ifndef DETECTORS_SOUND_TURBULENCE_H
#define DETECTORS_SOUND_TURBULENCE_H

#include <stdbool.h>
#include <stdint.h>

struct cb_samples;
struct cb_microphone_conf;

/**
 * Recognises wind at the microphones. Sound of 20 to 100 Hz is 3 to 17 m long: two microphones a
 * hand's breadth apart hear the same of it. Turbulence at their grilles is each one's own (Corcos:
 * its coherence falls as exp(−0.7·ω·d / U), at 50 Hz, 0.2 m and 5 m/s to 10⁻⁴). So deep sound that
 * is loud, far louder than what is heard above it, and that the two do not share, is wind.
 *
 * Needs two channels whose microphones are 0.05 to 0.6 m apart; else nothing is ever recognised.
 * One thread. Where blocks are cut is of no effect.
 */
struct cb_turbulence;

/** @return 0; -ENOTSUP: the array is none for this; -ENOMEM */
int cb_turbulence_create(struct cb_turbulence **ret, const struct cb_microphone_conf *conf);
/** Takes NULL. */
void cb_turbulence_destroy(struct cb_turbulence **t);
void cb_turbulence_add(struct cb_turbulence *t, const struct cb_samples *s);
/**
 * True when any stretch of the last minute that touches [t0, t1] was windy.
 *
 * @param background_db A-weighted, of the time; NaN: false
 */
bool cb_turbulence_was_windy(const struct cb_turbulence *t, int64_t t0_ns, int64_t t1_ns,
                             double background_db);

#endif
