#include "side.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "column.h"
#include "shade.h"
#include "speed/numeric.h"

#define SIDE_RATIO   2.2  /* across to along, to where the zone begins: the near end is edge-on */
#define MIDDLE_RATIO 0.7  /* … and to its middle: the side is long in the picture */
#define WHEEL_SHARE  0.15 /* of the columns stand nearer: rims of shadows, half of the wheels */
#define END_SHARE    0.1  /* of the rows reach farther: fringes */
#define CUT_SHARE    0.15 /* of the rows end at the picture's or the region's border */
#define CUT_PX       2
#define CAST_RATIO   0.4 /* of the road's luma: darker is a tyre, or beneath the vehicle */
#define DARK_SHARE   0.5 /* of the rows are more than what looks like cast shadow, or it is none */
#define RIM_PX       3   /* soft, at a shadow's border */
#define CORE_RATIO   0.32 /* of the road's luma, half way from cast shadow to tyres and the dark */
#define CORE_M       1.2  /* … beneath a vehicle, which begins so near above the patch's edge */
#define CORE_SHARE   0.2  /* of the columns have it */
#define SHADOW_MAX   0.9  /* or past a shadow as dark as this at most, */
#define SHADOW_M     8.0  /* … however broad */
#define INSET_M      0.07 /* tyres stand so far within the body's side */

bool cb_side_view_find(const struct cb_road *road, double x_min_m, double x_max_m, double y_min_m,
                       double y_max_m, struct cb_side_view *ret)
{
    const struct cb_pose *pose = cb_road_pose(road);
    if (!pose || (pose->position_m[0] > x_min_m && pose->position_m[0] < x_max_m))
        return false;
    double x = pose->position_m[0], y = pose->position_m[1];
    double across = fabs(0.5 * (x_min_m + x_max_m) - x);
    double to_zone = fmax(0, fmax(y_min_m - y, y - y_max_m));
    double to_middle = fabs(0.5 * (y_min_m + y_max_m) - y);
    if (!(across > SIDE_RATIO * to_zone) || !(across > MIDDLE_RATIO * to_middle))
        return false;
    *ret = (struct cb_side_view){x, y, pose->position_m[2], x < x_min_m ? 1 : -1};
    return true;
}

/* Where the patch begins and ends in one row, analysed px; lo > hi: nowhere. */
struct row {
    int lo, hi;
};

static void find_rows(const struct cb_blobs *blobs, int blob, int x0, int x1, struct row *row)
{
    const struct cb_blob *o = &blobs->blob[blob];
    for (int y = 0; y < o->y1 - o->y0; y++)
        row[y] = (struct row){x1 + 1, x0 - 1};
    for (size_t i = 0; i < blobs->n_runs; i++) {
        const struct cb_run *r = &blobs->run[i];
        int lo = r->x0 > x0 ? r->x0 : x0, hi = r->x1 - 1 < x1 ? r->x1 - 1 : x1;
        struct row *of = &row[r->y - o->y0];
        if (r->blob != blob || lo > hi)
            continue;
        of->lo = lo < of->lo ? lo : of->lo;
        of->hi = hi > of->hi ? hi : of->hi;
    }
}

/* A shadow that a body casts, not the dark beneath it. */
static bool is_cast(const struct cb_foreground *fg, int x, int y)
{
    size_t i = (size_t) y * (size_t) fg->w + (size_t) x;
    double was = fg->bg[i] / 256.0 - fg->black;
    return fg->img[i] - fg->black > CAST_RATIO * was && cb_shade_at(fg, x, y);
}

/* Steps from (x, y) into the patch to what is no cast shadow; its soft rim and stains in it are
 * passed over. @return the coordinate that was stepped along */
static int past_shadow(const struct cb_foreground *fg, int x, int y, int dx, int dy, int n)
{
    int past = 0;
    for (int i = 0; i < n && i <= past + RIM_PX; i++)
        if (is_cast(fg, x + i * dx, y + i * dy))
            past = i + 1;
    return dx ? x + past * dx : y + past * dy;
}

