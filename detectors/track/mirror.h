#ifndef DETECTORS_TRACK_MIRROR_H
#define DETECTORS_TRACK_MIRROR_H

#include "track.h"
#include "tracker.h"

/**
 * On a wet road the gap beneath a vehicle is seen twice: its upper end, where the body begins, at a
 * height, and that end's mirror image as far below the road. Between them, as the camera sees it,
 * lies where the body stands over the road.
 *
 * @param y_m  where the road user's patch begins
 * @return the gap there; NaN: none is seen
 */
struct cb_gap cb_mirror_gap(const struct cb_sight *s, double x_m, double y_m);
/**
 * Puts the samples of a road user that was followed by its mirror image where it stands, those first
 * whose gap was seen.
 * @param s  of t's points, in their order
 * @param ret_u  relative standard uncertainty of a speed by them
 * @return how many; 0: the gaps are not of one height
 */
size_t cb_mirror_put_right(const struct cb_track *t, const struct cb_road *road,
                           struct cb_speed_sample *s, double *ret_u);

/**
 * The same of who was followed by lamplight, by its lamps and their images (lamp.h). What is enough of
 * a proof depends on t->is_on_wet_road.
 */
size_t cb_mirror_put_lamps_right(const struct cb_track *t, const struct cb_road *road,
                                 struct cb_speed_sample *s, double *ret_u);

/** Where the lamp of a point with an image is over the road, along it. NaN: the point has none. */
double cb_mirror_lamp_y_m(const struct cb_track_point *p, const struct cb_road *road);

/**
 * A wet road mirrors the lamps of all; on a dry one spots of a body or of its pool now and again look so.
 * How many of late showed images, the last ones counting most.
 */
struct cb_mirrors {
    double n_mirrored, n_others;
};
void cb_mirrors_note(struct cb_mirrors *m, const struct cb_track *t, const struct cb_road *road);
bool cb_mirrors_show_wet(const struct cb_mirrors *m);

#endif
