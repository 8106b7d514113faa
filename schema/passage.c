#include "schema/passage.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec.h"

/* A path longer than this is no passage; it bounds what a hostile text can make us hold. */
#define PATH_MAX_FIXES 100000

/* No road user goes faster; and what is charged, rounded down in km/h, stays itself when it is read
 * and printed again only where a double still tells hundredths from its own rounding. */
#define SPEED_MAX_KMH 1e4

static const char *const user_names[] = {"unknown",    "car",     "truck",     "bus",
                                         "motorcycle", "bicycle", "pedestrian"};
static const char *const direction_names[] = {"away", "toward"};
static const char *const reason_names[] = {
    NULL,           "too_few_samples", "several_vehicles", "occluded", "inconsistent",
    "too_uncertain", "not_calibrated",  "suspended",        "standing"};
static const char *const kind_names[] = {NULL, "speeding", "modified_exhaust", "chase_racing"};
static const char *const source_names[] = {"file", "arrival", "rtcp"};

static const char *user_name(int i)
{
    return user_names[i];
}
static const char *direction_name(int i)
{
    return direction_names[i];
}
static const char *reason_name(int i)
{
    return reason_names[i];
}
static const char *kind_name(int i)
{
    return kind_names[i];
}

const char *cb_road_user_name(enum cb_road_user u)
{
    return user_names[u];
}
const char *cb_direction_name(enum cb_direction d)
{
    return direction_names[d];
}
const char *cb_reason_name(enum cb_reason r)
{
    return reason_names[r];
}
const char *cb_violation_kind_name(enum cb_violation_kind k)
{
    return kind_names[k];
}
const char *cb_time_source_name(int s)
{
    return source_names[s];
}

static json_t *path_to_json(const struct cb_passage *p)
{
    json_t *a = json_array();
    for (size_t i = 0; i < p->n_path; i++) {
        const struct cb_fix *f = &p->path[i];
        json_array_append_new(a, json_pack("[o, o, o]", cb_json_real(cb_s_from_ns(f->t_ns), 6),
                                           cb_json_real(f->x_m, 3), cb_json_real(f->y_m, 3)));
    }
    return a;
}

/* Rounded down: what is charged is never more than what was measured. */
static json_t *charged_to_json(double v_mps)
{
    return cb_json_real(floor(cb_kmh_from_mps(v_mps) * 100 + 1e-6) / 100, 2);
}

