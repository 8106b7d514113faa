#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

#define POINTS                                                                                     \
    "    calibration:\n"                                                                           \
    "      points:\n"                                                                              \
    "        - {px: [100, 600], m: [0, 10]}\n"                                                     \
    "        - {px: [1100, 600], m: [8, 10]}\n"                                                    \
    "        - {px: [800, 200], m: [8, 40]}\n"                                                     \
    "        - {px: [400, 200], m: [0, 40]}\n"

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
    assert_int_equal(cam->calibration.points[2].line, 13);
    assert_int_equal(cam->microphone.n_positions, 2);
    assert_true(cam->microphone.position_m[1][0] == 0.2);
    assert_null(cb_config_camera(c, "sz-nh-0002"));
    cb_config_destroy(&c);
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
    assert_true(isnan(c->camera[0].speed_limit_kmh) && isnan(c->camera[0].microphone.limit_dba));
    assert_false(c->camera[0].has_calibration);
    assert_string_equal(c->node.data_dir, "/city/var/edge");
    assert_string_equal(c->bus.evidence, "inproc://evidence");
    assert_int_equal(strlen(c->sha256), 64);
    cb_config_destroy(&c);
}

struct wrong {
    const char *text, *where, *said;
};

static const struct wrong wrongs[] = {
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
     "city.yaml:4 cameras[0].speed_limit_kmh", "is a list or mapping, expected a number"},
    {"cameras:\n  - id: a\n    url: x\n    zone: {y_min: 9, y_max: 4}\n",
     "city.yaml:4 cameras[0].zone", "y_min below y_max"},
    {"cameras:\n  - id: a\n    url: x\n    microphone: {limit_dba: 85}\n",
     "city.yaml:4 cameras[0].microphone", "sensitivity_dbfs_at_94db is missing"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_camera),
        cmocka_unit_test(test_least_camera),
        cmocka_unit_test(test_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
