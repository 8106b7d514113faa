#include "schema/noise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec.h"

static const char *const class_names[] = {"other", "modified_exhaust", "horn", "siren", "impulse"};

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

static json_t *features_to_json(const struct cb_noise *n)
{
    json_t *o = json_object();
    for (size_t i = 0; i < n->n_features; i++)
        json_object_set_new(o, n->feature[i].name, cb_json_real(n->feature[i].value, 4));
    return o;
}

json_t *cb_noise_to_json(const struct cb_noise *n)
{
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, "
        "s:I, s:s}",                                                                          //
        "type", "noise", "camera", n->camera,                                                 //
        "t_start", cb_json_real(cb_s_from_ns(n->t_start_ns), 6),                              //
        "t_peak", cb_json_real(cb_s_from_ns(n->t_peak_ns), 6),                                //
        "t_end", cb_json_real(cb_s_from_ns(n->t_end_ns), 6),                                  //
        "lafmax_db", cb_json_real(n->lafmax_db, 2),                                           //
        "lafmax_7m5_db", cb_json_real(n->lafmax_7m5_db, 2),                                   //
        "background_db", cb_json_real(n->background_db, 2),                                   //
        "class", class_names[n->class_], "confidence", cb_json_real(n->confidence, 3),        //
        "why_class", cb_json_text_or_null(n->why_class[0] ? n->why_class : NULL),             //
        "azimuth_deg", cb_json_real(n->azimuth_deg, 2),                                       //
        "track", n->track < 0 ? json_null() : json_integer((json_int_t) n->track),            //
        "why_no_track", cb_json_text_or_null(n->track < 0 ? n->why_no_track : NULL),          //
        "overload", (int) n->is_overload, "limit_dba", cb_json_real(n->limit_db, 2),          //
        "violation", cb_json_text_or_null(kind_name((int) n->violation)),                     //
        "features", features_to_json(n), "utc_offset_ns", (json_int_t) n->utc_offset_ns,      //
        "time_source", cb_time_source_name(n->time_source));
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
        f->value = json_is_number(v) ? json_number_value(v) : NAN;
        ret->n_features++;
    }
    cb_json_close(rd, &in);
}

static void track_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    ret->track = -1;
    if (rd->r == 0 && !json_is_null(json_object_get(rd->obj, "track")))
        cb_json_get_int(rd, "track", 0, INT64_MAX, &ret->track);
    else if (rd->r == 0 && json_is_string(json_object_get(rd->obj, "why_no_track")))
        cb_json_get_text(rd, "why_no_track", ret->why_no_track, sizeof ret->why_no_track);
}

void cb_noise_from_json(struct cb_json_reader *rd, struct cb_noise *ret)
{
    int class_ = 0, kind = 0;
    cb_json_get_text(rd, "camera", ret->camera, sizeof ret->camera);
    cb_json_get_time(rd, "t_start", &ret->t_start_ns);
    cb_json_get_time(rd, "t_peak", &ret->t_peak_ns);
    cb_json_get_time(rd, "t_end", &ret->t_end_ns);
    cb_json_get_real(rd, "lafmax_db", &ret->lafmax_db);
    cb_json_get_real(rd, "lafmax_7m5_db", &ret->lafmax_7m5_db);
    cb_json_get_real(rd, "background_db", &ret->background_db);
    cb_json_get_enum(rd, "class", class_name, CB_LEN(class_names), &class_);
    cb_json_get_real(rd, "confidence", &ret->confidence);
    cb_json_get_real(rd, "azimuth_deg", &ret->azimuth_deg);
    track_from_json(rd, ret);
    if (rd->r == 0 && json_is_string(json_object_get(rd->obj, "why_class")))
        cb_json_get_text(rd, "why_class", ret->why_class, sizeof ret->why_class);
    cb_json_get_bool(rd, "overload", &ret->is_overload);
    cb_json_get_real(rd, "limit_dba", &ret->limit_db);
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
