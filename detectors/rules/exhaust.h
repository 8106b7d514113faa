#ifndef DETECTORS_RULES_EXHAUST_H
#define DETECTORS_RULES_EXHAUST_H

#include "schema/violation.h"

struct cb_scene_track;

/**
 * Fills uncertainty, correction, conditions and what voids it (rules/level.h), limit_db,
 * charged_db and violation: a modified exhaust, surely, whose level less the background's share
 * and the larger of tolerance and uncertainty is over the limit, and which nothing voids.
 *
 * @param weather at the camera, as known now; its numbers may be NaN
 */
void cb_exhaust_judge(const struct cb_camera_conf *conf, const struct cb_weather *weather,
                      struct cb_noise *n);
/**
 * The violation of a noise that was judged one.
 *
 * @param track of the vehicle named, for the stills; NULL: none is
 */
void cb_exhaust_violation(const struct cb_noise *n, const struct cb_scene_track *track,
                          struct cb_violation *ret);

#endif
