/*
 * Lens distortion from lines that are straight on the road or above it ("plumb lines": Brown,
 * Close-range camera calibration, Photogrammetric Engineering 37, 1971). A pinhole shows them
 * straight; what bend is left in the picture is the lens.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "lens.h"

#define READING_PX 0.7 /* of a clicked point, at least */
#define K1_MAX     0.5
#define N_GRID     100
#define N_GOLDEN   40
#define U_MAX      0.02 /* a k1 less sure than this bends the far end by more than the clicks do */
#define MISFIT     4.0  /* of the reading, for one point off its line */

struct bends {
    const struct cb_line_px *line;
    size_t n;
    int width, height;
    struct cb_vec2 *scratch; /* as many as the longest line has */
};

/* Sum of squares of the points' distances from the line through them, and the largest. */
static double off_line(const struct cb_vec2 *p, size_t n, double *ret_max)
{
    double cx = 0, cy = 0, xx = 0, xy = 0, yy = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        cx += p[i].x / (double) n;
        cy += p[i].y / (double) n;
    }
    for (size_t i = 0; i < n; i++) {
        double x = p[i].x - cx, y = p[i].y - cy;
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    double angle = 0.5 * atan2(2 * xy, xx - yy);
    *ret_max = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (p[i].y - cy) * cos(angle) - (p[i].x - cx) * sin(angle);
        sum += d * d;
        *ret_max = fmax(*ret_max, fabs(d));
    }
    return sum;
}

/* px², or infinity where k1 is no lens; the worst point's line and distance. */
static double misfit(const struct bends *b, double k1, size_t *ret_i, double *ret_px)
{
    struct cb_lens lens;
    double sum = 0;
    *ret_px = 0;
    if (cb_lens_init(&lens, b->width, b->height, k1, 0) < 0)
        return INFINITY;
    for (size_t i = 0; i < b->n; i++) {
        const struct cb_line_px *l = &b->line[i];
        double max, size = 0, seen = 0;
        for (size_t k = 0; k < l->n; k++)
            if (cb_lens_undistort(&lens, l->px[k], &b->scratch[k]) < 0)
                return INFINITY;
        /* a lens that shrinks the picture makes no line straighter */
        size = hypot(b->scratch[l->n - 1].x - b->scratch[0].x,
                     b->scratch[l->n - 1].y - b->scratch[0].y);
        seen = hypot(l->px[l->n - 1].x - l->px[0].x, l->px[l->n - 1].y - l->px[0].y);
        double off = off_line(b->scratch, l->n, &max), scale = seen / size;
        sum += off * scale * scale;
        if (max * scale > *ret_px) {
            *ret_px = max * scale;
            *ret_i = i;
        }
    }
    return sum;
}

static double best_k1(const struct bends *b)
{
    size_t i;
    double px, best = 0, least = INFINITY, step = 2 * K1_MAX / N_GRID;
    for (int g = 0; g <= N_GRID; g++) {
        double k1 = -K1_MAX + step * g, sum = misfit(b, k1, &i, &px);
        if (sum < least) {
            least = sum;
            best = k1;
        }
    }
    double lo = best - step, hi = best + step;
    for (int k = 0; k < N_GOLDEN; k++) {
        double a = hi - 0.618034 * (hi - lo), c = lo + 0.618034 * (hi - lo);
        if (misfit(b, a, &i, &px) < misfit(b, c, &i, &px))
            hi = c;
        else
            lo = a;
    }
    return 0.5 * (lo + hi);
}

/* From how fast the misfit grows beside its least, which is Δk1² / u² in units of the reading. */
static double uncertainty(const struct bends *b, double k1, double reading_px)
{
    const double h = 0.005;
    size_t i;
    double px, at = misfit(b, k1, &i, &px);
    double below = misfit(b, k1 - h, &i, &px), above = misfit(b, k1 + h, &i, &px);
    double curve = isfinite(below + above) ? (below + above - 2 * at) / 2 : fmin(below, above) - at;
    return curve > 0 ? h * reading_px / sqrt(curve) : INFINITY;
}

static int check(const struct cb_line_px *line, size_t n, size_t *ret_longest,
                 struct cb_error *reterr)
{
    char where[32];
    *ret_longest = 0;
    for (size_t i = 0; i < n; i++) {
        snprintf(where, sizeof where, "lines[%zu]", i);
        if (line[i].n < 3)
            return cb_error_set(reterr, -EINVAL, where,
                                "has %zu points, expected 3 or more: two are always straight",
                                line[i].n);
        const struct cb_vec2 *a = &line[i].px[0], *b = &line[i].px[line[i].n - 1];
        if (!(hypot(a->x - b->x, a->y - b->y) >= 20))
            return cb_error_set(reterr, -EINVAL, where,
                                "is shorter than 20 px; expected its points in order along it");
        *ret_longest = line[i].n > *ret_longest ? line[i].n : *ret_longest;
    }
    return n ? 0 : cb_error_set(reterr, -EINVAL, "lines", "is empty, expected a line or more");
}

int cb_lens_fit_lines(const struct cb_line_px *line, size_t n, int width, int height,
                      double *ret_k1, double *ret_u, struct cb_error *reterr)
{
    size_t longest, i_worst = 0;
    int err = check(line, n, &longest, reterr);
    if (err < 0)
        return err;
    CB_AUTO_FREE struct cb_vec2 *scratch = calloc(longest, sizeof *scratch);
    if (!scratch)
        return -ENOMEM;
    struct bends b = {line, n, width, height, scratch};
    double dof = -1, worst, k1 = best_k1(&b), sum = misfit(&b, k1, &i_worst, &worst);
    for (size_t i = 0; i < n; i++)
        dof += (double) line[i].n - 2;
    double reading = fmax(READING_PX, dof > 0 ? sqrt(sum / dof) : 0);
    double u = uncertainty(&b, k1, reading);
    if (worst > MISFIT * READING_PX) {
        char where[32];
        snprintf(where, sizeof where, "lines[%zu]", i_worst);
        return cb_error_set(reterr, -EINVAL, where,
                            "has a point %.1f px off its line however the lens bends it; expected "
                            "a straight line, read to a pixel",
                            worst);
    }
    if (!(u < U_MAX) || fabs(k1) > K1_MAX)
        return cb_error_set(reterr, -EINVAL, "lines",
                            "do not determine k1 (%.3f +- %.3f); expected long lines near the "
                            "picture's border, not through its middle",
                            k1, u);
    *ret_k1 = k1;
    *ret_u = u;
    return 0;
}
