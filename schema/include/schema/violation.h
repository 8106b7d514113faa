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

#define CB_INCIDENT_MEMBERS_MAX 16
#define CB_INCIDENT_ID_LEN      112

/** A violation as an incident refers to it: its record tells the rest. */
struct cb_incident_member {
    enum cb_violation_kind kind;
    enum cb_severity severity;
    int64_t track, t_ns;
    double charged, limit; /* km/h or dB(A), by kind */
};

/**
 * Violations of vehicles that were near to each other. Each violation of a vehicle that is named
 * belongs to one, alone or with others, and knows those that came before it: nothing waits for
 * those that may follow. Its name is the first violation's camera, UTC and track.
 */
struct cb_incident {
    bool is_set;
    int64_t utc_ns, track; /* of the first violation */
    enum cb_direction direction;
    struct cb_incident_member member[CB_INCIDENT_MEMBERS_MAX]; /* in the order of their telling */
    size_t n_members;
    size_t n_vehicles;         /* different tracks; less than 2: a violation alone */
    bool is_chase;             /* two at least were grave enough; else a convoy */
    double gap_s, distance_m;  /* the rule's, as configured */
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
    struct cb_incident incident; /* not set: no vehicle is named */
};

/** "sz-nh-0001.1795428003120.17": camera, UTC in ms, track. ret of CB_INCIDENT_ID_LEN; "" not set */
void cb_incident_id(const struct cb_incident *i, const char *camera, char *ret);
/** "convoy", "chase_racing"; NULL: fewer than two vehicles. */
const char *cb_incident_kind(const struct cb_incident *i);
/** A line of `citybrain measure`. */
int cb_incident_print(const struct cb_incident *i, const char *camera, char **ret_json);

const char *cb_severity_name(enum cb_severity s);
int cb_violation_print(const struct cb_violation *v, char **ret_json);
int cb_violation_parse(const char *json, size_t n, struct cb_violation *ret);
int cb_violation_copy(const struct cb_violation *v, struct cb_violation *ret);
void cb_violation_deinit(struct cb_violation *v);

#endif
