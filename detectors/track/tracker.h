#ifndef DETECTORS_TRACK_TRACKER_H
#define DETECTORS_TRACK_TRACKER_H

#include "track.h"
#include "vision/contact.h"

/** All road users of one camera. */
struct cb_tracker {
    struct cb_track *track; /* in order of birth */
    size_t n, cap;
    int64_t n_ids;          /* ids given so far */
    struct cb_tracker_scratch {
        struct cb_pair *pair;       /* a track and what may be it */
        bool *has_patch, *is_taken; /* of the tracks; of what was seen */
        size_t pair_cap, has_cap, taken_cap;
    } scratch; /* of one picture; kept so that none asks for memory */
};

/** What a picture offers the tracker. */
struct cb_sight {
    int64_t t_ns;
    const struct cb_observation *seen;
    size_t n;
    const struct cb_foreground *fg;
    const struct cb_region *region;
    const struct cb_road *road;
};

/** Moves all tracks to the picture's time, extends, makes and confirms them. @return 0, -ENOMEM */
int cb_tracker_add(struct cb_tracker *k, const struct cb_sight *s);
/** Mostly shadow, by its look: whose, if one drives beside it, is clear. */
bool cb_track_is_shade(const struct cb_observation *o);
/** A point of the track at (x, y), seen in patch o. @return 0, -ENOMEM */
int cb_track_extend(struct cb_track *t, const struct cb_sight *s, const struct cb_observation *o,
                    double x_m, double y_m, bool is_refined, enum cb_patch patch);
/** True when nothing more is to come of the track. */
bool cb_tracker_is_lost(const struct cb_track *t, int64_t t_ns, const struct cb_region *g);
void cb_tracker_remove(struct cb_tracker *k, size_t i);
void cb_tracker_clear(struct cb_tracker *k);
void cb_tracker_deinit(struct cb_tracker *k);

#endif
