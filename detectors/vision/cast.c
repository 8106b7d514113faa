#include "cast.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "around.h"
#include "base/mem.h"
#include "detectors/calibration.h"
#include "dsp/dsp_picture.h"

#define ONE           240  /* look of a ratio of one */
#define UNSEEN        255
#define BIN           5    /* looks in a bin */
#define RATIO_MAX     0.95
#define DARK_MIN      12   /* luma over black of a road that can be seen to darken */
#define RIDGE_TEXTURE 0.6  /* of the road's own texture may be left in the dark */
#define ARM_M         0.35 /* a shadow is so broad to both sides of a pixel to learn from, */
#define TALL          1.7  /* … and by so much taller, upright: more than the dark under a lorry, */
#define LIGHT         0.72 /* which is always darker than this */
#define ARM_SPREAD    8    /* looks */
#define SAMPLES_MAX   20000.0
#define SAMPLES_MIN   60.0
/* The lower the sun, the lighter and longer a shadow. A high sun's are short: far away they melt
 * into the body, and to take them out near by alone would shorten its way. */
#define LOW_SUN       0.65
#define KEPT_MIN      0.5  /* of the road's texture is seen beneath a shadow; to learn from: */
#define KEPT_SURE     0.75 /* the dark beneath vehicles, with tyres and all, keeps up to 0.67 */
#define KEPT_SIGMA    0.1  /* standard deviation, from noise, of a share of texture that tells */
#define TOLERANCE     9    /* looks */
#define RIM_PX        2
#define DARKER        0.05 /* than the shadow's ratio: its noise */
#define REST_SHARE    0.6  /* of a patch's ends are shadow: it is a rest of that */
#define LIT_SHARE     0.25 /* of a shadow's border is lit road */
#define PATCH_MIN_PX  6

/* ARM_M in the middle of a row, px; 0: that is not on the road. */
static int arm_at(const struct cb_region *g, const struct cb_road *road, int y)
{
    struct cb_vec2 px = cb_region_to_full(g, 0.5 * (g->span[2 * y] + g->span[2 * y + 1]), y);
    double j[4];
    if (cb_road_jacobian(road, px, j) < 0)
        return 0;
    double m_per_px = hypot(j[0], j[2]) * g->factor;
    return m_per_px > 1e-3 ? (int) ceil(ARM_M / m_per_px) : 0;
}

int cb_cast_create(struct cb_cast **ret, const struct cb_region *g, const struct cb_road *road)
{
    struct cb_cast *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    size_t n = (size_t) g->w * (size_t) g->h;
    c->w = g->w;
    c->h = g->h;
    c->arm = calloc((size_t) g->h, sizeof *c->arm);
    uint8_t **plane[] = {&c->look, &c->mask, &c->shade, &c->near, &c->core};
    bool is_whole = c->arm;
    for (size_t i = 0; i < CB_LEN(plane); i++)
        is_whole = (*plane[i] = cb_alloc_aligned(n)) && is_whole;
    if (!is_whole) {
        cb_cast_destroy(&c);
        return -ENOMEM;
    }
    for (int y = 0; y < g->h; y++)
        c->arm[y] = arm_at(g, road, y);
    *ret = c;
    return 0;
}

void cb_cast_destroy(struct cb_cast **cast)
{
    struct cb_cast *c = *cast;
    if (!c)
        return;
    *cast = NULL;
    free(c->arm);
    free(c->look);
    free(c->mask);
    free(c->shade);
    free(c->near);
    free(c->core);
    cb_blobs_deinit(&c->patches);
    free(c);
}

