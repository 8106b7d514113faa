#include "contact.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cast.h"
#include "column.h"
#include "speed/numeric.h"

#define NEAR_SHARE     0.12 /* of the columns may lie nearer than the near edge: fringes */
#define FRONT_M        0.8  /* what of the lower edge counts as the near end */
#define STRIP_M        0.8  /* upright, above the near edge: what tells a body from its shadow */
#define STRIP_MIN_PX   6
#define STRIP_MAX_PX   64
#define SHADE_MIN      0.25 /* a shadow's luma against the lit road's, */
#define SHADE_MAX      0.95
#define LAMP_MIN       2    /* in so many columns */
#define POOL_M         2.0  /* before the near edge light of … */
#define POOL_PX        3
#define POOL_LEVELS    30   /* … this much over the road is its own pool */
#define GAP_M          0.7  /* across: two columns farther apart are of two fronts */
#define JUMP_M         2.5  /* between two columns: they belong to two … */
#define JUMP_PX        4    /* … the raggedness of the edge apart */
#define PART_WIDTH_M   0.5  /* so much of its lower edge shows of who stands beside or behind another, */
#define LIT_WIDTH_M    1.0  /* … by lamplight: less is a lamp's gleam */
#define FLAT_M         0.5 /* along, within one foot … */
#define FLAT_PX        1.5 /* … and the raggedness of its edge */
#define FRONT_MAX_M    3.0 /* across; broader are two whose gap is not seen */
#define APART_M        3.0 /* from one's outer side to the other's */
#define SLOPE_MAX      2.4  /* seen from the side: beyond it both ends are seen too flatly */
#define PART_BEHIND_M  3.5
#define SHADE_SPREAD   0.2  /* and how even it is, */
#define ALIKE_SHARE    0.7  /* … or so much of it, … */
#define KEPT_SHARE     0.3  /* … where so much of the road's texture shows beneath all of it */

static int by_along(const void *a, const void *b)
{
    const struct cb_column *p = a, *q = b;
    return (p->a_m > q->a_m) - (p->a_m < q->a_m);
}

/* A column is shadow when it darkens what was there evenly all the way up. */
static bool is_shade(const struct cb_foreground *fg, const struct cb_column *c, int n_px)
{
    double lo = HUGE_VAL, hi = 0;
    if (fg->shade)
        return false;
    for (int y = c->y_px - 2; y > c->y_px - n_px && y >= 0; y--) { /* not the blurred rim */
        size_t i = (size_t) y * (size_t) fg->w + (size_t) c->x_px;
        double ratio = fg->img[i] * 256.0 / fmax(fg->bg[i], 256);
        lo = fmin(lo, ratio);
        hi = fmax(hi, ratio);
    }
    return lo > SHADE_MIN && hi < SHADE_MAX && hi - lo < SHADE_SPREAD;
}

/* How the road's texture shows in what darkens it. */
struct beneath {
    double kept, texture; /* levels² */
};

/*
 * Or most of it does: a line or a kerb in the shadow, beside where it was as the picture sways. Adds
 * to ret what is to be seen of the road there: a body as dark keeps nothing of it.
 */
static bool is_mostly_shade(const struct cb_foreground *fg, const struct cb_column *c, int n_px,
                            struct beneath *ret)
{
    double is[STRIP_MAX_PX], was[STRIP_MAX_PX], ratio[STRIP_MAX_PX], sum = 0, sum_was = 0;
    int n = 0, n_alike = 0;
    for (int y = c->y_px - 2; y > c->y_px - n_px && y >= 0 && n < STRIP_MAX_PX; y--) {
        size_t i = (size_t) y * (size_t) fg->w + (size_t) c->x_px;
        if (!fg->mask[i])
            continue;
        is[n] = fg->img[i] - fg->black;
        was[n] = fmax(fg->bg[i] / 256.0 - fg->black, 1);
        sum += is[n];
        sum_was += was[n];
        ratio[n] = is[n] / was[n];
        n++;
    }
    double middle = n && !fg->shade ? cb_median(ratio, (size_t) n) : 0;
    if (!(middle > SHADE_MIN && middle < SHADE_MAX))
        return false;
    for (int i = 0; i < n; i++)
        n_alike += fabs(is[i] / was[i] - middle) < 0.5 * SHADE_SPREAD;
    for (int i = 0; i < n; i++) {
        double b = was[i] - sum_was / n;
        ret->kept += (is[i] - sum / n) * b / middle;
        ret->texture += b * b;
    }
    return n_alike >= ALIKE_SHARE * n;
}

