#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

const char *const sim_class_names[] = {"car",     "truck",      "bus", "motorcycle",
                                       "bicycle", "pedestrian", NULL};
const char *const sim_direction_names[] = {"away", "toward", NULL};
static const char *const shape_names[] = {"auto",  "sedan",   "suv",     "hatch",
                                          "van",   "pickup",  "flatbed", "articulated",
                                          "coach", "scooter", NULL};
static const char *const light_names[] = {"day", "overcast", "night", NULL};
static const char *const video_names[] = {"h264", "h265", "mjpeg", NULL};
static const char *const sound_names[] = {"none", "aac", "pcm", "opus", NULL};
static const char *const source_names[] = {
    "horn",     "wail", "yelp",  "music",    "impulse",      "thunder",   "tone",
    "speech",   "rain", "wind",  "firework", "firecrackers", "air_brake", "jackhammer",
    "chainsaw", "dog",  "train", "jet",      "helicopter",   "propeller", "air_horn",
    "hi_lo",    "bass", "skid",  NULL};

static const struct sim_field video_fields[] = {
    {"width", SIM_FIELD_AT(INT, struct sim_video_conf, width), 64, 3840},
    {"height", SIM_FIELD_AT(INT, struct sim_video_conf, height), 64, 2160},
    {"bitrate_kbps", SIM_FIELD_AT(INT, struct sim_video_conf, bitrate_kbps), 100, 100000},
    {"gop", SIM_FIELD_AT(INT, struct sim_video_conf, gop), 1, 600},
    {"codec", SIM_FIELD_AT(ENUM, struct sim_video_conf, codec), .names = video_names},
    {"fps", SIM_FIELD_AT(NUMBER, struct sim_video_conf, fps), 1, 120},
    {"pts_jitter_ms", SIM_FIELD_AT(NUMBER, struct sim_video_conf, pts_jitter_ms), 0, 500},
    {0},
};

static const struct sim_field camera_fields[] = {
    {"x", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, x_m), -100, 100},
    {"y", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, y_m), -100, 100},
    {"height", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, height_m), 1, 50},
    {"tilt_deg", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, tilt_deg), 0, 90},
    {"pan_deg", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, pan_deg), -180, 180},
    {"roll_deg", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, roll_deg), -45, 45},
    {"focal_px", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, focal_px), 50, 20000},
    {"k1", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, k1), -0.4, 0.4},
    {"k2", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, k2), -0.2, 0.2},
    {"shake_px", SIM_FIELD_AT(NUMBER, struct sim_camera_conf, shake_px), 0, 20},
    {0},
};

static const struct sim_field light_fields[] = {
    {"kind", SIM_FIELD_AT(ENUM, struct sim_light_conf, kind), .names = light_names},
    {"sun_azimuth_deg", SIM_FIELD_AT(NUMBER, struct sim_light_conf, sun_azimuth_deg), -360, 360},
    {"sun_elevation_deg", SIM_FIELD_AT(NUMBER, struct sim_light_conf, sun_elevation_deg), 3, 90},
    {"shutter_ms", SIM_FIELD_AT(NUMBER, struct sim_light_conf, shutter_ms), 0.01, 100},
    {"exposure", SIM_FIELD_AT(NUMBER, struct sim_light_conf, exposure), 0.05, 20},
    {"noise", SIM_FIELD_AT(NUMBER, struct sim_light_conf, noise), 0, 20},
    {"step_t", SIM_FIELD_AT(NUMBER, struct sim_light_conf, step_t_s), -1, 100000},
    {"step_factor", SIM_FIELD_AT(NUMBER, struct sim_light_conf, step_factor), 0.1, 10},
    {"rain", SIM_FIELD_AT(NUMBER, struct sim_light_conf, rain), 0, 1},
    {"step_s", SIM_FIELD_AT(NUMBER, struct sim_light_conf, step_s), 0, 10},
    {"snow", SIM_FIELD_AT(NUMBER, struct sim_light_conf, snow), 0, 1},
    {"wet", SIM_FIELD_AT(NUMBER, struct sim_light_conf, wet), 0, 1},
    {0},
};

