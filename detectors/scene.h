#ifndef DETECTORS_SCENE_H
#define DETECTORS_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/passage.h"

/** What one detector tells the others of a road user: written by vision, read by sound. */
struct cb_scene_track {
    int64_t id;
    enum cb_road_user road_user;
    struct cb_fix *fix; /* in time order */
    size_t n, cap;
    struct cb_passage *passage; /* once it has been measured; NULL: not yet, or it is none */
    bool is_over;               /* nothing more is to come: no fix, no passage */
};

/** The road users of the last seconds, on the road plane. One camera, one thread. */
struct cb_scene {
    struct cb_scene_track *track; /* in order of first appearance */
    size_t n, cap;
    int64_t t_ns;                 /* latest frame; INT64_MIN: no picture yet */
    int64_t behind_ns;            /* so much of it vision holds back: its road users are to come */
    int64_t keep_ns;              /* how long a track is kept after its last fix */
};

void cb_scene_init(struct cb_scene *s);
void cb_scene_deinit(struct cb_scene *s);
/** Each frame once, before its fixes: moves t_ns and forgets what is too old. */
void cb_scene_advance(struct cb_scene *s, int64_t t_ns);
/** Adds a fix to a track, which is made when new. @return 0 or -ENOMEM */
int cb_scene_add(struct cb_scene *s, int64_t id, enum cb_road_user u, const struct cb_fix *fix);
/** Copies the passage of a track. Unknown tracks are passed over. @return 0 or -ENOMEM */
int cb_scene_add_passage(struct cb_scene *s, int64_t id, const struct cb_passage *p);
/** The track is lost: nothing more is to come of it. */
void cb_scene_end(struct cb_scene *s, int64_t id);
/** @return NULL when there is none of that number */
const struct cb_scene_track *cb_scene_find(const struct cb_scene *s, int64_t id);
/** Position at t_ns, linear between fixes. @return 0; -ENODATA outside first…last */
int cb_scene_position(const struct cb_scene_track *t, int64_t t_ns, double *ret_x_m,
                      double *ret_y_m);
/** The whole of it forgotten: after a discontinuity. */
void cb_scene_clear(struct cb_scene *s);

#endif
