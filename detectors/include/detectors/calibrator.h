#ifndef DETECTORS_CALIBRATOR_H
#define DETECTORS_CALIBRATOR_H

#include <stddef.h>

/** What a recording of a sound calibrator (IEC 60942) says of one channel. */
struct cb_calibrator_report {
    double from_s, seconds; /* the steady stretch that was used */
    double f_hz;
    double tone_dbfs;     /* of the tone alone, dBFS RMS (a full-scale sine is −3.01) */
    double spread_db;     /* highest less lowest level of a tenth of a second */
    double thd_n_percent; /* all that is not the tone, against it */
    double u95_db;        /* of tone_dbfs as the answer to the calibrator's nominal level */
    double top_hz;        /* A and C keep within class 1 up to here at the stream's rate, */
    double band_top_hz;   /* and one-third octaves up to this nominal centre */
    int class_;           /* of IEC 61672-1 that the rate can serve as a whole: 1, 2; 0: none */
    char fault[128];      /* why it is no calibration; "" it is one */
};

/**
 * Looks for the longest steady stretch (the calibrator is put on and taken off in the recording)
 * and measures its tone by least squares, block by block.
 *
 * @param x n samples of one channel, full scale ±1
 * @return 0: a calibration; -EINVAL: ret->fault says what is wrong with it; -ENOMEM
 */
int cb_calibrator_measure(const float *x, size_t n, int rate_hz, struct cb_calibrator_report *ret);

#endif
