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

#endif
