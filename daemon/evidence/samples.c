#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "detectors/refit.h"
#include "package.h"
#include "schema/camera.h"

/* NaN is what JSON has no number for. */
static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *box_to_json(const struct cb_box *b)
{
    if (!(b->w > 0))
        return json_null();
    return json_pack("[o, o, o, o]", real((double) b->x), real((double) b->y), real((double) b->w),
                     real((double) b->h));
}

static json_t *path_to_json(const struct cb_fix *fix, size_t n)
{
    json_t *path = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct cb_fix *f = &fix[i];
        json_array_append_new(path, json_pack("{s:I, s:[o, o], s:o, s:[o, o], s:o}", //
                                              "t_ns", (json_int_t) f->t_ns,          //
                                              "px", real((double) f->x_px),          //
                                              real((double) f->y_px),                //
                                              "sigma_px", real((double) f->sigma_px), //
                                              "m", real(f->x_m), real(f->y_m),       //
                                              "box_px", box_to_json(&f->box)));
    }
    return path;
}

static json_t *passage_to_json(const struct cb_passage *p)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:i, s:o, s:o}",                      //
                     "track", (json_int_t) p->track, "speed_mps", real(p->speed_mps), //
                     "u95_mps", real(p->u95_mps), "limit_mps", real(p->limit_mps),    //
                     "charged_mps", real(p->charged_mps), "fit", CB_REFIT_NUMBER,     //
                     "path", path_to_json(p->path, p->n_path),                        //
                     "left_out", path_to_json(p->path + p->n_path, p->n_left_out));
}

static json_t *stills_to_json(const struct cb_package_draft *d)
{
    json_t *a = json_array();
    for (size_t i = 0; i < d->n_stills; i++) {
        const struct cb_picture *p = cb_frame_picture(d->still[i].frame);
        json_array_append_new(a, json_pack("{s:I, s:i, s:i, s:o}",                       //
                                           "t_ns", (json_int_t) d->still[i].t_ns,        //
                                           "width_px", p->width, "height_px", p->height, //
                                           "box_px", box_to_json(&d->still[i].box)));
    }
    return a;
}

static json_t *noise_to_json(const struct cb_noise *n)
{
    char *text = NULL;
    if (cb_noise_print(n, &text) < 0)
        return NULL;
    json_t *o = json_loads(text, 0, NULL);
    free(text);
    return o;
}

/* Sorted keys, as the record: the same measurement gives the same bytes. Steals o. */
static int add_json(struct cb_package_draft *d, const char *name, const char *role, json_t *o)
{
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(o);
    if (!text)
        return cb_error_set(d->reterr, -ENOMEM, name, "no memory");
    int r = cb_package_add(d, name, "application/json", role, text, strlen(text));
    free(text);
    return r;
}

int cb_package_add_samples(struct cb_package_draft *d)
{
    const struct cb_violation *v = d->request->violation;
    json_t *o = json_pack("{s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:O?, s:O?, s:O}", //
                          "type", "samples", "version", 3, "id", d->record.id,                 //
                          "camera", v->camera, "utc_offset_ns", (json_int_t) v->utc_offset_ns, //
                          "t_from_ns", (json_int_t) v->t_from_ns,                              //
                          "t_to_ns", (json_int_t) v->t_to_ns,                                  //
                          "stills", stills_to_json(d),                                         //
                          "passage", v->has_passage ? passage_to_json(&v->passage) : json_null(),
                          "noise", v->has_noise ? noise_to_json(&v->noise) : json_null(), //
                          "clip", d->clip, "sound", d->sound,                             //
                          "missing", d->missing);
    int r = add_json(d, "samples.json", "samples", o);
    if (r == 0)
        memcpy(d->samples_sha256, d->record.file[d->record.n_files - 1].sha256, CB_SHA256_LEN);
    return r;
}

static json_t *road_to_json(const struct cb_calibration_conf *c)
{
    json_t *points = json_array(), *distances = json_array();
    for (size_t i = 0; i < c->n_points; i++) {
        const struct cb_calibration_point *p = &c->points[i];
        json_array_append_new(
            points, json_pack("{s:[f, f], s:[f, f]}", "px", p->x_px, p->y_px, "m", p->x_m, p->y_m));
    }
    for (size_t i = 0; i < c->n_distances; i++) {
        const struct cb_calibration_distance *t = &c->distances[i];
        json_array_append_new(distances, json_pack("{s:[[f, f], [f, f]], s:f, s:b, s:f}", "px", t->x1_px,
                                                   t->y1_px, t->x2_px, t->y2_px, "m", t->length_m,
                                                   "along", (int) t->is_along, "u_m", t->u_m));
    }
    json_t *reference = c->reference_u > 0
                            ? json_pack("{s:f, s:f}", "factor", c->reference_factor, "u",
                                        c->reference_u)
                            : json_null();
    return json_pack("{s:o, s:o, s:o, s:f, s:f, s:s, s:s}", "points", points, "distances",
                     distances, "reference", reference, "k1", c->k1, "k2", c->k2, "certificate",
                     c->certificate, "calibrated_on", c->calibrated_on);
}

/* All that a level's judgement was made of. */
static json_t *noise_limits_to_json(const struct cb_noise_limits *l)
{
    json_t *schedule = json_array();
    for (size_t i = 0; i < l->n_periods; i++)
        json_array_append_new(schedule, json_pack("{s:i, s:i, s:i, s:f}", "from_s",
                                                  l->period[i].from_s, "to_s", l->period[i].to_s,
                                                  "days", (int) l->period[i].days, "dba",
                                                  l->period[i].limit));
    return json_pack("{s:o, s:o}", "default", real(l->default_dba), "schedule", schedule);
}

static json_t *microphone_to_json(const struct cb_microphone_conf *m)
{
    json_t *array = json_array();
    for (int i = 0; i < m->n_positions; i++)
        json_array_append_new(array, json_pack("[f, f, f]", m->position_m[i][0],
                                               m->position_m[i][1], m->position_m[i][2]));
    return json_pack("{s:o, s:o, s:o, s:s, s:f, s:f, s:f}", "sensitivity_dbfs_at_94db",
                     real(m->sensitivity_dbfs_at_94db), "limit_dba",
                     noise_limits_to_json(&m->limit), "array_m", array, "calibrated_on",
                     m->calibrated_on, "calibration_valid_days", m->calibration_valid_d,
                     "tolerance_db", m->tolerance_db, "instrument_u_db", m->instrument_u_db);
}

int cb_package_add_calibration(struct cb_package_draft *d)
{
    const struct cb_camera_conf *c = d->request->camera;
    json_t *zone = c->has_zone
                       ? json_pack("{s:f, s:f}", "y_min", c->zone_y_min_m, "y_max", c->zone_y_max_m)
                       : json_null();
    json_t *o = json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f}",     //
                          "type", "calibration", "version", 2, "camera", c->id,          //
                          "speed_limit_kmh", real(c->speed_limit_kmh),                   //
                          "tolerance_kmh", real(c->tolerance_kmh),                       //
                          "tolerance_percent", real(c->tolerance_percent), "zone", zone, //
                          "road", c->has_calibration ? road_to_json(&c->calibration) : json_null(),
                          "microphone",
                          c->has_microphone ? microphone_to_json(&c->microphone) : json_null(),
                          "wind_max_mps", c->weather.wind_max_mps, "rain_max_mm_h",
                          c->weather.rain_max_mm_h);
    return add_json(d, "calibration.json", "calibration", o);
}
