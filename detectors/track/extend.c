#include "tracker.h"

#include <math.h>

#include "foot.h"
#include "mirror.h"

#define SHADE_SHARE 0.4 /* of the width is body, or it is a shadow … */
#define SIZE_MAX_M  4.5 /* across, shadow included: beyond it a sighting says nothing */

bool cb_track_is_shade(const struct cb_observation *o)
{
    return o->is_shade || o->solid_m < SHADE_SHARE * o->width_m;
}

static void note_size(struct cb_track *t, const struct cb_observation *o)
{
    double w = t->n_seen < 8 ? 0.3 : 0.1;
    if (t->n_seen == 0)
        w = 1;
    t->width_m += w * (o->width_m - t->width_m);
    if (isfinite(o->extent_m))
        t->extent_m += w * (o->extent_m - t->extent_m);
}

int cb_track_extend(struct cb_track *t, const struct cb_sight *s, const struct cb_observation *o,
                    double x_m, double y_m, bool is_refined, enum cb_patch patch)
{
    struct cb_vec2 px;
    if (cb_road_to_px(s->road, (struct cb_vec2){x_m, y_m}, &px) < 0)
        return 0;
    double sigma_px =
        (is_refined ? 0.5 : 1.2) * s->region->factor * (patch == CB_PATCH_OWN ? 1 : 2);
    cb_kalman_update(&t->y, y_m, fmax(0.15, sigma_px * o->m_per_px));
    cb_kalman_update(&t->x, x_m, 0.4);
    if ((patch == CB_PATCH_OWN && !o->is_part && o->width_m < SIZE_MAX_M) || t->n_seen == 0)
        note_size(t, o);
    double step = o->is_lit || s->region->is_side ? NAN : cb_foot_step(s, x_m, y_m);
    t->n_seen++;
    t->t_seen_ns = s->t_ns;
    struct cb_track_point p = {
        .t_ns = s->t_ns,
        .x_m = x_m,
        .y_m = y_m,
        .width_m = o->width_m,
        .extent_m = o->extent_m,
        .foot_step = step,
        .gap = step < CB_FOOT_STEP_MIN ? cb_mirror_gap(s, x_m, y_m) : (struct cb_gap){NAN, NAN, false},
        .solid_m = o->solid_m,
        .sample =
            {.t_ns = s->t_ns, .x_px = px.x, .y_px = px.y, .sigma_px = sigma_px, .box = o->box},
        .patch = patch,
        .is_dark = s->fg->light != NULL,
        .is_lit = t->is_lit,
        .is_shade = cb_track_is_shade(o),
        .is_cast_out = s->fg->shade != NULL,
        .is_whole = !o->is_cut,
        .side = o->side,
    };
    return cb_track_add(t, &p);
}
