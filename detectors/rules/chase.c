/*
 * Chase racing (追逐竞驶) and convoys: violations of vehicles that were near to each other become
 * one incident. Only who is a violator already is linked, so nobody who kept the rules is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/mem.h"
#include "base/sound.h"
#include "registry.h"
#include "scene.h"
#include "schema/violation.h"

#define OPEN_MAX       8
#define AROUND_NS      (1500 * CB_NS_PER_MS) /* of a track, about a sound's peak: a straight there */
#define EXTRAPOLATE_S  5.0 /* beyond that no constant speed says where a vehicle was */
#define MOVING_MIN_MPS 2.0
/* A passage is told of when the zone is left, a noise when its vehicle's passage is known: after
 * that long a violation of the same moment has come. */
#define TELLING_NS (10 * CB_NS_PER_S)

/* A vehicle's straight motion about one moment. */
struct motion {
    bool is_known;
    int64_t t_ns;
    double x_m, y_m, vx_mps, vy_mps;
};

struct open_incident {
    struct cb_incident sum;
    struct motion motion[CB_INCIDENT_MEMBERS_MAX];
    struct cb_still_wish wish[2 * CB_INCIDENT_MEMBERS_MAX];
    size_t n_wishes;
    struct cb_violation base; /* span and times; the first's */
    int64_t told_ns;          /* the last member's telling */
};

struct chase {
    struct open_incident *open[OPEN_MAX]; /* the oldest first */
    size_t n;
    int64_t now_ns; /* latest time of the stream */
};

/* The line through the fixes by least squares; constant speed. */
static struct motion motion_of(const struct cb_fix *fix, size_t n, int64_t t_ns)
{
    double st = 0, sx = 0, sy = 0, stt = 0, stx = 0, sty = 0, k = (double) n;
    for (size_t i = 0; i < n; i++) {
        double t = cb_s_from_ns(fix[i].t_ns - t_ns);
        st += t;
        sx += fix[i].x_m;
        sy += fix[i].y_m;
        stt += t * t;
        stx += t * fix[i].x_m;
        sty += t * fix[i].y_m;
    }
    double d = k * stt - st * st;
    if (n < 2 || !(d > 1e-9))
        return (struct motion){0};
    double vx = (k * stx - st * sx) / d, vy = (k * sty - st * sy) / d;
    return (struct motion){hypot(vx, vy) >= MOVING_MIN_MPS, t_ns, (sx - vx * st) / k,
                           (sy - vy * st) / k, vx, vy};
}

static struct motion motion_in_scene(const struct cb_scene *s, int64_t track, int64_t t_ns)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct cb_scene_track *t = &s->track[i];
        size_t from = 0, to = t->n;
        if (t->id != track)
            continue;
        while (from < to && t->fix[from].t_ns < t_ns - AROUND_NS)
            from++;
        while (to > from && t->fix[to - 1].t_ns > t_ns + AROUND_NS)
            to--;
        return motion_of(t->fix + from, to - from, t_ns);
    }
    return (struct motion){0};
}

static struct motion motion_in(const struct cb_scene *s, const struct cb_violation *v)
{
    if (v->has_passage && v->passage.n_path > 1)
        return motion_of(v->passage.path, v->passage.n_path, v->t_ns);
    return motion_in_scene(s, v->track, v->t_ns);
}

/* One passes where the other does so soon before or after it, so near to it, and the same way. */
static bool is_near(const struct cb_chase_conf *conf, const struct motion *a,
                    const struct motion *b)
{
    if (!a->is_known || !b->is_known || a->vx_mps * b->vx_mps + a->vy_mps * b->vy_mps <= 0)
        return false;
    double dt_s = cb_s_from_ns(b->t_ns - a->t_ns), slow_mps = fmin(hypot(a->vx_mps, a->vy_mps),
                                                                   hypot(b->vx_mps, b->vy_mps));
    double distance_m = hypot(a->x_m + a->vx_mps * dt_s - b->x_m, a->y_m + a->vy_mps * dt_s - b->y_m);
    return fabs(dt_s) <= EXTRAPOLATE_S && distance_m <= conf->distance_m &&
           distance_m / slow_mps <= conf->gap_s;
}

