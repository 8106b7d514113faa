#ifndef DETECTORS_RULES_EXHAUST_H
#define DETECTORS_RULES_EXHAUST_H

#include "schema/violation.h"

struct cb_scene_track;

/**
 * Fills limit_db, charged_db and violation of a noise that was weighed (rules/level.h): a modified
 * exhaust, surely, whose level less the background's share and the larger of tolerance and uncertainty
 * is over the limit, and which nothing voids.
 */
void cb_exhaust_judge(const struct cb_camera_conf *conf, struct cb_noise *n);
/**
 * The violation of a noise that was judged one.
 *
 * @param track of the vehicle named, for the stills; NULL: none is
 */
void cb_exhaust_violation(const struct cb_noise *n, const struct cb_scene_track *track,
                          struct cb_violation *ret);

#endif