/* How much of the near end is body; NaN where the strip is too small to tell. */
static void solid_width(const struct cb_foreground *fg, const struct cb_column *c, int n,
                        double a_max_m, double m_per_px, struct cb_observation *o)
{
    int n_px = (int) (STRIP_M / m_per_px), n_near = 0, n_shade = 0, n_mostly = 0;
    struct beneath all = {0};
    o->solid_m = o->body_m = NAN;
    for (int i = 0; i < n && c[i].a_m < a_max_m && n_px >= STRIP_MIN_PX; i++) {
        struct beneath of = {0};
        n_near++;
        n_shade += is_shade(fg, &c[i], n_px);
        if (!is_mostly_shade(fg, &c[i], n_px, &of))
            continue;
        n_mostly++;
        all.kept += of.kept;
        all.texture += of.texture;
    }
    if (n_near == 0)
        return;
    o->solid_m = o->width_m * (n_near - n_shade) / n_near;
    if (all.kept > KEPT_SHARE * all.texture)
        o->body_m = fmin(o->solid_m, o->width_m * (n_near - n_mostly) / n_near);
}

static void near_end(const struct cb_column *c, int n, const struct cb_foreground *fg,
                     const struct cb_region *g, const struct cb_road *road,
                     struct cb_observation *o)
{
    struct cb_vec2 px;
    double j[4];
    double a = c[(int) (NEAR_SHARE * (n - 1))].a_m, lo = HUGE_VAL, hi = -HUGE_VAL;
    for (int i = 0; i < n && c[i].a_m < a + FRONT_M; i++) {
        lo = fmin(lo, c[i].x_m);
        hi = fmax(hi, c[i].x_m);
    }
    o->x_m = 0.5 * (lo + hi);
    o->y_m = g->near * a;
    o->width_m = hi - lo;
    o->solid_m = o->body_m = NAN;
    if (cb_road_to_px(road, (struct cb_vec2){o->x_m, o->y_m}, &px) < 0 ||
        cb_road_jacobian(road, px, j) < 0)
        return;
    double across_m = hypot(j[0], j[2]) * g->factor;
    o->m_per_px = hypot(j[2], j[3]);
    int x0 = c[0].x_px, x1 = c[0].x_px;
    for (int i = 1; i < n; i++) {
        x0 = c[i].x_px < x0 ? c[i].x_px : x0;
        x1 = c[i].x_px > x1 ? c[i].x_px : x1;
    }
    o->span_m = (x1 - x0 + 1) * across_m;
    o->width_m += across_m; /* from the middles of its outermost pixels to their ends */
    solid_width(fg, c, n, a + FRONT_M, across_m, o);
}

/* A headlights' pool lies before the column's lowest pixel. */
static bool is_before_light(const struct cb_foreground *fg, const struct cb_column *c)
{
    int y_end = c->y_px + (int) (POOL_M / c->px_m) + POOL_PX;
    for (int y = c->y_px + 1; y <= y_end && y < fg->h; y++) {
        size_t i = (size_t) y * (size_t) fg->w + (size_t) c->x_px;
        if (fg->light[i] && fg->img[i] - fg->bg[i] / 256 > POOL_LEVELS)
            return true;
    }
    return false;
}

static bool is_lit(const struct cb_foreground *fg, const struct cb_column *c, int n)
{
    int n_near = 0, n_lit = 0;
    for (int i = 0; i < n && fg->light && c[i].a_m < c[0].a_m + FRONT_M; i++) {
        n_near++;
        n_lit += is_before_light(fg, &c[i]);
    }
    return 2 * n_lit > n_near;
}

static void size_up(const struct cb_blob *b, const struct cb_region *g, const struct cb_road *road,
                    struct cb_observation *o)
{
    struct cb_vec2 p0 = cb_region_to_full(g, b->x0 - 0.5, b->y0 - 0.5);
    struct cb_vec2 p1 = cb_region_to_full(g, b->x1 - 0.5, b->y1 - 0.5), top;
    o->box = (struct cb_box){(float) p0.x, (float) p0.y, (float) (p1.x - p0.x),
                             (float) (p1.y - p0.y)};
    o->extent_m = cb_road_from_px(road, (struct cb_vec2){0.5 * (p0.x + p1.x), p0.y}, &top) < 0
                      ? HUGE_VAL
                      : g->near * (top.y - o->y_m);
    int border = 2;
    o->is_cut_near = b->y1 >= g->h - border;
    o->is_cut_aside = b->x0 <= border || b->x1 >= g->w - border;
    o->is_cut = o->is_cut_near || o->is_cut_aside || b->y0 <= border;
}

