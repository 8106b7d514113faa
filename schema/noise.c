#include "schema/noise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec.h"

static const char *const class_names[] = {"other", "modified_exhaust", "horn", "siren", "impulse"};

static const char *const void_names[CB_VOID_COUNT] = {
    [CB_VOID_OVERLOAD] = "overload",
    [CB_VOID_UNDER_RANGE] = "under_range",
    [CB_VOID_WIND] = "wind",
    [CB_VOID_WIND_HEARD] = "wind_heard",
    [CB_VOID_RAIN] = "rain",
    [CB_VOID_WEATHER_UNKNOWN] = "weather_unknown",
    [CB_VOID_CALIBRATION_EXPIRED] = "calibration_expired",
    [CB_VOID_SEVERAL_VEHICLES] = "several_vehicles",
    [CB_VOID_AMBIENT_TOO_LOUD] = "ambient_too_loud",
    [CB_VOID_BACKGROUND_UNKNOWN] = "background_unknown",
};

static const char *class_name(int i)
{
    return class_names[i];
}
static const char *kind_name(int i)
{
    return cb_violation_kind_name((enum cb_violation_kind) i);
}

const char *cb_noise_class_name(enum cb_noise_class c)
{
    return class_names[c];
}

const char *cb_void_name(enum cb_void v)
{
    return void_names[v];
}

void cb_noise_init(struct cb_noise *n)
{
    *n = (struct cb_noise){
        .lafmax_db = NAN,
        .lafmax_u95_db = NAN,
        .lae_db = NAN,
        .laeq_db = NAN,
        .lcpeak_db = NAN,
        .lafmax_7m5_db = NAN,
        .lafmax_7m5_u95_db = NAN,
        .background_db = NAN,
        .background_correction_db = NAN,
        .azimuth_deg = NAN,
        .azimuth_u95_deg = NAN,
        .attribution_odds = NAN,
        .wind_mps = NAN,
        .rain_mm_h = NAN,
        .calibration_age_d = NAN,
        .limit_db = NAN,
        .charged_db = NAN,
        .track = -1,
        .second_track = -1,
    };
}

static json_t *features_to_json(const struct cb_noise *n)
{
    json_t *o = json_object();
    for (size_t i = 0; i < n->n_features; i++)
        json_object_set_new(o, n->feature[i].name, cb_json_real(n->feature[i].value, 4));
    return o;
}

static json_t *voids_to_json(unsigned voids)
{
    json_t *a = json_array();
    for (int i = 0; i < CB_VOID_COUNT; i++)
        if (voids >> i & 1)
            json_array_append_new(a, json_string(void_names[i]));
    return a;
}

static json_t *thirds_to_json(const struct cb_noise *n)
{
    if (!n->has_third_octaves)
        return json_null();
    json_t *a = json_array();
    for (int i = 0; i < CB_THIRD_OCTAVES; i++)
        json_array_append_new(a, cb_json_real(n->third_octave_db[i], 1));
    return a;
}

static json_t *track_to_json(int64_t track)
{
    return track < 0 ? json_null() : json_integer((json_int_t) track);
}

/* What was measured, and how surely. */
static json_t *level_to_json(const struct cb_noise *n)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o}",    //
        "lafmax_db", cb_json_real(n->lafmax_db, 2),                                 //
        "lafmax_uncertainty_db", cb_json_real(n->lafmax_u95_db, 2),                 //
        "lafmax_7m5_db", cb_json_real(n->lafmax_7m5_db, 2),                         //
        "lafmax_7m5_uncertainty_db", cb_json_real(n->lafmax_7m5_u95_db, 2),         //
        "lae_db", cb_json_real(n->lae_db, 2), "laeq_db", cb_json_real(n->laeq_db, 2), //
        "lcpeak_db", cb_json_real(n->lcpeak_db, 2),                                 //
        "third_octaves_db", thirds_to_json(n),                                      //
        "background_db", cb_json_real(n->background_db, 2),                         //
        "background_correction_db", cb_json_real(n->background_correction_db, 2),   //
        "overload", (int) n->is_overload, "under_range", (int) n->is_under_range,   //
        "limit_dba", cb_json_real(n->limit_db, 2),                                  //
        "charged_db", cb_json_real(n->charged_db, 2));
}

