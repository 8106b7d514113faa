#ifndef DETECTORS_SOUND_AMBIENT_H
#define DETECTORS_SOUND_AMBIENT_H

#include <stddef.h>
#include <stdint.h>

#define CB_BACKGROUND_SPAN 600 /* levels kept: one minute at one each 100 ms */

/** Rolling LA90: the level exceeded nine tenths of the time. Zeroed memory is a fresh one. */
struct cb_ambient {
    uint16_t ring[CB_BACKGROUND_SPAN]; /* bins */
    uint16_t count[2000];              /* 0.1 dB each, from the floor of the meter */
    size_t n, next;
};

void cb_ambient_add(struct cb_ambient *b, double laf_db);
/** NaN until two seconds have been heard. */
double cb_ambient_db(const struct cb_ambient *b);

#endif
