#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "config.h"
#include "timezone.h"
#include "weather.h"

#define POINTS                                                                                     \
    "    calibration:\n"                                                                           \
    "      points:\n"                                                                              \
    "        - {px: [100, 600], m: [0, 10]}\n"                                                     \
    "        - {px: [1100, 600], m: [8, 10]}\n"                                                    \
    "        - {px: [800, 200], m: [8, 40]}\n"                                                     \
    "        - {px: [400, 200], m: [0, 40]}\n"

#define MIC "cameras:\n  - id: a\n    url: x\n    microphone: {sensitivity_dbfs_at_94db: -26"
#define LIMITS "cameras:\n  - id: a\n    url: x\n    speed_limit_kmh:\n"

static int load(const char *text, struct cb_config **ret, struct cb_error *e)
{
    return cb_config_parse(ret, "city.yaml", "/city", text, strlen(text), e);
}

static void test_whole_camera(void **state)
{
    (void) state;
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    int r = load("cameras:\n"
                 "  - id: sz-nh-0001\n"
                 "    name: 深南大道 K3+200 东向\n"
                 "    url: rtsp://camera.example/1\n"
                 "    location: {lat: 22.5410, lon: 114.0560, bearing_deg: 92}\n"
                 "    road: 深南大道\n"
                 "    district: 福田\n"
                 "    speed_limit_kmh: 60\n" POINTS
                 "      distortion: {k1: 0.01, k2: 0.0}\n"
                 "      reference: {factor: 0.993, u: 0.002}\n"
                 "    zone: {y_min: 12.0, y_max: 40.0}\n"
                 "    microphone:\n"
                 "      sensitivity_dbfs_at_94db: -26.0\n"
                 "      array_m: [[0,0,5.5],[0.2,0,5.5]]\n"
                 "      limit_dba: 85\n",
                 &c, &e);
    if (r < 0)
        fail_msg("%s: %s", e.where, e.text);
    const struct cb_camera_conf *cam = cb_config_camera(c, "sz-nh-0001");
    assert_non_null(cam);
    assert_string_equal(cam->name, "深南大道 K3+200 东向");
    assert_string_equal(cam->url, "rtsp://camera.example/1");
    assert_true(cam->bearing_deg == 92 && cam->speed_limit_kmh == 60 && cam->tolerance_kmh == 3);
    assert_int_equal(cam->calibration.n_points, 4);
    assert_true(cam->calibration.points[2].y_m == 40 && cam->calibration.k1 == 0.01);
    assert_true(cam->calibration.reference_factor == 0.993);
    assert_true(cam->calibration.reference_u == 0.002);
    assert_int_equal(cam->calibration.points[2].line, 13);
    assert_int_equal(cam->microphone.n_positions, 2);
    assert_true(cam->microphone.position_m[1][0] == 0.2);
    assert_null(cb_config_camera(c, "sz-nh-0002"));
    cb_config_destroy(&c);
}

/* Limits of sound by time and by the road's class, weather for all and for one, chase. */
static void test_sound_settings(void **state)
{
    (void) state;
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    int r = load("cameras:\n"
                 "  - id: a\n    url: a.wav\n    road_class: residential\n    timezone: \"+08:00\"\n"
                 "    microphone: {sensitivity_dbfs_at_94db: -26, calibrated_on: 2026-03-01}\n"
                 "  - id: b\n    url: b.wav\n    road_class: residential\n    timezone: \"+08:00\"\n"
                 "    microphone:\n      sensitivity_dbfs_at_94db: -26\n      several_vehicles: keep\n"
                 "      limit_dba:\n        default: 90\n"
                 "        schedule: [{from: \"22:00\", to: \"06:00\", dba: 82}]\n"
                 "    weather: {wind_mps: 2.5}\n"
                 "noise_limits:\n"
                 "  - road_class: residential\n    limit_dba:\n      default: 80\n"
                 "      schedule: [{from: \"20:00\", to: \"08:00\", dba: 70}]\n"
                 "  - {road_class: trunk, limit_dba: 86}\n"
                 "weather: {file: station.json, wind_max_mps: 4}\n"
                 "chase: {gap_s: 2, severity: serious}\n",
                 &c, &e);
    if (r < 0)
        fail_msg("%s: %s", e.where, e.text);
    const struct cb_camera_conf *a = &c->camera[0], *b = &c->camera[1];
    assert_true(a->microphone.limit.default_dba == 80 && a->microphone.limit.period[0].limit == 70);
    assert_true(b->microphone.limit.default_dba == 90 && b->microphone.limit.period[0].limit == 82);
    assert_true(a->microphone.tolerance_db == 1.5 && a->microphone.calibration_valid_d == 365);
    assert_int_equal(a->microphone.several_vehicles, CB_SEVERAL_VOID);
    assert_int_equal(b->microphone.several_vehicles, CB_SEVERAL_KEEP);
    assert_string_equal(a->weather.file, "/city/station.json");
    assert_true(a->weather.wind_max_mps == 4 && isnan(a->weather.fixed.wind_mps));
    assert_true(!b->weather.file[0] && b->weather.fixed.wind_mps == 2.5);
    assert_true(b->weather.wind_max_mps == 5);
    assert_true(a->chase.gap_s == 2 && a->chase.distance_m == 50 && a->chase.severity == 2);
    cb_config_destroy(&c);
}