static bool has_track(const struct cb_incident *i, int64_t track)
{
    for (size_t k = 0; k < i->n_members; k++)
        if (i->member[k].track == track)
            return true;
    return false;
}

static struct open_incident *find(const struct chase *c, const struct cb_chase_conf *conf,
                                  const struct cb_violation *v, const struct motion *m)
{
    for (size_t i = c->n; i-- > 0;) {
        struct open_incident *o = c->open[i];
        if (o->sum.n_members == CB_INCIDENT_MEMBERS_MAX)
            continue;
        if (has_track(&o->sum, v->track))
            return o;
        for (size_t k = 0; k < o->sum.n_members; k++)
            if (is_near(conf, &o->motion[k], m))
                return o;
    }
    return NULL;
}

/* Different vehicles with a violation of at least this severity. */
static size_t count_grave(const struct cb_incident *i, int severity)
{
    size_t n = 0;
    for (size_t k = 0; k < i->n_members; k++) {
        bool is_again = (int) i->member[k].severity < severity;
        for (size_t j = 0; j < k; j++)
            is_again |= i->member[j].track == i->member[k].track &&
                        (int) i->member[j].severity >= severity;
        n += !is_again;
    }
    return n;
}

static int by_time(const void *a, const void *b)
{
    const struct cb_still_wish *p = a, *q = b;
    return (p->t_ns > q->t_ns) - (p->t_ns < q->t_ns);
}

/* The first picture, the last, and one between: what the incident was like. */
static void wish_stills(struct open_incident *o, struct cb_violation *ret)
{
    struct cb_still_wish *w = o->wish;
    size_t n = 0;
    qsort(w, o->n_wishes, sizeof *w, by_time);
    for (size_t i = 0; i < o->n_wishes; i++)
        if (!n || w[n - 1].t_ns != w[i].t_ns)
            w[n++] = w[i];
    for (size_t i = 0; i < n; i++)
        if (i == 0 || i == n / 2 || i == n - 1)
            ret->still[ret->n_stills++] = w[i];
}

static void tell(struct cb_detector *d, struct open_incident *o)
{
    const struct cb_sink *sink = d->sink;
    if (o->sum.n_vehicles < 2)
        return;
    if (sink->on_incident)
        sink->on_incident(sink->self, &o->sum);
    if (!o->sum.is_chase || !sink->on_violation)
        return;
    struct cb_violation v = o->base;
    v.kind = CB_CHASE_RACING;
    v.track = -1;
    v.incident = o->sum;
    v.severity = CB_MINOR;
    for (size_t k = 0; k < o->sum.n_members; k++)
        if (o->sum.member[k].severity > v.severity)
            v.severity = o->sum.member[k].severity;
    wish_stills(o, &v);
    sink->on_violation(sink->self, &v);
}

static void close_at(struct cb_detector *d, size_t i)
{
    struct chase *c = d->priv;
    tell(d, c->open[i]);
    free(c->open[i]);
    memmove(&c->open[i], &c->open[i + 1], (--c->n - i) * sizeof(struct open_incident *));
}

static void advance(struct cb_detector *d, int64_t t_ns)
{
    struct chase *c = d->priv;
    int64_t hold_ns = (int64_t) (d->conf->chase.gap_s * (double) CB_NS_PER_S) + TELLING_NS;
    c->now_ns = t_ns > c->now_ns ? t_ns : c->now_ns;
    for (size_t i = 0; i < c->n;)
        if (c->now_ns - c->open[i]->told_ns > hold_ns)
            close_at(d, i);
        else
            i++;
}

