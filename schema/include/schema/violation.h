#ifndef SCHEMA_VIOLATION_H
#define SCHEMA_VIOLATION_H

#include "schema/noise.h"
#include "schema/passage.h"

enum cb_severity { CB_MINOR, CB_MODERATE, CB_SERIOUS, CB_EXTREME, CB_SEVERITY_COUNT };

#define CB_STILLS_MAX 3

/** A picture that the evidence wants, with what to mark in it. */
struct cb_still_wish {
    int64_t t_ns;
    struct cb_box box;
};

/**
 * A passage or noise event that broke a rule: what was measured, and which pictures and which
 * stretch of the stream prove it. Knows nothing of files.
 */
struct cb_violation {
    enum cb_violation_kind kind;
    enum cb_severity severity;
    char camera[CB_CAMERA_ID_LEN];
    int64_t t_ns;         /* when it occurred: the zone's middle, the sound's peak */
    int64_t utc_offset_ns;
    int time_source;
    int64_t track;        /* −1: no vehicle is named */
    int64_t t_from_ns, t_to_ns; /* the clip, without pre- and post-roll */
    struct cb_still_wish still[CB_STILLS_MAX];
    size_t n_stills;
    bool has_passage, has_noise; /* an exhaust violation has the noise, and the passage if known */
    struct cb_passage passage;
    struct cb_noise noise;
};

const char *cb_severity_name(enum cb_severity s);
int cb_violation_print(const struct cb_violation *v, char **ret_json);
int cb_violation_parse(const char *json, size_t n, struct cb_violation *ret);
int cb_violation_copy(const struct cb_violation *v, struct cb_violation *ret);
void cb_violation_deinit(struct cb_violation *v);

#endif
