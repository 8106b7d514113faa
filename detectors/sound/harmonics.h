#ifndef DETECTORS_SOUND_HARMONICS_H
#define DETECTORS_SOUND_HARMONICS_H

#include <stddef.h>

/** Lines at equal distances in a spectrum: firing orders, a voice, a chord's common divisor. */
struct cb_comb {
    double f0_hz;    /* the distance; 0: none found */
    double score_db; /* how far the lines stand out over the gaps between them, mean */
    double share;    /* of the power, in the lines, [0, 1] */
    double over;     /* the same less what lies as wide in the gaps: of noise 0, [0, 1] */
    /* by cb_comb_look_beside */
    double uneven_db; /* how far the lines' strengths are from a smooth fall */
    double second_db; /* score of the best other comb, all lines of the same shaft taken away */
};

/** The strongest line of a spectrum. */
struct cb_tone {
    double hz;
    double share; /* of the power, within two bins of it, [0, 1] */
};

#define CB_COMB_LOW_HZ  25.0   /* under it the window no longer parts the orders */
#define CB_COMB_HIGH_HZ 1000.0 /* over the engines: a horn shall not pass for its own half */

/** @param contrast_db by cb_contrast @param power the same n bins */
void cb_comb_find(const float *contrast_db, const float *power, size_t n, double bin_hz,
                  struct cb_comb *ret);
/** What sounds beside the comb: half orders of the same shaft, its lines' evenness, another voice. */
void cb_comb_look_beside(const float *contrast_db, const float *power, size_t n, double bin_hz,
                         struct cb_comb *c);
/** @return the tone between low_hz and high_hz */
struct cb_tone cb_tone_find(const float *power, size_t n, double bin_hz, double low_hz,
                            double high_hz);
/** How far each bin stands out over the median of its surroundings (±120 Hz), dB, [0, 20]. */
void cb_contrast(float *ret_db, const float *power, size_t n, double bin_hz);

#endif
