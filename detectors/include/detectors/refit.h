#ifndef DETECTORS_REFIT_H
#define DETECTORS_REFIT_H

#include <stddef.h>

#include "schema/passage.h"

struct cb_camera_conf;

/** Which fit this is: counted up by whoever changes what the same samples give. Packages name it. */
#define CB_REFIT_NUMBER 1

/**
 * The speed stage once more, over all samples of a passage as they were kept, in time order and those
 * that the fit left out among them: who doubts a speed measures it again from its samples and the
 * calibration. Pure.
 * @param conf calibration and zone, as they were
 * @param width, height the picture that the calibration's pixels refer to
 * @param ret as of cb_speed_measure; cb_passage_deinit
 * @return 0; -EINVAL: no calibration that makes a road; -ENODATA: no fix in the zone; -ENOMEM
 */
int cb_refit(const struct cb_camera_conf *conf, int width, int height, const struct cb_fix *path,
             size_t n, struct cb_passage *ret);

#endif