/* One road user from the columns of its lower edge, which are sorted by this. */
static int observe(struct cb_column *c, int n, const struct cb_foreground *fg,
                   const struct cb_region *g, const struct cb_road *road,
                   struct cb_observation *ret)
{
    if (n < 2)
        return -EDOM;
    qsort(c, (size_t) n, sizeof *c, by_along);
    struct cb_observation o = {.m_per_px = 0.1, .sigma_px = 1.2 * g->factor};
    near_end(c, n, fg, g, road, &o);
    o.is_lit = is_lit(fg, c, n);
    if (!(o.x_m > g->x_min_m && o.x_m < g->x_max_m && o.y_m > g->y_min_m && o.y_m < g->y_max_m))
        return -EDOM;
    *ret = o;
    return 0;
}

/* Columns up to the next jump in depth: from one road user's lower edge to that of another. */
static int until_jump(const struct cb_column *c, int n)
{
    int i = 1;
    while (i < n && fabs(c[i].a_m - c[i - 1].a_m) < JUMP_M + JUMP_PX * c[i].px_m)
        i++;
    return i;
}

static void crop(struct cb_observation *o, const struct cb_column *c, int n,
                 const struct cb_region *g)
{
    int x0 = c[0].x_px, x1 = c[0].x_px, y1 = c[0].y_px;
    for (int i = 1; i < n; i++) {
        x0 = c[i].x_px < x0 ? c[i].x_px : x0;
        x1 = c[i].x_px > x1 ? c[i].x_px : x1;
        y1 = c[i].y_px > y1 ? c[i].y_px : y1;
    }
    struct cb_vec2 from = cb_region_to_full(g, x0 - 0.5, 0), to = cb_region_to_full(g, x1 + 0.5,
                                                                                   y1 + 0.5);
    o->box.x = (float) from.x;
    o->box.w = (float) (to.x - from.x);
    o->box.h = (float) to.y - o->box.y;
}

/*
 * The lower edge of a patch that holds several road users one behind the other jumps away from
 * the camera where the nearer one ends. Each stretch as broad as a vehicle is one.
 */
static int split(struct cb_column *c, int n, const struct cb_foreground *fg,
                 const struct cb_region *g, const struct cb_road *road, double top_px,
                 struct cb_observation *ret)
{
    int n_ret = 0;
    double least_m = fg->light ? LIT_WIDTH_M : PART_WIDTH_M;
    for (int i = 0; i < n && n_ret < CB_CONTACTS_MAX;) {
        int len = until_jump(c + i, n - i);
        struct cb_observation o;
        if (observe(c + i, len, fg, g, road, &o) == 0 && o.width_m > least_m) {
            o.box.y = (float) top_px;
            crop(&o, c + i, len, g);
            ret[n_ret++] = o;
        }
        i += len;
    }
    return n_ret;
}

/* Columns whose lower edge lies at one distance, as a bumper's does: the foot of an end. */
struct front {
    int from, n;
    double lo_m, hi_m; /* across */
};

static struct front grow_front(const struct cb_column *c, int n, int seed)
{
    double far = c[seed].a_m + FLAT_M + FLAT_PX * c[seed].px_m;
    struct front f = {.from = seed, .n = 1};
    for (int i = seed; i > 0 && c[i - 1].a_m < far && fabs(c[i - 1].x_m - c[i].x_m) < GAP_M; i--) {
        f.from--;
        f.n++;
    }
    for (int i = seed + 1; i < n && c[i].a_m < far && fabs(c[i].x_m - c[i - 1].x_m) < GAP_M; i++)
        f.n++;
    double x0 = c[f.from].x_m, x1 = c[f.from + f.n - 1].x_m;
    f.lo_m = fmin(x0, x1) - 0.5 * c[seed].across_m;
    f.hi_m = fmax(x0, x1) + 0.5 * c[seed].across_m;
    return f;
}

static bool is_body_front(const struct cb_foreground *fg, const struct cb_column *c,
                          const struct front *f)
{
    struct beneath all = {0};
    int n_shade = 0;
    for (int i = f->from; i < f->from + f->n; i++)
        n_shade += is_mostly_shade(fg, &c[i], (int) (STRIP_M / c[i].across_m), &all);
    return 2 * n_shade < f->n;
}

/* No road user is as broad as the two together. */
static bool is_apart(const struct front *f, const struct front *of)
{
    return fmax(f->hi_m, of->hi_m) - fmin(f->lo_m, of->lo_m) > APART_M &&
           (f->lo_m > of->hi_m || f->hi_m < of->lo_m);
}

