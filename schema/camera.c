#include "schema/camera.h"

#include <math.h>
#include <stdlib.h>

#include "schema/violation.h"

static const char *const transports[] = {"tcp", "udp", NULL};
static const char *const kinds[] = {"yolox", NULL};
static const char *const labels[] = {"coco", NULL};
static const char *const several[] = {"void", "keep", NULL};
static const char *const severities[] = {"minor", "moderate", "serious", "extreme", NULL};

#define AT(field) CB_OPT_AT(struct cb_camera_conf, field)
#define MIC(field) CB_OPT_AT(struct cb_microphone_conf, field)
#define NET(field) CB_OPT_AT(struct cb_classifier_conf, field)
#define SKY(field) CB_OPT_AT(struct cb_weather_conf, field)
#define CHASE(field) CB_OPT_AT(struct cb_chase_conf, field)
#define PERIOD(field) CB_OPT_AT(struct cb_limit_period_text, field)
#define CAL(field) CB_OPT_AT(struct cb_calibration_conf, field)

const struct cb_opt cb_camera_opts[] = {
    {"id", CB_OPT_STRING, AT(id), 1, 0, NULL, "name of the camera, [a-z0-9-]{1,64}", NULL},
    {"name", CB_OPT_STRING, AT(name), 0, 0, NULL, "what people call it; shown on evidence", NULL},
    {"url", CB_OPT_STRING, AT(url), 1, 0, NULL, "rtsp://…, http://…, udp://… or a file", NULL},
    {"sound_url", CB_OPT_STRING, AT(sound_url), 0, 0, NULL, "sound from a second stream", NULL},
    {"rtsp_transport", CB_OPT_ENUM, AT(rtsp_transport), 0, 0, NULL, "how RTSP carries media",
     transports},
    {"road", CB_OPT_STRING, AT(road), 0, 0, NULL, "the road's name", NULL},
    {"district", CB_OPT_STRING, AT(district), 0, 0, NULL, "the district; part of the topic", NULL},
    {"road_class", CB_OPT_STRING, AT(road_class), 0, 0, NULL,
     "whose noise_limits hold for the microphone", NULL},
    {"tolerance_kmh", CB_OPT_DOUBLE, AT(tolerance_kmh), 0, 20, "km/h",
     "deducted from speeds up to 100 km/h", NULL},
    {"tolerance_percent", CB_OPT_DOUBLE, AT(tolerance_percent), 0, 20, "%",
     "deducted from speeds above 100 km/h", NULL},
    {0},
};

const struct cb_opt cb_location_opts[] = {
    {"lat", CB_OPT_DOUBLE, AT(lat_deg), -90, 90, "°", "latitude, WGS 84", NULL},
    {"lon", CB_OPT_DOUBLE, AT(lon_deg), -180, 180, "°", "longitude, WGS 84", NULL},
    {"bearing_deg", CB_OPT_DOUBLE, AT(bearing_deg), 0, 360, "°",
     "where +Y points, clockwise from north", NULL},
    {0},
};

const struct cb_opt cb_zone_opts[] = {
    {"y_min", CB_OPT_DOUBLE, AT(zone_y_min_m), -1000, 1000, "m", "near edge of the zone", NULL},
    {"y_max", CB_OPT_DOUBLE, AT(zone_y_max_m), -1000, 1000, "m", "far edge of the zone", NULL},
    {0},
};

const struct cb_opt cb_microphone_opts[] = {
    {"sensitivity_dbfs_at_94db", CB_OPT_DOUBLE, MIC(sensitivity_dbfs_at_94db), -120, 0, "dBFS RMS",
     "level of a 94 dB SPL 1 kHz tone in the stream (a full-scale sine is -3.01)", NULL},
    {"tolerance_db", CB_OPT_DOUBLE, MIC(tolerance_db), 0, 20, "dB",
     "deducted from a level, if it is more than the level's uncertainty", NULL},
    {"instrument_u_db", CB_OPT_DOUBLE, MIC(instrument_u_db), 0.1, 5, "dB",
     "standard uncertainty of microphone and stream (class 1: 0.5)", NULL},
    {"calibrated_on", CB_OPT_STRING, MIC(calibrated_on), 0, 0, NULL, "YYYY-MM-DD", NULL},
    {"calibration_valid_days", CB_OPT_DOUBLE, MIC(calibration_valid_d), 1, 3650, "days",
     "term of a calibration; a level measured after it does not stand", NULL},
    {"several_vehicles", CB_OPT_ENUM, MIC(several_vehicles), 0, 0, NULL,
     "a level that two or more could have made: does not stand, or is kept without a name", several},
    {0},
};

const struct cb_opt cb_noise_limit_opts[] = {
    {"default", CB_OPT_DOUBLE, CB_OPT_AT(struct cb_noise_limits, default_dba), 30, 140, "dB(A)",
     "LAFmax above which a modified exhaust is a violation; the number alone is the same", NULL},
    {0},
};

