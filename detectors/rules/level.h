#ifndef DETECTORS_RULES_LEVEL_H
#define DETECTORS_RULES_LEVEL_H

#include "schema/noise.h"

/** Below it no correction can be made and nothing is judged (ISO 1996-2:2017: 3 dB). */
#define CB_BACKGROUND_MIN_DB 3.0

/** A level freed of the background's share. Plain value. */
struct cb_corrected {
    double correction_db; /* to deduct; NaN: none can be made */
    double gain;          /* standard uncertainty of the measured level grows by this factor */
    double u_db;          /* standard uncertainty that the background adds */
};

/**
 * The share of a steady background in a level, subtracted as energies: K1 of ISO 3744,
 * −10·lg(1 − 10^(−Δ/10)) at Δ dB above it. The standards let it go from 10 or 15 dB on (0.46 and
 * 0.14 dB); here it is always deducted, since what stays in would be charged to somebody.
 *
 * @param background_u_db standard uncertainty of the background during the event
 */
struct cb_corrected cb_background_correct(double level_db, double background_db,
                                          double background_u_db);
/**
 * Standard uncertainty of a level by the instrument alone: microphone and stream
 * (ISO 1996-2:2017: 0.5 dB for class 1), calibrator, drift between calibrations. dB.
 */
double cb_instrument_u_db(const struct cb_microphone_conf *m);
/** Days from a date YYYY-MM-DD (its start, UTC) to utc_ns. @return NaN: no date, or time unknown */
double cb_days_since(const char *date, int64_t utc_ns);
/**
 * Fills what surrounds a level: background_correction_db, lafmax_u95_db, weather, calibration's
 * age and voids (bits that are set already stay).
 *
 * @param weather as known now; lent; NULL: not known
 */
void cb_level_weigh(const struct cb_camera_conf *conf, const struct cb_weather *weather,
                    struct cb_noise *n);

#endif
