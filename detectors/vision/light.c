#include "light.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SLOPE_SHARE  0.2   /* of its brightness light loses within a pixel at most, … */
#define SLOPE_PX_M   32    /* … of a picture of so many px a metre; of a sharper one less, */
#define SLOPE_MIN    1.5   /* … levels, or what the sensor's noise makes */
#define SLOPE_NOISE  1.0
#define LIGHT_SHARE  0.001 /* of the picture: less is no pool, but a body's gleam */
#define ASPHALT      60 /* luma of asphalt at night, and … */
#define DARKEST      20 /* … how little of it matters */
#define CORE_SHARE   0.9  /* of a pool's pixels are darker than its core, which is … */
#define CORE_LEVELS  30    /* … so much brighter than the road; */
#define SKIRT_SHARE  0.1   /* so many are not half as bright */
#define FAINT_LEVELS 20
#define FRINGE_PX    3
#define NIGHT_LUMA   90 /* over black */
#define STRIDE       8
#define RIM_PX       3     /* a pool ends so steeply before its vehicle that its rim is an edge */

#define CELL_PX      4     /* side of the squares in which the unlit road is looked for: */
#define ROAD_SHARE   0.04  /* connected ones that are so much of the picture; less is a hole in a body */

enum { LIGHT = 1, SOFT = 2, HARD = 4 };

int cb_light_map_init(struct cb_light_map *m, int w, int h, double px_per_m)
{
    m->slope_share = (float) (SLOPE_SHARE * fmin(1, pow(SLOPE_PX_M / px_per_m, 2)));
    for (int i = 0; i < 256; i++)
        m->share[i] = (int) (256 * (ASPHALT + DARKEST) / (i + DARKEST));
    size_t n = (size_t) w * (size_t) h;
    m->mask = cb_alloc_aligned(n);
    m->light = cb_alloc_aligned(n);
    m->cell = cb_alloc_aligned(n / CELL_PX + 1);
    m->open = malloc(n * sizeof *m->open);
    m->slopes = malloc(((size_t) w + 2) * sizeof *m->slopes);
    return m->mask && m->light && m->cell && m->open && m->slopes ? 0 : -ENOMEM;
}

void cb_light_map_deinit(struct cb_light_map *m)
{
    free(m->mask);
    free(m->light);
    free(m->cell);
    free(m->open);
    free(m->slopes);
    cb_blobs_deinit(&m->changed);
    cb_blobs_deinit(&m->roads);
    *m = (struct cb_light_map){0};
}

static int difference(const struct cb_foreground *fg, size_t i)
{
    return (fg->img[i] << 4) - (fg->bg[i] >> 4);
}

/* The same in levels · 16 of asphalt, whatever the road is painted with. */
static int lift(const struct cb_light_map *m, const struct cb_foreground *fg, size_t i)
{
    return (difference(fg, i) * m->share[fg->bg[i] >> 8]) >> 8;
}

/* Of the lifts in a column of three, whose middle is px i. */
static struct cb_light_slope slope_at(const struct cb_light_map *m, const struct cb_foreground *fg,
                                      size_t i)
{
    size_t w = (size_t) fg->w;
    int above = lift(m, fg, i - w), at = lift(m, fg, i), below = lift(m, fg, i + w);
    return (struct cb_light_slope){above + at + below, below - above};
}

/*
 * Brighter than the road, and no edge: by the plane through the 3 × 3 lifts of the columns a, b, c.
 * @param least  slope that is none, levels
 * @param share  of the brightness, that is none
 */
static bool is_soft(struct cb_light_slope a, struct cb_light_slope b, struct cb_light_slope c,
                    float least, float share)
{
    int sum = a.sum + b.sum + c.sum, across = c.sum - a.sum, down = a.down + b.down + c.down;
    if (sum <= 0)
        return false;
    float mean = (float) sum / (9 * 16);
    float limit = 6 * 16 * fmaxf(least, share * mean);
    return (float) across * (float) across + (float) down * (float) down < limit * limit;
}