/* The ratio around a changed pixel if the road is seen there, darkened; else 0. */
static uint8_t ratio_at(const struct cb_foreground *fg, size_t at, double ridge)
{
    struct cb_around a;
    if (fg->img[at] >= fg->bg[at] >> 8)
        return 0;
    cb_around_read(fg, at, &a);
    if (a.sum_bg < 9 * 16 * DARK_MIN || a.sum_img < CB_AROUND_RATIO_MIN * a.sum_bg ||
        a.sum_img > RATIO_MAX * a.sum_bg)
        return 0;
    int64_t residual = 0, texture = 0;
    for (int k = 0; k < 9; k++) {
        residual += llabs((int64_t) a.img[k] * a.sum_bg - (int64_t) a.bg[k] * a.sum_img);
        texture += abs(a.bg[k] * 9 - a.sum_bg);
    }
    double left = RIDGE_TEXTURE * (double) texture * a.sum_img / 9;
    if ((double) residual > fmax(ridge * 9 * 16 * a.sum_bg, left))
        return 0;
    return (uint8_t) ((a.sum_img * ONE + a.sum_bg / 2) / a.sum_bg);
}

/* Each pixel is looked at when it is asked for, once. */
static uint8_t look_at(struct cb_cast *c, const struct cb_foreground *fg, size_t i)
{
    if (c->look[i] == UNSEEN)
        c->look[i] = fg->mask[i] ? ratio_at(fg, i, c->ridge) : 0;
    return c->look[i];
}

/* At the picture's border there is nothing around a pixel. */
static void start_looking(struct cb_cast *c, const struct cb_foreground *fg)
{
    c->ridge = cb_around_ridge(fg);
    memset(c->look, UNSEEN, (size_t) c->w * (size_t) c->h);
    memset(c->look, 0, (size_t) c->w);
    memset(c->look + (size_t) c->w * (size_t) (c->h - 1), 0, (size_t) c->w);
    for (int y = 0; y < c->h; y++)
        c->look[(size_t) y * (size_t) c->w] = c->look[(size_t) (y + 1) * (size_t) c->w - 1] = 0;
}

static bool is_broad(struct cb_cast *c, const struct cb_foreground *fg, int x, int y)
{
    size_t i = (size_t) y * (size_t) c->w + (size_t) x;
    int arm = c->arm[y], tall = c->look[i] > LIGHT * ONE ? arm : (int) ceil(TALL * arm);
    if (arm < 1 || x < arm || y < tall || x + arm >= c->w || y + tall >= c->h)
        return false;
    ptrdiff_t off[] = {-arm, arm, -(ptrdiff_t) tall * c->w, (ptrdiff_t) tall * c->w};
    for (size_t k = 0; k < CB_LEN(off); k++)
        if (abs(look_at(c, fg, (size_t) ((ptrdiff_t) i + off[k])) - c->look[i]) > ARM_SPREAD)
            return false;
    return true;
}

/* Adds the road's texture around a pixel, levels², and what of it the picture shows. */
static void add_texture(const struct cb_foreground *fg, size_t at, double *kept, double *texture)
{
    struct cb_around a;
    cb_around_read(fg, at, &a);
    for (int k = 0; k < 9; k++) {
        double b = a.bg[k] - a.sum_bg / 9.0;
        *kept += (a.img[k] - a.sum_img / 9.0) * b * a.sum_bg / (256.0 * a.sum_img);
        *texture += b * b / 256;
    }
}

static void note(struct cb_cast *c, const struct cb_foreground *fg, size_t at)
{
    int bin = c->look[at] / BIN;
    c->n[bin]++;
    add_texture(fg, at, &c->kept[bin], &c->texture[bin]);
}

static void forget(struct cb_cast *c)
{
    double n = 0;
    for (int k = 0; k < CB_CAST_BINS; k++)
        n += c->n[k];
    for (int k = 0; k < CB_CAST_BINS && n > SAMPLES_MAX; k++) {
        c->n[k] *= 0.5;
        c->kept[k] *= 0.5;
        c->texture[k] *= 0.5;
    }
}

/* The ratio that most of what darkens the road broadly has where the road shows beneath it. */
static void find_ratio(struct cb_cast *c)
{
    double most = 0;
    int at = 0;
    for (int k = 1; k + 1 < CB_CAST_BINS; k++) {
        double n = c->n[k - 1] + c->n[k] + c->n[k + 1];
        double kept = c->kept[k - 1] + c->kept[k] + c->kept[k + 1];
        double texture = c->texture[k - 1] + c->texture[k] + c->texture[k + 1];
        if (kept > KEPT_SURE * texture && n > most) {
            most = n;
            at = k;
        }
    }
    c->ratio = 0;
    for (int k = at - 1; k <= at + 1 && most >= SAMPLES_MIN; k++)
        c->ratio += c->n[k] / most * (k + 0.5) * BIN / ONE;
    if (c->ratio < LOW_SUN)
        c->ratio = 0;
}

