#include "column.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "shade.h"

#define LAMP_LEVEL  225  /* luma of a headlight seen from the front, */
#define LAMP_M      0.9  /* so high above the lower edge at most, */
#define LAMP_MIN    2    /* in so many columns */
#define FAINT_SHARE 0.8  /* of the columns are faint light: nothing to follow */
#define SHADE_SHARE 0.8  /* of a patch's columns are cast shadow: it has no body */
#define SHADE_PX_M  0.07 /* a shadow is told from a body by pixels no broader than this, */
#define EDGE_PX_M   0.04 /* and the two are parted cleanly */
#define BODY_MIN    2    /* columns that are no cast shadow */
#define STRETCH_M   0.3
#define STRETCH_MIN 5

static bool has_lamp(const struct cb_foreground *fg, const struct cb_column *c, int n_px)
{
    for (int y = c->y_px; y >= 0 && y > c->y_px - n_px; y--)
        if (fg->img[(size_t) y * (size_t) fg->w + (size_t) c->x_px] > LAMP_LEVEL)
            return true;
    return false;
}

static bool place(struct cb_column *c, const struct cb_foreground *fg, const struct cb_region *g,
                  const struct cb_road *road)
{
    struct cb_vec2 m, px = cb_region_to_full(g, c->x_px, c->y_px + 0.5);
    double j[4];
    if (cb_road_from_px(road, px, &m) < 0 || cb_road_jacobian(road, px, j) < 0)
        return false;
    c->x_m = m.x;
    c->a_m = g->near * m.y;
    c->px_m = fabs(j[3]) * g->factor;
    c->across_m = hypot(j[0], j[2]) * g->factor;
    c->has_lamp = c->glow == CB_GLOW_BODY && has_lamp(fg, c, (int) (LAMP_M / c->across_m) + 1);
    return true;
}

int cb_columns_of_blob(const struct cb_blobs *blobs, int blob, const struct cb_foreground *fg,
                       const struct cb_region *g, const struct cb_road *road,
                       struct cb_column ret[CB_COLUMNS_MAX])
{
    const struct cb_blob *o = &blobs->blob[blob];
    int w = o->x1 - o->x0, step = w / CB_COLUMNS_MAX + 1, n = 0, low[CB_REGION_WIDTH_MAX];
    assert(w <= CB_REGION_WIDTH_MAX);
    cb_blobs_lower_edge(blobs, blob, low);
    for (int x = step / 2; x < w; x += step) {
        struct cb_column c = {.x_px = o->x0 + x};
        if (!low[x])
            continue;
        c.glow = cb_glow_in_column(fg, c.x_px, low[x] - 1, o->y0, &c.y_px);
        if (!place(&c, fg, g, road))
            continue;
        c.is_shade = c.across_m < SHADE_PX_M && cb_shade_is_column(fg, c.x_px, low[x] - 1, o->y0);
        ret[n++] = c;
    }
    return n;
}

int cb_columns_without_glow(struct cb_column *c, int n, struct cb_light *ret)
{
    int count[4] = {0}, n_lamps = 0, n_kept = 0;
    for (int i = 0; i < n; i++) {
        count[c[i].glow]++;
        n_lamps += c[i].has_lamp;
    }
    ret->is_lit = n_lamps >= LAMP_MIN;
    ret->is_cut = count[CB_GLOW_ALONE] > 0;
    ret->is_faint = count[CB_GLOW_FAINT] + count[CB_GLOW_ALONE] > FAINT_SHARE * n;
    if (!ret->is_lit && !count[CB_GLOW_ALONE])
        return n;
    for (int i = 0; i < n; i++)
        if (c[i].glow == CB_GLOW_BODY || c[i].glow == CB_GLOW_NONE)
            c[n_kept++] = c[i];
    return n_kept;
}

/* A cast shadow is a stretch of columns, side by side: single ones are accidents of a body. */
static void trust_stretches(struct cb_column *c, int n)
{
    for (int i = 0, len; i < n; i += len) {
        for (len = 1; i + len < n && c[i + len].is_shade == c[i].is_shade; len++)
            ;
        bool is_narrow = fabs(c[i + len - 1].x_m - c[i].x_m) < STRETCH_M || len < STRETCH_MIN ||
                         c[i].across_m > EDGE_PX_M;
        for (int k = i; k < i + len && is_narrow; k++)
            c[k].is_shade = false;
    }
}

static int count_shade(const struct cb_column *c, int n)
{
    int n_shade = 0;
    for (int i = 0; i < n; i++)
        n_shade += c[i].is_shade;
    return n_shade;
}

int cb_columns_without_shade(struct cb_column *c, int n, bool *ret_is_shade)
{
    int n_kept = 0;
    *ret_is_shade = count_shade(c, n) > SHADE_SHARE * n;
    trust_stretches(c, n);
    int n_shade = count_shade(c, n);
    if (*ret_is_shade || n_shade == 0 || n - n_shade < BODY_MIN)
        return n;
    for (int i = 0; i < n; i++)
        if (!c[i].is_shade)
            c[n_kept++] = c[i];
    return n_kept;
}
