#ifndef DETECTORS_SOUND_WEIGHTING_H
#define DETECTORS_SOUND_WEIGHTING_H

#define CB_A_SECTIONS 3

/** Second-order section, transposed direct form II; a0 = 1. */
struct cb_biquad {
    double b0, b1, b2, a1, a2;
    double s1, s2; /* state */
};

/** A weighting (IEC 61672-1:2013, annex E) as a digital filter, 0 dB at 1 kHz. */
struct cb_weighting {
    struct cb_biquad section[CB_A_SECTIONS];
};

/** @param rate_hz [4000, 192000]; class 1 from 39 kHz, below that to 0.4 of the rate */
void cb_weighting_init(struct cb_weighting *w, double rate_hz);
/** As if the input had always been x: a direct voltage makes no click at the first sample. */
void cb_weighting_prime(struct cb_weighting *w, double x);
double cb_weighting_step(struct cb_weighting *w, double x);
/** The filter's own gain, dB. */
double cb_weighting_gain_db(const struct cb_weighting *w, double f_hz, double rate_hz);
/** What the standard asks for at f_hz, dB. */
double cb_weighting_a_db(double f_hz);

#endif
