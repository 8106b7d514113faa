#ifndef DETECTORS_SOUND_LEVELS_H
#define DETECTORS_SOUND_LEVELS_H

#include <stdint.h>

#include "bands.h"
#include "meter.h"

#define CB_LEVEL_TICKS 1400 /* kept: 14 s at one each 10 ms */

/** What a sound-level meter shows for a stretch of time, dB re 20 µPa at the microphone. */
struct cb_sound_levels {
    double seconds;
    double lafmax_db, lasmax_db, laimax_db;
    double laeq_db, lae_db; /* LAE: the same energy in one second */
    double lceq_db, lcpeak_db;
    double band_db[CB_BANDS]; /* one-third octaves, Fast, unweighted, at LAFmax; NaN: beyond the
                               * rate, or not heard */
};

/** What the meter saw in the last seconds, tick by tick. Zeroed memory is an empty one. */
struct cb_level_log {
    int64_t t_ns[CB_LEVEL_TICKS]; /* end of the tick */
    struct cb_meter_tick tick[CB_LEVEL_TICKS];
    int64_t n; /* ever added */
};

void cb_level_log_add(struct cb_level_log *log, int64_t t_ns, const struct cb_meter_tick *t);
/**
 * Levels over the ticks that end in (from_ns, to_ns]; band_db is left NaN. No ticks: seconds 0 and
 * all at the floor.
 */
void cb_levels_between(const struct cb_level_log *log, const struct cb_meter *m, int64_t from_ns,
                       int64_t to_ns, struct cb_sound_levels *ret);
/** band_db from mean squares (cb_bands_get). */
void cb_levels_set_bands(struct cb_sound_levels *l, const struct cb_meter *m,
                         const double mean_square[CB_BANDS]);

#endif