/* The ends that show their foot in a patch, from the nearest on, c by column. @return how many */
static int find_fronts(const struct cb_foreground *fg, const struct cb_column *c, int n,
                       struct front ret[CB_CONTACTS_MAX])
{
    bool is_used[CB_COLUMNS_MAX] = {false};
    int n_ret = 0;
    for (;;) {
        int seed = -1;
        for (int i = 0; i < n; i++)
            if (!is_used[i] && (seed < 0 || c[i].a_m < c[seed].a_m))
                seed = i;
        if (seed < 0 || n_ret == CB_CONTACTS_MAX)
            return n_ret;
        struct front f = grow_front(c, n, seed);
        memset(&is_used[f.from], true, (size_t) f.n);
        bool is_new = f.hi_m - f.lo_m > PART_WIDTH_M && f.hi_m - f.lo_m < FRONT_MAX_M;
        for (int k = 0; k < n_ret && is_new; k++)
            is_new = is_apart(&f, &ret[k]);
        if (is_new && is_body_front(fg, c, &f))
            ret[n_ret++] = f;
    }
}

/* Road users side by side in one patch, each where its own end stands. @return how many */
static int observe_fronts(const struct cb_column *c, int n, const struct cb_foreground *fg,
                          const struct cb_region *g, const struct cb_road *road, double top_px,
                          struct cb_observation ret[CB_CONTACTS_MAX])
{
    struct front front[CB_CONTACTS_MAX];
    struct cb_column copy[CB_COLUMNS_MAX];
    int n_fronts = find_fronts(fg, c, n, front), n_ret = 0;
    for (int k = 0; k < n_fronts; k++) {
        struct cb_observation o;
        memcpy(copy, c + front[k].from, (size_t) front[k].n * sizeof *copy);
        if (observe(copy, front[k].n, fg, g, road, &o) < 0)
            continue;
        o.box.y = (float) top_px;
        crop(&o, copy, front[k].n, g);
        o.is_part = n_ret > 0;
        o.is_cut = true;
        o.extent_m = HUGE_VAL;
        o.is_cut_near = o.box.y + o.box.h > cb_region_to_full(g, 0, g->h - 2.5).y;
        ret[n_ret++] = o;
    }
    return n_ret;
}

/* Of a front that is a body beside a near end that may be one, or a shadow: a dark tail is as even. */
static bool stands_beside(const struct cb_observation *o, const struct cb_observation *near)
{
    double apart = fabs(o->x_m - near->x_m), half = 0.5 * (o->width_m + near->width_m);
    return apart > half && apart + half > APART_M;
}

static bool is_same_front(const struct cb_column *p, const struct cb_column *q)
{
    return p->glow == q->glow && fabs(q->x_m - p->x_m) < GAP_M &&
           fabs(q->a_m - p->a_m) < 0.5 * JUMP_M + JUMP_PX * q->px_m;
}

/*
 * A patch of headlights: each stretch of columns beneath lamps is a vehicle that stands in its
 * own light. Others in the light may be ones that are followed already, but nobody new.
 */
static int lit_fronts(struct cb_column *c, int n, const struct cb_foreground *fg,
                      const struct cb_region *g, const struct cb_road *road, double top_px,
                      struct cb_observation ret[CB_CONTACTS_MAX])
{
    int n_ret = 0;
    for (int i = 0, len; i < n && n_ret < CB_CONTACTS_MAX; i += len) {
        int n_lamps = c[i].has_lamp;
        for (len = 1; i + len < n && is_same_front(&c[i + len - 1], &c[i + len]); len++)
            n_lamps += c[i + len].has_lamp;
        struct cb_observation o;
        bool is_body = c[i].glow == CB_GLOW_BODY;
        if ((is_body && n_lamps < LAMP_MIN) || observe(c + i, len, fg, g, road, &o) < 0 ||
            (!is_body && o.width_m < LIT_WIDTH_M))
            continue;
        o.box.y = (float) top_px;
        crop(&o, c + i, len, g);
        o.is_lit = is_body;
        o.is_faint = !is_body;
        o.is_cut = true;
        o.extent_m = HUGE_VAL;
        ret[n_ret++] = o;
    }
    return n_ret;
}

/* Light ahead of and behind a vehicle, at either end of its patch, is not its end. */
static int trim_faint(struct cb_column **c, int n)
{
    int from = 0, to = n;
    while (from < to && (*c)[from].glow == CB_GLOW_FAINT)
        from++;
    while (to > from && (*c)[to - 1].glow == CB_GLOW_FAINT)
        to--;
    if (to - from < 2)
        return n;
    *c += from;
    return to - from;
}

