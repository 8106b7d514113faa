#ifndef TESTS_EVIDENCE_SCENE_H
#define TESTS_EVIDENCE_SCENE_H

/* What the tests of evidence and outbox seal: a camera, a violation, pictures made by arithmetic.
 */

#include <stdbool.h>

#include "base/frame.h"
#include "evidence/evidence.h"
#include "schema/camera.h"
#include "schema/violation.h"

struct cb_scene {
    char dir[64]; /* a new folder under $TMPDIR; scene_close removes it */
    char key_file[96];
    char public_key[CB_KEY_LEN];
    struct cb_camera_conf camera;
    struct cb_calibration_point point[4];
    struct cb_violation speeding, exhaust;
    struct cb_fix path[40];
    int width, height, shift_x, shift_y; /* of the pictures; shift_x < 0: grey */
    bool is_full_range;
    int64_t no_picture_after_ns; /* 0: there is a picture at any time */
    bool is_always_same_picture;
    int clip_error; /* 0: the clip is cut */
    int sound_error; /* 0: there is sound at any time */
    bool is_sound_rough; /* its samples are no 16-bit numbers */
    struct cb_still_source stills;
    struct cb_clip_source clip;
    struct cb_sound_source sound;
    struct cb_evidence_request request; /* of speeding */
};

void scene_open(struct cb_scene *s);
/** Pictures of another size, calibration, path and boxes with them. */
void scene_resize(struct cb_scene *s, int width, int height);
void scene_close(struct cb_scene *s);
struct cb_evidence_sealer *scene_sealer(struct cb_scene *s);
/** Seals request, and fails the test if that does not work. free(ret->dir). */
void scene_seal(struct cb_scene *s, struct cb_evidence_sealer *sealer, struct cb_sealed *ret);
struct cb_frame *scene_frame(int width, int height, int shift_x, int shift_y, bool is_full_range,
                             int64_t t_ns);
void scene_remove_tree(const char *dir);
/** Flips one bit in the middle of dir/name. */
void scene_alter(const char *dir, const char *name);

#endif