static bool slope_at(const struct cb_side_view *v, const struct cb_region *g,
                     const struct cb_road *road, double x, double y, double *ret)
{
    struct cb_vec2 m;
    if (cb_road_from_px(road, cb_region_to_full(g, x, y), &m) < 0 ||
        !(v->sign * (m.x - v->x_m) > 0.1))
        return false;
    *ret = (m.y - v->y_m) / (v->sign * (m.x - v->x_m));
    return true;
}

/* The slopes of one picture side's border, with what is cast shadow or past it, sorted; how many of
 * its rows the picture or the region cuts. */
static int border(const struct row *row, int y0, int n, bool is_left, bool is_past_cast,
                  const struct cb_foreground *fg, const struct cb_region *g,
                  const struct cb_road *road, double *ret, int *ret_cut)
{
    int n_ret = 0;
    *ret_cut = 0;
    for (int i = 0; i < n; i++) {
        int x = is_left ? row[i].lo : row[i].hi, y = y0 + i, step = is_left ? 1 : -1;
        if (row[i].lo > row[i].hi)
            continue;
        *ret_cut += is_left ? x < g->span[2 * y] + CUT_PX : x >= g->span[2 * y + 1] - CUT_PX;
        if (is_past_cast)
            x = past_shadow(fg, x, y, step, 0, row[i].hi - row[i].lo + 1);
        n_ret += x >= row[i].lo && x <= row[i].hi &&
                 slope_at(&g->side, g, road, x - 0.5 * step, y, &ret[n_ret]);
    }
    qsort(ret, (size_t) n_ret, sizeof *ret, cb_by_value);
    return n_ret;
}

static int find_ends(const struct row *row, int y0, int n, const struct cb_foreground *fg,
                     const struct cb_region *g, const struct cb_road *road, struct cb_side *ret)
{
    CB_AUTO_FREE double *slope = calloc(2 * (size_t) n, sizeof *slope);
    if (!slope)
        return -ENOMEM;
    double *of[2] = {slope, slope + n};
    int n_of[2], n_cut[2];
    for (int i = 0; i < 2; i++) {
        n_of[i] = border(row, y0, n, i == 0, true, fg, g, road, of[i], &n_cut[i]);
        if (n_of[i] < DARK_SHARE * n) /* a dark body, not a shadow before one */
            n_of[i] = border(row, y0, n, i == 0, false, fg, g, road, of[i], &n_cut[i]);
    }
    if (n_of[0] < 2 || n_of[1] < 2)
        return -EDOM;
    int low = of[0][n_of[0] / 2] <= of[1][n_of[1] / 2] ? 0 : 1, high = 1 - low;
    ret->slope[0] = of[low][(int) (END_SHARE * n_of[low])];
    ret->slope[1] = of[high][n_of[high] - 1 - (int) (END_SHARE * n_of[high])];
    ret->has_end[0] = n_cut[low] <= CUT_SHARE * n_of[low];
    ret->has_end[1] = n_cut[high] <= CUT_SHARE * n_of[high];
    return 0;
}

static double ratio_at(const struct cb_foreground *fg, int x, int y)
{
    size_t i = (size_t) y * (size_t) fg->w + (size_t) x;
    return (fg->img[i] - fg->black) / fmax(fg->bg[i] / 256.0 - fg->black, 1);
}

/* The lower edge of tyres and of the dark beneath the vehicle, whatever shadow lies before it, to
 * a fraction of a px; NaN: it does not begin within n px, nor past a shadow within n_shadow px. */
static double core_edge(const struct cb_foreground *fg, int x, int y_low, int n, int n_shadow)
{
    double below = 1;
    int light = 0; /* px in a row that are no shadow */
    for (int y = y_low; y >= 0 && y > y_low - n_shadow && (y > y_low - n || light <= RIM_PX); y--) {
        double ratio = ratio_at(fg, x, y);
        if (ratio < CORE_RATIO)
            return y + (below > CORE_RATIO ? (CORE_RATIO - ratio) / (below - ratio) : 0.5);
        light = ratio < SHADOW_MAX ? 0 : light + 1;
        below = ratio;
    }
    return NAN;
}