/* Each changed pixel, but at the picture's border. */
static void tell_soft(struct cb_light_map *m, const struct cb_foreground *fg)
{
    float least = fmaxf(SLOPE_MIN, (float) (SLOPE_NOISE * fg->noise));
    for (size_t k = 0; k < m->changed.n_runs; k++) {
        const struct cb_run *r = &m->changed.run[k];
        int x0 = r->x0 > 1 ? r->x0 : 1, x1 = r->x1 < fg->w - 1 ? r->x1 : fg->w - 1;
        size_t row = (size_t) r->y * (size_t) fg->w;
        if (r->y < 1 || r->y + 1 >= fg->h)
            continue;
        for (int x = x0 - 1; x <= x1; x++)
            m->slopes[x - x0 + 1] = slope_at(m, fg, row + (size_t) x);
        for (int x = x0; x < x1; x++) {
            const struct cb_light_slope *s = &m->slopes[x - x0];
            m->light[row + (size_t) x] = is_soft(s[0], s[1], s[2], least, m->slope_share) ? SOFT : HARD;
        }
    }
}

/* No edge within a px: what is narrower than three is a gap in a body's outline. */
static bool is_open(const struct cb_light_map *m, size_t i, size_t w)
{
    const uint8_t *p = m->light + i;
    return *p == SOFT && ((p[-1] | p[1] | p[-(ptrdiff_t) w - 1] | p[-(ptrdiff_t) w] |
                           p[-(ptrdiff_t) w + 1] | p[w - 1] | p[w] | p[w + 1]) & HARD) == 0;
}

/* All that is reached from px i: the list of open ones stays. @return how many */
static int spread(struct cb_light_map *m, const struct cb_foreground *fg, size_t first)
{
    int n = 0, n_open = 1;
    m->open[0] = (int) first;
    m->light[first] = LIGHT;
    while (n < n_open) {
        size_t i = (size_t) m->open[n++], w = (size_t) fg->w;
        const size_t beside[] = {i - 1, i + 1, i - w, i + w};
        for (size_t k = 0; k < CB_LEN(beside); k++)
            if (is_open(m, beside[k], w)) {
                m->light[beside[k]] = LIGHT;
                m->open[n_open++] = (int) beside[k];
            }
    }
    return n;
}

/* A pool has a bright core and wide skirts, where a body's side is of one brightness. */
static bool is_pool(const struct cb_light_map *m, const struct cb_foreground *fg, int n)
{
    int hist[256] = {0}, above = 0, peak = 255, below = 0;
    for (int k = 0; k < n; k++) {
        int d = lift(m, fg, (size_t) m->open[k]) >> 4;
        hist[d < 0 ? 0 : d > 255 ? 255 : d]++;
    }
    while (peak > 0 && above + hist[peak] < n * (1 - CORE_SHARE))
        above += hist[peak--];
    for (int k = 0; 2 * k < peak; k++)
        below += hist[k];
    return n >= LIGHT_SHARE * fg->w * fg->h && peak > CORE_LEVELS && below > SKIRT_SHARE * n;
}

/* With what is soft right beside it, and as far as that is faint: there noise makes edges. */
static void settle(struct cb_light_map *m, const struct cb_foreground *fg, int n)
{
    for (int k = 0, n_pool = n; k < n; k++) {
        size_t i = (size_t) m->open[k], w = (size_t) fg->w;
        const size_t beside[] = {i - 1, i + 1, i - w, i + w};
        if (k >= n_pool && difference(fg, i) > FAINT_LEVELS << 4)
            continue;
        for (size_t j = 0; j < CB_LEN(beside); j++)
            if (m->light[beside[j]] == SOFT) {
                m->light[beside[j]] = LIGHT;
                m->open[n++] = (int) beside[j];
            }
    }
}

