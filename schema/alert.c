#include "schema/alert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "codec.h"

static void copy_text(char *ret, size_t size, const char *text)
{
    snprintf(ret, size, "%s", text);
}

static void fill_speed(const struct cb_passage *p, struct cb_alert *ret)
{
    ret->measured = cb_kmh_from_mps(p->speed_mps);
    ret->charged = cb_kmh_from_mps(p->charged_mps);
    ret->limit = cb_kmh_from_mps(p->limit_mps);
    ret->uncertainty = cb_kmh_from_mps(p->u95_mps);
    copy_text(ret->unit, sizeof ret->unit, "km/h");
}

static void fill_noise(const struct cb_noise *n, struct cb_alert *ret)
{
    ret->measured = n->lafmax_db;
    ret->charged = n->charged_db;
    ret->limit = n->limit_db;
    ret->uncertainty = n->lafmax_u95_db;
    copy_text(ret->unit, sizeof ret->unit, "dB(A)");
}

/* An incident has no level or speed of its own: how many took part. */
static void fill_incident(const struct cb_incident *i, struct cb_alert *ret)
{
    ret->measured = (double) i->n_vehicles;
    ret->direction = i->direction;
    copy_text(ret->unit, sizeof ret->unit, "vehicles");
}

void cb_alert_from_evidence(const struct cb_evidence *e, struct cb_alert *ret)
{
    const struct cb_violation *v = &e->violation;
    *ret = (struct cb_alert){
        .sequence = e->sequence,
        .lat_deg = e->lat_deg,
        .lon_deg = e->lon_deg,
        .kind = v->kind,
        .severity = v->severity,
        .occurred_utc_ns = e->occurred_utc_ns,
        .track = v->track,
        .road_user = v->has_passage ? v->passage.road_user : CB_UNKNOWN,
        .direction = v->has_passage ? v->passage.direction : CB_AWAY,
        .measured = NAN,
        .charged = NAN,
        .limit = NAN,
        .uncertainty = NAN,
    };
    copy_text(ret->id, sizeof ret->id, e->id);
    copy_text(ret->node, sizeof ret->node, e->node);
    copy_text(ret->camera, sizeof ret->camera, v->camera);
    copy_text(ret->camera_name, sizeof ret->camera_name, e->camera_name);
    copy_text(ret->road, sizeof ret->road, e->road);
    copy_text(ret->district, sizeof ret->district, e->district);
    cb_incident_id(&v->incident, v->camera, ret->incident);
    if (v->kind == CB_CHASE_RACING)
        fill_incident(&v->incident, ret);
    else if (v->kind == CB_MODIFIED_EXHAUST && v->has_noise)
        fill_noise(&v->noise, ret);
    else if (v->has_passage)
        fill_speed(&v->passage, ret);
}

int cb_alert_print(const struct cb_alert *a, char **ret_json)
{
    json_t *o = json_pack(
        "{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:s, "
        "s:o, s:o, s:o, s:o, s:s, s:o}",                                                   //
        "type", "alert", "sequence", (json_int_t) a->sequence, "id", a->id,                //
        "node", a->node, "camera", a->camera, "camera_name", a->camera_name,               //
        "road", a->road, "district", a->district, "lat", cb_json_real(a->lat_deg, 7),      //
        "lon", cb_json_real(a->lon_deg, 7),                                                //
        "kind", cb_json_text_or_null(cb_violation_kind_name(a->kind)),                     //
        "severity", cb_severity_name(a->severity),                                         //
        "occurred_at", cb_json_utc(a->occurred_utc_ns),                                    //
        "published_at", cb_json_utc(a->published_utc_ns),                                  //
        "track", a->track < 0 ? json_null() : json_integer((json_int_t) a->track),         //
        "class", cb_road_user_name(a->road_user),                                          //
        "direction", cb_direction_name(a->direction),                                      //
        "measured", cb_json_real(a->measured, 2), "charged", cb_json_real(a->charged, 2),  //
        "limit", cb_json_real(a->limit, 2),                                                //
        "uncertainty", cb_json_real(a->uncertainty, 2), "unit", a->unit,          //
        "incident", cb_json_text_or_null(a->incident[0] ? a->incident : NULL));
    return cb_json_dump(o, false, ret_json, NULL);
}