static const struct sim_field lane_fields[] = {
    {"x", SIM_FIELD_AT(NUMBER, struct sim_lane, x_m), -100, 100},
    {"width", SIM_FIELD_AT(NUMBER, struct sim_lane, width_m), 1, 10},
    {"direction", SIM_FIELD_AT(ENUM, struct sim_lane, direction), .names = sim_direction_names},
    {0},
};

static const struct sim_field scenery_fields[] = {
    {"trees", SIM_FIELD_AT(BOOL, struct sim_scenery_conf, trees)},
    {"buildings", SIM_FIELD_AT(BOOL, struct sim_scenery_conf, buildings)},
    {"lamps", SIM_FIELD_AT(BOOL, struct sim_scenery_conf, lamps)},
    {"sidewalk", SIM_FIELD_AT(NUMBER, struct sim_scenery_conf, sidewalk_m), 0, 30},
    {"building_height", SIM_FIELD_AT(NUMBER, struct sim_scenery_conf, building_m), 4, 300},
    {"lamp_spacing", SIM_FIELD_AT(NUMBER, struct sim_scenery_conf, lamp_spacing_m), 5, 200},
    {"birds", SIM_FIELD_AT(INT, struct sim_scenery_conf, birds), 0, 64},
    {"wind", SIM_FIELD_AT(NUMBER, struct sim_scenery_conf, wind_m), 0, 0.5},
    {0},
};

static const struct sim_field box_fields[] = {
    {"from", SIM_FIELD_AT(VEC3, struct sim_box, from)},
    {"to", SIM_FIELD_AT(VEC3, struct sim_box, to)},
    {0},
};

static const struct sim_field survey_fields[] = {
    {"points", SIM_FIELD_AT(INT, struct sim_survey_conf, points), 4, 64},
    {"noise_px", SIM_FIELD_AT(NUMBER, struct sim_survey_conf, noise_px), 0, 20},
    {"noise_m", SIM_FIELD_AT(NUMBER, struct sim_survey_conf, noise_m), 0, 2},
    {0},
};

static const struct sim_field sound_fields[] = {
    {"codec", SIM_FIELD_AT(ENUM, struct sim_sound_conf, codec), .names = sound_names},
    {"rate_hz", SIM_FIELD_AT(INT, struct sim_sound_conf, rate_hz), 8000, 96000},
    {"microphones", SIM_FIELD_OTHER, 0},
    {"sensitivity_dbfs_at_94db",
     SIM_FIELD_AT(NUMBER, struct sim_sound_conf, sensitivity_dbfs_at_94db), -120, -3},
    {"ambient_dba", SIM_FIELD_AT(NUMBER, struct sim_sound_conf, ambient_dba), 0, 110},
    {"limit_dba", SIM_FIELD_AT(NUMBER, struct sim_sound_conf, limit_dba), 30, 140},
    {"ground_reflection", SIM_FIELD_AT(NUMBER, struct sim_sound_conf, ground_reflection), 0, 1},
    {0},
};

