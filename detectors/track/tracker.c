#include "tracker.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "flank.h"

#define ACCEL_ALONG_MPS2  3.0
#define ACCEL_ACROSS_MPS2 1.0
#define SPEED_MAX_MPS     90.0
#define GATE              4.0  /* standard deviations */
#define GATE_M            1.0  /* beyond those: edges jump when shadows come and go */
#define ACROSS_GATE_M     1.6
#define CONFIRM_SEEN      4
#define CONFIRM_M         1.5  /* moved since it was first seen */
#define LOST_S            1.0
#define LOST_UNSURE_S     0.25 /* not confirmed */
#define WIDE_RATIO        1.6  /* a patch so much wider than the track holds two */
#define TWO_MIN_M         3.1  /* no two of whom one is a car are narrower together */
#define TWO_MAX_M         5.0  /* so broad a patch is never of one and its shadow alone, whatever it looks like */
#define WITHIN_M          0.3
#define BIRTH_WIDTH_M     0.3
#define SHADE_BESIDE_M    8.0  /* it is his shadow if somebody drives so near beside it, */
#define SHADE_ALONG_M     4.0  /* and so near along, or beside its length */
#define PART_BEHIND_M     6.0  /* what stands out behind a vehicle nearer than this is its own */
#define SOLID_MAX_M       3.5  /* no road user is broader, the rim of its shadow included */
#define HELD_UP_M         4.0  /* has moved no farther: its edge may have been that of what hid it */

struct cb_pair {
    double cost;
    int track, seen;
};

static int by_cost(const void *a, const void *b)
{
    const struct cb_pair *p = a, *q = b;
    if (p->cost != q->cost)
        return p->cost < q->cost ? -1 : 1;
    if (p->track != q->track) /* the older first: the same order on every machine */
        return p->track - q->track;
    return p->seen - q->seen;
}

static double sigma_along(const struct cb_observation *o)
{
    return fmax(0.15, o->sigma_px * o->m_per_px);
}

static double reach_along(const struct cb_track *t, const struct cb_observation *o, double dt_s)
{
    double s = sqrt(t->y.pxx + sigma_along(o) * sigma_along(o));
    return fmin(GATE * s + GATE_M, SPEED_MAX_MPS * fmax(dt_s, 0.01) + GATE_M);
}

static int list_pairs(struct cb_tracker *k, const struct cb_sight *s, size_t *ret_n)
{
    struct cb_tracker_scratch *c = &k->scratch;
    size_t n = 0;
    if (cb_grow((void **) &c->pair, &c->pair_cap, k->n * s->n, sizeof *c->pair) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < k->n; i++)
        for (size_t j = 0; j < s->n; j++) {
            const struct cb_track *t = &k->track[i];
            const struct cb_observation *o = &s->seen[j];
            double dt = cb_s_from_ns(s->t_ns - t->t_seen_ns);
            double dy = s->region->is_side ? cb_flank_miss(t, &s->region->side, o)
                                           : fabs(o->y_m - t->y.x) / reach_along(t, o, dt);
            double dx = fabs(o->x_m - t->x.x) / (ACROSS_GATE_M + 0.5 * t->width_m);
            if (dy < 1 && dx < 1)
                c->pair[n++] = (struct cb_pair){dy + dx + (t->id ? 0 : 10), (int) i, (int) j};
        }
    if (n)
        qsort(c->pair, n, sizeof *c->pair, by_cost);
    *ret_n = n;
    return 0;
}

static int clear_flags(bool **flags, size_t *cap, size_t n)
{
    if (cb_grow((void **) flags, cap, n + 1, sizeof **flags) < 0)
        return -ENOMEM;
    memset(*flags, 0, n + 1);
    return 0;
}

static bool holds_two(const struct cb_track *t, const struct cb_observation *o)
{
    return t->n_sized >= 4 && o->width_m > WIDE_RATIO * t->width_m &&
           o->width_m > t->width_m + 1.0;
}

/* Else it is one whose shadow now shows beside it, or who was half hidden when it was first seen. */
static bool is_broad_enough_for_two(const struct cb_observation *o)
{
    return o->width_m > TWO_MIN_M && !(o->width_m < TWO_MAX_M && o->body_m < TWO_MIN_M);
}

static bool is_within(const struct cb_track *t, const struct cb_observation *o)
{
    return fabs(t->x.x - o->x_m) + 0.5 * t->width_m < 0.5 * o->width_m + WITHIN_M;
}

/* For one road user, the shadow beside it left out. */
static bool is_too_broad(const struct cb_observation *o)
{
    return o->solid_m > SOLID_MAX_M && !(o->width_m < TWO_MAX_M && o->body_m < SOLID_MAX_M);
}