/* How far away the road is that a column shows at y; infinite: nowhere. */
static double away_at(const struct cb_region *g, const struct cb_road *road, int x, double y)
{
    struct cb_vec2 m;
    return cb_road_from_px(road, cb_region_to_full(g, x, y), &m) < 0
               ? HUGE_VAL
               : g->side.sign * (m.x - g->side.x_m);
}

/* Where its wheels stand before which a broad shadow lies; few columns show them, and the others
 * that shadow alone. @return how many of ret are filled; 0: there is no such shadow */
static int find_beyond_shadow(const struct cb_foreground *fg, const struct cb_region *g,
                              const struct cb_road *road, const struct cb_column *c, int n,
                              int y_top, double *ret)
{
    int n_near = 0, n_core = 0;
    for (int i = 0; i < n; i++) {
        int most = c[i].y_px - y_top, reach = (int) (CORE_M / c[i].across_m);
        double y = core_edge(fg, c[i].x_px, c[i].y_px, reach,
                             (int) fmin(most, SHADOW_M / c[i].across_m));
        if (isnan(y))
            continue;
        n_near += y > c[i].y_px - reach;
        ret[n_core++] = away_at(g, road, c[i].x_px, y);
    }
    return n_near < CORE_SHARE * n && n_core > CORE_SHARE * n ? n_core : 0;
}

/*
 * The line that its near wheels run on: of the lower edge, what is nearest to the camera, but for
 * the share that a shadow's ragged rim makes up. The dark beneath a vehicle is no cast shadow;
 * where that ends, also between the wheels, is within a hand's breadth of their line.
 */
static int find_wheels(const struct cb_foreground *fg, const struct cb_region *g,
                       const struct cb_road *road, const struct cb_column *c, int n, int y_top,
                       struct cb_side *ret)
{
    double away[CB_COLUMNS_MAX];
    int n_away = find_beyond_shadow(fg, g, road, c, n, y_top, away);
    for (int i = 0; i < n && n_away == 0; i++) {
        int x = c[i].x_px, y_low = c[i].y_px, most = y_low - y_top;
        int reach = (int) fmin(most, CORE_M / c[i].across_m);
        double y = core_edge(fg, x, y_low, reach, reach);
        away[i] = away_at(g, road, x,
                          isnan(y) ? past_shadow(fg, x, y_low, 0, -1, most) + 0.5 : y);
    }
    n_away = n_away ? n_away : n;
    qsort(away, (size_t) n_away, sizeof *away, cb_by_value);
    double near = away[(int) (WHEEL_SHARE * n_away)] - INSET_M;
    if (!(near > 0.5) || !isfinite(near))
        return -EDOM;
    ret->x_m = g->side.x_m + g->side.sign * near;
    return 0;
}

static double top_of(const struct row *row, int y0, const struct cb_region *g,
                     const struct cb_road *road, double x_m)
{
    const struct cb_side_view *v = &g->side;
    struct cb_vec2 m;
    if (row->lo > row->hi ||
        cb_road_from_px(road, cb_region_to_full(g, 0.5 * (row->lo + row->hi), y0 - 0.5), &m) < 0)
        return NAN;
    return v->height_m * (1 - (x_m - v->x_m) / (m.x - v->x_m));
}

int cb_side_of_blob(const struct cb_blobs *blobs, int blob, const struct cb_foreground *fg,
                    const struct cb_region *g, const struct cb_road *road,
                    const struct cb_column *c, int n, struct cb_side *ret)
{
    const struct cb_blob *o = &blobs->blob[blob];
    int h = o->y1 - o->y0, step = (o->x1 - o->x0) / CB_COLUMNS_MAX + 1;
    CB_AUTO_FREE struct row *row = calloc((size_t) h, sizeof *row);
    if (!row)
        return -ENOMEM;
    find_rows(blobs, blob, c[0].x_px - step, c[n - 1].x_px + step, row);
    struct cb_side s;
    int r = find_ends(row, o->y0, h, fg, g, road, &s);
    if (r == 0)
        r = find_wheels(fg, g, road, c, n, o->y0, &s);
    if (r < 0)
        return r;
    s.top_m = top_of(&row[h > 1], o->y0 + (h > 1), g, road, s.x_m);
    *ret = s;
    return 0;
}
