#include "vision.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/mem.h"
#include "cast.h"
#include "dsp/dsp_picture.h"
#include "light.h"

#define HOLD_S        4.0
#define HOLD_MAX      256 /* pictures, and */
#define HOLD_BYTES    (64u << 20)
/* With each new picture, of those held; for seconds of work at once would make the queue of a
 * live camera overflow. */
#define CATCH_UP      3 /* looked at, until none is left */
#define WARM_UP       8 /* before that: shown to the backdrop */
#define N_MEDIAN      25
#define FRAGMENT_M    0.25 /* one road user's patches may be so far apart, upright */
#define AREA_MIN_M2   0.2  /* in the picture plane */
#define AREA_MIN_PX   12
#define STRONG_SHARE  0.1

struct held {
    uint8_t *img;
    int64_t t_ns;
};

struct cb_vision {
    struct cb_region region;
    const struct cb_road *road;
    struct cb_backdrop *background;
    struct cb_light_map light;
    struct cb_cast *cast;
    struct cb_blobs blobs;
    struct cb_observation *seen;
    size_t cap_seen;
    uint8_t *img;
    int64_t t_ns; /* of the last picture that was looked at */
    bool is_started;
    struct held *held; /* until the backdrop is known, and until those are caught up with */
    size_t n_held, cap_held;
    size_t i_held;     /* the first that was not looked at */
    size_t i_warm, n_warm; /* the first that the backdrop has not seen, and how many it shall */
};

/* Analysed px a metre across at a place of the picture; 0: not on the road. */
static double px_per_m_at(const struct cb_region *g, const struct cb_road *road, struct cb_vec2 px)
{
    double j[4];
    if (cb_road_jacobian(road, px, j) < 0)
        return 0;
    double m_per_px = hypot(j[0], j[2]) * g->factor;
    return m_per_px > 1e-6 ? 1 / m_per_px : 0;
}

static double px_per_m_in_zone(const struct cb_region *g, const struct cb_road *road)
{
    struct cb_vec2 px, m = {0.5 * (g->x_min_m + g->x_max_m), 0.5 * (g->zone_min_m + g->zone_max_m)};
    return cb_road_to_px(road, m, &px) < 0 ? 0 : px_per_m_at(g, road, px);
}

int cb_vision_create(struct cb_vision **ret, const struct cb_road *road,
                     const struct cb_camera_conf *conf, int width, int height, bool is_full_range)
{
    struct cb_vision *v = calloc(1, sizeof *v);
    if (!v)
        return -ENOMEM;
    v->road = road;
    int r = cb_region_create(&v->region, road, conf, width, height);
    if (r == 0)
        r = cb_backdrop_create(&v->background, v->region.w, v->region.h,
                                 is_full_range ? 0 : 16);
    if (r == 0)
        r = cb_light_map_init(&v->light, v->region.w, v->region.h,
                              px_per_m_in_zone(&v->region, road));
    if (r == 0)
        r = cb_cast_create(&v->cast, &v->region, road);
    if (r == 0 && !(v->img = cb_alloc_aligned((size_t) v->region.w * (size_t) v->region.h)))
        r = -ENOMEM;
    if (r < 0)
        cb_vision_destroy(&v);
    else
        *ret = v;
    return r;
}

static void drop_held(struct cb_vision *v)
{
    for (size_t i = 0; i < v->n_held; i++)
        free(v->held[i].img);
    v->n_held = v->i_held = 0;
}

void cb_vision_destroy(struct cb_vision **vision)
{
    struct cb_vision *v = *vision;
    if (!v)
        return;
    *vision = NULL;
    drop_held(v);
    free(v->held);
    free(v->img);
    free(v->seen);
    cb_blobs_deinit(&v->blobs);
    cb_backdrop_destroy(&v->background);
    cb_light_map_deinit(&v->light);
    cb_cast_destroy(&v->cast);
    cb_region_deinit(&v->region);
    free(v);
}

const struct cb_region *cb_vision_region(const struct cb_vision *v)
{
    return &v->region;
}

static void reduce(const struct cb_vision *v, const struct cb_picture *p, uint8_t *dst)
{
    const struct cb_region *g = &v->region;
    const uint8_t *src = p->plane[0] + (ptrdiff_t) g->y * g->factor * p->stride[0] +
                         (ptrdiff_t) g->x * g->factor;
    cb_dsp_reduce(dst, g->w, src, p->stride[0], g->w, g->h, g->factor);
}

/* At the foot of a blob; 0: not on the road. */
static double px_per_m(const struct cb_vision *v, const struct cb_blob *b)
{
    struct cb_vec2 foot = cb_region_to_full(&v->region, 0.5 * (b->x0 + b->x1), b->y1 - 0.5), m;
    return cb_road_from_px(v->road, foot, &m) < 0 ? 0 : px_per_m_at(&v->region, v->road, foot);
}

static bool are_fragments(const struct cb_blob *above, const struct cb_blob *below, double ppm)
{
    int overlap = (above->x1 < below->x1 ? above->x1 : below->x1) -
                  (above->x0 > below->x0 ? above->x0 : below->x0);
    int wa = above->x1 - above->x0, wb = below->x1 - below->x0;
    int gap = below->y0 - above->y1;
    return above->y1 <= below->y1 && 2 * overlap >= (wa < wb ? wa : wb) &&
           gap <= fmax(1, FRAGMENT_M * ppm);
}

