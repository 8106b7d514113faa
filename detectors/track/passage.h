#ifndef DETECTORS_TRACK_PASSAGE_H
#define DETECTORS_TRACK_PASSAGE_H

#include "track.h"
#include "vision/region.h"

/** True once the road user is beyond the zone, on its way out. */
bool cb_track_has_left(const struct cb_track *t, const struct cb_region *g);
/** By its size on the road and how it moves. road's pose may be missing. */
enum cb_road_user cb_track_road_user(const struct cb_track *t, const struct cb_road *road,
                                     const struct cb_region *g);
/**
 * The passage of a track that crossed the middle of the zone; all but camera, time base and
 * verdict. The path is ret's. A track that was seen from the side is placed anew by all its points.
 * @return 0; -ENODATA when it was no passage; -ENOMEM
 */
int cb_track_passage(struct cb_track *t, const struct cb_road *road,
                     const struct cb_camera_conf *conf, const struct cb_region *g,
                     struct cb_passage *ret);

#endif
