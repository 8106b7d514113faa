#ifndef DETECTORS_RULES_LIMITS_H
#define DETECTORS_RULES_LIMITS_H

#include "schema/violation.h"

/**
 * The limit at a place and time, km/h: the lane's (else the default), or the class's or a period's
 * where one that holds is lower. In doubt the highest that may hold:
 * within 0.3 m of a lane's edge both sides, within a minute of a period's both times.
 *
 * @param who    CB_UNKNOWN: no class's limit
 * @param x_m    NaN: unknown, the highest of default and lanes
 * @param utc_ns CB_UTC_UNKNOWN: no period holds
 * @return NaN: there is none
 */
double cb_limit_at_kmh(const struct cb_camera_conf *conf, enum cb_road_user who, double x_m,
                       int64_t utc_ns);
/**
 * The limit that a passage may be held to: the highest on the way it took, so that a change of
 * lane or of the hour on the way accuses nobody.
 */
double cb_limit_of_kmh(const struct cb_camera_conf *conf, const struct cb_passage *p);

/**
 * The limit of LAFmax, dB(A): the default's, or that of a period where one that holds is lower; in
 * doubt as above. @return NaN: there is none
 */
double cb_noise_limit_at_db(const struct cb_camera_conf *conf, int64_t utc_ns);
/** UTC of a stream time; a recording knows it by configuration alone. @return or CB_UTC_UNKNOWN */
int64_t cb_utc_of(const struct cb_camera_conf *conf, int64_t utc_offset_ns, int64_t t_ns);

/** excess: of the charged speed over the limit, as a share of the limit. */
enum cb_severity cb_severity_of(const struct cb_severity_table *table, double excess);

#endif
