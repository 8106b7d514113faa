#ifndef EVIDENCE_REFIT_H
#define EVIDENCE_REFIT_H

#include "evidence/verify.h"

/**
 * Measures the speed of a record again from its samples and its calibration, both as sealed, and
 * adds a fault when that gives another one. ret's refit_kmh is set when it could be done: packages
 * of version 2 on, with a speed, whose media are there.
 */
void cb_refit_check(const struct cb_evidence *e, const struct cb_verify_media *media,
                    struct cb_verify_report *ret);

/** The same of two JSON texts. @return 0 and km/h (NaN: no speed); -ENOTSUP: not of version 2; < 0 */
int cb_refit_measure(const char *samples, size_t n_samples, const char *calibration,
                     size_t n_calibration, double *ret_kmh);

#endif
