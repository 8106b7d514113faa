#ifndef DETECTORS_SOUND_BEARING_H
#define DETECTORS_SOUND_BEARING_H

#include "weigh.h"

/*
 * The direction of arrival at the peak, from the moments about it (Fast shows a peak a little
 * late, so more of those before). Azimuths are clockwise from +Y; uncertainties are standard, and
 * without the array's mounting.
 */

/**
 * Of a vehicle that is named: its motion between the moments is taken out, and so is what height
 * does to a line of microphones.
 *
 * @return false: fewer than half of the directions then are the vehicle's; ret_… untouched
 */
bool cb_bearing_along(const struct cb_hearing *h, const struct cb_way *way, int64_t t_peak_ns,
                      double *ret_azimuth_rad, double *ret_u_rad);
/** −2 ln of how likely the directions of the pass about the peak are; strays count as such. */
double cb_bearing_misfit(const struct cb_hearing *h, const struct cb_way *way, int64_t t_peak_ns);
/** Of nobody in particular: the directions' own trend. @return false: none was heard */
bool cb_bearing_alone(const struct cb_hearing *h, int64_t t_peak_ns, double *ret_azimuth_rad,
                      double *ret_u_rad);

#endif
