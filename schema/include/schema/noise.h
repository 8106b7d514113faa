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

/** What voids a measurement: bits of cb_noise.voids, so that a record names each that applied. */
enum cb_void {
    CB_VOID_OVERLOAD,            /* a sample reached full scale: the level is a lower bound */
    CB_VOID_UNDER_RANGE,         /* below what microphone and stream can tell from their own noise */
    CB_VOID_WIND,                /* a sensor says more than wind_max_mps */
    CB_VOID_WIND_HEARD,          /* turbulence at the microphones */
    CB_VOID_RAIN,                /* a sensor says more than rain_max_mm_h */
    CB_VOID_WEATHER_UNKNOWN,     /* a weather file is configured and says nothing of this time */
    CB_VOID_CALIBRATION_EXPIRED, /* the microphone's calibration is older than its term */
    CB_VOID_SEVERAL_VEHICLES,    /* two or more could have made it */
    CB_VOID_AMBIENT_TOO_LOUD,    /* less than 3 dB over the background */
    CB_VOID_BACKGROUND_UNKNOWN,  /* too little was heard before it */
    CB_VOID_COUNT
};

/** Third-octave bands of 25 Hz to 16 kHz nominal (IEC 61260-1). */
#define CB_THIRD_OCTAVES 29
#define CB_NOISE_WHY_LEN 160

/** One sound event. A plain value: copy by assignment. Absent numbers are NaN. */
struct cb_noise {
    char camera[CB_CAMERA_ID_LEN];
    int64_t t_start_ns, t_peak_ns, t_end_ns;
    int64_t utc_offset_ns;
    int time_source;
    double lafmax_db;       /* dB re 20 µPa, at the microphone */
    double lafmax_u95_db;   /* half-width of its 95 % interval, background's correction included */
    double lae_db, laeq_db, lcpeak_db; /* of the event: exposure, mean, C-weighted peak */
    double third_octave_db[CB_THIRD_OCTAVES]; /* at the peak */
    bool has_third_octaves;
    double lafmax_7m5_db;   /* lafmax_db normalised to 7.5 m (ISO 362), when a track gives the distance */
    double lafmax_7m5_u95_db;
    double background_db;   /* LA90 before the event */
    double background_correction_db; /* deducted for the background; NaN: it was too loud for one */
    enum cb_noise_class class_;
    double confidence;      /* [0, 1] */
    char why_class[CB_NOISE_WHY_LEN]; /* which features decided, with their points; "": not told */
    double azimuth_deg;     /* clockwise from +Y, seen from above; NaN: one microphone */
    double azimuth_u95_deg; /* half-width of its 95 % interval */
    int n_directions;       /* consecutive directions that were matched with the track */
    double attribution_odds; /* of the vehicle named over the next best explanation */
    int64_t second_track;   /* the next best; −1: none */
    int64_t track;          /* the vehicle that made it; −1: none is named */
    char why_no_track[48];  /* when track is −1: "several_vehicles", "no_vehicle", … */
    bool is_overload;       /* a sample reached full scale: never evidence */
    bool is_under_range;    /* too quiet for this microphone: never evidence */
    double wind_mps, rain_mm_h; /* as a sensor said at the time */
    double calibration_age_d;   /* of the microphone's calibration at the time */
    unsigned voids;         /* 1 << enum cb_void; 0: it stands */
    double limit_db;        /* NaN: nothing is judged */
    double charged_db;      /* level less correction and the larger of tolerance and uncertainty */
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
/** "wind", "several_vehicles", …; for each i in [0, CB_VOID_COUNT). */
const char *cb_void_name(enum cb_void v);
/** All absent: numbers NaN, no track; for whoever fills one. */
void cb_noise_init(struct cb_noise *n);
int cb_noise_print(const struct cb_noise *n, char **ret_json);
int cb_noise_parse(const char *json, size_t n, struct cb_noise *ret);

#endif
