#include "exhaust.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "limits.h"
#include "scene.h"
#include "sound/classify.h"

#define STILL_STEP_NS  (400 * CB_NS_PER_MS) /* at 50 km/h 6 m: the vehicle has visibly moved */

void cb_exhaust_judge(const struct cb_camera_conf *conf, struct cb_noise *n)
{
    n->limit_db = cb_noise_limit_at_db(conf, cb_utc_of(conf, n->utc_offset_ns, n->t_peak_ns));
    n->charged_db = n->lafmax_db - n->background_correction_db -
                    fmax(conf->microphone.tolerance_db, n->lafmax_u95_db);
    if (isnan(n->lafmax_u95_db))
        n->charged_db = NAN; /* fmax would leave the NaN out */
    bool is_one = n->class_ == CB_NOISE_MODIFIED_EXHAUST && n->confidence >= CB_CALL_FROM &&
                  !n->voids && n->charged_db > n->limit_db;
    n->violation = is_one ? CB_MODIFIED_EXHAUST : CB_VIOLATION_NONE;
}

static enum cb_severity severity_of(double over_db)
{
    if (over_db >= 15)
        return CB_EXTREME;
    if (over_db >= 10)
        return CB_SERIOUS;
    return over_db >= 5 ? CB_MODERATE : CB_MINOR;
}

static const struct cb_fix *fix_near(const struct cb_scene_track *t, int64_t t_ns)
{
    const struct cb_fix *best = &t->fix[0];
    for (size_t i = 1; i < t->n; i++)
        if (llabs(t->fix[i].t_ns - t_ns) < llabs(best->t_ns - t_ns))
            best = &t->fix[i];
    return best;
}

static void wish_stills(const struct cb_noise *n, const struct cb_scene_track *track,
                        struct cb_violation *v)
{
    for (int i = 0; i < CB_STILLS_MAX; i++) {
        int64_t t_ns = n->t_peak_ns + (i - CB_STILLS_MAX / 2) * STILL_STEP_NS;
        struct cb_still_wish w = {.t_ns = t_ns};
        if (track && track->n) {
            const struct cb_fix *f = fix_near(track, t_ns);
            w = (struct cb_still_wish){.t_ns = f->t_ns, .box = f->box};
        }
        if (!v->n_stills || w.t_ns > v->still[v->n_stills - 1].t_ns)
            v->still[v->n_stills++] = w;
    }
}

void cb_exhaust_violation(const struct cb_noise *n, const struct cb_scene_track *track,
                          struct cb_violation *ret)
{
    *ret = (struct cb_violation){
        .kind = CB_MODIFIED_EXHAUST,
        .severity = severity_of(n->charged_db - n->limit_db),
        .t_ns = n->t_peak_ns,
        .utc_offset_ns = n->utc_offset_ns,
        .time_source = n->time_source,
        .track = n->track,
        .t_from_ns = n->t_start_ns,
        .t_to_ns = n->t_end_ns,
        .has_noise = true,
        .noise = *n,
    };
    memcpy(ret->camera, n->camera, sizeof ret->camera);
    wish_stills(n, track, ret);
}
