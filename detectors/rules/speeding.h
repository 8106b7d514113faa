#ifndef DETECTORS_RULES_SPEEDING_H
#define DETECTORS_RULES_SPEEDING_H

#include "detectors/detector.h"
#include "schema/violation.h"

/** Fills limit_mps, charged_mps and violation from the camera's limits and tolerance. */
void cb_speeding_judge(const struct cb_camera_conf *conf, struct cb_passage *p);
/**
 * The same of who was seen in pictures, where p's class and another way to tell it may disagree: by the
 * higher limit of both; nobody whose class is not known is accused, nor on an interval wider than 3 km/h
 * and 8 % of the speed.
 */
void cb_speeding_judge_in_doubt(const struct cb_camera_conf *conf, struct cb_passage *p,
                                enum cb_road_user other);
/**
 * The violation of a passage that was judged one, with its severity by conf's table. ret borrows p's path: valid as long as p, no
 * deinit.
 */
void cb_speeding_violation(const struct cb_camera_conf *conf, const struct cb_passage *p,
                           struct cb_violation *ret);

/** Hands a judged passage to d's sink, and tells of its violation if it is one. */
void cb_speeding_emit(struct cb_detector *d, const struct cb_passage *p);

#endif