json_t *cb_passage_to_json(const struct cb_passage *p, bool has_path)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:I, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:s}",      //
        "type", "passage", "camera", p->camera, "track", (json_int_t) p->track,             //
        "t_first", cb_json_real(cb_s_from_ns(p->t_first_ns), 6),                            //
        "t_last", cb_json_real(cb_s_from_ns(p->t_last_ns), 6),                              //
        "class", user_names[p->road_user], "direction", direction_names[p->direction],      //
        "speed_kmh", cb_json_real(cb_kmh_from_mps(p->speed_mps), 2),                        //
        "speed_uncertainty_kmh", cb_json_real(cb_kmh_from_mps(p->u95_mps), 2),              //
        "charged_kmh", charged_to_json(p->charged_mps),                                     //
        "limit_kmh", cb_json_real(cb_kmh_from_mps(p->limit_mps), 2),                        //
        "violation", cb_json_text_or_null(kind_names[p->violation]),                        //
        "reason", cb_json_text_or_null(reason_names[p->reason]),                            //
        "utc_offset_ns", (json_int_t) p->utc_offset_ns,                                     //
        "time_source", source_names[p->time_source]);
    if (o && has_path && json_object_set_new(o, "path", path_to_json(p)) < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int cb_passage_print(const struct cb_passage *p, char **ret_json)
{
    return cb_json_dump(cb_passage_to_json(p, true), false, ret_json, NULL);
}

static void path_from_json(struct cb_json_reader *rd, struct cb_passage *ret)
{
    if (rd->r < 0 || !json_object_get(rd->obj, "path"))
        return;
    const json_t *a = cb_json_get_array(rd, "path", PATH_MAX_FIXES);
    size_t n = json_array_size(a);
    if (!n)
        return;
    ret->path = calloc(n, sizeof *ret->path);
    if (!ret->path) {
        rd->r = -ENOMEM;
        return;
    }
    ret->n_path = n;
    for (size_t i = 0; i < n; i++) {
        double v[3];
        if (!cb_json_numbers(json_array_get(a, i), v, 3) || !(fabs(v[0]) < 4e9)) {
            cb_json_refuse(rd, "path", "triples of numbers: [t, X, Y]");
            return;
        }
        ret->path[i] = (struct cb_fix){.t_ns = cb_ns_from_s(v[0]), .x_m = v[1], .y_m = v[2]};
    }
}

static void speed_from_json(struct cb_json_reader *rd, const char *key, double *ret_mps)
{
    double v_kmh = NAN;
    cb_json_get_real(rd, key, &v_kmh);
    if (fabs(v_kmh) > SPEED_MAX_KMH)
        cb_json_refuse(rd, key, "a speed of at most 10000 km/h");
    *ret_mps = cb_mps_from_kmh(v_kmh);
}

void cb_passage_from_json(struct cb_json_reader *rd, struct cb_passage *ret)
{
    int user = 0, direction = 0, kind = 0, reason = 0;
    cb_json_get_text(rd, "camera", ret->camera, sizeof ret->camera);
    cb_json_get_int(rd, "track", -1, INT64_MAX, &ret->track);
    cb_json_get_time(rd, "t_first", &ret->t_first_ns);
    cb_json_get_time(rd, "t_last", &ret->t_last_ns);
    cb_json_get_enum(rd, "class", user_name, CB_LEN(user_names), &user);
    cb_json_get_enum(rd, "direction", direction_name, CB_LEN(direction_names), &direction);
    cb_json_get_enum(rd, "violation", kind_name, CB_LEN(kind_names), &kind);
    cb_json_get_enum(rd, "reason", reason_name, CB_LEN(reason_names), &reason);
    speed_from_json(rd, "speed_kmh", &ret->speed_mps);
    speed_from_json(rd, "speed_uncertainty_kmh", &ret->u95_mps);
    speed_from_json(rd, "charged_kmh", &ret->charged_mps);
    speed_from_json(rd, "limit_kmh", &ret->limit_mps);
    cb_json_get_int(rd, "utc_offset_ns", INT64_MIN, INT64_MAX, &ret->utc_offset_ns);
    cb_json_get_enum(rd, "time_source", cb_time_source_name, CB_LEN(source_names),
                     &ret->time_source);
    ret->road_user = (enum cb_road_user) user;
    ret->direction = (enum cb_direction) direction;
    ret->violation = (enum cb_violation_kind) kind;
    ret->reason = (enum cb_reason) reason;
    path_from_json(rd, ret);
}

int cb_passage_parse(const char *json, size_t n, struct cb_passage *ret)
{
    json_t *root;
    struct cb_passage p = {0};
    struct cb_json_reader rd = cb_json_open(json, n, NULL, &root);
    cb_passage_from_json(&rd, &p);
    json_decref(root);
    if (rd.r < 0) {
        cb_passage_deinit(&p);
        return rd.r;
    }
    *ret = p;
    return 0;
}

int cb_passage_copy(const struct cb_passage *p, struct cb_passage *ret)
{
    struct cb_fix *path = NULL;
    size_t n = p->n_path + p->n_left_out;
    if (n) {
        path = malloc(n * sizeof *path);
        if (!path)
            return -ENOMEM;
        memcpy(path, p->path, n * sizeof *path);
    }
    *ret = *p;
    ret->path = path;
    return 0;
}

void cb_passage_deinit(struct cb_passage *p)
{
    free(p->path);
    p->path = NULL;
    p->n_path = p->n_left_out = 0;
}