static const struct sim_field vehicle_fields[] = {
    {"class", SIM_FIELD_AT(ENUM, struct sim_vehicle_conf, class), .names = sim_class_names},
    {"shape", SIM_FIELD_AT(ENUM, struct sim_vehicle_conf, shape), .names = shape_names},
    {"colour", SIM_FIELD_AT(COLOUR, struct sim_vehicle_conf, colour)},
    {"lane", SIM_FIELD_AT(INT, struct sim_vehicle_conf, lane), 0, SIM_LANES_MAX},
    {"t", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, t_s), -1000, 100000},
    {"y", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, y_m), -1000, 1000},
    {"speed_kmh", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, speed_kmh), 0, 400},
    {"speeds", SIM_FIELD_AT(PAIRS, struct sim_vehicle_conf, speeds), 0, 400},
    {"offset", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, offset_m), -10, 10},
    {"wander", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, wander_m), 0, 1},
    {"lane_to", SIM_FIELD_AT(INT, struct sim_vehicle_conf, lane_to), 0, SIM_LANES_MAX},
    {"lane_change_t", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, lane_change_t_s), -1000,
     100000},
    {"lane_change_s", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, lane_change_s), 0.5, 30},
    {"from", SIM_FIELD_AT(VEC2, struct sim_vehicle_conf, from)},
    {"to", SIM_FIELD_AT(VEC2, struct sim_vehicle_conf, to)},
    {"length", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, length_m), 0.2, 30},
    {"width", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, width_m), 0.2, 4},
    {"height", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, height_m), 0.5, 5},
    {"modified_exhaust", SIM_FIELD_AT(BOOL, struct sim_vehicle_conf, modified_exhaust)},
    {"lights_off", SIM_FIELD_AT(BOOL, struct sim_vehicle_conf, lights_off)},
    {"silent", SIM_FIELD_AT(BOOL, struct sim_vehicle_conf, silent)},
    {"two_stroke", SIM_FIELD_AT(BOOL, struct sim_vehicle_conf, two_stroke)},
    {"pipe_hz", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, pipe_hz), 30, 400},
    {"hoarse", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, hoarse), 0, 5},
    {"cylinders", SIM_FIELD_AT(INT, struct sim_vehicle_conf, cylinders), 1, 16},
    {"exhaust_db", SIM_FIELD_AT(NUMBER, struct sim_vehicle_conf, exhaust_db), 20, 130},
    {"rpm", SIM_FIELD_AT(PAIRS, struct sim_vehicle_conf, rpm), 300, 20000},
    {"pops", SIM_FIELD_AT(PAIRS, struct sim_vehicle_conf, pops), 0.01, 10},
    {"horn", SIM_FIELD_AT(PAIRS, struct sim_vehicle_conf, horn), 0.01, 100},
    {"wail", SIM_FIELD_AT(PAIRS, struct sim_vehicle_conf, wail), 0.01, 1000},
    {"yelp", SIM_FIELD_AT(PAIRS, struct sim_vehicle_conf, yelp), 0.01, 1000},
    {"music", SIM_FIELD_AT(PAIRS, struct sim_vehicle_conf, music), 0.01, 1000},
    {0},
};

static const struct sim_field source_fields[] = {
    {"type", SIM_FIELD_AT(ENUM, struct sim_source_conf, type), .names = source_names},
    {"t", SIM_FIELD_AT(NUMBER, struct sim_source_conf, t_s), -1000, 100000},
    {"seconds", SIM_FIELD_AT(NUMBER, struct sim_source_conf, length_s), 0.001, 1000},
    {"level_db", SIM_FIELD_AT(NUMBER, struct sim_source_conf, level_db), 0, 150},
    {"frequency_hz", SIM_FIELD_AT(NUMBER, struct sim_source_conf, frequency_hz), 10, 20000},
    {"position", SIM_FIELD_AT(VEC3, struct sim_source_conf, position)},
    {"velocity", SIM_FIELD_AT(VEC3, struct sim_source_conf, velocity)},
    {0},
};

