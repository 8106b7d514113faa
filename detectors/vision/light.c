#include "light.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SLOPE_SHARE  0.2   /* of its brightness light loses within a pixel at most, … */
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
enum { CHANGED, UNCHANGED, ROAD };

int cb_light_map_init(struct cb_light_map *m, int w, int h)
{
    for (int i = 0; i < 256; i++)
        m->share[i] = (int) (256 * (ASPHALT + DARKEST) / (i + DARKEST));
    size_t n = (size_t) w * (size_t) h;
    m->mask = cb_alloc_aligned(n);
    m->light = cb_alloc_aligned(n);
    m->cell = cb_alloc_aligned(n / CELL_PX + 1);
    m->open = malloc(n * sizeof *m->open);
    return m->mask && m->light && m->cell && m->open ? 0 : -ENOMEM;
}

void cb_light_map_deinit(struct cb_light_map *m)
{
    free(m->mask);
    free(m->light);
    free(m->cell);
    free(m->open);
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

/* Brighter than the road, and no edge: by the plane through the 3 × 3 differences around it. */
static bool is_soft(const struct cb_light_map *m, const struct cb_foreground *fg, size_t i)
{
    int sum = 0, across = 0, down = 0;
    for (int y = -1; y <= 1; y++) {
        size_t row = (size_t) ((ptrdiff_t) i + y * fg->w);
        int a = lift(m, fg, row - 1), b = lift(m, fg, row), c = lift(m, fg, row + 1);
        sum += a + b + c;
        across += c - a;
        down += y * (a + b + c);
    }
    if (sum <= 0)
        return false;
    float mean = (float) sum / (9 * 16), least = fmaxf(SLOPE_MIN, (float) (SLOPE_NOISE * fg->noise));
    float limit = 6 * 16 * fmaxf(least, (float) SLOPE_SHARE * mean);
    return (float) across * (float) across + (float) down * (float) down < limit * limit;
}

static void tell_soft(struct cb_light_map *m, const struct cb_foreground *fg, const int *span)
{
    for (int y = 1; y + 1 < fg->h; y++)
        for (int x = span[2 * y] > 1 ? span[2 * y] : 1;
             x < span[2 * y + 1] && x + 1 < fg->w; x++) {
            size_t i = (size_t) y * (size_t) fg->w + (size_t) x;
            if (fg->mask[i])
                m->light[i] = is_soft(m, fg, i) ? SOFT : HARD;
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
    for (int cy = 0; cy < ch; cy++)
        for (int cx = 0; cx < cw; cx++) {
            bool is_free = true;
            for (int y = cy * CELL_PX; y < (cy + 1) * CELL_PX && is_free; y++) {
                const uint8_t *row = fg->mask + (size_t) y * (size_t) fg->w + cx * CELL_PX;
                is_free = cx * CELL_PX >= span[2 * y] && (cx + 1) * CELL_PX <= span[2 * y + 1];
                for (int k = 0; k < CELL_PX; k++)
                    is_free &= !row[k];
            }
            m->cell[cy * cw + cx] = is_free ? UNCHANGED : CHANGED;
        }
}

/* The patch of unchanged squares around one of them becomes road if it is large. */
static void grow_road(struct cb_light_map *m, int first, int cw, int ch)
{
    int n_open = 0, n = 0;
    m->open[n_open++] = first;
    m->cell[first] = ROAD;
    while (n < n_open) { /* the list stays: it is the patch */
        int i = m->open[n++], x = i % cw, y = i / cw;
        const int beside[] = {x > 0 ? i - 1 : i, x + 1 < cw ? i + 1 : i, y > 0 ? i - cw : i,
                              y + 1 < ch ? i + cw : i};
        for (size_t k = 0; k < CB_LEN(beside); k++)
            if (m->cell[beside[k]] == UNCHANGED) {
                m->cell[beside[k]] = ROAD;
                m->open[n_open++] = beside[k];
            }
    }
    for (int k = 0; k < n && n < ROAD_SHARE * cw * ch; k++)
        m->cell[m->open[k]] = CHANGED;
}

static void find_road(struct cb_light_map *m, const struct cb_foreground *fg, const int *span)
{
    int cw = fg->w / CELL_PX, ch = fg->h / CELL_PX;
    fill_cells(m, fg, span, cw, ch);
    for (int i = 0; i < cw * ch; i++)
        if (m->cell[i] == UNCHANGED)
            grow_road(m, i, cw, ch);
}

/* Whether unlit road is as near as the squares are large. */
static bool is_by_road(const struct cb_light_map *m, const struct cb_foreground *fg, int x, int y)
{
    int cw = fg->w / CELL_PX, ch = fg->h / CELL_PX, cx = x / CELL_PX, cy = y / CELL_PX;
    for (int j = cy - 1; j <= cy + 1; j++)
        for (int i = cx - 1; i <= cx + 1; i++)
            if (i >= 0 && j >= 0 && i < cw && j < ch && m->cell[j * cw + i] == ROAD)
                return true;
    return false;
}

/* @return whether there is any */
static bool flood(struct cb_light_map *m, const struct cb_foreground *fg)
{
    bool is_any = false;
    size_t w = (size_t) fg->w;
    for (int y = 1; y + 1 < fg->h; y++)
        for (int x = 1; x + 1 < fg->w; x++) {
            size_t i = (size_t) y * w + (size_t) x;
            if (m->light[i] != SOFT || !is_open(m, i, w) ||
                (fg->mask[i - 1] && fg->mask[i + 1] && fg->mask[i - w] && fg->mask[i + w]) ||
                !is_by_road(m, fg, x, y))
                continue;
            int n = spread(m, fg, i);
            if (is_pool(m, fg, n)) {
                settle(m, fg, n);
                is_any = true;
                continue;
            }
            for (int k = 0; k < n; k++)
                m->light[m->open[k]] = HARD;
        }
    return is_any;
}

/* Thin bright runs beside light, n px from first on, step apart, are its rim. */
static void clear_rims(struct cb_light_map *m, const struct cb_foreground *fg, size_t first,
                       size_t step, int n)
{
    for (int k = 1, len; k + 1 < n; k += len) {
        size_t i = first + (size_t) k * step;
        bool is_bright = true;
        len = 1;
        if (!m->mask[i])
            continue;
        for (len = 0; k + len + 1 < n && m->mask[i + (size_t) len * step]; len++)
            is_bright &= difference(fg, i + (size_t) len * step) > 0;
        bool is_beside = m->light[i - step] == LIGHT || m->light[i + (size_t) len * step] == LIGHT;
        if (!is_bright || !is_beside || len > RIM_PX)
            continue;
        for (int j = 0; j < len; j++) {
            m->mask[i + (size_t) j * step] = 0;
            m->light[i + (size_t) j * step] = LIGHT;
        }
    }
}

/* What is left of the light beside it, too faint to be called changed. */
static void clear_fringes(struct cb_light_map *m, const struct cb_foreground *fg)
{
    size_t w = (size_t) fg->w, n = w * (size_t) fg->h;
    for (int round = 0; round < FRINGE_PX; round++) {
        int n_open = 0;
        for (size_t i = w + 1; i + w + 1 < n; i++)
            if (!m->light[i] && !m->mask[i] && difference(fg, i) > 0 &&
                (m->light[i - 1] | m->light[i + 1] | m->light[i - w] | m->light[i + w]))
                m->open[n_open++] = (int) i;
        for (int k = 0; k < n_open; k++)
            m->light[m->open[k]] = LIGHT;
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

bool cb_light_map_clear(struct cb_light_map *m, struct cb_foreground *fg, const int *span)
{
    size_t n = (size_t) fg->w * (size_t) fg->h;
    if (!may_be_night(fg, span))
        return false;
    memset(m->light, 0, n);
    find_road(m, fg, span);
    tell_soft(m, fg, span);
    if (!flood(m, fg))
        return false;
    for (size_t i = 0; i < n; i++) {
        m->light[i] &= LIGHT;
        m->mask[i] = m->light[i] ? 0 : fg->mask[i];
    }
    for (int x = 0; x < fg->w; x++)
        clear_rims(m, fg, (size_t) x, (size_t) fg->w, fg->h);
    for (int y = 0; y < fg->h; y++)
        clear_rims(m, fg, (size_t) y * (size_t) fg->w, 1, fg->w);
    clear_fringes(m, fg);
    fg->mask = m->mask;
    fg->light = m->light;
    return true;
}
