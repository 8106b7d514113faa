#ifndef DETECTORS_REGISTRY_H
#define DETECTORS_REGISTRY_H

#include "detectors/detector.h"

extern const struct cb_detector_info cb_detector_traffic; /* traffic.c: passages, speeding */
extern const struct cb_detector_info cb_detector_exhaust; /* exhaust.c: noise, modified exhausts */
extern const struct cb_detector_info cb_detector_chase;   /* rules/chase.c: links violations */

#endif