static const struct sim_field scene_fields[] = {
    {"id", SIM_FIELD_AT(STRING, struct sim_scene, id)},
    {"name", SIM_FIELD_AT(STRING, struct sim_scene, name)},
    {"road", SIM_FIELD_AT(STRING, struct sim_scene, road)},
    {"district", SIM_FIELD_AT(STRING, struct sim_scene, district)},
    {"lat", SIM_FIELD_AT(NUMBER, struct sim_scene, lat_deg), -90, 90},
    {"lon", SIM_FIELD_AT(NUMBER, struct sim_scene, lon_deg), -180, 180},
    {"bearing_deg", SIM_FIELD_AT(NUMBER, struct sim_scene, bearing_deg), 0, 360},
    {"speed_limit_kmh", SIM_FIELD_AT(NUMBER, struct sim_scene, speed_limit_kmh), 5, 200},
    {"seconds", SIM_FIELD_AT(NUMBER, struct sim_scene, seconds), 0.1, 3600},
    {"about", SIM_FIELD_OTHER, 0},
    {"zone", SIM_FIELD_OTHER, 0},
    {"video", SIM_FIELD_OTHER, 0},
    {"camera", SIM_FIELD_OTHER, 0},
    {"light", SIM_FIELD_OTHER, 0},
    {"scenery", SIM_FIELD_OTHER, 0},
    {"survey", SIM_FIELD_OTHER, 0},
    {"sound", SIM_FIELD_OTHER, 0},
    {"lanes", SIM_FIELD_OTHER, 0},
    {"vehicles", SIM_FIELD_OTHER, 0},
    {"sources", SIM_FIELD_OTHER, 0},
    {"boxes", SIM_FIELD_OTHER, 0},
    {0},
};

static const struct sim_scene defaults = {
    .id = "sim",
    .name = "sim",
    .speed_limit_kmh = 60,
    .seconds = 10,
    .zone_y_min_m = 14,
    .zone_y_max_m = 45,
    .video = {1280, 720, 4000, 50, SIM_H264, 25, 0},
    .camera = {0, 0, 6.5, 12, 0, 0, 1150, 0, 0, 0},
    .light = {SIM_DAY, -130, 35, 2, 1.0, 0.6, -1, 1, 0},
    .scenery = {true, true, true, 4, 30, 36},
    .survey = {10, 0.3, 0.01},
    .sound = {.codec = SIM_AAC,
              .rate_hz = 48000,
              .sensitivity_dbfs_at_94db = -26,
              .ambient_dba = 52,
              .limit_dba = 85,
              .ground_reflection = 0.5},
    .lane = {{-1.75, 3.5, SIM_TOWARD}, {1.75, 3.5, SIM_AWAY}},
    .n_lanes = 2,
};

static const struct sim_vehicle_conf vehicle_defaults = {
    .lane = 1,
    .colour = {0.5, 0.5, 0.52},
    .speed_kmh = 50,
    .lane_change_s = 4,
    .pipe_hz = 105,
    .hoarse = 1,
    .y_m = NAN,
};

void sim_scene_destroy(struct sim_scene **scene)
{
    struct sim_scene *s = *scene;
    if (!s)
        return;
    *scene = NULL;
    free(s->vehicles);
    free(s->sources);
    free(s->boxes);
    free(s);
}

static int read_part(const json_t *root, const char *key, const struct sim_field *table, void *obj,
                     const char *name, struct cb_error *reterr)
{
    const json_t *part = json_object_get(root, key);
    char where[160];
    snprintf(where, sizeof where, "%.100s: %s", name, key);
    return part ? sim_json_read(part, where, table, obj, reterr) : 0;
}

/* A list of objects of one kind; each starts as the default. Yours to free. */
static int read_list(const json_t *root, const char *key, const struct sim_field *table,
                     size_t size, const void *initial, const char *name, void *ret, size_t *ret_n,
                     struct cb_error *reterr)
{
    const json_t *list = json_object_get(root, key);
    size_t n = json_array_size(list);
    if (list && !json_is_array(list))
        return cb_error_set(reterr, -EINVAL, name, "%s: expected a list [ … ]", key);
    char *items = calloc(n + 1, size);
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        char where[160];
        snprintf(where, sizeof where, "%.100s: %s[%zu]", name, key, i);
        if (initial)
            memcpy(items + i * size, initial, size);
        int r = sim_json_read(json_array_get(list, i), where, table, items + i * size, reterr);
        if (r < 0) {
            free(items);
            return r;
        }
    }
    *(void **) ret = items;
    *ret_n = n;
    return 0;
}

