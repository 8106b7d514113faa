#ifndef DETECTORS_SOUND_WEIGHTING_H
#define DETECTORS_SOUND_WEIGHTING_H

#include <stddef.h>

/** Second-order section, transposed direct form II; a0 = 1. */
struct cb_biquad {
    double b0, b1, b2, a1, a2;
    double s1, s2; /* state */
};

static inline double cb_biquad_step(struct cb_biquad *q, double x)
{
    double y = q->b0 * x + q->s1;
    q->s1 = q->b1 * x - q->a1 * y + q->s2;
    q->s2 = q->b2 * x - q->a2 * y;
    return y;
}

/** Gain of n sections in a row at f_hz, dB. */
double cb_biquads_gain_db(const struct cb_biquad *q, size_t n, double f_hz, double rate_hz);

enum cb_weighting_kind { CB_WEIGHTING_A, CB_WEIGHTING_C, CB_WEIGHTING_Z, CB_WEIGHTINGS };
#define CB_WEIGHTING_SECTIONS 4

/**
 * Frequency weighting (IEC 61672-1:2013, annex E) as a digital filter, 0 dB at 1 kHz. A and C keep
 * to the definition within 0.13 dB up to 0.42 of the rate and 0.4 dB up to 0.49 of it. Z is flat
 * but for the direct voltage: −3 dB at 1 Hz.
 */
struct cb_weighting {
    struct cb_biquad section[CB_WEIGHTING_SECTIONS];
    size_t n; /* in use */
};

/** @param rate_hz [4000, 192000] */
void cb_weighting_init(struct cb_weighting *w, enum cb_weighting_kind kind, double rate_hz);
/** As if the input had always been x: a direct voltage makes no click at the first sample. */
void cb_weighting_prime(struct cb_weighting *w, double x);
double cb_weighting_step(struct cb_weighting *w, double x);
/** The filter's own gain, dB. */
double cb_weighting_gain_db(const struct cb_weighting *w, double f_hz, double rate_hz);
/** What the standard asks for at f_hz, dB. */
double cb_weighting_goal_db(enum cb_weighting_kind kind, double f_hz);
static inline double cb_weighting_a_db(double f_hz)
{
    return cb_weighting_goal_db(CB_WEIGHTING_A, f_hz);
}

/** Up to where a rate serves, and what may be claimed there. */
struct cb_rate_class {
    int rate_hz;
    double top_hz;      /* the weightings stay within class 1 from 10 Hz to here */
    double band_top_hz; /* nominal centre of the highest one-third octave that is class 1 */
    int class_;         /* of IEC 61672-1 as a whole: 1, 2, or 0 for none, since its highest
                         * frequencies (16 kHz, 8 kHz) are beyond the rate */
};
/** Rates that cameras give: 8, 11.025, 16, 22.05, 24, 32, 44.1, 48 and 96 kHz. */
extern const struct cb_rate_class cb_rate_classes[];
extern const size_t cb_n_rate_classes;
/** The entry of a rate or of the next lower one; the lowest for those below. Never NULL. */
const struct cb_rate_class *cb_rate_class(int rate_hz);

#endif