const struct cb_opt cb_noise_period_opts[] = {
    {"from", CB_OPT_STRING, PERIOD(from), 1, 0, NULL, "HH:MM local time, quoted", NULL},
    {"to", CB_OPT_STRING, PERIOD(to), 1, 0, NULL,
     "HH:MM, to 24:00; before from: on the next day", NULL},
    {"dba", CB_OPT_DOUBLE, PERIOD(limit), 30, 140, "dB(A)",
     "limit in this time, where it is the lower", NULL},
    {0},
};

const struct cb_opt cb_weather_opts[] = {
    {"file", CB_OPT_STRING, SKY(file), 0, 0, NULL,
     "JSON that a weather station rewrites: {utc, wind_mps, rain_mm_h, temperature_c}", NULL},
    {"max_age_s", CB_OPT_DOUBLE, SKY(max_age_s), 10, 86400, "s",
     "older values of the file are not known", NULL},
    {"wind_mps", CB_OPT_DOUBLE, SKY(fixed.wind_mps), 0, 100, "m/s", "wind, without a file", NULL},
    {"rain_mm_h", CB_OPT_DOUBLE, SKY(fixed.rain_mm_h), 0, 500, "mm/h", "rain, without a file", NULL},
    {"temperature_c", CB_OPT_DOUBLE, SKY(fixed.temperature_c), -60, 70, "°C",
     "air temperature, without a file", NULL},
    {"wind_max_mps", CB_OPT_DOUBLE, SKY(wind_max_mps), 0, 50, "m/s",
     "more wind voids measurements of sound", NULL},
    {"rain_max_mm_h", CB_OPT_DOUBLE, SKY(rain_max_mm_h), 0, 100, "mm/h",
     "more rain voids measurements of sound", NULL},
    {0},
};

const struct cb_opt cb_chase_opts[] = {
    {"gap_s", CB_OPT_DOUBLE, CHASE(gap_s), 0.1, 30, "s",
     "violators that pass a place within so long of each other are one incident", NULL},
    {"distance_m", CB_OPT_DOUBLE, CHASE(distance_m), 1, 500, "m", "and within so far", NULL},
    {"severity", CB_OPT_ENUM, CHASE(severity), 0, 0, NULL,
     "from which two of them make a chase; below it the incident is a convoy", severities},
    {0},
};

const struct cb_opt cb_calibration_opts[] = {
    {"certificate", CB_OPT_STRING, CAL(certificate), 0, 0, NULL, "number of the certificate", NULL},
    {"calibrated_on", CB_OPT_STRING, CAL(calibrated_on), 0, 0, NULL, "YYYY-MM-DD", NULL},
    {0},
};

const struct cb_opt cb_classifier_opts[] = {
    {"model", CB_OPT_STRING, NET(model), 1, 0, NULL, "ONNX file of a detector", NULL},
    {"kind", CB_OPT_ENUM, NET(kind), 0, 0, NULL, "its layout", kinds},
    {"labels", CB_OPT_ENUM, NET(labels), 0, 0, NULL, "what its classes are", labels},
    {0},
};

const struct cb_opt cb_distortion_opts[] = {
    {"k1", CB_OPT_DOUBLE, CAL(k1), -2, 2, NULL, "radial distortion, second order", NULL},
    {"k2", CB_OPT_DOUBLE, CAL(k2), -2, 2, NULL, "radial distortion, fourth order", NULL},
    {0},
};

const struct cb_opt cb_reference_opts[] = {
    {"factor", CB_OPT_DOUBLE, CAL(reference_factor), 0.9, 1.1, NULL,
     "true speed by measured speed, from reference drives", NULL},
    {"u", CB_OPT_DOUBLE, CAL(reference_u), 0.0005, 0.05, NULL, "its standard uncertainty", NULL},
    {0},
};

void cb_camera_conf_init(struct cb_camera_conf *c)
{
    *c = (struct cb_camera_conf){
        .lat_deg = NAN,
        .lon_deg = NAN,
        .bearing_deg = NAN,
        .speed_limit_kmh = NAN,
        .tolerance_kmh = 3,
        .tolerance_percent = 3,
        .zone_y_min_m = NAN,
        .zone_y_max_m = NAN,
        .microphone = {.sensitivity_dbfs_at_94db = NAN,
                       .limit = {.default_dba = NAN},
                       .tolerance_db = 1.5,
                       .instrument_u_db = 0.5,
                       .calibration_valid_d = 365},
        .weather = {.fixed = {NAN, NAN, NAN}, .max_age_s = 600, .wind_max_mps = 5},
        .chase = {.gap_s = 3, .distance_m = 50, .severity = CB_MODERATE},
        .recording_utc_ns = CB_UTC_UNKNOWN,
    };
    cb_limits_conf_init(&c->limits);
    cb_severity_table_init(&c->severity);
}

void cb_camera_conf_deinit(struct cb_camera_conf *c)
{
    free(c->calibration.points);
    free(c->calibration.distances);
    c->calibration.points = NULL;
    c->calibration.distances = NULL;
    free(c->timezone.offset);
    c->timezone = (struct cb_timezone){0};
}

double cb_noise_limits_lowest(const struct cb_noise_limits *l)
{
    double lowest = l->default_dba;
    for (size_t i = 0; i < l->n_periods; i++)
        lowest = fmin(lowest, l->period[i].limit);
    return lowest;
}