static void write_station(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_a_station_says_the_weather_or_nothing(void **state)
{
    static const struct {
        const char *text;
        int r;
    } cases[] = {
        {"{\"utc\":\"2026-11-23T10:00:00.000Z\",\"wind_mps\":3.5,\"rain_mm_h\":0}", 0},
        {"{\"utc\":\"2026-11-23T09:40:00.000Z\",\"wind_mps\":3.5}", -ESTALE},
        {"{\"utc\":\"2026-11-23T10:30:00.000Z\",\"wind_mps\":3.5}", -ESTALE},
        {"{\"utc\":\"2026-11-23T10:00:00.000Z\",\"wind_mps\":-1}", -EINVAL},
        {"{\"wind_mps\":3.5}", -EINVAL},
        {"", -EINVAL},
    };
    struct cb_camera_conf conf;
    struct cb_weather w;
    (void) state;
    cb_camera_conf_init(&conf);
    snprintf(conf.weather.file, sizeof conf.weather.file, "/tmp/cb-station-XXXXXX");
    int fd = mkstemp(conf.weather.file);
    assert_true(fd >= 0);
    close(fd);
    int64_t now_ns;
    assert_int_equal(cb_utc_parse("2026-11-23T10:05:00.000Z", &now_ns), 0);
    for (size_t i = 0; i < CB_LEN(cases); i++) {
        struct cb_error e = {0};
        write_station(conf.weather.file, cases[i].text);
        assert_int_equal(cb_weather_read(&conf.weather, now_ns, &w, &e), cases[i].r);
        assert_true(cases[i].r == 0 ? w.wind_mps == 3.5 && w.rain_mm_h == 0 && isnan(w.temperature_c)
                                    : isnan(w.wind_mps) && e.text[0]);
    }
    unlink(conf.weather.file);
    assert_int_equal(cb_weather_read(&conf.weather, now_ns, &w, NULL), -ENOENT);
    assert_true(isnan(w.wind_mps));
}

/* A recording of sound alone needs no more than this; absent numbers are NaN. */
static void test_least_camera(void **state)
{
    (void) state;
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    assert_int_equal(load("cameras:\n  - id: w\n    url: street.wav\n"
                          "    microphone: {sensitivity_dbfs_at_94db: -26}\n", &c, &e), 0);
    assert_string_equal(c->camera[0].url, "/city/street.wav");
    assert_true(isnan(c->camera[0].speed_limit_kmh) && isnan(c->camera[0].microphone.limit.default_dba));
    assert_false(c->camera[0].has_calibration);
    assert_string_equal(c->node.data_dir, "/city/var/edge");
    assert_string_equal(c->bus.evidence, "inproc://evidence");
    assert_int_equal(strlen(c->sha256), 64);
    cb_config_destroy(&c);
}

static void test_limits(void **state)
{
    (void) state;
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    int r = load(LIMITS "      default: 60\n"
                 "      lanes: [{x_min: 0, x_max: 3.5, kmh: 80, name: \"1\"}]\n"
                 "      classes: {truck: 50, bus: 55}\n"
                 "      schedule:\n"
                 "        - {from: \"22:00\", to: \"06:00\", days: [mon, sun], kmh: 40}\n"
                 "        - {from: \"00:00\", to: \"24:00\", kmh: 70}\n"
                 "    timezone: Europe/Berlin\n"
                 "    recording_utc: 2026-03-01T21:50:00Z\n"
                 "severity: [{above_percent: 0, severity: serious}]\n",
                 &c, &e);
    if (r < 0)
        fail_msg("%s: %s", e.where, e.text);
    const struct cb_camera_conf *cam = &c->camera[0];
    const struct cb_limits_conf *l = &cam->limits;
    assert_true(cam->speed_limit_kmh == 60 && l->n_lanes == 1 && l->n_periods == 2);
    assert_true(l->lane[0].x_max_m == 3.5 && l->lane[0].limit_kmh == 80);
    assert_string_equal(l->lane[0].name, "1");
    assert_true(l->class_kmh[CB_TRUCK] == 50 && l->class_kmh[CB_BUS] == 55);
    assert_true(isnan(l->class_kmh[CB_CAR]) && isnan(l->class_kmh[CB_UNKNOWN]));
    assert_int_equal(l->period[0].from_s, 22 * 3600);
    assert_int_equal(l->period[0].to_s, 6 * 3600);
    assert_int_equal(l->period[0].days, 0x41);
    assert_int_equal(l->period[1].to_s, 86400);
    assert_int_equal(l->period[1].days, 0x7f);
    assert_int_equal(cam->recording_utc_ns, 1772401800 * INT64_C(1000000000));
    assert_int_equal(cam->severity.n, 1);
    assert_int_equal(cam->severity.tier[0].severity, 2);
    cb_config_destroy(&c);
}

/* The zone's own history: 2026 has summer time from 29 March 01:00 to 25 October 01:00 UTC. */
static int32_t offset_at(const struct cb_timezone *z, int64_t t_s)
{
    int32_t offset_s = 0;
    for (size_t i = 0; i < z->n && (!i || z->offset[i].from_s <= t_s); i++)
        offset_s = z->offset[i].offset_s;
    return offset_s;
}

static void test_timezones(void **state)
{
    (void) state;
    struct cb_timezone z = {0};
    assert_int_equal(cb_timezone_load("Europe/Berlin", &z, NULL), 0);
    assert_int_equal(offset_at(&z, 1774745999), 3600);
    assert_int_equal(offset_at(&z, 1774746000), 7200);
    assert_int_equal(offset_at(&z, 1792889999), 7200);
    assert_int_equal(offset_at(&z, 1792890000), 3600);
    free(z.offset);
    z = (struct cb_timezone){0};
    assert_int_equal(cb_timezone_load("Asia/Shanghai", &z, NULL), 0);
    assert_int_equal(offset_at(&z, 1774746000), 8 * 3600);
    free(z.offset);
    z = (struct cb_timezone){0};
    assert_int_equal(cb_timezone_load("-03:30", &z, NULL), 0);
    assert_int_equal(offset_at(&z, 0), -(3 * 3600 + 1800));
    free(z.offset);
    static const char *const wrong[] = {"", "+8", "+08:60", "+08.00", "/etc/passwd", "zone.tab",
                                        "tzdata.zi", "Europe", "a/../../b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_true(cb_timezone_load(wrong[i], &z, NULL) < 0);
}

struct wrong {
    const char *text, *where, *said;
};

static const struct wrong wrongs[] = {
    {"cameras:\n  - id: a\n    url: x\n    calibration:\n      reference: {factor: 0.99}\n",
     "city.yaml:5 cameras[0].calibration.reference", "u is missing"},
    {"cameras:\n  - id: a\n    url: x\n    calibration:\n      reference: {factor: 2, u: 0.01}\n",
     "city.yaml:5 cameras[0].calibration.reference.factor", "from 0.9 to 1.1"},
    {"", "city.yaml", "empty"},
    {"cameras: [\n", "city.yaml:2", "not YAML"},
    {"cameras: 3\n", "city.yaml:1 cameras", "expected a list"},
    {"camera:\n  - id: a\n", "city.yaml:1 camera", "unknown key, expected one of: cameras"},
    {"node: {id: a}\n", "city.yaml:1", "cameras is missing"},
    {"cameras:\n  - id: a\n", "city.yaml:2 cameras[0]", "url is missing"},
    {"cameras:\n  - url: x\n", "city.yaml:2 cameras[0]", "id is missing"},
    {"cameras:\n  - id: A_B\n    url: x\n", "city.yaml:2 cameras[0]", "[a-z0-9-]{1,64}"},
    {"cameras:\n  - id: a\n    url: x\n    sped: 3\n", "city.yaml:4 cameras[0].sped",
     "unknown key, expected one of: id, name, url"},
    {"cameras:\n  - id: a\n    url: x\n    url: y\n", "city.yaml:4 cameras[0].url", "twice"},
    {"cameras:\n  - id: a\n    url: x\n    speed_limit_kmh: sixty\n",
     "city.yaml:4 cameras[0].speed_limit_kmh",
     "is 'sixty', expected a number from 5 to 200 km/h"},
    {"cameras:\n  - id: a\n    url: x\n    speed_limit_kmh: 600\n",
     "city.yaml:4 cameras[0].speed_limit_kmh", "from 5 to 200 km/h"},
    {"cameras:\n  - id: a\n    url: x\n    speed_limit_kmh: nan\n",
     "city.yaml:4 cameras[0].speed_limit_kmh", "from 5 to 200 km/h"},
    {"cameras:\n  - id: a\n    url: x\n    speed_limit_kmh: [60]\n",
     "city.yaml:4 cameras[0].speed_limit_kmh", "is a list, expected a number from 5 to 200 km/h or a mapping"},
    {"cameras:\n  - id: a\n    url: x\n    zone: {y_min: 9, y_max: 4}\n",
     "city.yaml:4 cameras[0].zone", "y_min below y_max"},
    {"cameras:\n  - id: a\n    url: x\n    microphone: {limit_dba: 85}\n",
     "city.yaml:4 cameras[0].microphone", "sensitivity_dbfs_at_94db is missing"},
    {MIC ", limit_dba: {schedule: [{from: \"22:00\", to: \"06:00\", dba: 70}]}}\n",
     "city.yaml:4 cameras[0].microphone.limit_dba", "default is missing"},
    {MIC ", limit_dba: {default: 80, schedule: [{from: \"22:00\", to: \"06:00\", dba: 85}]}}\n",
     "city.yaml:4 cameras[0].microphone.limit_dba", "schedule the night's"},
    {MIC ", limit_dba: {default: 80, schedule: [{from: \"22:00\", to: \"06:00\", kmh: 70}]}}\n",
     "city.yaml:4 cameras[0].microphone.limit_dba.schedule[0].kmh", "expected one of: from, to, dba"},
    {MIC ", limit_dba: {default: 80, schedule: [{from: \"22:00\", to: \"06:00\", dba: 70}]}}\n",
     "city.yaml:2 cameras[0]", "timezone is missing"},
    {MIC ", calibrated_on: spring}\n", "city.yaml:4 cameras[0].microphone", "expected a date"},
    {MIC ", several_vehicles: guess}\n", "city.yaml:4 cameras[0].microphone.several_vehicles",
     "one of void, keep"},
    {"cameras:\n  - {id: a, url: x, road_class: lane}\n", "city.yaml:1",
     "noise_limits has no road_class 'lane'"},
    {"cameras:\n  - {id: a, url: x}\nnoise_limits: [{road_class: lane}]\n",
     "city.yaml:3 noise_limits[0]", "both given"},
    {"cameras:\n  - {id: a, url: x}\nchase: {gap_s: 0}\n", "city.yaml:3 chase.gap_s", "0.1 to 30 s"},
    {"cameras:\n  - {id: a, url: x}\nweather: {wind: 3}\n", "city.yaml:3 weather.wind",
     "unknown key"},
    {"cameras:\n  - id: a\n    url: x\n    calibration:\n      points:\n        - {px: [1]}\n",
     "city.yaml:6 cameras[0].calibration.points[0].px", "2 numbers"},
    {"cameras:\n  - id: a\n    url: x\n    calibration:\n      points:\n        - {px: [1, 2]}\n",
     "city.yaml:6 cameras[0].calibration.points[0]", "m is missing"},
    {"cameras:\n  - id: a\n    url: x\n    calibration: {certificate: c}\n",
     "city.yaml:4 cameras[0].calibration", "either points or distances"},
    {"cameras:\n  - id: a\n    url: x\n    calibration:\n      points:\n"
     "        - {px: [1, 2], m: [0, 0]}\n        - {px: [2, 3], m: [1, 1]}\n"
     "        - {px: [3, 4], m: [2, 2]}\n        - {px: [4, 5], m: [3, 3]}\n",
     "city.yaml:5 cameras[0].calibration", "line"},
    {"cameras:\n  - id: a\n    url: x\n  - id: a\n    url: y\n", "city.yaml:4 cameras[1]",
     "id 'a' is also that of line 2"},
    {LIMITS "      lanes: [{x_min: 0, x_max: 3, kmh: 80}]\n",
     "city.yaml:5 cameras[0].speed_limit_kmh", "default is missing"},
    {LIMITS "      default: 60\n      lane: []\n",
     "city.yaml:6 cameras[0].speed_limit_kmh.lane", "expected one of: default, lanes, classes, schedule"},
    {LIMITS "      default: 60\n      lanes: [{x_min: 3, x_max: 3, kmh: 80}]\n",
     "city.yaml:6 cameras[0].speed_limit_kmh.lanes[0]", "x_min below x_max"},
    {LIMITS "      default: 60\n      lanes:\n        - {x_min: 0, x_max: 3, kmh: 80}\n        - {x_min: 2, x_max: 5, kmh: 60}\n",
     "city.yaml:8 cameras[0].speed_limit_kmh.lanes[1]", "overlaps lanes[0]"},
    {LIMITS "      default: 60\n      classes: {lorry: 50}\n",
     "city.yaml:6 cameras[0].speed_limit_kmh.classes.lorry", "expected one of: car, truck, bus, motorcycle"},
    {LIMITS "      default: 60\n      classes: {truck: 80}\n",
     "city.yaml:5 cameras[0].speed_limit_kmh", "classes.truck is 80 and never the lowest"},
    {LIMITS "      default: 60\n      schedule: [{from: \"22:00\", to: \"6:00\", kmh: 40}]\n",
     "city.yaml:6 cameras[0].speed_limit_kmh.schedule[0]", "to is '6:00', expected \"HH:MM\""},
    {LIMITS "      default: 60\n      schedule: [{from: \"22:00\", to: \"06:60\", kmh: 40}]\n",
     "city.yaml:6 cameras[0].speed_limit_kmh.schedule[0]", "to is '06:60', expected"},
    {LIMITS "      default: 60\n      schedule: [{from: \"22:00\", to: \"22:00\", kmh: 40}]\n",
     "city.yaml:6 cameras[0].speed_limit_kmh.schedule[0]", "both 22:00"},
    {LIMITS "      default: 60\n      schedule: [{from: \"22:00\", to: \"06:00\", days: [monday], kmh: 40}]\n",
     "city.yaml:6 cameras[0].speed_limit_kmh.schedule[0].days[0]", "is 'monday', expected one of mon, tue"},
    {LIMITS "      default: 60\n      schedule: [{from: \"22:00\", to: \"06:00\", kmh: 80}]\n",
     "city.yaml:5 cameras[0].speed_limit_kmh", "make the highest the default"},
    {LIMITS "      default: 60\n      schedule: [{from: \"22:00\", to: \"06:00\", kmh: 40}]\n",
     "city.yaml:2 cameras[0]", "timezone is missing"},
    {"cameras:\n  - id: a\n    url: x\n    timezone: Asia/Shenzhen\n", "city.yaml:4 cameras[0].timezone",
     "is 'Asia/Shenzhen', expected an IANA time zone"},
    {"cameras:\n  - id: a\n    url: x\n    timezone: ../../../etc/passwd\n",
     "city.yaml:4 cameras[0].timezone", "expected an IANA time zone"},
    {"cameras:\n  - id: a\n    url: x\n    timezone: \"+25:00\"\n", "city.yaml:4 cameras[0].timezone",
     "an offset from UTC"},
    {"cameras:\n  - id: a\n    url: x\n    recording_utc: 2026-02-31T10:00:00Z\n",
     "city.yaml:4 cameras[0].recording_utc", "expected a time in UTC"},
    {"severity: [{above_percent: 5, severity: minor}]\n", "city.yaml:1 severity[0]", "expected 0 in the first"},
    {"severity: [{above_percent: 0, severity: huge}]\n", "city.yaml:1 severity[0].severity",
     "expected one of minor, moderate, serious, extreme"},
    {"severity:\n  - {above_percent: 0, severity: minor}\n  - {above_percent: 0, severity: extreme}\n",
     "city.yaml:3 severity[1]", "more than the tier before"},
    {"severity: [{above_percent: 0}]\n", "city.yaml:1 severity[0]", "both given"},
    {"cameras:\n  - id: a\n    url: x\n    classifier: {kind: yolox}\n",
     "city.yaml:4 cameras[0].classifier", "model is missing"},
    {"cameras:\n  - id: a\n    url: x\n    classifier: {model: a, kind: ssd}\n",
     "city.yaml:4 cameras[0].classifier.kind", "expected one of yolox"},
    {"cameras:\n  - id: a\n    url: x\n    classifier: {model: none.onnx}\n",
     "city.yaml:2 classifier.model", "/city/none.onnx no such file, expected an ONNX model"},
    {"severity: []\n", "city.yaml:1 severity", "1 to 8"},
};

static void test_wrong_is_named(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        const struct wrong *w = &wrongs[i];
        struct cb_config *c = NULL;
        struct cb_error e = {0};
        int r = load(w->text, &c, &e);
        if (r >= 0 || c || strcmp(e.where, w->where) || !strstr(e.text, w->said))
            fail_msg("%s\n  got  %d %s: %s\n  want %s: …%s…", w->text, r, e.where, e.text,
                     w->where, w->said);
    }
}

/* What makes the first camera another one, and what does not. */
static void test_a_change_of_a_camera_is_known(void **state)
{
    (void) state;
    static const char base[] = "cameras:\n  - {id: a, url: x, speed_limit_kmh: 60}\n"
                               "  - {id: b, url: y}\n";
    static const struct {
        const char *text;
        bool is_same;
    } rows[] = {
        {"# moved\ncameras:\n  - {id: b, url: y}\n  - url: x\n    speed_limit_kmh: 60 # as ever\n"
         "    id: a\n", true},
        {"cameras:\n  - {id: a, url: x, speed_limit_kmh: 60}\n", true},
        {"noise_limits: [{road_class: trunk, limit_dba: 80}]\ncameras:\n"
         "  - {id: a, url: x, speed_limit_kmh: 60}\n", true},
        {"weather: {wind_mps: 3}\ncameras:\n  - {id: a, url: x, speed_limit_kmh: 60}\n", false},
        {"severity: [{above_percent: 0, severity: minor}]\ncameras:\n"
         "  - {id: a, url: x, speed_limit_kmh: 60}\n", false},
        {"cameras:\n  - {id: a, url: x, speed_limit_kmh: 61}\n", false},
        {"cameras:\n  - {id: a, url: x, speed_limit_kmh: {default: 60}}\n", false},
        {"cameras:\n  - {id: a, url: x, speed_limit_kmh: 60, road: r}\n", false},
        {"cameras:\n  - {id: a, url: x}\n", false},
    };
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    assert_int_equal(load(base, &c, &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cb_config *d = NULL;
        if (load(rows[i].text, &d, &e) < 0)
            fail_msg("%s\n%s: %s", rows[i].text, e.where, e.text);
        size_t k = (size_t) (cb_config_camera(d, "a") - d->camera);
        if (!memcmp(&c->digest[0], &d->digest[k], sizeof d->digest[k]) != rows[i].is_same)
            fail_msg("expected %s\n%s", rows[i].is_same ? "no change" : "a change", rows[i].text);
        assert_int_equal(cb_config_check_change(c, d, &e), 0);
        cb_config_destroy(&d);
    }
    cb_config_destroy(&c);
}

static void test_what_takes_a_restart_is_named(void **state)
{
    (void) state;
    static const struct {
        const char *text, *where;
    } rows[] = {
        {"node: {id: n2}\n", "city.yaml node.id"},
        {"node: {ring_s: 31}\n", "city.yaml node.ring_s"},
        {"bus: {replay: \"ipc://r\"}\n", "city.yaml bus.replay"},
        {"store: {database: d}\n", "city.yaml store.database"},
        {"gateway: {listen: \"127.0.0.1:1\"}\n", "city.yaml gateway.listen"},
        {"bus: {allowed_keys: k}\n", NULL},
    };
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    assert_int_equal(load("cameras: [{id: a, url: x}]\n", &c, &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        struct cb_config *d = NULL;
        snprintf(text, sizeof text, "cameras: [{id: a, url: x}]\n%s", rows[i].text);
        assert_int_equal(load(text, &d, &e), 0);
        assert_int_equal(cb_config_check_change(c, d, &e), rows[i].where ? -EPERM : 0);
        if (rows[i].where)
            assert_string_equal(e.where, rows[i].where);
        cb_config_destroy(&d);
    }
    cb_config_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_camera),
        cmocka_unit_test(test_sound_settings),
        cmocka_unit_test(test_a_station_says_the_weather_or_nothing),
        cmocka_unit_test(test_least_camera),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_timezones),
        cmocka_unit_test(test_wrong_is_named),
        cmocka_unit_test(test_a_change_of_a_camera_is_known),
        cmocka_unit_test(test_what_takes_a_restart_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