/* The one road user of a patch seen from the side; what a patch holds two of, the tracker knows. */
static int observe_side(const struct cb_blobs *blobs, int blob, const struct cb_foreground *fg,
                        const struct cb_region *g, const struct cb_road *road,
                        struct cb_column *c, int n, const struct cb_light *light,
                        struct cb_observation *ret)
{
    struct cb_observation o = {.sigma_px = g->factor, .width_m = 2, .solid_m = 2,
                               .is_lit = light->is_lit, .is_faint = light->is_faint};
    double j[4];
    n = cb_columns_without_shade(c, trim_faint(&c, n), &o.is_shade);
    int r = n < 2 ? -EDOM : cb_side_of_blob(blobs, blob, fg, g, road, c, n, &o.side);
    if (r < 0)
        return r == -EDOM ? 0 : r;
    double y0 = cb_side_y(&g->side, o.side.slope[0], o.side.x_m);
    double y1 = cb_side_y(&g->side, o.side.slope[1], o.side.x_m);
    struct cb_vec2 px;
    o.x_m = o.side.x_m;
    o.y_m = 0.5 * (y0 + y1);
    o.extent_m = o.span_m = y1 - y0;
    o.is_cut = !o.side.has_end[0] || !o.side.has_end[1];
    double slope = fabs(o.y_m - g->side.y_m) / fabs(o.x_m - g->side.x_m);
    if (!(o.extent_m > 0) || slope > SLOPE_MAX || o.x_m < g->x_min_m || o.x_m > g->x_max_m ||
        cb_road_to_px(road, (struct cb_vec2){o.x_m, o.y_m}, &px) < 0 ||
        cb_road_jacobian(road, px, j) < 0)
        return 0;
    o.m_per_px = hypot(j[2], j[3]);
    o.box.y = (float) cb_region_to_full(g, 0, blobs->blob[blob].y0 - 0.5).y;
    crop(&o, c, n, g);
    *ret = o;
    return 1;
}

int cb_contact_of_blob(const struct cb_blobs *blobs, int blob, const struct cb_foreground *fg,
                       const struct cb_region *g, const struct cb_road *road,
                       struct cb_observation ret[CB_CONTACTS_MAX])
{
    struct cb_column c[CB_COLUMNS_MAX], copy[CB_COLUMNS_MAX];
    struct cb_light light = {0};
    int n = cb_columns_of_blob(blobs, blob, fg, g, road, c);
    n = cb_columns_without_glow(c, n, &light);
    double top_px = cb_region_to_full(g, 0, blobs->blob[blob].y0 - 0.5).y;
    if (g->is_side)
        return observe_side(blobs, blob, fg, g, road, c, n, &light, ret);
    if (light.is_lit)
        return lit_fronts(c, n, fg, g, road, top_px, ret);
    int n_all = n;
    bool is_shade;
    n = cb_columns_without_shade(c, n, &is_shade);
    memcpy(copy, c, (size_t) n * sizeof *c);
    struct cb_observation whole, part[CB_CONTACTS_MAX] = {0};
    bool is_placed = observe(copy, n, fg, g, road, &whole) == 0;
    int n_fronts = is_shade || fg->light ? 0 : observe_fronts(c, n, fg, g, road, top_px, ret);
    if (n_fronts > 1)
        return n_fronts;
    bool is_beside = n_fronts == 1 && is_placed && stands_beside(&ret[0], &whole);
    if (is_placed) {
        size_up(&blobs->blob[blob], g, road, &whole);
        if (n < n_all)
            crop(&whole, c, n, g);
        whole.is_shade = is_shade || cb_cast_is_rest(fg, blobs, blob);
        whole.is_faint = light.is_faint;
        whole.is_cut |= light.is_cut;
    }
    if (is_beside) {
        ret[1] = ret[0];
        ret[1].is_part = whole.is_cut = true;
        ret[0] = whole;
        return 2;
    }
    int n_parts = split(c, n, fg, g, road, top_px, part), n_ret = 0;
    if (is_placed)
        ret[n_ret++] = whole;
    for (int i = 0; i < n_parts && n_ret < CB_CONTACTS_MAX; i++) {
        if (is_placed && g->near * (part[i].y_m - whole.y_m) < PART_BEHIND_M)
            continue; /* the nearest one, again */
        part[i].is_part = part[i].is_cut = true;
        part[i].extent_m = HUGE_VAL;
        part[i].is_cut_near = part[i].box.y + part[i].box.h >
                              cb_region_to_full(g, 0, g->h - 2.5).y;
        /* of whom the picture's border hides the foot it may be the top: nobody new */
        part[i].is_faint = is_placed && whole.is_cut_near;
        ret[n_ret++] = part[i];
        ret[0].is_cut = true; /* sizes hold for neither */
    }
    return n_ret;
}
