#include "registry.h"

#include <stddef.h>

/* Frames and sound pass them in this order: vision tells the scene before sound asks it. */
const struct cb_detector_info *const cb_detectors[] = {
    &cb_detector_traffic,
    &cb_detector_exhaust,
    &cb_detector_chase,
    NULL,
};
