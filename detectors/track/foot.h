#ifndef DETECTORS_TRACK_FOOT_H
#define DETECTORS_TRACK_FOOT_H

#include "track.h"
#include "tracker.h"

#define CB_FOOT_STEP_MIN 0.2 /* medians of dry vehicles: 0.21 and more; in mirror images 0.19 and less */

/** Luma against the empty road's, half px to both sides of x in the row at y. NaN: as below. */
double cb_foot_ratio(const struct cb_foreground *fg, double x, double y, double half);
/**
 * How much darker the picture gets where a road user meets the road at (x, y), across its near edge:
 * a share of the empty road's luma, negative where it gets lighter. NaN: at night or out of the picture.
 */
double cb_foot_step(const struct cb_sight *s, double x_m, double y_m);
/**
 * By day no sky reaches the road under a body: its edge is a dark step. A wet road's mirror image
 * begins faint or light and before the body; a point there moves as one below the road.
 * @return true when t's near edge has no such step in the median
 */
bool cb_foot_is_mirrored(const struct cb_track *t);
/** True when it has, but now and again the edge is lighter than the road: the body above its foot. */
bool cb_foot_is_unsteady(const struct cb_track *t);

/**
 * A road mirrors all who drive on it or nobody, and a scooter's one dark spot is easily missed: what
 * the near edges of late said of the road, so many, the last ones counting most.
 */
struct cb_feet {
    double n_dry, n_mirrored;
};

void cb_feet_note(struct cb_feet *f, const struct cb_track *t);
bool cb_feet_are_dry(const struct cb_feet *f);

#endif
