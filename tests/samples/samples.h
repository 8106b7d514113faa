#ifndef SAMPLES_H
#define SAMPLES_H

#include "schema/alert.h"
#include "schema/evidence.h"
#include "schema/health.h"

/* Records as the program makes them, for tests of what carries them on. Values are arbitrary but
 * fit each other: a passage of 73.2 km/h in a zone of 60, an exhaust of 97 dB(A). */

enum { SAMPLE_FIXES = 5 };

/** The path is in the caller's memory: a record that only lends it. */
void sample_passage(struct cb_passage *ret, struct cb_fix path[SAMPLE_FIXES]);
void sample_noise(struct cb_noise *ret);
void sample_speeding(struct cb_violation *ret, struct cb_fix path[SAMPLE_FIXES]);
void sample_exhaust(struct cb_violation *ret, struct cb_fix path[SAMPLE_FIXES]);
/** An incident of two vehicles. */
void sample_chase(struct cb_violation *ret, struct cb_fix path[SAMPLE_FIXES]);
/** A camera that gives no pictures. */
void sample_health(struct cb_health *ret);
/** of: what was violated; its path stays lent. */
void sample_evidence(struct cb_evidence *ret, const struct cb_violation *of);

/** A city.yaml that uses every key. */
extern const char sample_city[];

#endif
