#ifndef SCHEMA_CAMERA_H
#define SCHEMA_CAMERA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/opt.h"
#include "base/sound.h"
#include "schema/limits.h"

#define CB_CAMERA_ID_LEN 65
#define CB_NAME_LEN 128
#define CB_URL_LEN 1024

/** One surveyed point: pixels in the full picture, metres on the road (X across, Y along). */
struct cb_calibration_point {
    double x_px, y_px, x_m, y_m;
    int line; /* of city.yaml, for messages */
};

/** One length taped on the road between two image points. */
struct cb_calibration_distance {
    double x1_px, y1_px, x2_px, y2_px;
    double length_m;
    bool is_along; /* along the road, else across it */
    int line;
    double u_m; /* standard uncertainty of length_m; 0: that of a tape */
};

/** Exactly one of points and distances is given. */
struct cb_calibration_conf {
    struct cb_calibration_point *points;
    size_t n_points;
    struct cb_calibration_distance *distances;
    size_t n_distances;
    /* What reference drives say the true speed is of the measured one; u 0: there were none. */
    double reference_factor, reference_u;
    double k1, k2;          /* radial distortion, Brown-Conrady, on r / half the picture's diagonal */
    char certificate[64];   /* number of the calibration's certificate; "" none */
    char calibrated_on[16]; /* YYYY-MM-DD; "" unknown */
    int line;
};

/** LAFmax above which a modified exhaust is a violation: the lowest that holds. */
struct cb_noise_limits {
    double default_dba; /* NaN: nothing is judged */
    struct cb_limit_period period[CB_PERIODS_MAX];
    size_t n_periods;
};

enum cb_several_vehicles { CB_SEVERAL_VOID, CB_SEVERAL_KEEP };

struct cb_microphone_conf {
    double sensitivity_dbfs_at_94db; /* level of a 94 dB SPL 1 kHz tone in the stream, dBFS RMS */
    struct cb_noise_limits limit;
    double tolerance_db;             /* deducted from a level, if more than its uncertainty */
    double instrument_u_db;          /* standard uncertainty of microphone and stream */
    double calibration_valid_d;      /* term of a calibration, days */
    int several_vehicles;            /* enum cb_several_vehicles */
    double position_m[CB_SOUND_CHANNELS_MAX][3]; /* X, Y, Z up, in the road frame */
    int n_positions;                 /* 0: one microphone at the camera */
    char calibrated_on[16];          /* YYYY-MM-DD; "" unknown */
};

/** Weather at a camera, from a sensor. Absent numbers are NaN. */
struct cb_weather {
    double wind_mps, rain_mm_h, temperature_c;
};

struct cb_weather_conf {
    bool is_set;             /* by the camera itself; else it is that of all cameras */
    struct cb_weather fixed; /* when no file says otherwise */
    char file[512];          /* a station's latest values; "": none */
    double max_age_s;        /* older values are not known */
    double wind_max_mps, rain_max_mm_h; /* above: no measurement of sound stands */
};

/** When violations of different vehicles are one incident. */
struct cb_chase_conf {
    double gap_s;      /* one passes a place so soon after the other */
    double distance_m; /* and so near to it */
    int severity;      /* enum cb_severity: from which two make a chase; below it is a convoy */
};

enum cb_classifier_kind { CB_YOLOX };
enum cb_classifier_labels { CB_COCO };

/** A network that tells road users apart; model "": none, the class is told by size. */
struct cb_classifier_conf {
    char model[512]; /* ONNX file */
    int kind;        /* enum cb_classifier_kind */
    int labels;      /* enum cb_classifier_labels */
};

enum cb_rtsp_transport { CB_RTSP_TCP, CB_RTSP_UDP };

/** A camera as city.yaml gives it. A value, read-only after load. Absent numbers are NaN. */
struct cb_camera_conf {
    char id[CB_CAMERA_ID_LEN]; /* [a-z0-9-]{1,64} */
    char name[CB_NAME_LEN];
    char url[CB_URL_LEN];
    char sound_url[CB_URL_LEN]; /* "" : the sound is in url */
    int rtsp_transport;         /* enum cb_rtsp_transport */
    double lat_deg, lon_deg, bearing_deg;
    char road[CB_NAME_LEN], district[CB_NAME_LEN];
    double speed_limit_kmh; /* where limits says no other; NaN: nothing is judged */
    struct cb_limits_conf limits;
    struct cb_severity_table severity;
    struct cb_timezone timezone; /* of limits' periods */
    int64_t recording_utc_ns;    /* UTC of a recording's time 0, or CB_UTC_UNKNOWN */
    double tolerance_kmh;   /* deducted up to 100 km/h; default 3 */
    double tolerance_percent; /* deducted above 100 km/h; default 3 */
    bool has_calibration, has_zone, has_microphone;
    struct cb_calibration_conf calibration;
    double zone_y_min_m, zone_y_max_m;
    struct cb_microphone_conf microphone;
    struct cb_weather_conf weather;
    struct cb_chase_conf chase;
    char road_class[32]; /* whose limits of sound hold when the microphone has none; "": none */
    struct cb_classifier_conf classifier;
    int line;
};

/** All fields as they are when city.yaml is silent. */
void cb_camera_conf_init(struct cb_camera_conf *c);
/** Frees what the value holds; the memory is the caller's. */
void cb_camera_conf_deinit(struct cb_camera_conf *c);

/* The scalar settings of each part, for the configuration reader and the documents. */
extern const struct cb_opt cb_camera_opts[], cb_location_opts[], cb_zone_opts[],
    cb_microphone_opts[], cb_calibration_opts[], cb_distortion_opts[],
    cb_reference_opts[], cb_classifier_opts[],
    cb_weather_opts[], cb_chase_opts[], cb_noise_limit_opts[], cb_noise_period_opts[];

/** The lowest limit that can ever hold; NaN: none. */
double cb_noise_limits_lowest(const struct cb_noise_limits *l);

#endif
