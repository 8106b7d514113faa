#ifndef SCHEMA_CAMERA_STATE_H
#define SCHEMA_CAMERA_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "schema/camera.h"

/** A camera as it is now, for whoever watches over them; absent numbers are NaN. */
struct cb_camera_state {
    const struct cb_camera_conf *conf; /* lent */
    const char *state;                 /* "live", "away", "ended" */
    double fps, drift_px, level_db;
    int64_t last_frame_utc_ns; /* 0: none yet */
    uint64_t n_dropped;
};

/** A JSON array, yours to free; each is of that node. @return 0; -ENOMEM */
int cb_camera_states_print(const struct cb_camera_state *s, size_t n, const char *node,
                           char **ret_json);

#endif