void cb_cast_learn(struct cb_cast *c, const struct cb_foreground *fg, const int *span)
{
    start_looking(c, fg);
    for (int y = 1; y + 1 < c->h; y += 2)
        for (int x = span[2 * y] + 1; x + 1 < span[2 * y + 1]; x += 2) {
            size_t i = (size_t) y * (size_t) c->w + (size_t) x;
            if (!fg->mask[i])
                x += (cb_dsp_n_quiet(&fg->mask[i], span[2 * y + 1] - x) - 1) / 2 * 2;
            else if (look_at(c, fg, i) && is_broad(c, fg, x, y))
                note(c, fg, i);
        }
    forget(c);
    find_ratio(c);
}

static bool is_at(const struct cb_cast *c, int x, int y)
{
    return x >= 0 && y >= 0 && x < c->w && y < c->h;
}

/* What tells a patch of shadow from a body that is as dark. */
struct proof {
    int lit, other; /* road's and others' pixels beyond its soft rim */
    double kept, texture;
};

static void add_rim(const struct cb_cast *c, const struct cb_foreground *fg, int x, int y,
                    struct proof *p)
{
    if (!is_at(c, x, y))
        return;
    size_t i = (size_t) y * (size_t) c->w + (size_t) x;
    p->lit += !fg->mask[i];
    p->other += fg->mask[i] && !c->core[i];
}

static int find_proofs(struct cb_cast *c, const struct cb_foreground *fg, struct proof **ret)
{
    const int off = RIM_PX + 1;
    struct proof *proof = calloc(c->patches.n + 1, sizeof *proof);
    if (!proof)
        return -ENOMEM;
    for (size_t i = 0; i < c->patches.n_runs; i++) {
        const struct cb_run *r = &c->patches.run[i];
        struct proof *of = &proof[r->blob];
        add_rim(c, fg, r->x0 - off, r->y, of);
        add_rim(c, fg, r->x1 - 1 + off, r->y, of);
        for (int x = r->x0; x < r->x1; x++) {
            add_rim(c, fg, x, r->y - off, of);
            add_rim(c, fg, x, r->y + off, of);
            if ((x & r->y & 1) && look_at(c, fg, (size_t) (r->y * c->w + x)))
                add_texture(fg, (size_t) (r->y * c->w + x), &of->kept, &of->texture);
        }
    }
    *ret = proof;
    return 0;
}

/* By the road's texture, where there is enough of it to show beneath a shadow; else by the border. */
static bool is_cast(const struct cb_cast *c, const struct cb_foreground *fg, const struct proof *p,
                    const struct cb_blob *patch)
{
    if (patch->area < PATCH_MIN_PX)
        return false;
    if (fg->noise < KEPT_SIGMA * c->ratio * sqrt(p->texture))
        return p->kept > KEPT_MIN * p->texture;
    return p->lit >= LIT_SHARE * (p->lit + p->other);
}

static void take_out_run(struct cb_cast *c, const struct cb_run *r)
{
    size_t i = (size_t) r->y * (size_t) c->w + (size_t) r->x0;
    memset(c->mask + i, 0, (size_t) (r->x1 - r->x0));
    memset(c->shade + i, 1, (size_t) (r->x1 - r->x0));
}

/* What ends a look from i by step: up to n pixels of changes. */
enum end { END_BODY, END_LIT, END_SHADE };

static enum end look_along(const struct cb_cast *c, size_t i, ptrdiff_t step, int n)
{
    for (int k = 1; k <= n; k++) {
        size_t at = (size_t) ((ptrdiff_t) i + k * step);
        if (!c->mask[at])
            return c->shade[at] ? END_SHADE : END_LIT;
    }
    return END_BODY;
}

