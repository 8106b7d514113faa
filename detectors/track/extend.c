#include "tracker.h"

#include <math.h>

#include "base/clock.h"
#include "foot.h"
#include "lamp.h"
#include "mirror.h"

#define SHADE_SHARE 0.4 /* of the width is body, or it is a shadow … */
#define SIZE_MAX_M  4.5 /* across, shadow included: beyond it a sighting says nothing */
#define SHORTER     0.5  /* so fast a patch that gets shorter is believed */
#define YOUNG_SEEN  8   /* sightings: the first may have been of half a vehicle, at the picture's border … */
#define YOUNG_GATE  3   /* … if the next are so many standard deviations off */
#define TURN_SHARE  0.5 /* of its speed before: so fast the other way now, … */
#define STOOD_SHARE 0.3 /* … or of its speed now, so slow before */

bool cb_track_is_shade(const struct cb_observation *o)
{
    return o->is_shade || o->solid_m < SHADE_SHARE * o->width_m;
}

static void note_size(struct cb_track *t, const struct cb_observation *o)
{
    double w = t->n_sized < 8 ? 0.3 : 0.1;
    if (t->n_sized == 0)
        w = 1;
    t->width_m += w * (o->width_m - t->width_m);
    if (!isfinite(o->extent_m))
        return;
    if (t->n_sized && o->extent_m < t->extent_m) /* before, another was in the same patch behind it */
        w = fmax(w, SHORTER);
    t->extent_m += w * (o->extent_m - t->extent_m);
}

/* Who seemed to stand, to roll back or to race as it came into view does not go on so; what was seen till
 * then was another place of it, or another. */
static void doubt_if_off(struct cb_track *t, double y_m, double sigma_m, double dt_s)
{
    double miss = fabs(y_m - t->y.x);
    if (t->n_seen < 2 || t->n_seen > YOUNG_SEEN || !(dt_s > 0) || t->n == 0 ||
        miss < YOUNG_GATE * sqrt(t->y.pxx + sigma_m * sigma_m))
        return;
    double was_mps = t->y.v, is_mps = (y_m - t->point[t->n - 1].y_m) / dt_s;
    t->y.pxx += miss * miss;
    t->y.pvv += miss * miss / (dt_s * dt_s);
    bool has_turned = was_mps * is_mps < 0 && fabs(is_mps) > TURN_SHARE * fabs(was_mps);
    if (!has_turned && fabs(was_mps) > STOOD_SHARE * fabs(is_mps))
        return; /* one ragged edge */
    t->y_first_m = y_m;
    t->n = 0;
}

static struct cb_gap gap_at(const struct cb_sight *s, const struct cb_observation *o, double x_m,
                            double y_m, double step)
{
    if (s->fg->light && !s->region->is_side)
        return cb_lamp_pair(s, x_m, y_m, o->width_m);
    return step < CB_FOOT_STEP_MIN ? cb_mirror_gap(s, x_m, y_m) : (struct cb_gap){NAN, NAN, false};
}

int cb_track_extend(struct cb_track *t, const struct cb_sight *s, const struct cb_observation *o,
                    double x_m, double y_m, bool is_refined, enum cb_patch patch)
{
    struct cb_vec2 px;
    if (cb_road_to_px(s->road, (struct cb_vec2){x_m, y_m}, &px) < 0)
        return 0;
    double sigma_px =
        (is_refined ? 0.5 : 1.2) * s->region->factor * (patch == CB_PATCH_OWN ? 1 : 2);
    double sigma_m = fmax(0.15, sigma_px * o->m_per_px);
    if (!s->fg->light) /* one follows now a lamp, now its light; they are told apart later */
        doubt_if_off(t, y_m, sigma_m, cb_s_from_ns(s->t_ns - t->t_seen_ns));
    cb_kalman_update(&t->y, y_m, sigma_m);
    cb_kalman_update(&t->x, x_m, 0.4);
    bool is_sized =
        patch == CB_PATCH_OWN && !o->is_part && !o->is_cut_aside && o->width_m < SIZE_MAX_M;
    if (is_sized || t->n_seen == 0)
        note_size(t, o);
    t->n_sized += is_sized;
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
        .gap = gap_at(s, o, x_m, y_m, step),
        .solid_m = o->solid_m,
        .sample =
            {.t_ns = s->t_ns, .x_px = px.x, .y_px = px.y, .sigma_px = sigma_px, .box = o->box},
        .patch = patch,
        .is_dark = s->fg->light != NULL,
        .is_lit = t->is_lit,
        .is_shade = cb_track_is_shade(o),
        .is_cast_out = s->fg->shade != NULL,
        .is_part = o->is_part,
        .is_whole = !o->is_cut,
        .side = o->side,
    };
    return cb_track_add(t, &p);
}