/* Where it came from, and who it was. */
static json_t *origin_to_json(const struct cb_noise *n)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i}",                                 //
                     "azimuth_deg", cb_json_real(n->azimuth_deg, 2),                        //
                     "azimuth_uncertainty_deg", cb_json_real(n->azimuth_u95_deg, 2),        //
                     "track", track_to_json(n->track),                                      //
                     "why_no_track",
                     cb_json_text_or_null(n->track < 0 ? n->why_no_track : NULL),           //
                     "attribution_odds", cb_json_real(n->attribution_odds, 3),              //
                     "second_track", track_to_json(n->second_track),                        //
                     "directions", n->n_directions);
}

static json_t *conditions_to_json(const struct cb_noise *n)
{
    return json_pack("{s:o, s:o, s:o, s:o}",                                          //
                     "wind_mps", cb_json_real(n->wind_mps, 1),                        //
                     "rain_mm_h", cb_json_real(n->rain_mm_h, 1),                      //
                     "calibration_age_days", cb_json_real(n->calibration_age_d, 1),   //
                     "void_reasons", voids_to_json(n->voids));
}

/* Adds part's keys to o and drops part. @return o; NULL when either is */
static json_t *merged(json_t *o, json_t *part)
{
    bool is_whole = o && part && json_object_update(o, part) == 0;
    json_decref(part);
    if (is_whole)
        return o;
    json_decref(o);
    return NULL;
}

json_t *cb_noise_to_json(const struct cb_noise *n)
{
    json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:o}", "type", "noise", "camera",
                          n->camera,                                                     //
                          "t_start", cb_json_real(cb_s_from_ns(n->t_start_ns), 6),       //
                          "t_peak", cb_json_real(cb_s_from_ns(n->t_peak_ns), 6),         //
                          "t_end", cb_json_real(cb_s_from_ns(n->t_end_ns), 6),           //
                          "class", class_names[n->class_],                               //
                          "confidence", cb_json_real(n->confidence, 3),                  //
                          "why_class",
                          cb_json_text_or_null(n->why_class[0] ? n->why_class : NULL));
    o = merged(o, level_to_json(n));
    o = merged(o, origin_to_json(n));
    o = merged(o, conditions_to_json(n));
    return merged(o, json_pack("{s:o, s:o, s:I, s:s}", "violation",
                               cb_json_text_or_null(kind_name((int) n->violation)), //
                               "features", features_to_json(n),                     //
                               "utc_offset_ns", (json_int_t) n->utc_offset_ns,      //
                               "time_source", cb_time_source_name(n->time_source)));
}

int cb_noise_print(const struct cb_noise *n, char **ret_json)
{
    return cb_json_dump(cb_noise_to_json(n), false, ret_json, NULL);
}

static void features_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    struct cb_json_reader in = cb_json_object(rd, "features", true);
    const char *key;
    json_t *v;
    json_object_foreach((json_t *) in.obj, key, v)
    {
        struct cb_noise_feature *f = &ret->feature[ret->n_features];
        if (ret->n_features == CB_NOISE_FEATURES_MAX || strlen(key) >= sizeof f->name) {
            cb_json_refuse(&in, "features", "at most 40 short names");
            break;
        }
        memcpy(f->name, key, strlen(key) + 1);
        f->value = NAN;
        cb_json_number(v, &f->value);
        ret->n_features++;
    }
    cb_json_close(rd, &in);
}

static bool has(const struct cb_json_reader *rd, const char *key)
{
    return rd->r == 0 && !json_is_null(json_object_get(rd->obj, key)) &&
           json_object_get(rd->obj, key);
}

static void track_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    int64_t n = 0;
    if (rd->r == 0 && !json_is_null(json_object_get(rd->obj, "track")))
        cb_json_get_int(rd, "track", 0, INT64_MAX, &ret->track);
    else if (rd->r == 0 && json_is_string(json_object_get(rd->obj, "why_no_track")))
        cb_json_get_text(rd, "why_no_track", ret->why_no_track, sizeof ret->why_no_track);
    if (has(rd, "second_track"))
        cb_json_get_int(rd, "second_track", 0, INT64_MAX, &ret->second_track);
    if (has(rd, "directions"))
        cb_json_get_int(rd, "directions", 0, INT32_MAX, &n);
    ret->n_directions = (int) n;
    cb_json_get_real(rd, "attribution_odds", &ret->attribution_odds);
}

static void voids_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    const json_t *a = has(rd, "void_reasons") ? cb_json_get_array(rd, "void_reasons", CB_VOID_COUNT)
                                              : NULL;
    for (size_t i = 0; rd->r == 0 && i < json_array_size(a); i++) {
        const char *name = json_string_value(json_array_get(a, i));
        int k = 0;
        while (k < CB_VOID_COUNT && (!name || strcmp(name, void_names[k])))
            k++;
        if (k == CB_VOID_COUNT)
            cb_json_refuse(rd, "void_reasons", "reasons that are known");
        else
            ret->voids |= 1u << k;
    }
}

