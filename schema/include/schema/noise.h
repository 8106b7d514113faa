#ifndef SCHEMA_NOISE_H
#define SCHEMA_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "schema/passage.h"

enum cb_noise_class {
    CB_NOISE_OTHER,
    CB_NOISE_MODIFIED_EXHAUST,
    CB_NOISE_HORN,
    CB_NOISE_SIREN,
    CB_NOISE_IMPULSE,
    CB_NOISE_CLASS_COUNT
};

/** One feature that the classifier weighed: kept in the evidence, so that the class can be argued. */
struct cb_noise_feature {
    char name[24];
    double value;
};
#define CB_NOISE_FEATURES_MAX 40

#define CB_NOISE_WHY_LEN 160

/** One sound event. A plain value: copy by assignment. Absent numbers are NaN. */
struct cb_noise {
    char camera[CB_CAMERA_ID_LEN];
    int64_t t_start_ns, t_peak_ns, t_end_ns;
    int64_t utc_offset_ns;
    int time_source;
    double lafmax_db;       /* dB re 20 µPa, at the microphone */
    double lafmax_7m5_db;   /* the same normalised to 7.5 m (ISO 362), when a track gives the distance */
    double background_db;   /* LA90 before the event */
    enum cb_noise_class class_;
    double confidence;      /* [0, 1] */
    char why_class[CB_NOISE_WHY_LEN]; /* which features decided, with their points; "": not told */
    double azimuth_deg;     /* clockwise from +Y, seen from above; NaN: one microphone */
    int64_t track;          /* the vehicle that made it; −1: none is named */
    char why_no_track[48];  /* when track is −1: "several_vehicles", "no_vehicle", … */
    bool is_overload;       /* a sample reached full scale: never evidence */
    double limit_db;        /* NaN: nothing is judged */
    enum cb_violation_kind violation;
    struct cb_noise_feature feature[CB_NOISE_FEATURES_MAX];
    size_t n_features;
};

/** A line of `citybrain measure --levels`. */
struct cb_noise_level {
    int64_t t_ns;
    double laf_db;    /* at t_ns */
    double lafmax_db; /* the maximum since the line before */
};

const char *cb_noise_class_name(enum cb_noise_class c);
int cb_noise_print(const struct cb_noise *n, char **ret_json);
int cb_noise_parse(const char *json, size_t n, struct cb_noise *ret);

#endif
