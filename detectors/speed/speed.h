#ifndef DETECTORS_SPEED_H
#define DETECTORS_SPEED_H

#include <stddef.h>

#include "detectors/calibration.h"
#include "schema/passage.h"

/** One observation of a road user's contact point with the road. */
struct cb_speed_sample {
    int64_t t_ns;
    double x_px, y_px;
    double sigma_px;   /* standard uncertainty of the point, per axis; 0: let the fit estimate it */
    struct cb_box box; /* of the whole road user, for the stills; w 0: unknown */
};

/**
 * Fits one motion to the samples in conf's zone, robustly, and fills ret's times, direction, path,
 * speed_mps, u95_mps or reason; leaves camera, track, road_user and the verdict to the caller.
 * The path is ret's: cb_passage_deinit.
 * @return 0, also when the passage carries a reason instead of a speed; -ENODATA: never in the
 *         zone, no passage; -ENOMEM
 */
int cb_speed_measure(const struct cb_road *road, const struct cb_camera_conf *conf,
                     const struct cb_speed_sample *s, size_t n, struct cb_passage *ret);

#endif
