#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "codec.h"

static const char *kind_name(int i)
{
    return i == CB_VIOLATION_NONE ? "" : cb_violation_kind_name((enum cb_violation_kind) i);
}
static const char *severity_name(int i)
{
    return cb_severity_name((enum cb_severity) i);
}
static const char *direction_name(int i)
{
    return cb_direction_name((enum cb_direction) i);
}

void cb_incident_id(const struct cb_incident *i, const char *camera, char *ret)
{
    ret[0] = '\0';
    if (i->is_set)
        snprintf(ret, CB_INCIDENT_ID_LEN, "%s.%" PRId64 ".%" PRId64, camera,
                 i->utc_ns / CB_NS_PER_MS, i->track);
}

const char *cb_incident_kind(const struct cb_incident *i)
{
    if (i->n_vehicles < 2)
        return NULL;
    return i->is_chase ? cb_violation_kind_name(CB_CHASE_RACING) : "convoy";
}

static json_t *members_to_json(const struct cb_incident *i)
{
    json_t *a = json_array();
    for (size_t k = 0; k < i->n_members; k++) {
        const struct cb_incident_member *m = &i->member[k];
        json_array_append_new(
            a, json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "kind", kind_name((int) m->kind), //
                         "severity", cb_severity_name(m->severity),                         //
                         "track", (json_int_t) m->track, "t_ns", (json_int_t) m->t_ns,      //
                         "charged", cb_json_real(m->charged, 2),                            //
                         "limit", cb_json_real(m->limit, 2)));
    }
    return a;
}

json_t *cb_incident_to_json(const struct cb_incident *i, const char *camera)
{
    char id[CB_INCIDENT_ID_LEN];
    cb_incident_id(i, camera, id);
    return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:s, s:o, s:o, s:o}",              //
                     "type", "incident", "id", id, "camera", camera,                         //
                     "kind", cb_json_text_or_null(cb_incident_kind(i)),                      //
                     "utc_ns", (json_int_t) i->utc_ns, "track", (json_int_t) i->track,       //
                     "vehicles", (json_int_t) i->n_vehicles,                                 //
                     "direction", cb_direction_name(i->direction),                           //
                     "gap_s", cb_json_real(i->gap_s, 3),                                     //
                     "distance_m", cb_json_real(i->distance_m, 3),                           //
                     "members", members_to_json(i));
}

int cb_incident_print(const struct cb_incident *i, const char *camera, char **ret_json)
{
    return cb_json_dump(cb_incident_to_json(i, camera), false, ret_json, NULL);
}

static void member_from_json(struct cb_json_reader *rd, const json_t *o,
                             struct cb_incident_member *ret)
{
    struct cb_json_reader in = {o, rd->reterr, 0};
    int kind = 0, severity = 0;
    if (!json_is_object(o))
        cb_json_refuse(&in, "members", "an array of objects");
    cb_json_get_enum(&in, "kind", kind_name, CB_VIOLATION_COUNT, &kind);
    cb_json_get_enum(&in, "severity", severity_name, CB_SEVERITY_COUNT, &severity);
    cb_json_get_int(&in, "track", 0, INT64_MAX, &ret->track);
    cb_json_get_int(&in, "t_ns", INT64_MIN, INT64_MAX, &ret->t_ns);
    cb_json_get_real(&in, "charged", &ret->charged);
    cb_json_get_real(&in, "limit", &ret->limit);
    ret->kind = (enum cb_violation_kind) kind;
    ret->severity = (enum cb_severity) severity;
    cb_json_close(rd, &in);
}

/* The name is made of what is beside it: another one is no name of this incident. */
static void check_id(struct cb_json_reader *rd, const char *camera, const struct cb_incident *i)
{
    char told[CB_INCIDENT_ID_LEN] = "", id[CB_INCIDENT_ID_LEN];
    cb_json_get_text(rd, "id", told, sizeof told);
    cb_incident_id(i, camera, id);
    if (rd->r == 0 && strcmp(told, id))
        cb_json_refuse(rd, "id", "the incident's camera, UTC and track");
}

void cb_incident_from_json(struct cb_json_reader *rd, const char *camera, struct cb_incident *ret)
{
    int direction = 0;
    int64_t n = 0;
    ret->is_set = true;
    cb_json_get_int(rd, "utc_ns", INT64_MIN, INT64_MAX, &ret->utc_ns);
    cb_json_get_int(rd, "track", 0, INT64_MAX, &ret->track);
    cb_json_get_int(rd, "vehicles", 1, CB_INCIDENT_MEMBERS_MAX, &n);
    cb_json_get_enum(rd, "direction", direction_name, 2, &direction);
    cb_json_get_real(rd, "gap_s", &ret->gap_s);
    cb_json_get_real(rd, "distance_m", &ret->distance_m);
    const json_t *a = cb_json_get_array(rd, "members", CB_INCIDENT_MEMBERS_MAX);
    for (size_t i = 0; rd->r == 0 && i < json_array_size(a); i++)
        member_from_json(rd, json_array_get(a, i), &ret->member[ret->n_members++]);
    ret->n_vehicles = (size_t) n;
    ret->direction = (enum cb_direction) direction;
    const char *kind = rd->r == 0 ? json_string_value(json_object_get(rd->obj, "kind")) : NULL;
    ret->is_chase = kind && !strcmp(kind, cb_violation_kind_name(CB_CHASE_RACING));
    check_id(rd, camera, ret);
}
