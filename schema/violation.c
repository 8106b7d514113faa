#include "schema/violation.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec.h"

static const char *const severity_names[] = {"minor", "moderate", "serious", "extreme"};

static const char *severity_name(int i)
{
    return severity_names[i];
}
/* A record of no violation is none: the first name is one that no text matches. */
static const char *kind_name(int i)
{
    return i == CB_VIOLATION_NONE ? "" : cb_violation_kind_name((enum cb_violation_kind) i);
}

const char *cb_severity_name(enum cb_severity s)
{
    return severity_names[s];
}

static json_t *stills_to_json(const struct cb_violation *v)
{
    json_t *a = json_array();
    for (size_t i = 0; i < v->n_stills; i++) {
        const struct cb_still_wish *w = &v->still[i];
        json_array_append_new(
            a, json_pack("{s:I, s:[o, o, o, o]}", "t_ns", (json_int_t) w->t_ns, "box_px",
                         cb_json_real((double) w->box.x, 1), cb_json_real((double) w->box.y, 1),
                         cb_json_real((double) w->box.w, 1), cb_json_real((double) w->box.h, 1)));
    }
    return a;
}

json_t *cb_violation_to_json(const struct cb_violation *v, bool has_path)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",         //
        "type", "violation", "kind", kind_name((int) v->kind),                            //
        "severity", severity_names[v->severity], "camera", v->camera,                     //
        "t_ns", (json_int_t) v->t_ns, "utc_offset_ns", (json_int_t) v->utc_offset_ns,     //
        "time_source", cb_time_source_name(v->time_source), "track", (json_int_t) v->track, //
        "t_from_ns", (json_int_t) v->t_from_ns, "t_to_ns", (json_int_t) v->t_to_ns,       //
        "stills", stills_to_json(v),                                                      //
        "passage", v->has_passage ? cb_passage_to_json(&v->passage, has_path) : json_null(), //
        "noise", v->has_noise ? cb_noise_to_json(&v->noise) : json_null(),                //
        "incident", v->incident.is_set ? cb_incident_to_json(&v->incident, v->camera) : json_null());
}

int cb_violation_print(const struct cb_violation *v, char **ret_json)
{
    return cb_json_dump(cb_violation_to_json(v, true), false, ret_json, NULL);
}

static void stills_from_json(struct cb_json_reader *rd, struct cb_violation *ret)
{
    const json_t *a = cb_json_get_array(rd, "stills", CB_STILLS_MAX);
    for (size_t i = 0; rd->r == 0 && i < json_array_size(a); i++) {
        struct cb_json_reader in = {json_array_get(a, i), rd->reterr, 0};
        double b[4];
        if (!json_is_object(in.obj) || !cb_json_numbers(json_object_get(in.obj, "box_px"), b, 4)) {
            cb_json_refuse(rd, "stills", "objects with t_ns and box_px");
            return;
        }
        struct cb_still_wish *w = &ret->still[ret->n_stills++];
        w->box = (struct cb_box){(float) b[0], (float) b[1], (float) b[2], (float) b[3]};
        cb_json_get_int(&in, "t_ns", INT64_MIN, INT64_MAX, &w->t_ns);
        cb_json_close(rd, &in);
    }
}

static void incident_from_json(struct cb_json_reader *rd, struct cb_violation *ret)
{
    struct cb_json_reader in = cb_json_object(rd, "incident", true);
    if (in.obj)
        cb_incident_from_json(&in, ret->camera, &ret->incident);
    cb_json_close(rd, &in);
}

static void measured_from_json(struct cb_json_reader *rd, struct cb_violation *ret)
{
    struct cb_json_reader in = cb_json_object(rd, "passage", true);
    if (in.obj) {
        ret->has_passage = true;
        cb_passage_from_json(&in, &ret->passage);
    }
    cb_json_close(rd, &in);
    in = cb_json_object(rd, "noise", true);
    if (in.obj) {
        ret->has_noise = true;
        cb_noise_from_json(&in, &ret->noise);
    }
    cb_json_close(rd, &in);
}

void cb_violation_from_json(struct cb_json_reader *rd, struct cb_violation *ret)
{
    int kind = 0, severity = 0;
    cb_json_get_enum(rd, "kind", kind_name, CB_VIOLATION_COUNT, &kind);
    cb_json_get_enum(rd, "severity", severity_name, CB_LEN(severity_names), &severity);
    cb_json_get_text(rd, "camera", ret->camera, sizeof ret->camera);
    cb_json_get_int(rd, "t_ns", INT64_MIN, INT64_MAX, &ret->t_ns);
    cb_json_get_int(rd, "utc_offset_ns", INT64_MIN, INT64_MAX, &ret->utc_offset_ns);
    cb_json_get_enum(rd, "time_source", cb_time_source_name, 3, &ret->time_source);
    cb_json_get_int(rd, "track", -1, INT64_MAX, &ret->track);
    cb_json_get_int(rd, "t_from_ns", INT64_MIN, INT64_MAX, &ret->t_from_ns);
    cb_json_get_int(rd, "t_to_ns", INT64_MIN, INT64_MAX, &ret->t_to_ns);
    stills_from_json(rd, ret);
    measured_from_json(rd, ret);
    incident_from_json(rd, ret);
    ret->kind = (enum cb_violation_kind) kind;
    ret->severity = (enum cb_severity) severity;
    if (rd->r == 0 && ret->kind == CB_VIOLATION_NONE)
        cb_json_refuse(rd, "kind", "a kind of violation");
}

int cb_violation_parse(const char *json, size_t n, struct cb_violation *ret)
{
    json_t *root;
    struct cb_violation v = {0};
    struct cb_json_reader rd = cb_json_open(json, n, NULL, &root);
    cb_violation_from_json(&rd, &v);
    json_decref(root);
    if (rd.r < 0) {
        cb_violation_deinit(&v);
        return rd.r;
    }
    *ret = v;
    return 0;
}

int cb_violation_copy(const struct cb_violation *v, struct cb_violation *ret)
{
    struct cb_violation copy = *v;
    int r = v->has_passage ? cb_passage_copy(&v->passage, &copy.passage) : 0;
    if (r == 0)
        *ret = copy;
    return r;
}

void cb_violation_deinit(struct cb_violation *v)
{
    if (v->has_passage)
        cb_passage_deinit(&v->passage);
}
