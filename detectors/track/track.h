#ifndef DETECTORS_TRACK_TRACK_H
#define DETECTORS_TRACK_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "speed/speed.h"
#include "vision/side.h"

#define CB_TRACK_CLASS_SEEN 6 /* sightings before a road user is called anything */

/** Constant velocity along one axis, with its covariance. */
struct cb_kalman {
    double x, v;
    double pxx, pxv, pvv;
};

void cb_kalman_predict(struct cb_kalman *k, double dt_s, double accel_mps2);
void cb_kalman_update(struct cb_kalman *k, double z, double sigma);

/** The patch that a road user was seen in. */
enum cb_patch {
    CB_PATCH_OWN,
    CB_PATCH_WIDE,   /* its own, too broad for one */
    CB_PATCH_ANOTHERS, /* that of another road user, which hides their border */
    CB_PATCH_COUNT
};

/** Where the gap beneath a body and its image in a wet road are seen to end, as places on the road. */
struct cb_gap {
    double image_y_m, body_y_m; /* nearer; farther from the camera. NaN: not known */
    bool has_image;             /* below it the body's own image is seen */
};

/** What one picture said of a road user. */
struct cb_track_point {
    int64_t t_ns;
    double x_m, y_m;
    double width_m, extent_m;
    double foot_step; /* how the road darkens at it; NaN: not known */
    struct cb_gap gap; /* where its foot shows no step */
    double solid_m; /* width without shadow; NaN: not known */
    struct cb_speed_sample sample;
    enum cb_patch patch;
    bool is_dark;   /* lamps light the road */
    bool is_lit;    /* measured where its own headlights' light ends before it, not at its foot */
    bool is_shade;  /* looks like cast shadow alone */
    bool is_cast_out; /* cast shadow is known here and was taken out before */
    bool is_part;   /* beside another in the same patch */
    bool is_whole;  /* no part outside the picture: sizes hold */
    struct cb_side side; /* in a view from the side: the ends that are its own */
};

/** One road user, followed on the road plane. */
struct cb_track {
    int64_t id;          /* 0 until confirmed */
    struct cb_kalman x, y;
    int64_t t_first_ns, t_ns; /* first seen; state's time */
    int64_t t_seen_ns;   /* of the last point */
    struct cb_track_point *point;
    size_t n, cap;
    double width_m, extent_m; /* smoothed, of unshared sightings, … */
    int n_sized;         /* … so many of which showed all its breadth */
    double length_m; /* in a view from the side; and another that was seen of late, */
    double odd_m;
    int n_odd;       /* so many times in a row */
    double y_first_m;
    int n_seen;
    bool is_lit;         /* it drives in its own headlights, towards the camera */
    bool went_with;      /* moved as the shadow of one that is forgotten by now */
    bool may_be_upper;   /* moved as an upper part of one that is forgotten by now would */
    bool is_doubtful;    /* … or of anybody; set when its passage is asked for */
    bool is_on_dry_road; /* by what others showed, when its passage is asked for; neither: unknown */
    bool is_on_wet_road; /* … by their lamps' images */
    bool is_judged;      /* the passage has gone out; followed on so that it is not born again */
};

int cb_track_add(struct cb_track *t, const struct cb_track_point *p);
/** It was followed by lamplight. */
bool cb_track_is_dark(const struct cb_track *t);
void cb_track_deinit(struct cb_track *t);

#endif
