#ifndef DETECTORS_SOUND_BEARING_H
#define DETECTORS_SOUND_BEARING_H

#include "weigh.h"

/**
 * The direction of arrival at the peak, from the moments about it (Fast shows a peak a little
 * late, so more of those before).
 *
 * @param way of the vehicle that was named: its motion between the moments is taken out, and so is
 *        what height does to a line of microphones. NULL: none is named; the directions' own trend
 * @param ret_azimuth_rad clockwise from +Y; NaN: none was heard
 * @param ret_u_rad its standard uncertainty, without the array's mounting
 */
void cb_bearing_at(const struct cb_hearing *h, const struct cb_way *way, int64_t t_peak_ns,
                   double *ret_azimuth_rad, double *ret_u_rad);

#endif
