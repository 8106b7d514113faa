#include "speeding.h"

#include <math.h>
#include <string.h>

#include "limits.h"

#define MPS_PER_KMH (1 / 3.6)
#define VAGUE_KMH   3.0  /* an interval wider than this … */
#define VAGUE_SHARE 0.08 /* … and than this share of the speed is no ground to accuse anyone */

static bool may_speed(enum cb_road_user u)
{
    return u != CB_PEDESTRIAN && u != CB_BICYCLE;
}

/* OIML R 91: a fixed value up to 100 km/h, a share above. */
static double tolerance_mps(const struct cb_camera_conf *conf, double speed_mps)
{
    double fixed = isfinite(conf->tolerance_kmh) ? conf->tolerance_kmh : 3;
    double percent = isfinite(conf->tolerance_percent) ? conf->tolerance_percent : 3;
    if (speed_mps <= 100 * MPS_PER_KMH)
        return fixed * MPS_PER_KMH;
    return fmax(percent / 100 * speed_mps, 0);
}

void cb_speeding_judge(const struct cb_camera_conf *conf, struct cb_passage *p)
{
    p->violation = CB_VIOLATION_NONE;
    p->charged_mps = NAN;
    p->limit_mps = cb_limit_of_kmh(conf, p) * MPS_PER_KMH;
    if (!isfinite(p->speed_mps) || !isfinite(p->u95_mps))
        return;
    p->charged_mps = fmax(0, p->speed_mps - fmax(tolerance_mps(conf, p->speed_mps), p->u95_mps));
    /* a comparison with a NaN limit is false */
    if (may_speed(p->road_user) && p->charged_mps > p->limit_mps)
        p->violation = CB_SPEEDING;
}

/* What wanders so much may have been two, one after the other: half a car, half the lorry before it. */
static bool is_vague(const struct cb_passage *p)
{
    return p->u95_mps > fmax(VAGUE_KMH * MPS_PER_KMH, VAGUE_SHARE * p->speed_mps);
}

void cb_speeding_judge_in_doubt(const struct cb_camera_conf *conf, struct cb_passage *p,
                                enum cb_road_user other)
{
    enum cb_road_user told = p->road_user;
    cb_speeding_judge(conf, p);
    /* a corner of a lorry, a gleam: whom no picture shows nobody accuses */
    if (told == CB_UNKNOWN || is_vague(p))
        p->violation = CB_VIOLATION_NONE;
    if (!p->violation || other == told)
        return;
    double limit_mps = p->limit_mps;
    p->road_user = other;
    bool is_milder = cb_limit_of_kmh(conf, p) * MPS_PER_KMH > limit_mps;
    if (is_milder)
        cb_speeding_judge(conf, p);
    p->road_user = told;
}

/* The fix nearest to the middle between first and last along the path. */
static size_t middle_of(const struct cb_passage *p)
{
    const struct cb_fix *a = p->path, *b = p->path + p->n_path - 1;
    double x = (a->x_m + b->x_m) / 2, y = (a->y_m + b->y_m) / 2, best = INFINITY;
    size_t at = 0;
    for (size_t i = 0; i < p->n_path; i++) {
        double d = hypot(p->path[i].x_m - x, p->path[i].y_m - y);
        if (d < best) {
            best = d;
            at = i;
        }
    }
    return at;
}

static void wish(struct cb_violation *v, const struct cb_fix *f)
{
    if (v->n_stills && v->still[v->n_stills - 1].t_ns == f->t_ns)
        return;
    v->still[v->n_stills++] = (struct cb_still_wish){.t_ns = f->t_ns, .box = f->box};
}

void cb_speeding_violation(const struct cb_camera_conf *conf, const struct cb_passage *p,
                           struct cb_violation *ret)
{
    struct cb_violation v = {.kind = CB_SPEEDING,
                             .utc_offset_ns = p->utc_offset_ns,
                             .time_source = p->time_source,
                             .track = p->track,
                             .t_ns = p->t_first_ns + (p->t_last_ns - p->t_first_ns) / 2,
                             .t_from_ns = p->t_first_ns,
                             .t_to_ns = p->t_last_ns,
                             .has_passage = true,
                             .passage = *p};
    memcpy(v.camera, p->camera, sizeof v.camera);
    v.severity = cb_severity_of(&conf->severity, p->charged_mps / p->limit_mps - 1);
    if (p->n_path) {
        const struct cb_fix *middle = &p->path[middle_of(p)];
        v.t_ns = middle->t_ns;
        wish(&v, &p->path[0]);
        wish(&v, middle);
        wish(&v, &p->path[p->n_path - 1]);
    }
    *ret = v;
}

void cb_speeding_emit(struct cb_detector *d, const struct cb_passage *p)
{
    struct cb_violation v;
    if (d->sink->on_passage)
        d->sink->on_passage(d->sink->self, p);
    if (!p->violation)
        return;
    cb_speeding_violation(d->conf, p, &v);
    cb_detector_accuse(d, &v);
}
