#include "scene.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

void cb_scene_init(struct cb_scene *s)
{
    *s = (struct cb_scene){.t_ns = INT64_MIN, .keep_ns = 30 * CB_NS_PER_S};
}

static void forget(struct cb_scene_track *t)
{
    free(t->fix);
    if (t->passage)
        cb_passage_deinit(t->passage);
    free(t->passage);
}

void cb_scene_clear(struct cb_scene *s)
{
    for (size_t i = 0; i < s->n; i++)
        forget(&s->track[i]);
    s->n = 0;
}

void cb_scene_deinit(struct cb_scene *s)
{
    cb_scene_clear(s);
    free(s->track);
    s->track = NULL;
    s->cap = 0;
}

static bool is_old(const struct cb_scene *s, const struct cb_scene_track *t)
{
    return t->n && t->fix[t->n - 1].t_ns < s->t_ns - s->keep_ns;
}

void cb_scene_advance(struct cb_scene *s, int64_t t_ns)
{
    s->t_ns = t_ns;
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (is_old(s, &s->track[i]))
            forget(&s->track[i]);
        else
            s->track[kept++] = s->track[i];
    }
    s->n = kept;
}

static struct cb_scene_track *find(const struct cb_scene *s, int64_t id)
{
    for (size_t i = s->n; i-- > 0;)
        if (s->track[i].id == id)
            return &s->track[i];
    return NULL;
}

const struct cb_scene_track *cb_scene_find(const struct cb_scene *s, int64_t id)
{
    return find(s, id);
}

static struct cb_scene_track *find_or_make(struct cb_scene *s, int64_t id)
{
    struct cb_scene_track *known = find(s, id);
    if (known)
        return known;
    if (cb_grow((void **) &s->track, &s->cap, s->n + 1, sizeof *s->track) < 0)
        return NULL;
    struct cb_scene_track *t = &s->track[s->n++];
    *t = (struct cb_scene_track){.id = id};
    return t;
}

int cb_scene_add(struct cb_scene *s, int64_t id, enum cb_road_user u, const struct cb_fix *fix)
{
    struct cb_scene_track *t = find_or_make(s, id);
    if (!t || cb_grow((void **) &t->fix, &t->cap, t->n + 1, sizeof *t->fix) < 0)
        return -ENOMEM;
    t->road_user = u;
    t->fix[t->n++] = *fix;
    return 0;
}

int cb_scene_add_passage(struct cb_scene *s, int64_t id, const struct cb_passage *p)
{
    struct cb_scene_track *t = find(s, id);
    if (!t || t->passage)
        return 0;
    CB_AUTO_FREE struct cb_passage *copy = calloc(1, sizeof *copy);
    int r = copy ? cb_passage_copy(p, copy) : -ENOMEM;
    if (r < 0)
        return r;
    t->passage = copy;
    copy = NULL;
    return 0;
}

void cb_scene_end(struct cb_scene *s, int64_t id)
{
    struct cb_scene_track *t = find(s, id);
    if (t)
        t->is_over = true;
}

int cb_scene_position(const struct cb_scene_track *t, int64_t t_ns, double *ret_x_m,
                      double *ret_y_m)
{
    if (!t->n || t_ns < t->fix[0].t_ns || t_ns > t->fix[t->n - 1].t_ns)
        return -ENODATA;
    size_t lo = 0, hi = t->n - 1;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->fix[mid].t_ns <= t_ns)
            lo = mid;
        else
            hi = mid;
    }
    const struct cb_fix *a = &t->fix[lo], *b = &t->fix[hi];
    double w = b->t_ns > a->t_ns ? (double) (t_ns - a->t_ns) / (double) (b->t_ns - a->t_ns) : 0;
    *ret_x_m = a->x_m + w * (b->x_m - a->x_m);
    *ret_y_m = a->y_m + w * (b->y_m - a->y_m);
    return 0;
}
