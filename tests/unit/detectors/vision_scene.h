#ifndef TESTS_VISION_SCENE_H
#define TESTS_VISION_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "detectors/detector.h"
#include "schema/camera.h"
#include "schema/passage.h"
#include "schema/violation.h"

/*
 * A small picture-maker of the test's own: boxes with wheels' height above a noisy road, seen by
 * a pinhole whose place is known exactly. Shares nothing with the detectors.
 */

struct box {
    double x_m;          /* middle, across */
    double y0_m, v_mps;  /* rear end at t0_s, and its speed along Y */
    double t0_s;
    double width_m, length_m, height_m;
    int level;           /* luma of its end; side and roof are lighter */
    double stop_s, go_s; /* stands still between; both 0: never */
    double shadow_m, shadow_gap_m; /* cast to higher X, so wide and so far from it; 0: none */
    double mirror_m;     /* the wet road mirrors its end, lighter than itself, so deep; 0: none */
};

struct view {
    int width, height;
    double f_px, height_m, pitch_rad; /* camera over (x_m, 0, height), looking along +Y … */
    double x_m, yaw_rad;  /* … or turned from there towards +X */
    double fps, seconds;
    const struct box *box;
    int n_boxes;
    double step_s, step_gain; /* the exposure changes at step_s by step_gain; 0: never */
    double bump_s;        /* the camera is knocked then, and there are houses; 0: neither */
    int bump_px;          /* what stood at x stands at x + bump_px after it */
    int caption_px;       /* rows at the bottom that show words, not the road */
    void (*on_picture)(int i, bool is_done); /* before and after each goes in; NULL: not called */
    double cut_s, jump_s;     /* at cut_s the stream breaks and its time jumps ahead; 0: never */
};

#define MAX_PASSAGES 16

struct outcome {
    struct cb_passage passage[MAX_PASSAGES]; /* without path */
    int n, n_violations;
    int n_suspended, n_resumed; /* of the whole camera */
    double drift_px;            /* as told last */
    int64_t t_told_ns[MAX_PASSAGES];         /* of the frame that brought it */
    int64_t now_ns;
};

/** Runs the view through a pipeline with zone y_min…y_max and that limit. */
void watch(const struct view *v, double y_min_m, double y_max_m, double limit_kmh,
           struct outcome *ret);

#endif