/* @return NULL: no memory; the violation then stands alone, without an incident */
static struct open_incident *begin(struct cb_detector *d, const struct cb_violation *v,
                                   const struct motion *m)
{
    struct chase *c = d->priv;
    const struct cb_chase_conf *conf = &d->conf->chase;
    if (c->n == OPEN_MAX)
        close_at(d, 0);
    struct open_incident *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->base = (struct cb_violation){.t_ns = v->t_ns, .utc_offset_ns = v->utc_offset_ns,
                                    .time_source = v->time_source, .t_from_ns = v->t_from_ns,
                                    .t_to_ns = v->t_to_ns};
    memcpy(o->base.camera, v->camera, sizeof o->base.camera);
    bool is_toward = v->has_passage ? v->passage.direction == CB_TOWARD : m->vy_mps < 0;
    o->sum = (struct cb_incident){.is_set = true, .utc_ns = v->t_ns + v->utc_offset_ns,
                                  .track = v->track, .direction = is_toward ? CB_TOWARD : CB_AWAY,
                                  .gap_s = conf->gap_s, .distance_m = conf->distance_m};
    c->open[c->n++] = o;
    return o;
}

static struct cb_incident_member member_of(const struct cb_violation *v)
{
    bool is_sound = v->kind == CB_MODIFIED_EXHAUST;
    return (struct cb_incident_member){
        .kind = v->kind,
        .severity = v->severity,
        .track = v->track,
        .t_ns = v->t_ns,
        .charged = is_sound ? v->noise.charged_db : cb_kmh_from_mps(v->passage.charged_mps),
        .limit = is_sound ? v->noise.limit_db : cb_kmh_from_mps(v->passage.limit_mps),
    };
}

static void add(struct open_incident *o, const struct cb_chase_conf *conf,
                const struct cb_violation *v, const struct motion *m)
{
    struct cb_incident *s = &o->sum;
    s->n_vehicles += !has_track(s, v->track);
    o->motion[s->n_members] = *m;
    s->member[s->n_members++] = member_of(v);
    s->is_chase = count_grave(s, conf->severity) >= 2;
    if (v->t_from_ns < o->base.t_from_ns)
        o->base.t_from_ns = v->t_from_ns;
    if (v->t_to_ns > o->base.t_to_ns)
        o->base.t_to_ns = v->t_to_ns;
    if (v->n_stills) {
        o->wish[o->n_wishes++] = v->still[0];
        o->wish[o->n_wishes++] = v->still[v->n_stills - 1];
    }
}

static void on_violation(struct cb_detector *d, struct cb_violation *v)
{
    struct chase *c = d->priv;
    if (v->track < 0)
        return;
    advance(d, v->t_to_ns);
    struct motion m = motion_in(d->scene, v);
    struct open_incident *o = find(c, &d->conf->chase, v, &m);
    if (!o)
        o = begin(d, v, &m);
    if (!o)
        return;
    add(o, &d->conf->chase, v, &m);
    o->told_ns = c->now_ns;
    v->incident = o->sum;
}

static int init(struct cb_detector *d)
{
    ((struct chase *) d->priv)->now_ns = INT64_MIN;
    return 0;
}

static int on_frame(struct cb_detector *d, const struct cb_frame *f)
{
    advance(d, cb_frame_picture(f)->t_ns);
    return 0;
}

static int on_sound(struct cb_detector *d, const struct cb_sound *s)
{
    if (d->scene->t_ns == INT64_MIN) /* else the pictures keep the time: sound may run ahead */
        advance(d, cb_sound_samples(s)->t_ns);
    return 0;
}

static int flush(struct cb_detector *d)
{
    while (((struct chase *) d->priv)->n)
        close_at(d, 0);
    return 0;
}

static void deinit(struct cb_detector *d)
{
    struct chase *c = d->priv;
    for (size_t i = 0; i < c->n; i++)
        free(c->open[i]);
}

const struct cb_detector_info cb_detector_chase = {
    .name = "chase",
    .priv_size = sizeof(struct chase),
    .init = init,
    .on_frame = on_frame,
    .on_sound = on_sound,
    .on_violation = on_violation,
    .flush = flush,
    .deinit = deinit,
};