static int read_zone(struct sim_scene *s, const json_t *root, const char *name,
                     struct cb_error *reterr)
{
    const json_t *zone = json_object_get(root, "zone");
    if (zone) {
        s->zone_y_min_m = json_number_value(json_array_get(zone, 0));
        s->zone_y_max_m = json_number_value(json_array_get(zone, 1));
    }
    if (!(s->zone_y_max_m > s->zone_y_min_m))
        return cb_error_set(reterr, -EINVAL, name, "zone: expected [y_min, y_max] in metres");
    return 0;
}

static int read_microphones(struct sim_scene *s, const json_t *root, const char *name,
                            struct cb_error *reterr)
{
    const json_t *list = json_object_get(json_object_get(root, "sound"), "microphones");
    size_t n = json_array_size(list);
    if (n > SIM_MICS_MAX)
        return cb_error_set(reterr, -EINVAL, name, "sound.microphones: expected at most %d",
                            SIM_MICS_MAX);
    for (size_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(list, i);
        if (json_array_size(m) != 3)
            return cb_error_set(reterr, -EINVAL, name, "sound.microphones[%zu]: expected [x, y, z]",
                                i);
        s->sound.mic[i] =
            v3(json_number_value(json_array_get(m, 0)), json_number_value(json_array_get(m, 1)),
               json_number_value(json_array_get(m, 2)));
    }
    s->sound.n_mics = (int) n;
    if (n == 0) {
        s->sound.mic[0] = v3(s->camera.x_m, s->camera.y_m, s->camera.height_m);
        s->sound.n_mics = 1;
    }
    return 0;
}

static int read_lanes(struct sim_scene *s, const json_t *root, const char *name,
                      struct cb_error *reterr)
{
    static const struct sim_lane lane = {0, 3.5, SIM_AWAY};
    struct sim_lane *lanes = NULL;
    size_t n = 0;
    if (!json_object_get(root, "lanes"))
        return 0;
    int r = read_list(root, "lanes", lane_fields, sizeof lane, &lane, name, &lanes, &n, reterr);
    if (r < 0)
        return r;
    if (n < 1 || n > SIM_LANES_MAX) {
        free(lanes);
        return cb_error_set(reterr, -EINVAL, name, "lanes: expected 1 to %d", SIM_LANES_MAX);
    }
    memcpy(s->lane, lanes, n * sizeof *lanes);
    s->n_lanes = n;
    free(lanes);
    return 0;
}

static int check_camera(const struct sim_scene *s, const char *name, struct cb_error *reterr)
{
    size_t n = strspn(s->id, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n == 0 || s->id[n])
        return cb_error_set(reterr, -EINVAL, name, "id: expected 1 to 64 of a-z, 0-9 and -");
    if (s->video.width % 2 || s->video.height % 2)
        return cb_error_set(reterr, -EINVAL, name,
                            "video: expected an even width and height (4:2:0 colour)");
    return 0;
}

/* Of the shapes that are not any car's. */
static const int shape_class[SIM_N_SHAPES] = {[SIM_PICKUP] = SIM_CAR,
                                              [SIM_FLATBED] = SIM_TRUCK,
                                              [SIM_ARTICULATED] = SIM_TRUCK,
                                              [SIM_COACH] = SIM_BUS,
                                              [SIM_SCOOTER] = SIM_MOTORCYCLE};

static int check_vehicles(struct sim_scene *s, const char *name, struct cb_error *reterr)
{
    for (size_t i = 0; i < s->n_vehicles; i++) {
        struct sim_vehicle_conf *v = &s->vehicles[i];
        if (v->lane > (int) s->n_lanes || v->lane_to > (int) s->n_lanes)
            return cb_error_set(reterr, -EINVAL, name, "vehicles[%zu].lane: the road has %zu lanes",
                                i, s->n_lanes);
        if (v->shape >= SIM_PICKUP && shape_class[v->shape] != v->class)
            return cb_error_set(reterr, -EINVAL, name, "vehicles[%zu].shape: %s is of class %s", i,
                                shape_names[v->shape], sim_class_names[shape_class[v->shape]]);
        if (v->lane == 0 && v3_len(v3_sub(v->from, v->to)) < 0.1)
            return cb_error_set(reterr, -EINVAL, name,
                                "vehicles[%zu]: expected a lane, or from and to that differ", i);
        if (isnan(v->y_m))
            v->y_m = (s->zone_y_min_m + s->zone_y_max_m) / 2;
    }
    return 0;
}

