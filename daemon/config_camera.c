#include "config_camera.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_limits.h"
#include "config_sound.h"
#include "detectors/calibration.h"

#define POINTS_MAX 1000

/* What a key of a nested list entry fills: `{px: […], m: […]}`. */
struct entry {
    double px[4], m[2], u_m;
    bool has_px, has_m, is_along, has_along;
};

static int read_point_key(void *self, const char *key, const struct cb_yaml_node *value,
                          struct cb_error *reterr)
{
    struct entry *e = self;
    if (!strcmp(key, "px")) {
        e->has_px = true;
        return cb_yaml_numbers(value, e->px, 2, reterr);
    }
    if (!strcmp(key, "m")) {
        e->has_m = true;
        return cb_yaml_numbers(value, e->m, 2, reterr);
    }
    return -ENOENT;
}

static int read_px_pair(struct entry *e, const struct cb_yaml_node *value, struct cb_error *reterr)
{
    int n = cb_yaml_count(value, reterr);
    if (n < 0)
        return n;
    if (n != 2)
        return cb_yaml_refuse(value, reterr, -EINVAL, "expected two points: [[x1, y1], [x2, y2]]");
    e->has_px = true;
    for (int i = 0; i < 2; i++) {
        struct cb_yaml_node item = cb_yaml_item(value, i);
        int r = cb_yaml_numbers(&item, e->px + 2 * i, 2, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_distance_key(void *self, const char *key, const struct cb_yaml_node *value,
                             struct cb_error *reterr)
{
    static const struct cb_opt length = {"m", CB_OPT_DOUBLE, offsetof(struct entry, m),
                                         sizeof(double), 0.05, 1000, "m", "length", NULL};
    static const struct cb_opt along = {"along", CB_OPT_BOOL, CB_OPT_AT(struct entry, is_along),
                                        0, 0, NULL, "along the road, else across it", NULL};
    static const struct cb_opt u = {"u_m", CB_OPT_DOUBLE, CB_OPT_AT(struct entry, u_m),
                                    0.001, 10, "m", "its standard uncertainty", NULL};
    struct entry *e = self;
    if (!strcmp(key, "px"))
        return read_px_pair(e, value, reterr);
    const struct cb_opt *o = !strcmp(key, "m")       ? &length
                             : !strcmp(key, "along") ? &along
                             : !strcmp(key, "u_m")   ? &u
                                                     : NULL;
    if (!o)
        return -ENOENT;
    struct cb_error err = {0};
    const char *text = cb_yaml_text(value);
    int r = cb_opt_set(o, e, text ? text : "", &err);
    if (r < 0)
        return cb_yaml_refuse(value, reterr, r, "%s", err.text);
    if (o != &u)
        *(o == &length ? &e->has_m : &e->has_along) = true;
    return 0;
}

static const char *const point_keys[] = {"px", "m", NULL};
static const char *const distance_keys[] = {"px", "m", "along", "u_m", NULL};

static int read_point(const struct cb_yaml_node *n, struct cb_calibration_point *ret,
                      struct cb_error *reterr)
{
    struct entry e = {0};
    int r = cb_yaml_read(n, NULL, NULL, read_point_key, &e, point_keys, reterr);
    if (r < 0)
        return r;
    if (!e.has_px || !e.has_m)
        return cb_yaml_refuse(n, reterr, -EINVAL, "%s is missing, expected {px: [x, y], m: [X, Y]}",
                              e.has_px ? "m" : "px");
    *ret = (struct cb_calibration_point){e.px[0], e.px[1], e.m[0], e.m[1], cb_yaml_line(n)};
    return 0;
}

static int read_distance(const struct cb_yaml_node *n, struct cb_calibration_distance *ret,
                         struct cb_error *reterr)
{
    struct entry e = {0};
    int r = cb_yaml_read(n, NULL, NULL, read_distance_key, &e, distance_keys, reterr);
    if (r < 0)
        return r;
    if (!e.has_px || !e.has_m || !e.has_along)
        return cb_yaml_refuse(n, reterr, -EINVAL, "%s is missing, expected "
                              "{px: [[x1, y1], [x2, y2]], m: length, along: true or false}",
                              !e.has_px ? "px" : !e.has_m ? "m" : "along");
    *ret = (struct cb_calibration_distance){e.px[0], e.px[1], e.px[2], e.px[3],
                                            e.m[0], e.is_along, cb_yaml_line(n), e.u_m};
    return 0;
}

static int count_entries(const struct cb_yaml_node *value, struct cb_error *reterr)
{
    int n = cb_yaml_count(value, reterr);
    if (n > POINTS_MAX)
        return cb_yaml_refuse(value, reterr, -E2BIG, "expected at most %d entries", POINTS_MAX);
    return n;
}

static int read_points(struct cb_calibration_conf *c, const struct cb_yaml_node *value,
                       struct cb_error *reterr)
{
    int n = count_entries(value, reterr);
    if (n < 0)
        return n;
    c->points = calloc((size_t) n + 1, sizeof *c->points);
    if (!c->points)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        struct cb_yaml_node item = cb_yaml_item(value, i);
        int r = read_point(&item, &c->points[i], reterr);
        if (r < 0)
            return r;
    }
    c->n_points = (size_t) n;
    return 0;
}

static int read_distances(struct cb_calibration_conf *c, const struct cb_yaml_node *value,
                          struct cb_error *reterr)
{
    int n = count_entries(value, reterr);
    if (n < 0)
        return n;
    c->distances = calloc((size_t) n + 1, sizeof *c->distances);
    if (!c->distances)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        struct cb_yaml_node item = cb_yaml_item(value, i);
        int r = read_distance(&item, &c->distances[i], reterr);
        if (r < 0)
            return r;
    }
    c->n_distances = (size_t) n;
    return 0;
}

static int read_reference(struct cb_calibration_conf *c, const struct cb_yaml_node *value,
                          struct cb_error *reterr)
{
    int r = cb_yaml_read(value, cb_reference_opts, c, NULL, NULL, NULL, reterr);
    if (r == 0 && (c->reference_factor == 0 || c->reference_u == 0))
        r = cb_yaml_refuse(value, reterr, -EINVAL, "%s is missing, expected {factor: f, u: u}",
                           c->reference_factor == 0 ? "factor" : "u");
    return r;
}

static int read_calibration_key(void *self, const char *key, const struct cb_yaml_node *value,
                                struct cb_error *reterr)
{
    struct cb_calibration_conf *c = self;
    if (!strcmp(key, "points"))
        return read_points(c, value, reterr);
    if (!strcmp(key, "distances"))
        return read_distances(c, value, reterr);
    if (!strcmp(key, "distortion"))
        return cb_yaml_read(value, cb_distortion_opts, c, NULL, NULL, NULL, reterr);
    if (!strcmp(key, "reference"))
        return read_reference(c, value, reterr);
    return -ENOENT;
}

static const char *const calibration_keys[] = {"points", "distances", "distortion", "reference",
                                               NULL};

static int read_calibration(struct cb_camera_conf *cam, const struct cb_yaml_node *n,
                            struct cb_error *reterr)
{
    struct cb_calibration_conf *c = &cam->calibration;
    cam->has_calibration = true;
    c->line = cb_yaml_line(n);
    int r = cb_yaml_read(n, cb_calibration_opts, c, read_calibration_key, c, calibration_keys,
                         reterr);
    if (r < 0)
        return r;
    if (!c->points == !c->distances)
        return cb_yaml_refuse(n, reterr, -EINVAL, "expected either points or distances");
    /* The picture's size is known with the first frame; what is degenerate is so at any size. */
    struct cb_road *road = NULL;
    struct cb_error e = {0};
    r = cb_road_create(&road, c, 0, 0, &e);
    cb_road_destroy(&road);
    return r < 0 ? cb_yaml_refuse(n, reterr, r, "%s%s%s", e.where, e.where[0] ? ": " : "", e.text)
                 : 0;
}

int cb_config_read_classifier(const struct cb_yaml_node *n, struct cb_classifier_conf *ret,
                              struct cb_error *reterr)
{
    int r = cb_yaml_read(n, cb_classifier_opts, ret, NULL, NULL, NULL, reterr);
    if (r == 0 && !ret->model[0])
        return cb_yaml_refuse(n, reterr, -EINVAL, "model is missing, expected an ONNX file");
    return r;
}

static int read_zone(struct cb_camera_conf *c, const struct cb_yaml_node *n,
                     struct cb_error *reterr)
{
    c->has_zone = true;
    int r = cb_yaml_read(n, cb_zone_opts, c, NULL, NULL, NULL, reterr);
    if (r < 0)
        return r;
    if (!(c->zone_y_min_m < c->zone_y_max_m))
        return cb_yaml_refuse(n, reterr, -EINVAL, "expected y_min below y_max, both given");
    return 0;
}

static int read_camera_key(void *self, const char *key, const struct cb_yaml_node *value,
                           struct cb_error *reterr)
{
    struct cb_camera_conf *c = self;
    if (!strcmp(key, "speed_limit_kmh"))
        return cb_config_read_limits(value, c, reterr);
    if (!strcmp(key, "timezone"))
        return cb_config_read_timezone(value, c, reterr);
    if (!strcmp(key, "recording_utc"))
        return cb_config_read_recording_utc(value, c, reterr);
    if (!strcmp(key, "location"))
        return cb_yaml_read(value, cb_location_opts, c, NULL, NULL, NULL, reterr);
    if (!strcmp(key, "calibration"))
        return read_calibration(c, value, reterr);
    if (!strcmp(key, "zone"))
        return read_zone(c, value, reterr);
    if (!strcmp(key, "classifier"))
        return cb_config_read_classifier(value, &c->classifier, reterr);
    if (!strcmp(key, "microphone"))
        return cb_config_read_microphone(value, c, reterr);
    if (!strcmp(key, "weather"))
        return cb_config_read_weather(value, &c->weather, reterr);
    return -ENOENT;
}

static const char *const camera_keys[] = {"speed_limit_kmh", "location", "calibration", "zone",
                                          "microphone", "classifier", "timezone", "recording_utc", "weather",
                                          NULL};

static bool is_id(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n >= 1 && n < CB_CAMERA_ID_LEN && !s[n];
}

int cb_config_read_camera(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                          struct cb_error *reterr)
{
    ret->line = cb_yaml_line(n);
    int r = cb_yaml_read(n, cb_camera_opts, ret, read_camera_key, ret, camera_keys, reterr);
    if (r < 0)
        return r;
    if (!ret->id[0] || !ret->url[0])
        return cb_yaml_refuse(n, reterr, -EINVAL, "%s is missing", ret->id[0] ? "url" : "id");
    if (!is_id(ret->id))
        return cb_yaml_refuse(n, reterr, -EINVAL, "id is '%s', expected [a-z0-9-]{1,64}", ret->id);
    if (ret->microphone.limit.n_periods && !ret->timezone.n)
        return cb_yaml_refuse(n, reterr, -EINVAL, "timezone is missing, expected that of "
                              "microphone.limit_dba.schedule: an IANA name or an offset as "
                              "\"+08:00\"");
    if (ret->limits.n_periods && !ret->timezone.n)
        return cb_yaml_refuse(n, reterr, -EINVAL, "timezone is missing, expected that of "
                              "speed_limit_kmh.schedule: an IANA name or an offset as \"+08:00\"");
    return 0;
}