static bool is_between(const struct cb_cast *c, size_t i, ptrdiff_t step, int n)
{
    enum end a = look_along(c, i, -step, n), b = look_along(c, i, step, n);
    return a != END_BODY && b != END_BODY && (a == END_SHADE || b == END_SHADE);
}

/*
 * The soft rim of a shadow, and paint and stains in it: no darker than it, not brighter than the
 * lit road, and narrow, with shadow beyond on one side at least and no body on the other.
 */
static void take_out_rims(struct cb_cast *c, const struct cb_foreground *fg, const int *span)
{
    for (int y = 0; y < c->h; y++) {
        int n = RIM_PX + c->arm[y] / 2;
        if (y < n || y + n >= c->h)
            continue;
        int x0 = span[2 * y] > n ? span[2 * y] : n;
        int x1 = span[2 * y + 1] < c->w - n ? span[2 * y + 1] : c->w - n;
        for (int x = x0; x < x1; x++) {
            size_t i = (size_t) y * (size_t) c->w + (size_t) x;
            if (!c->mask[i]) {
                x += cb_dsp_n_quiet(&c->mask[i], x1 - x) - 1;
                continue;
            }
            double is = fg->img[i] - fg->black, was = fg->bg[i] / 256.0 - fg->black;
            if (is < (c->ratio - DARKER) * was || is > 1.02 * was ||
                !(is_between(c, i, 1, n) || is_between(c, i, c->w, n)))
                continue;
            c->mask[i] = 0;
            c->shade[i] = 1;
        }
    }
}

static void tell_near(struct cb_cast *c, const struct cb_foreground *fg)
{
    size_t n = (size_t) c->w * (size_t) c->h;
    int want = (int) lround(c->ratio * ONE);
    memset(c->near, 0, n);
    for (size_t i = 0; i < n; i++) {
        i += (size_t) cb_dsp_n_quiet(&fg->mask[i], (int) (n - i));
        if (i < n)
            c->near[i] = abs(look_at(c, fg, i) - want) <= TOLERANCE;
    }
}

static int take_out(struct cb_cast *c, const struct cb_foreground *fg, const int *span)
{
    tell_near(c, fg);
    cb_dsp_majority3(c->core, c->near, c->w, c->h, 5); /* noise strikes single pixels */
    int e = cb_blobs_find(&c->patches, c->core, c->w, c->h, true);
    CB_AUTO_FREE struct proof *proof = NULL;
    if (e < 0 || (e = find_proofs(c, fg, &proof)) < 0)
        return e;
    for (size_t i = 0; i < c->patches.n_runs; i++) {
        const struct cb_run *r = &c->patches.run[i];
        if (is_cast(c, fg, &proof[r->blob], &c->patches.blob[r->blob]))
            take_out_run(c, r);
    }
    take_out_rims(c, fg, span);
    return 0;
}

int cb_cast_take_out(struct cb_cast *c, struct cb_foreground *fg, const int *span)
{
    cb_cast_learn(c, fg, span);
    if (c->ratio <= 0)
        return 0;
    size_t n = (size_t) c->w * (size_t) c->h;
    memset(c->shade, 0, n);
    memcpy(c->mask, fg->mask, n);
    int e = take_out(c, fg, span);
    fg->mask = c->mask;
    fg->shade = c->shade;
    return e;
}

bool cb_cast_is_rest(const struct cb_foreground *fg, const struct cb_blobs *blobs, int blob)
{
    int n = 0, n_shade = 0;
    for (size_t i = 0; i < blobs->n_runs && fg->shade; i++) {
        const struct cb_run *r = &blobs->run[i];
        if (r->blob != blob || r->x0 < 1 || r->x1 >= fg->w)
            continue;
        const uint8_t *row = fg->shade + (size_t) r->y * (size_t) fg->w;
        n += 2;
        n_shade += row[r->x0 - 1] + row[r->x1];
    }
    return n_shade > REST_SHARE * n;
}
