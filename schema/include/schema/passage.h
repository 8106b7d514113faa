#ifndef SCHEMA_PASSAGE_H
#define SCHEMA_PASSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "schema/camera.h"
#include "schema/road_user.h"

enum cb_direction { CB_AWAY, CB_TOWARD };

enum cb_violation_kind {
    CB_VIOLATION_NONE,
    CB_SPEEDING,
    CB_MODIFIED_EXHAUST,
    CB_CHASE_RACING, /* an incident of several violations, never one vehicle's alone */
    CB_VIOLATION_COUNT
};

/** Why a passage carries no speed. */
enum cb_reason {
    CB_REASON_NONE,
    CB_REASON_TOO_FEW_SAMPLES,  /* seen too short or over too little of the zone */
    CB_REASON_SEVERAL_VEHICLES, /* two or more in one blob: no result in ambiguous traffic */
    CB_REASON_OCCLUDED,
    CB_REASON_INCONSISTENT,     /* the samples do not follow one motion */
    CB_REASON_TOO_UNCERTAIN,
    CB_REASON_NOT_CALIBRATED,
    CB_REASON_SUSPENDED,        /* the scene has moved against the calibration */
    CB_REASON_STANDING,         /* parked or queueing: no speed to speak of */
    CB_REASON_COUNT
};

/** A box in the full picture, px; w == 0: unknown. */
struct cb_box {
    float x, y, w, h;
};

/** Where a road user touched the road, and when. */
struct cb_fix {
    int64_t t_ns;
    double x_m, y_m;
    float x_px, y_px; /* the contact point in the picture */
    struct cb_box box;
    float sigma_px; /* standard uncertainty of the point, per axis; 0: not known beforehand */
};

/** One road user that crossed the measuring zone. path: the owner's; a sink is lent it. */
struct cb_passage {
    char camera[CB_CAMERA_ID_LEN];
    int64_t track;
    int64_t t_first_ns, t_last_ns; /* first and last fix in the zone */
    int64_t utc_offset_ns;         /* add to a t_ns for UTC; 0: the recording's own time only */
    int time_source;               /* enum cb_time_source */
    enum cb_road_user road_user;
    enum cb_direction direction;
    double speed_mps;   /* mean over the zone; NaN: see reason */
    double u95_mps;     /* half-width of the 95 % interval; NaN with speed_mps */
    enum cb_reason reason;
    struct cb_fix *path; /* in the zone, in time order; behind these n_path … */
    size_t n_path;
    size_t n_left_out;   /* … the ones that the fit of the speed left out, likewise; not in texts */

    /* The rules' verdict (detectors/rules); NaN where there is no limit or no speed. */
    double limit_mps, charged_mps;
    enum cb_violation_kind violation;
};

const char *cb_direction_name(enum cb_direction d);
const char *cb_reason_name(enum cb_reason r);
const char *cb_violation_kind_name(enum cb_violation_kind k); /* NULL for CB_VIOLATION_NONE */

/** One JSON object on one line, as `citybrain measure` prints it; yours to free. */
int cb_passage_print(const struct cb_passage *p, char **ret_json);
/** The inverse, for stores and tests: what print gives, parse accepts. @return -EINVAL */
int cb_passage_parse(const char *json, size_t n, struct cb_passage *ret);
int cb_passage_copy(const struct cb_passage *p, struct cb_passage *ret);
/** Frees path; the memory is the caller's. */
void cb_passage_deinit(struct cb_passage *p);

#endif