static int measure_own(struct cb_track *t, const struct cb_sight *s,
                       const struct cb_observation *o)
{
    if (s->region->is_side)
        return cb_flank_measure_own(t, s, o);
    if (o->is_cut_near) { /* the edge is the picture's, not the vehicle's */
        if (t->id || s->fg->light) /* else it has yet to come into view */
            t->t_seen_ns = s->t_ns;
        return 0;
    }
    double y;
    if (holds_two(t, o)) {
        bool is_two = s->fg->light || is_broad_enough_for_two(o);
        if ((is_two || is_within(t, o)) &&
            cb_contact_refine(s->fg, s->region, s->road, t->x.x, t->y.x, t->width_m, t->is_lit, &y) == 0 &&
            fabs(y - t->y.x) <= reach_along(t, o, 0.1))
            return cb_track_extend(t, s, o, t->x.x, y, true,
                                   o->is_lit || !is_two ? CB_PATCH_OWN : CB_PATCH_WIDE);
        if (is_two)
            return 0;
    }
    y = o->y_m;
    t->is_lit = o->is_lit;
    bool is_refined = cb_contact_refine(s->fg, s->region, s->road, o->x_m, o->y_m, o->width_m,
                                        o->is_lit, &y) == 0;
    if (o->is_lit && !is_refined) { /* a lamp, not the road before it */
        t->t_seen_ns = s->t_ns;
        return 0;
    }
    return cb_track_extend(t, s, o, o->x_m, y, is_refined,
                           is_too_broad(o) && !o->is_lit ? CB_PATCH_WIDE : CB_PATCH_OWN);
}

static bool is_in_box(const struct cb_track *t, const struct cb_sight *s,
                      const struct cb_observation *o)
{
    struct cb_vec2 px;
    if (cb_road_to_px(s->road, (struct cb_vec2){t->x.x, t->y.x}, &px) < 0)
        return false;
    float x = (float) px.x, y = (float) px.y, slack = 2.0f * (float) s->region->factor;
    return x > o->box.x - slack && x < o->box.x + o->box.w + slack && y > o->box.y - slack &&
           y < o->box.y + o->box.h + slack;
}

/* A track that got no patch of its own stands inside another's: both are in it. */
static int measure_shared(struct cb_tracker *k, size_t i, const struct cb_sight *s)
{
    struct cb_track *t = &k->track[i];
    for (size_t j = 0; j < s->n && t->id; j++) {
        const struct cb_observation *o = &s->seen[j];
        double y;
        if (!is_in_box(t, s, o))
            continue;
        if (s->region->is_side)
            return cb_flank_measure_shared(t, s, o);
        if (cb_contact_refine(s->fg, s->region, s->road, t->x.x, t->y.x, t->width_m, t->is_lit, &y) < 0 ||
            fabs(y - t->y.x) > reach_along(t, o, 0.1))
            continue;
        return cb_track_extend(t, s, o, t->x.x, y, true, CB_PATCH_ANOTHERS);
    }
    return 0;
}

/* Part of a road user that is followed already: its roof, say, apart from its lower half, or its
 * shadow, apart from it. */
static bool is_explained(const struct cb_tracker *k, const struct cb_observation *o, double near)
{
    for (size_t i = 0; i < k->n; i++) {
        const struct cb_track *t = &k->track[i];
        double behind = near * (o->y_m - t->y.x);
        double beside = fabs(o->x_m - t->x.x) - 0.5 * t->width_m;
        double reach = o->is_part ? PART_BEHIND_M : fmin(t->extent_m, 12) + 1;
        if (t->id && beside < 0.5 && behind > -2.5 && behind < reach)
            return true;
        if (t->id && beside < SHADE_BESIDE_M && behind > -SHADE_ALONG_M &&
            behind < fmin(t->extent_m, 12) + SHADE_ALONG_M && cb_track_is_shade(o))
            return true;
    }
    return false;
}

static bool is_new(const struct cb_tracker *k, const struct cb_observation *o, double near)
{
    bool is_too_wide = o->is_lit && o->width_m > SOLID_MAX_M;
    return !o->is_cut_near && !o->is_faint && !is_too_wide && o->span_m >= BIRTH_WIDTH_M &&
           !is_explained(k, o, near);
}

static int give_birth(struct cb_tracker *k, const struct cb_sight *s,
                      const struct cb_observation *o)
{
    if (!(s->region->is_side ? cb_flank_is_new(k, o) : is_new(k, o, s->region->near)))
        return 0;
    if (cb_grow((void **) &k->track, &k->cap, k->n + 1, sizeof *k->track) < 0)
        return -ENOMEM;
    struct cb_track *t = &k->track[k->n++];
    *t = (struct cb_track){
        .x = {.x = o->x_m, .pxx = 0.16, .pvv = 4}, .y = {.x = o->y_m, .pxx = 1, .pvv = 900},
        .t_first_ns = s->t_ns, .t_ns = s->t_ns, .t_seen_ns = s->t_ns, .y_first_m = o->y_m};
    return measure_own(t, s, o);
}

