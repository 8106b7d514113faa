#ifndef DETECTORS_VISION_DRIFT_H
#define DETECTORS_VISION_DRIFT_H

#include <stdbool.h>
#include <stddef.h>

struct cb_picture;
struct cb_region;

/**
 * Has the picture moved against the calibration? Small patches of the standing scene, corners
 * where there is something to hold on to, are found again five times a second. What they share
 * over five seconds is the camera's; what shakes about a middle, or changes its light, is not.
 * One camera, one resolution. Reads the picture it is given and keeps nothing of it.
 */
struct cb_drift;

struct cb_drift_state {
    double shift_px;   /* of the full picture, over the last five seconds; 0 until it is known */
    double limit_px;   /* what the calibration bears: 2 px of a picture 720 high */
    bool is_suspended; /* moved by more, and stayed so: nothing can be measured */
    bool is_in_doubt;  /* suspended, or has just moved and is not known to stay so */
    bool is_watching;  /* the scene is learnt and enough of it is found again */
    bool is_lost;      /* suspended because nothing of the scene is where it was */
};

/** @param traffic the road, whose patches are taken last; may be NULL. @return 0; -ENOMEM */
int cb_drift_create(struct cb_drift **ret, const struct cb_region *traffic, int width, int height);
/** Takes NULL. */
void cb_drift_destroy(struct cb_drift **d);
/** @return 1 when is_suspended has changed, else 0; -ENOMEM */
int cb_drift_add(struct cb_drift *d, const struct cb_picture *p);
/** The stream's time breaks: the scene stays learnt, the last seconds are forgotten. */
void cb_drift_break(struct cb_drift *d);
struct cb_drift_state cb_drift_state(const struct cb_drift *d);

#endif
