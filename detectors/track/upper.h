#ifndef DETECTORS_TRACK_UPPER_H
#define DETECTORS_TRACK_UPPER_H

#include "track.h"

/**
 * True of a track that follows an upper part of another road user, its roof or windscreen say, as
 * if that stood on the road. A point at height z over a foot on the road is seen, from height h, on
 * the road at h / (h − z) times the foot's distance from below the camera: so one track's places
 * are the other's, drawn out by one ratio, and the part reads fast by it. In the picture it begins where
 * the other's patch ends, or in that.
 * @param of     the road user whose contact is followed
 * @param h_m, cam_x_m, cam_y_m  the camera's height and the place below it
 * @param length_max_m  of the road user
 */
bool cb_track_is_upper_part(const struct cb_track *t, const struct cb_track *of, double h_m,
                            double cam_x_m, double cam_y_m, double length_max_m);
/**
 * The same where something is seen between the two: road, if t is somebody who comes nearer to of, or a
 * bonnet as grey as the road. Which of them is not to be told.
 */
bool cb_track_may_be_upper_part(const struct cb_track *t, const struct cb_track *of, double h_m,
                                double cam_x_m, double cam_y_m, double length_max_m);

#endif