static void predict_all(struct cb_tracker *k, int64_t t_ns)
{
    for (size_t i = 0; i < k->n; i++) {
        struct cb_track *t = &k->track[i];
        double dt = cb_s_from_ns(t_ns - t->t_ns);
        cb_kalman_predict(&t->x, dt, ACCEL_ACROSS_MPS2);
        cb_kalman_predict(&t->y, dt, ACCEL_ALONG_MPS2);
        t->t_ns = t_ns;
    }
}

static void confirm_all(struct cb_tracker *k)
{
    for (size_t i = 0; i < k->n; i++) {
        struct cb_track *t = &k->track[i];
        if (!t->id && t->n_seen >= CONFIRM_SEEN && fabs(t->y.x - t->y_first_m) > CONFIRM_M)
            t->id = ++k->n_ids;
    }
}

static bool overlaps(const struct cb_box *a, const struct cb_box *b)
{
    return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

static bool was_held_up(const struct cb_track *t, const struct cb_sight *s,
                        const struct cb_observation *o)
{
    if (!t->id || !t->n || o->is_cut_near || o->is_faint || o->is_part)
        return false;
    const struct cb_track_point *last = &t->point[t->n - 1];
    double dt = cb_s_from_ns(s->t_ns - last->t_ns);
    return fabs(last->y_m - t->y_first_m) < HELD_UP_M &&
           fabs(o->y_m - last->y_m) < SPEED_MAX_MPS * dt + GATE_M &&
           fabs(o->x_m - t->x.x) < ACROSS_GATE_M + 0.5 * t->width_m &&
           overlaps(&o->box, &last->sample.box);
}

/*
 * Who comes out from behind a caption or a bush had the edge of that for its own, which hardly
 * moved; then its own runs away from what was expected. It is followed from there anew.
 */
static int restart(struct cb_track *t, const struct cb_sight *s, const struct cb_observation *o)
{
    t->y = (struct cb_kalman){.x = o->y_m, .pxx = 1, .pvv = 900};
    t->y_first_m = o->y_m;
    t->t_first_ns = s->t_ns;
    t->n = 0;
    t->n_seen = 0;
    t->n_sized = 0;
    t->is_judged = false; /* it seemed to roll back out of view, perhaps */
    return measure_own(t, s, o);
}

static int restart_held_up(struct cb_tracker *k, size_t i, const struct cb_sight *s, bool *is_taken)
{
    for (size_t j = 0; j < s->n; j++)
        if (!s->region->is_side && !is_taken[j] && was_held_up(&k->track[i], s, &s->seen[j])) {
            is_taken[j] = true;
            return restart(&k->track[i], s, &s->seen[j]);
        }
    return measure_shared(k, i, s);
}

int cb_tracker_add(struct cb_tracker *k, const struct cb_sight *s)
{
    predict_all(k, s->t_ns);
    struct cb_tracker_scratch *c = &k->scratch;
    size_t n_pairs, n_old = k->n;
    int r = list_pairs(k, s, &n_pairs);
    if (r < 0 || (r = clear_flags(&c->has_patch, &c->has_cap, k->n)) < 0 ||
        (r = clear_flags(&c->is_taken, &c->taken_cap, s->n)) < 0)
        return r;
    const struct cb_pair *pair = c->pair;
    bool *has_patch = c->has_patch, *is_taken = c->is_taken;
    for (size_t p = 0; p < n_pairs; p++) {
        int i = pair[p].track, j = pair[p].seen;
        if (has_patch[i] || is_taken[j])
            continue;
        has_patch[i] = is_taken[j] = true;
        if ((r = measure_own(&k->track[i], s, &s->seen[j])) < 0)
            return r;
    }
    for (size_t i = 0; i < n_old; i++)
        if (!has_patch[i] && (r = restart_held_up(k, i, s, is_taken)) < 0)
            return r;
    for (size_t j = 0; j < s->n; j++)
        if (!is_taken[j] && (r = give_birth(k, s, &s->seen[j])) < 0)
            return r;
    confirm_all(k);
    return 0;
}

bool cb_tracker_is_lost(const struct cb_track *t, int64_t t_ns, const struct cb_region *g)
{
    double unseen_s = cb_s_from_ns(t_ns - t->t_seen_ns);
    if (unseen_s > (t->id ? LOST_S : LOST_UNSURE_S))
        return true;
    return unseen_s > 0 && (t->y.x < g->y_min_m || t->y.x > g->y_max_m);
}

void cb_tracker_remove(struct cb_tracker *k, size_t i)
{
    cb_track_deinit(&k->track[i]);
    memmove(&k->track[i], &k->track[i + 1], (k->n - i - 1) * sizeof *k->track);
    k->n--;
}

void cb_tracker_clear(struct cb_tracker *k)
{
    while (k->n)
        cb_track_deinit(&k->track[--k->n]);
}

void cb_tracker_deinit(struct cb_tracker *k)
{
    cb_tracker_clear(k);
    free(k->track);
    free(k->scratch.pair);
    free(k->scratch.has_patch);
    free(k->scratch.is_taken);
    *k = (struct cb_tracker){0};
}
