#ifndef DETECTORS_SOUND_CLASSIFY_H
#define DETECTORS_SOUND_CLASSIFY_H

#include "features.h"
#include "schema/noise.h"

#define CB_CALL_FROM 0.75 /* nothing is called an exhaust on less */

struct cb_noise_verdict {
    enum cb_noise_class class_;
    double confidence; /* [0, 1]; of a modified exhaust: the share of such calls that are right */
    char why[CB_NOISE_WHY_LEN]; /* what weighed most for or against an engine, with its points */
};

/** What made the sound, of its features alone: the level has no say. Pure. */
struct cb_noise_verdict cb_classify(const double f[CB_F_COUNT]);

#endif
