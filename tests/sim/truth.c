#include "truth.h"

#include <errno.h>
#include <jansson.h>

#define SAMPLE_EVERY_S 0.1
#define SAMPLES_NEAR_M 15.0 /* beyond both ends of the zone */

double sim_charged_kmh(double v)
{
    return v - (v > 100 ? 0.03 * v : 3);
}

/* Six decimals are microns and microseconds; more would only make the file long. */
static json_t *number(double v)
{
    return isfinite(v) ? json_real(floor(v * 1e6 + 0.5) / 1e6) : json_null();
}

static json_t *samples(const struct sim_vehicle *v)
{
    const struct sim_scene *s = v->scene;
    json_t *list = json_array();
    for (int i = 0; i * SAMPLE_EVERY_S < s->seconds; i++) {
        double t = i * SAMPLE_EVERY_S;
        struct vec3 p = sim_vehicle_contact(v, t);
        if (!sim_vehicle_exists(v, t) || p.y < s->zone_y_min_m - SAMPLES_NEAR_M ||
            p.y > s->zone_y_max_m + SAMPLES_NEAR_M)
            continue;
        json_t *one = json_array();
        json_array_append_new(one, number(t));
        json_array_append_new(one, number(p.x));
        json_array_append_new(one, number(p.y));
        json_array_append_new(list, one);
    }
    return list;
}

/* Mean speed between two times; NAN when it never crosses both ends of the zone. */
static double mean_kmh(const struct sim_vehicle *v, double a, double b)
{
    return (sim_vehicle_travelled_m(v, b) - sim_vehicle_travelled_m(v, a)) / (b - a) * 3.6;
}

static json_t *vehicle(const struct sim_vehicle *v)
{
    const struct sim_scene *s = v->scene;
    double near = sim_vehicle_time_at_y(v, s->zone_y_min_m);
    double far = sim_vehicle_time_at_y(v, s->zone_y_max_m);
    double enter = fmin(near, far), leave = fmax(near, far);
    if (isnan(near) || isnan(far) || !sim_vehicle_exists(v, enter) || !sim_vehicle_exists(v, leave))
        enter = leave = NAN;
    double kmh = mean_kmh(v, enter, leave);
    bool in_clip = enter >= 0 && leave <= s->seconds;
    json_t *o = json_object();
    json_object_set_new(o, "id", json_integer(v->id));
    json_object_set_new(o, "class", json_string(sim_class_names[v->conf->class]));
    json_object_set_new(o, "direction", json_string(sim_direction_names[v->direction]));
    json_object_set_new(o, "lane", v->conf->lane ? json_integer(v->conf->lane) : json_null());
    json_object_set_new(o, "dims_m",
                        json_pack("[o,o,o]", number(v->dims.length), number(v->dims.width),
                                  number(v->dims.height)));
    json_object_set_new(o, "speed_kmh", number(kmh));
    json_object_set_new(o, "t_zone_enter", number(enter));
    json_object_set_new(o, "t_zone_exit", number(leave));
    json_object_set_new(o, "in_clip", json_boolean(in_clip));
    json_object_set_new(o, "modified_exhaust", json_boolean(v->conf->modified_exhaust));
    json_object_set_new(o, "is_speeder",
                        json_boolean(in_clip && v->conf->class <= SIM_MOTORCYCLE &&
                                     sim_charged_kmh(kmh) > s->speed_limit_kmh));
    json_object_set_new(o, "contact",
                        json_string(v->direction == SIM_AWAY ? "rear_axle" : "front_axle"));
    double overhang = v->dims.length / 2 - fabs(v->contact_offset_m);
    json_object_set_new(o, "contact_to_bumper_m", number(overhang));
    json_object_set_new(o, "samples", samples(v));
    return o;
}

/* A tenth of a dB; silence, which has no level, as null. */
static json_t *own_levels(const struct sim_event *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->n_own; i++) {
        double db = floor((double) e->own_db[i] * 10 + 0.5) / 10;
        json_array_append_new(list, db > 0 ? json_real(db) : json_null());
    }
    return list;
}

static json_t *event(const struct sim_event *e)
{
    json_t *o = json_object();
    json_object_set_new(o, "type", json_string(e->type));
    json_object_set_new(o, "vehicle", e->vehicle ? json_integer(e->vehicle) : json_null());
    json_object_set_new(o, "t_start", number(e->t_start_s));
    json_object_set_new(o, "t_peak", number(e->t_peak_s));
    json_object_set_new(o, "t_end", number(e->t_end_s));
    json_object_set_new(o, "lafmax_db", number(e->lafmax_db));
    json_object_set_new(o, "lafmax_own_db", number(e->lafmax_own_db));
    json_object_set_new(o, "background_db", number(e->background_db));
    json_object_set_new(o, "azimuth_deg", number(e->azimuth_deg));
    json_object_set_new(o, "own_every_s", number(SIM_OWN_EVERY_S));
    json_object_set_new(o, "own_db", own_levels(e));
    return o;
}

static json_t *truth_json(const struct sim_scene *s, const struct sim_sound *sound,
                          const int64_t *pts, int n, int ticks)
{
    json_t *o = json_object(), *vehicles = json_array(), *events = json_array(),
           *times = json_array();
    for (size_t i = 0; i < s->n_vehicles; i++) {
        struct sim_vehicle v;
        sim_vehicle_init(&v, s, i);
        json_array_append_new(vehicles, vehicle(&v));
    }
    for (size_t i = 0; sound && i < sound->n_events; i++)
        json_array_append_new(events, event(&sound->event[i]));
    for (int i = 0; i < n; i++)
        json_array_append_new(times, number((double) pts[i] / ticks));
    json_object_set_new(o, "camera", json_string(s->id));
    json_object_set_new(o, "seed", json_integer((json_int_t) s->seed));
    json_object_set_new(o, "fps", number(s->video.fps));
    json_object_set_new(o, "seconds", number(s->seconds));
    json_object_set_new(o, "speed_limit_kmh", number(s->speed_limit_kmh));
    json_object_set_new(o, "lafmax_db", sound ? number(sound->lafmax_db) : json_null());
    json_object_set_new(o, "laeq_db", sound ? number(sound->laeq_db) : json_null());
    json_object_set_new(o, "zone",
                        json_pack("[o,o]", number(s->zone_y_min_m), number(s->zone_y_max_m)));
    json_object_set_new(o, "vehicles", vehicles);
    json_object_set_new(o, "events", events);
    json_object_set_new(o, "pts", times);
    return o;
}

int sim_truth_write(const struct sim_scene *s, const struct sim_sound *sound, const int64_t *pts,
                    int n, int ticks, const char *path, struct cb_error *reterr)
{
    json_t *o = truth_json(s, sound, pts, n, ticks);
    int r = json_dump_file(o, path, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
    json_decref(o);
    return r < 0 ? cb_error_set(reterr, -EIO, path, "cannot be written") : 0;
}