static const char *kind_name(int i)
{
    return cb_violation_kind_name((enum cb_violation_kind) i);
}
static const char *severity_name(int i)
{
    return cb_severity_name((enum cb_severity) i);
}
static const char *user_name(int i)
{
    return cb_road_user_name((enum cb_road_user) i);
}
static const char *direction_name(int i)
{
    return cb_direction_name((enum cb_direction) i);
}

static void place_from_json(struct cb_json_reader *rd, struct cb_alert *ret)
{
    int64_t sequence = 0;
    cb_json_get_int(rd, "sequence", 0, INT64_MAX, &sequence);
    ret->sequence = (uint64_t) sequence;
    cb_json_get_text(rd, "id", ret->id, sizeof ret->id);
    if (rd->r == 0 && !cb_uuid_is_valid(ret->id))
        cb_json_refuse(rd, "id", "a UUID in lower case");
    cb_json_get_text(rd, "node", ret->node, sizeof ret->node);
    cb_json_get_text(rd, "camera", ret->camera, sizeof ret->camera);
    cb_json_get_text(rd, "camera_name", ret->camera_name, sizeof ret->camera_name);
    cb_json_get_text(rd, "road", ret->road, sizeof ret->road);
    cb_json_get_text(rd, "district", ret->district, sizeof ret->district);
    cb_json_get_real(rd, "lat", &ret->lat_deg);
    cb_json_get_real(rd, "lon", &ret->lon_deg);
    cb_json_get_utc(rd, "occurred_at", &ret->occurred_utc_ns);
    cb_json_get_utc(rd, "published_at", &ret->published_utc_ns);
}

static void measured_from_json(struct cb_json_reader *rd, struct cb_alert *ret)
{
    int kind = 0, severity = 0, user = 0, direction = 0;
    cb_json_get_enum(rd, "kind", kind_name, CB_VIOLATION_COUNT, &kind);
    cb_json_get_enum(rd, "severity", severity_name, CB_SEVERITY_COUNT, &severity);
    cb_json_get_enum(rd, "class", user_name, CB_ROAD_USER_COUNT, &user);
    cb_json_get_enum(rd, "direction", direction_name, 2, &direction);
    ret->kind = (enum cb_violation_kind) kind;
    ret->severity = (enum cb_severity) severity;
    ret->road_user = (enum cb_road_user) user;
    ret->direction = (enum cb_direction) direction;
    ret->track = -1;
    if (rd->r == 0 && !json_is_null(json_object_get(rd->obj, "track")))
        cb_json_get_int(rd, "track", 0, INT64_MAX, &ret->track);
    cb_json_get_real(rd, "measured", &ret->measured);
    cb_json_get_real(rd, "charged", &ret->charged);
    cb_json_get_real(rd, "limit", &ret->limit);
    cb_json_get_real(rd, "uncertainty", &ret->uncertainty);
    cb_json_get_text(rd, "unit", ret->unit, sizeof ret->unit);
    if (rd->r == 0 && json_is_string(json_object_get(rd->obj, "incident")))
        cb_json_get_text(rd, "incident", ret->incident, sizeof ret->incident);
}

int cb_alert_parse(const char *json, size_t n, struct cb_alert *ret)
{
    json_t *root;
    struct cb_alert a = {0};
    struct cb_json_reader rd = cb_json_open(json, n, NULL, &root);
    place_from_json(&rd, &a);
    measured_from_json(&rd, &a);
    json_decref(root);
    if (rd.r == 0)
        *ret = a;
    return rd.r;
}

void cb_alert_topic_district(const char *district, char ret[CB_NAME_LEN])
{
    copy_text(ret, CB_NAME_LEN, district[0] ? district : "_");
    for (unsigned char *c = (unsigned char *) ret; *c; c++)
        if (*c <= ' ' || *c == '.' || *c == 0x7f)
            *c = '_';
}

void cb_alert_topic(const struct cb_alert *a, char *ret, size_t size)
{
    char district[CB_NAME_LEN];
    cb_alert_topic_district(a->district, district);
    const char *kind = cb_violation_kind_name(a->kind);
    snprintf(ret, size, "alert.%s.%s.%s", district, kind ? kind : "none",
             cb_severity_name(a->severity));
}
