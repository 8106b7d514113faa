#include "schema/camera_state.h"

#include <errno.h>
#include <math.h>

#include "codec.h"

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *text(const char *s)
{
    return cb_json_text_or_null(s[0] ? s : NULL);
}

static json_t *state_to_json(const struct cb_camera_state *s, const char *node)
{
    const struct cb_camera_conf *c = s->conf;
    double limit_db = c->has_microphone ? cb_noise_limits_lowest(&c->microphone.limit) : NAN;
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:I}", //
                     "camera_id", c->id, "node", node, "name", c->name[0] ? c->name : c->id,          //
                     "road", text(c->road), "district", text(c->district),                            //
                     "lat", number(c->lat_deg), "lon", number(c->lon_deg),                            //
                     "bearing_deg", number(c->bearing_deg), "limit_kmh", number(c->speed_limit_kmh),  //
                     "limit_db", number(limit_db), "state", s->state, "fps", number(s->fps),          //
                     "last_frame_at",                                                                 //
                     s->last_frame_utc_ns ? cb_json_utc(s->last_frame_utc_ns) : json_null(),          //
                     "drift_px", number(s->drift_px), "level_db", number(s->level_db),                //
                     "n_dropped", (json_int_t) s->n_dropped);
}

int cb_camera_states_print(const struct cb_camera_state *s, size_t n, const char *node,
                           char **ret_json)
{
    json_t *all = json_array();
    for (size_t i = 0; all && i < n; i++)
        if (json_array_append_new(all, state_to_json(&s[i], node)) < 0) {
            json_decref(all);
            return -ENOMEM;
        }
    return cb_json_dump(all, false, ret_json, NULL);
}
