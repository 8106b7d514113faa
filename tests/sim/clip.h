#ifndef SIM_CLIP_H
#define SIM_CLIP_H

#include <stdbool.h>

#include "render.h"
#include "writer.h"

/** Capture times of the frames in the clip's ticks; the first is 0. Yours to free. */
int sim_clip_pts(const struct sim_scene *s, int64_t **ret_pts, int *ret_n);
/** Renders every frame on n_threads and writes the clip. @return 0 or -errno with words */
int sim_clip_write(const struct sim_stage *stage, const struct sim_sound *sound, const int64_t *pts,
                   int n, const char *path, int n_threads, bool is_quiet, struct cb_error *reterr);

#endif
