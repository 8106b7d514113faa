#include "patch.h"

#include <math.h>

#define N (CB_PATCH_SIDE * CB_PATCH_SIDE)
#define REACH_MAX 12

double cb_patch_hold(const struct cb_grey *g, int x, int y)
{
    double xx = 0, xy = 0, yy = 0;
    for (int j = 1; j < CB_PATCH_SIDE - 1; j++) {
        const uint8_t *p = g->px + (ptrdiff_t) (y + j) * g->w + x;
        for (int i = 1; i < CB_PATCH_SIDE - 1; i++) {
            double gx = 0.5 * (p[i + 1] - p[i - 1]), gy = 0.5 * (p[i + g->w] - p[i - g->w]);
            xx += gx * gx;
            xy += gx * gy;
            yy += gy * gy;
        }
    }
    double mean = 0.5 * (xx + yy), apart = hypot(0.5 * (xx - yy), xy);
    return (mean - apart) / ((CB_PATCH_SIDE - 2) * (CB_PATCH_SIDE - 2));
}

void cb_patch_cut(struct cb_patch *p, const struct cb_grey *g, int x, int y)
{
    double squares = 0;
    p->x = x;
    p->y = y;
    p->sum = 0;
    for (int j = 0; j < CB_PATCH_SIDE; j++)
        for (int i = 0; i < CB_PATCH_SIDE; i++) {
            uint8_t v = g->px[(ptrdiff_t) (y + j) * g->w + x + i];
            p->px[j * CB_PATCH_SIDE + i] = v;
            p->sum += v;
            squares += (double) v * v;
        }
    p->norm = sqrt(fmax(0, squares - p->sum * p->sum / N));
}

static double correlation(const struct cb_patch *p, const struct cb_grey *g, int x, int y)
{
    if (x < 0 || y < 0 || x + CB_PATCH_SIDE > g->w || y + CB_PATCH_SIDE > g->h)
        return -1;
    unsigned sum = 0, squares = 0, product = 0;
    for (int j = 0; j < CB_PATCH_SIDE; j++) {
        const uint8_t *a = p->px + j * CB_PATCH_SIDE, *b = g->px + (ptrdiff_t) (y + j) * g->w + x;
        for (int i = 0; i < CB_PATCH_SIDE; i++) {
            sum += b[i];
            squares += (unsigned) b[i] * b[i];
            product += (unsigned) a[i] * b[i];
        }
    }
    double norm = sqrt(fmax(0, squares - (double) sum * sum / N));
    return norm * p->norm > 1 ? (product - p->sum * sum / N) / (norm * p->norm) : 0;
}

/* The top of the parabola through three neighbours, from the middle one. */
static double vertex(double before, double at, double after)
{
    double bend = before - 2 * at + after;
    return bend < -1e-9 ? 0.5 * (before - after) / bend : 0;
}

double cb_patch_find(const struct cb_patch *p, const struct cb_grey *g, int dx, int dy, int reach,
                     double *ret_dx, double *ret_dy)
{
    double c[2 * REACH_MAX + 1][2 * REACH_MAX + 1], best = -2;
    int bi = 0, bj = 0, side = 2 * reach + 1;
    for (int j = 0; j < side; j++)
        for (int i = 0; i < side; i++) {
            c[j][i] = correlation(p, g, p->x + dx + i - reach, p->y + dy + j - reach);
            if (c[j][i] > best) {
                best = c[j][i];
                bi = i;
                bj = j;
            }
        }
    if (bi == 0 || bj == 0 || bi == side - 1 || bj == side - 1)
        return -2;
    *ret_dx = dx + bi - reach + vertex(c[bj][bi - 1], best, c[bj][bi + 1]);
    *ret_dy = dy + bj - reach + vertex(c[bj - 1][bi], best, c[bj + 1][bi]);
    return best;
}
