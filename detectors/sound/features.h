#ifndef DETECTORS_SOUND_FEATURES_H
#define DETECTORS_SOUND_FEATURES_H

#include "ear.h"

/**
 * What an event sounded like, in quantities that have a cause. Over its loud part (within 8 dB of
 * the loudest spectrum, and 6 dB over what is known to sound beside it); shares are of A-weighted power.
 */
enum cb_feature {
    CB_F_COMB_DB,     /* equally spaced lines over the gaps between them: firing orders */
    CB_F_F0_HZ,       /* their distance */
    CB_F_F0_HOLD,     /* share of the moments at which it went on from the one before, [0, 1] */
    CB_F_COMB_SHARE,  /* of the power in the lines, [0, 1] */
    CB_F_LOW_DB,      /* share under 250 Hz: engines and exhausts have it, horns have none */
    CB_F_HIGH_DB,     /* share over 1600 Hz: saws, tyres, rain, jets and speech's sibilants */
    CB_F_FLATNESS,    /* of the mean spectrum, 100 Hz to 4 kHz: 1 noise, 0 lines */
    CB_F_TONE_HZ,     /* the strongest line, 250 Hz to 4 kHz */
    CB_F_TONE_SHARE,  /* of the power in it, [0, 1] */
    CB_F_TONE_OCT,    /* how far it moves: 80 % range, octaves */
    CB_F_TONE_STEADY, /* share of the moments at which it stays within 1.5 %, [0, 1] */
    CB_F_RIPPLE_DB,   /* how much the level goes up and down within half a second, RMS */
    CB_F_BEAT_DB,     /* of these ups and downs, what comes again in 0.2 to 0.7 s: a rhythm */
    CB_F_CREST_DB,    /* the strongest 2 ms over the mean */
    CB_F_BANGS,       /* sudden peaks 8 dB over what was before, a second */
    CB_F_LIKENESS,    /* of each moment's spectrum to the mean one's, [0, 1] */
    CB_F_SECONDS,     /* how long the loud part is */
    CB_F_SWEEP,       /* how fast the pitch changes, middle of all moments, 1/s */
    CB_F_ORDER_RATIO, /* distance of the lines over the strongest line: 1 a tone and its own */
    CB_F_COMB_OVER,   /* of the power, in lines under 450 Hz apart less as much of the gaps: noise 0 */
    CB_F_LEVEL_HELD,  /* share of the moments within 3 dB of the loudest tenth: passing by 0.4 */
    CB_F_GAS,         /* share of the hiss's ups and downs that is in step with the firings */
    CB_F_SECOND,      /* how far a second comb stands out over its gaps, against the first */
    CB_F_LEVEL_DB,    /* LAFmax: what drives as it was approved makes 80 dB at 7.5 m at most */
    CB_F_UNEVEN_DB,   /* how far the lines' strengths are from a smooth fall: a pipe rings */
    CB_F_NOTES,       /* steps from one steady pitch to another, 1/s: music */
    CB_F_NO_LOAD_DB,  /* how much louder an engine would be where the pitch goes up, dB */
    CB_F_PEAK_LINES,  /* CB_F_COMB_OVER at the level's peak over that of all: 1 the engine's own peak */
    CB_F_COUNT
};

const char *cb_feature_name(enum cb_feature f);
void cb_features_of(const struct cb_sound_event *e, double ret[CB_F_COUNT]);

#endif
