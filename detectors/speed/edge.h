#ifndef DETECTORS_SPEED_EDGE_H
#define DETECTORS_SPEED_EDGE_H

#include <stdbool.h>

struct cb_road;

/** How a followed point creeps along the vehicle it is on, in shares of the way it went. */
struct cb_edge_creep {
    double share; /* too much of the way: to be taken off */
    double u;     /* standard uncertainty of that: what all passages of a camera share, … */
    double own_u; /* … and what differs from vehicle to vehicle */
};

/**
 * The low edge of a vehicle's near end, as a camera sees it while the vehicle goes from y0 to y1.
 *
 * Seen from steeply above, the lowest that shows is the bumper's lip, which the road plane holds
 * for farther away by lip · (distance / camera's height); seen from flatter than the vehicle's
 * approach angle it is the tyre, where it touches the road. So the point creeps backwards along the
 * vehicle with the distance, up to the tyre and no farther. The dark road beneath a car counts as
 * car to most detectors, which moves the edge down to the road and stops the creep: how much it
 * does is not known of a track, and little is left of it where is_contact.
 *
 * @param is_contact the points are the near edge with its shadow on the road, else some low point
 *                   that another detector followed
 * Without a pose nothing is taken off, and the whole creep is uncertainty.
 */
struct cb_edge_creep cb_edge_creep(const struct cb_road *road, bool is_contact, double y0_m,
                                   double y1_m);

#endif
