#ifndef SIM_SCENE_H
#define SIM_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "camera.h"
#include "vec.h"

#define SIM_LANES_MAX  12
#define SIM_POINTS_MAX 32
#define SIM_MICS_MAX   8

enum sim_class { SIM_CAR, SIM_TRUCK, SIM_BUS, SIM_MOTORCYCLE, SIM_BICYCLE, SIM_PEDESTRIAN };
enum sim_shape {
    SIM_SHAPE_AUTO,
    SIM_SEDAN,
    SIM_SUV,
    SIM_HATCH,
    SIM_VAN,
    SIM_PICKUP,
    SIM_FLATBED,     /* a lorry without a box */
    SIM_ARTICULATED, /* a tractor and its trailer, in line */
    SIM_COACH,
    SIM_SCOOTER,
    SIM_N_SHAPES,
};
enum sim_direction { SIM_AWAY, SIM_TOWARD };
enum sim_light_kind { SIM_DAY, SIM_OVERCAST, SIM_NIGHT };
enum sim_video_codec { SIM_H264, SIM_H265, SIM_MJPEG };
enum sim_sound_codec { SIM_SOUND_NONE, SIM_AAC, SIM_PCM, SIM_OPUS };
enum sim_source_type {
    SIM_SOURCE_HORN,
    SIM_SOURCE_WAIL,
    SIM_SOURCE_YELP,
    SIM_SOURCE_MUSIC,
    SIM_SOURCE_IMPULSE,
    SIM_SOURCE_THUNDER,
    SIM_SOURCE_TONE,
    SIM_SOURCE_SPEECH, /* from here on: confuser.h */
    SIM_SOURCE_RAIN,
    SIM_SOURCE_WIND,
    SIM_SOURCE_FIREWORK,
    SIM_SOURCE_FIRECRACKERS,
    SIM_SOURCE_AIR_BRAKE,
    SIM_SOURCE_JACKHAMMER,
    SIM_SOURCE_CHAINSAW,
    SIM_SOURCE_DOG,
    SIM_SOURCE_TRAIN,
    SIM_SOURCE_JET,
    SIM_SOURCE_HELICOPTER,
    SIM_SOURCE_PROPELLER,
    SIM_SOURCE_AIR_HORN,
    SIM_SOURCE_HI_LO,
    SIM_SOURCE_BASS,
    SIM_SOURCE_SKID,
    SIM_SOURCE_EXHAUST, /* of vehicles only */
};

extern const char *const sim_class_names[], *const sim_direction_names[];

struct sim_video_conf {
    int width, height, bitrate_kbps, gop, codec;
    double fps, pts_jitter_ms; /* uniform within plus or minus the jitter */
};

struct sim_light_conf {
    int kind;
    double sun_azimuth_deg, sun_elevation_deg; /* azimuth clockwise from +Y */
    double shutter_ms, exposure, noise;        /* noise: of a well-lit pixel, per cent of white */
    double step_t_s, step_factor;              /* the camera's exposure changes at that time */
    double rain;                               /* 0 none, 1 heavy */
    double step_s;                             /* and takes so long for it */
    double snow;                               /* flakes in the air: 0 none, 1 heavy */
    double wet;                                /* the road mirrors: 0 dry, 1 under water */
};

struct sim_lane {
    double x_m, width_m;
    int direction;
};

struct sim_scenery_conf {
    bool trees, buildings, lamps;
    double sidewalk_m, lamp_spacing_m, building_m; /* building: height of the tallest */
    int birds;                                     /* that fly through the view in all */
    double wind_m;                                 /* how far leaves swing */
};

struct sim_survey_conf {
    int points;
    double noise_px, noise_m;
};

struct sim_sound_conf {
    int codec, rate_hz, n_mics;
    struct vec3 mic[SIM_MICS_MAX]; /* road frame */
    double sensitivity_dbfs_at_94db, ambient_dba, limit_dba;
    double ground_reflection; /* amplitude of the road's image source, 0 to 1 */
};

/** Something that stands there: a post, a sign. */
struct sim_box {
    struct vec3 from, to;
};

/** A value that changes in time: straight between points, held outside. */
struct sim_curve {
    struct {
        double t_s, value;
    } at[SIM_POINTS_MAX];
    int n;
};

/** When something sounds: start and length. */
struct sim_spans {
    struct {
        double t_s, length_s;
    } at[SIM_POINTS_MAX];
    int n;
};

struct sim_vehicle_conf {
    int class, shape, lane; /* lane: from 1; 0: a path of its own */
    struct vec3 colour;
    double t_s, y_m;           /* its contact line is at Y = y_m at t_s */
    double speed_kmh;          /* unless speeds says otherwise */
    struct sim_curve speeds;   /* km/h over time */
    double offset_m, wander_m; /* across, from the lane's centre */
    int lane_to;
    double lane_change_t_s, lane_change_s;
    struct vec3 from, to; /* a path: Z unused */
    double length_m, width_m, height_m;
    bool modified_exhaust, lights_off, silent;
    bool two_stroke;        /* fires at each turn of the crank */
    double pipe_hz, hoarse; /* first resonance of its exhaust; the gas' rush, 1: usual */
    int cylinders;
    double exhaust_db; /* A-weighted level at 7.5 m, throttle open at 5000 a minute */
    struct sim_curve rpm;
    struct sim_spans pops, horn, wail, yelp, music;
};

struct sim_source_conf {
    int type;
    double t_s, length_s, level_db, frequency_hz; /* level: A-weighted at 7.5 m, while it sounds */
    struct vec3 position, velocity;               /* m and m/s; position: at t = 0 */
};

struct sim_scene {
    char id[65], name[128], road[128], district[128];
    double lat_deg, lon_deg, bearing_deg, speed_limit_kmh, seconds;
    double zone_y_min_m, zone_y_max_m;
    struct sim_video_conf video;
    struct sim_camera_conf camera;
    struct sim_light_conf light;
    struct sim_scenery_conf scenery;
    struct sim_survey_conf survey;
    struct sim_sound_conf sound;
    struct sim_lane lane[SIM_LANES_MAX];
    size_t n_lanes;
    struct sim_box *boxes;
    size_t n_boxes;
    struct sim_vehicle_conf *vehicles;
    size_t n_vehicles;
    struct sim_source_conf *sources;
    size_t n_sources;
    uint64_t seed;
};

/** @return 0; -errno: reterr names file, key and what was expected */
int sim_scene_load(struct sim_scene **ret, const char *path, struct cb_error *reterr);
/** The same from text; name stands for the file in messages. */
int sim_scene_parse(struct sim_scene **ret, const char *text, const char *name,
                    struct cb_error *reterr);
void sim_scene_destroy(struct sim_scene **s);

/** empty_value is for a curve without points. */
double sim_curve_at(const struct sim_curve *c, double t_s, double empty_value);

#endif