static void thirds_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    const json_t *a = has(rd, "third_octaves_db")
                          ? cb_json_get_array(rd, "third_octaves_db", CB_THIRD_OCTAVES)
                          : NULL;
    if (!a || rd->r < 0)
        return;
    ret->has_third_octaves = json_array_size(a) == CB_THIRD_OCTAVES;
    if (!ret->has_third_octaves)
        cb_json_refuse(rd, "third_octaves_db", "29 levels");
    for (size_t i = 0; rd->r == 0 && i < CB_THIRD_OCTAVES; i++) {
        ret->third_octave_db[i] = NAN;
        cb_json_number(json_array_get(a, i), &ret->third_octave_db[i]);
    }
}

/* Keys that records of before did not have may be missing. */
static void level_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    cb_json_get_real(rd, "lafmax_db", &ret->lafmax_db);
    cb_json_get_real(rd, "lafmax_uncertainty_db", &ret->lafmax_u95_db);
    cb_json_get_real(rd, "lafmax_7m5_db", &ret->lafmax_7m5_db);
    cb_json_get_real(rd, "lafmax_7m5_uncertainty_db", &ret->lafmax_7m5_u95_db);
    cb_json_get_real(rd, "lae_db", &ret->lae_db);
    cb_json_get_real(rd, "laeq_db", &ret->laeq_db);
    cb_json_get_real(rd, "lcpeak_db", &ret->lcpeak_db);
    cb_json_get_real(rd, "background_db", &ret->background_db);
    cb_json_get_real(rd, "background_correction_db", &ret->background_correction_db);
    cb_json_get_real(rd, "limit_dba", &ret->limit_db);
    cb_json_get_real(rd, "charged_db", &ret->charged_db);
    cb_json_get_bool(rd, "overload", &ret->is_overload);
    if (has(rd, "under_range"))
        cb_json_get_bool(rd, "under_range", &ret->is_under_range);
    thirds_from_json(rd, ret);
}

static void conditions_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    cb_json_get_real(rd, "wind_mps", &ret->wind_mps);
    cb_json_get_real(rd, "rain_mm_h", &ret->rain_mm_h);
    cb_json_get_real(rd, "calibration_age_days", &ret->calibration_age_d);
    voids_from_json(rd, ret);
}

void cb_noise_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    int class_ = 0, kind = 0;
    cb_noise_init(ret);
    cb_json_get_text(rd, "camera", ret->camera, sizeof ret->camera);
    cb_json_get_time(rd, "t_start", &ret->t_start_ns);
    cb_json_get_time(rd, "t_peak", &ret->t_peak_ns);
    cb_json_get_time(rd, "t_end", &ret->t_end_ns);
    cb_json_get_enum(rd, "class", class_name, CB_LEN(class_names), &class_);
    cb_json_get_real(rd, "confidence", &ret->confidence);
    cb_json_get_real(rd, "azimuth_deg", &ret->azimuth_deg);
    cb_json_get_real(rd, "azimuth_uncertainty_deg", &ret->azimuth_u95_deg);
    level_from_json(rd, ret);
    track_from_json(rd, ret);
    conditions_from_json(rd, ret);
    if (rd->r == 0 && json_is_string(json_object_get(rd->obj, "why_class")))
        cb_json_get_text(rd, "why_class", ret->why_class, sizeof ret->why_class);
    cb_json_get_enum(rd, "violation", kind_name, CB_VIOLATION_COUNT, &kind);
    cb_json_get_int(rd, "utc_offset_ns", INT64_MIN, INT64_MAX, &ret->utc_offset_ns);
    cb_json_get_enum(rd, "time_source", cb_time_source_name, 3, &ret->time_source);
    features_from_json(rd, ret);
    ret->class_ = (enum cb_noise_class) class_;
    ret->violation = (enum cb_violation_kind) kind;
}

int cb_noise_parse(const char *json, size_t n, struct cb_noise *ret)
{
    json_t *root;
    struct cb_noise v = {0};
    struct cb_json_reader rd = cb_json_open(json, n, NULL, &root);
    cb_noise_from_json(&rd, &v);
    json_decref(root);
    if (rd.r == 0)
        *ret = v;
    return rd.r;
}