/* Squares without a changed pixel, inside what is looked at. */
static void fill_cells(struct cb_light_map *m, const struct cb_foreground *fg, const int *span,
                       int cw, int ch)
{
    memset(m->cell, 0, (size_t) cw * (size_t) ch);
    for (int cy = 0; cy < ch; cy++) {
        int x0 = 0, x1 = fg->w;
        for (int y = cy * CELL_PX; y < (cy + 1) * CELL_PX; y++) {
            x0 = span[2 * y] > x0 ? span[2 * y] : x0;
            x1 = span[2 * y + 1] < x1 ? span[2 * y + 1] : x1;
        }
        for (int cx = (x0 + CELL_PX - 1) / CELL_PX; cx < x1 / CELL_PX; cx++) {
            uint32_t any = 0, four;
            for (int y = cy * CELL_PX; y < (cy + 1) * CELL_PX; y++, any |= four)
                memcpy(&four, fg->mask + (size_t) y * (size_t) fg->w + cx * CELL_PX, sizeof four);
            m->cell[cy * cw + cx] = !any;
        }
    }
}

/* Large patches of unchanged squares are road. */
static int find_road(struct cb_light_map *m, const struct cb_foreground *fg, const int *span)
{
    int cw = fg->w / CELL_PX, ch = fg->h / CELL_PX;
    fill_cells(m, fg, span, cw, ch);
    int e = cb_blobs_find(&m->roads, m->cell, cw, ch, false);
    for (size_t i = 0; i < m->roads.n_runs && e == 0; i++) {
        const struct cb_run *r = &m->roads.run[i];
        if (m->roads.blob[r->blob].area < ROAD_SHARE * cw * ch)
            memset(m->cell + r->y * cw + r->x0, 0, (size_t) (r->x1 - r->x0));
    }
    return e;
}

/* Whether unlit road is as near as the squares are large. */
static bool is_by_road(const struct cb_light_map *m, const struct cb_foreground *fg, int x, int y)
{
    int cw = fg->w / CELL_PX, ch = fg->h / CELL_PX, cx = x / CELL_PX, cy = y / CELL_PX;
    for (int j = cy - 1; j <= cy + 1; j++)
        for (int i = cx - 1; i <= cx + 1; i++)
            if (i >= 0 && j >= 0 && i < cw && j < ch && m->cell[j * cw + i])
                return true;
    return false;
}

/* Soft from the road beside it on: what is spread from here may be a pool. */
static bool is_seed(const struct cb_light_map *m, const struct cb_foreground *fg, int x, int y)
{
    size_t w = (size_t) fg->w, i = (size_t) y * w + (size_t) x;
    return m->light[i] == SOFT && is_open(m, i, w) &&
           !(fg->mask[i - 1] && fg->mask[i + 1] && fg->mask[i - w] && fg->mask[i + w]) &&
           is_by_road(m, fg, x, y);
}

/* @return whether there is any */
static bool flood(struct cb_light_map *m, const struct cb_foreground *fg)
{
    bool is_any = false;
    for (size_t k = 0; k < m->changed.n_runs; k++) {
        const struct cb_run *r = &m->changed.run[k];
        for (int x = r->x0; x < r->x1; x++) {
            if (!is_seed(m, fg, x, r->y))
                continue;
            int n = spread(m, fg, (size_t) r->y * (size_t) fg->w + (size_t) x);
            if (is_pool(m, fg, n)) {
                settle(m, fg, n);
                is_any = true;
                continue;
            }
            for (int j = 0; j < n; j++)
                m->light[m->open[j]] = HARD;
        }
    }
    return is_any;
}

/* What was changed and is no light stays in the mask. */
static void take_out(struct cb_light_map *m, const struct cb_foreground *fg)
{
    memcpy(m->mask, fg->mask, (size_t) fg->w * (size_t) fg->h);
    for (size_t k = 0; k < m->changed.n_runs; k++) {
        const struct cb_run *r = &m->changed.run[k];
        size_t row = (size_t) r->y * (size_t) fg->w;
        for (size_t i = row + (size_t) r->x0; i < row + (size_t) r->x1; i++) {
            m->light[i] &= LIGHT;
            if (m->light[i])
                m->mask[i] = 0;
        }
    }
}