static void join_fragments(struct cb_vision *v)
{
    struct cb_blobs *b = &v->blobs;
    for (size_t i = 0; i < b->n; i++) {
        if (b->blob[i].area < AREA_MIN_PX)
            continue;
        double ppm = px_per_m(v, &b->blob[i]);
        for (size_t j = 0; j < b->n && ppm > 0; j++)
            if (j != i && b->blob[j].area >= AREA_MIN_PX / 2 &&
                are_fragments(&b->blob[j], &b->blob[i], ppm))
                cb_blobs_join(b, (int) i, (int) j);
    }
}

static bool is_road_user(const struct cb_vision *v, const struct cb_blob *b)
{
    if (b->area < AREA_MIN_PX || b->n_strong < STRONG_SHARE * b->area)
        return false;
    double ppm = px_per_m(v, b);
    return ppm > 0 && b->area >= AREA_MIN_M2 * ppm * ppm;
}

static int look(struct cb_vision *v, const uint8_t *img, int64_t t_ns, cb_vision_fn *fn,
                void *self)
{
    struct cb_foreground fg;
    cb_backdrop_add(v->background, img, v->region.span, cb_s_from_ns(t_ns - v->t_ns), &fg);
    v->t_ns = t_ns;
    int r = cb_light_map_clear(&v->light, &fg, v->region.span);
    if (r == 0 && !fg.light)
        r = cb_cast_take_out(v->cast, &fg, v->region.span);
    if (r == 0)
        r = cb_blobs_find(&v->blobs, fg.mask, fg.w, fg.h, true);
    if (r < 0)
        return r;
    join_fragments(v);
    size_t n = 0;
    for (size_t i = 0; i < v->blobs.n; i++) {
        if (!is_road_user(v, &v->blobs.blob[i]))
            continue;
        if (cb_grow((void **) &v->seen, &v->cap_seen, n + CB_CONTACTS_MAX, sizeof *v->seen) < 0)
            return -ENOMEM;
        r = cb_contact_of_blob(&v->blobs, (int) i, &fg, &v->region, v->road, &v->seen[n]);
        if (r < 0)
            return r;
        n += (size_t) r;
    }
    return fn(self, t_ns, v->seen, n, &fg);
}

static int hold(struct cb_vision *v, const struct cb_picture *p)
{
    if (cb_grow((void **) &v->held, &v->cap_held, v->n_held + 1, sizeof *v->held) < 0)
        return -ENOMEM;
    struct held *h = &v->held[v->n_held];
    h->img = cb_alloc_aligned((size_t) v->region.w * (size_t) v->region.h);
    if (!h->img)
        return -ENOMEM;
    h->t_ns = p->t_ns;
    reduce(v, p, h->img);
    v->n_held++;
    return 0;
}

static bool is_enough(const struct cb_vision *v)
{
    size_t bytes = v->n_held * (size_t) v->region.w * (size_t) v->region.h;
    return v->n_held >= HOLD_MAX || bytes > HOLD_BYTES ||
           cb_s_from_ns(v->held[v->n_held - 1].t_ns - v->held[0].t_ns) >= HOLD_S;
}

static void start(struct cb_vision *v)
{
    const uint8_t *img[N_MEDIAN];
    size_t n = v->n_held < N_MEDIAN ? v->n_held : N_MEDIAN;
    for (size_t i = 0; i < n; i++)
        img[i] = v->held[i * v->n_held / n].img;
    cb_backdrop_start(v->background, img, (int) n);
    v->is_started = true;
    v->i_warm = 0;
    v->n_warm = v->n_held;
    v->t_ns = v->held[0].t_ns;
}

/* Up to n of the held pictures for the backdrop alone: what stood in the median as a ghost is gone
 * after them. @return true when they have all been shown */
static bool warm_up(struct cb_vision *v, size_t n)
{
    for (; n > 0 && v->i_warm < v->n_warm; n--) {
        struct cb_foreground fg;
        const struct held *h = &v->held[v->i_warm++];
        cb_backdrop_add(v->background, h->img, v->region.span, cb_s_from_ns(h->t_ns - v->t_ns),
                        &fg);
        cb_cast_learn(v->cast, &fg, v->region.span);
        v->t_ns = v->i_warm < v->n_warm ? h->t_ns : v->held[0].t_ns;
    }
    return v->i_warm == v->n_warm;
}

/* Looks at up to n of the held pictures, in order. */
static int look_at_held(struct cb_vision *v, size_t n, cb_vision_fn *fn, void *self)
{
    int r = 0;
    for (; n > 0 && v->i_held < v->n_held && r == 0; n--) {
        struct held *h = &v->held[v->i_held++];
        r = look(v, h->img, h->t_ns, fn, self);
        free(h->img);
        h->img = NULL;
    }
    if (v->i_held == v->n_held)
        drop_held(v);
    return r;
}

int cb_vision_add(struct cb_vision *v, const struct cb_frame *f, cb_vision_fn *fn, void *self)
{
    const struct cb_picture *p = cb_frame_picture(f);
    if (v->is_started && !v->n_held) {
        reduce(v, p, v->img);
        return look(v, v->img, p->t_ns, fn, self);
    }
    int r = hold(v, p);
    if (r == 0 && !v->is_started && is_enough(v))
        start(v);
    if (r < 0 || !v->is_started || !warm_up(v, WARM_UP))
        return r;
    return look_at_held(v, CATCH_UP, fn, self);
}

int cb_vision_flush(struct cb_vision *v, cb_vision_fn *fn, void *self)
{
    if (!v->is_started && v->n_held)
        start(v);
    warm_up(v, SIZE_MAX);
    int r = look_at_held(v, SIZE_MAX, fn, self);
    v->is_started = false;
    return r;
}
