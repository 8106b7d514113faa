#include "schema/camera.h"

#include <math.h>
#include <stdlib.h>

static const char *const transports[] = {"tcp", "udp", NULL};
static const char *const kinds[] = {"yolox", NULL};
static const char *const labels[] = {"coco", NULL};

#define AT(field) CB_OPT_AT(struct cb_camera_conf, field)
#define MIC(field) CB_OPT_AT(struct cb_microphone_conf, field)
#define NET(field) CB_OPT_AT(struct cb_classifier_conf, field)
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
    {"limit_dba", CB_OPT_DOUBLE, MIC(limit_dba), 30, 140, "dB(A)",
     "LAFmax above which a modified exhaust is a violation", NULL},
    {"calibrated_on", CB_OPT_STRING, MIC(calibrated_on), 0, 0, NULL, "YYYY-MM-DD", NULL},
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
        .microphone = {.sensitivity_dbfs_at_94db = NAN, .limit_dba = NAN},
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