/* A thin bright run from px i on, step apart, is the rim of light that it lies beside. */
static void clear_rim(struct cb_light_map *m, const struct cb_foreground *fg, size_t i, size_t step)
{
    size_t n = 0;
    for (; m->mask[i + n * step]; n++)
        if (n == RIM_PX || difference(fg, i + n * step) <= 0)
            return;
    if (m->light[i - step] != LIGHT && m->light[i + n * step] != LIGHT)
        return;
    for (size_t k = 0; k < n; k++) {
        m->mask[i + k * step] = 0;
        m->light[i + k * step] = LIGHT;
    }
}

/* Those across (step: 1) or down (a row). The mask's outermost rows and columns are empty. */
static void clear_rims(struct cb_light_map *m, const struct cb_foreground *fg, size_t step)
{
    for (size_t k = 0; k < m->changed.n_runs; k++) {
        const struct cb_run *r = &m->changed.run[k];
        size_t row = (size_t) r->y * (size_t) fg->w;
        for (size_t i = row + (size_t) r->x0; i < row + (size_t) r->x1; i++)
            if (m->mask[i] && !m->mask[i - step])
                clear_rim(m, fg, i, step);
    }
}

/* Lists the light. @return how many px */
static int list_light(struct cb_light_map *m, const struct cb_foreground *fg)
{
    int n = 0;
    for (size_t k = 0; k < m->changed.n_runs; k++) {
        const struct cb_run *r = &m->changed.run[k];
        int row = r->y * fg->w;
        for (int i = row + r->x0; i < row + r->x1; i++)
            if (m->light[i])
                m->open[n++] = i;
    }
    return n;
}

/* What is left of the light beside it, too faint to be called changed. */
static void clear_fringes(struct cb_light_map *m, const struct cb_foreground *fg)
{
    size_t w = (size_t) fg->w, n_px = w * (size_t) fg->h;
    int from = 0, n = list_light(m, fg);
    for (int round = 0; round < FRINGE_PX; round++)
        for (int to = n; from < to; from++) {
            size_t i = (size_t) m->open[from];
            const size_t beside[] = {i - 1, i + 1, i - w, i + w};
            for (size_t k = 0; k < CB_LEN(beside); k++) {
                size_t j = beside[k];
                if (j <= w || j + w + 1 >= n_px || m->light[j] || m->mask[j] ||
                    difference(fg, j) <= 0)
                    continue;
                m->light[j] = LIGHT;
                m->open[n++] = (int) j;
            }
        }
}

/* Lamps light a road that is darker than this; by day most are brighter. */
static bool may_be_night(const struct cb_foreground *fg, const int *span)
{
    double sum = 0, n = 0;
    for (int y = 0; y < fg->h; y += STRIDE)
        for (int x = span[2 * y]; x < span[2 * y + 1]; x += STRIDE, n++)
            sum += fg->bg[(size_t) y * (size_t) fg->w + (size_t) x] / 256.0 - fg->black;
    return sum < NIGHT_LUMA * n;
}

int cb_light_map_clear(struct cb_light_map *m, struct cb_foreground *fg, const int *span)
{
    if (!may_be_night(fg, span))
        return 0;
    int e = cb_blobs_find(&m->changed, fg->mask, fg->w, fg->h, true);
    if (e < 0 || (e = find_road(m, fg, span)) < 0)
        return e;
    memset(m->light, 0, (size_t) fg->w * (size_t) fg->h);
    tell_soft(m, fg);
    if (!flood(m, fg))
        return 0;
    take_out(m, fg);
    clear_rims(m, fg, (size_t) fg->w);
    clear_rims(m, fg, 1);
    clear_fringes(m, fg);
    fg->mask = m->mask;
    fg->light = m->light;
    return 0;
}