static int read_all(struct sim_scene *s, const json_t *root, const char *name,
                    struct cb_error *reterr)
{
    static const struct sim_source_conf source = {SIM_SOURCE_HORN, 0, 1, 90, 1000, {0, 10, 1}};
    static const struct sim_box box = {{0, 10, 0}, {0.1, 10.1, 3}};
    int r;
    if ((r = sim_json_read(root, name, scene_fields, s, reterr)) < 0 ||
        (r = read_part(root, "video", video_fields, &s->video, name, reterr)) < 0 ||
        (r = read_part(root, "camera", camera_fields, &s->camera, name, reterr)) < 0 ||
        (r = read_part(root, "light", light_fields, &s->light, name, reterr)) < 0 ||
        (r = read_part(root, "scenery", scenery_fields, &s->scenery, name, reterr)) < 0 ||
        (r = read_part(root, "survey", survey_fields, &s->survey, name, reterr)) < 0 ||
        (r = read_part(root, "sound", sound_fields, &s->sound, name, reterr)) < 0 ||
        (r = read_zone(s, root, name, reterr)) < 0 || (r = read_lanes(s, root, name, reterr)) < 0 ||
        (r = read_microphones(s, root, name, reterr)) < 0 ||
        (r = read_list(root, "vehicles", vehicle_fields, sizeof *s->vehicles, &vehicle_defaults,
                       name, &s->vehicles, &s->n_vehicles, reterr)) < 0 ||
        (r = read_list(root, "sources", source_fields, sizeof *s->sources, &source, name,
                       &s->sources, &s->n_sources, reterr)) < 0 ||
        (r = read_list(root, "boxes", box_fields, sizeof *s->boxes, &box, name, &s->boxes,
                       &s->n_boxes, reterr)) < 0)
        return r;
    r = check_camera(s, name, reterr);
    return r < 0 ? r : check_vehicles(s, name, reterr);
}

static int from_json(struct sim_scene **ret, json_t *root, const json_error_t *e, const char *name,
                     struct cb_error *reterr)
{
    if (!root)
        return cb_error_set(reterr, -EINVAL, name, "%s (line %d)", e->text, e->line);
    struct sim_scene *s = malloc(sizeof *s);
    int r = s ? 0 : -ENOMEM;
    if (s) {
        *s = defaults;
        r = read_all(s, root, name, reterr);
    }
    json_decref(root);
    if (r < 0) {
        sim_scene_destroy(&s);
        return r;
    }
    *ret = s;
    return 0;
}

int sim_scene_load(struct sim_scene **ret, const char *path, struct cb_error *reterr)
{
    json_error_t e;
    return from_json(ret, json_load_file(path, JSON_REJECT_DUPLICATES, &e), &e, path, reterr);
}

int sim_scene_parse(struct sim_scene **ret, const char *text, const char *name,
                    struct cb_error *reterr)
{
    json_error_t e;
    return from_json(ret, json_loads(text, JSON_REJECT_DUPLICATES, &e), &e, name, reterr);
}

double sim_curve_at(const struct sim_curve *c, double t_s, double empty_value)
{
    if (c->n == 0)
        return empty_value;
    if (t_s <= c->at[0].t_s)
        return c->at[0].value;
    for (int i = 1; i < c->n; i++)
        if (t_s <= c->at[i].t_s) {
            double k = (t_s - c->at[i - 1].t_s) / (c->at[i].t_s - c->at[i - 1].t_s);
            return c->at[i - 1].value + k * (c->at[i].value - c->at[i - 1].value);
        }
    return c->at[c->n - 1].value;
}
