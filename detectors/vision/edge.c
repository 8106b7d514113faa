#include <errno.h>
#include <math.h>

#include "contact.h"

#define N_LINES        5    /* across the corridor */
#define N_STEPS_MAX    160
#define RISE_LEVELS    7.0
#define FALL_LEVELS    30.0
#define BEHIND_M       0.3
#define PLATEAU_M      0.6  /* how far behind the rise its height is looked for */

/* Picture − empty road between pixels, levels, without light unless is_lit; NaN outside. */
static double difference_at(const struct cb_foreground *fg, struct cb_vec2 p, bool is_lit)
{
    int x = (int) floor(p.x), y = (int) floor(p.y);
    if (x < 0 || y < 0 || x + 1 >= fg->w || y + 1 >= fg->h)
        return NAN;
    double u = p.x - x, v = p.y - y, sum = 0;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            size_t k = (size_t) (y + j) * (size_t) fg->w + (size_t) (x + i);
            bool is_left_out = (!is_lit && fg->light && fg->light[k]) || (fg->shade && fg->shade[k]);
            double d = is_left_out ? 0 : fg->img[k] - fg->bg[k] / 256.0;
            sum += (i ? u : 1 - u) * (j ? v : 1 - v) * d;
        }
    return sum;
}

/*
 * Mean difference across the corridor at each step along; its amount, or is_lit, signed.
 * @return false where the picture ends
 */
static bool profile(const struct cb_foreground *fg, const struct cb_region *g,
                    const struct cb_road *road, double x_m, double half_m, double a0_m,
                    double step_m, int n, bool is_lit, double *ret)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < N_LINES; k++) {
            struct cb_vec2 m = {x_m + half_m * (2.0 * k / (N_LINES - 1) - 1),
                                g->near * (a0_m + i * step_m)}, px;
            double d = cb_road_to_px(road, m, &px) < 0
                           ? NAN
                           : difference_at(fg, cb_region_from_full(g, px), is_lit);
            if (isnan(d))
                return false;
            sum += is_lit ? d : fabs(d);
        }
        ret[i] = sum / N_LINES;
    }
    return true;
}

/* Index, with fraction, of the half height of the first rise; < 0: none. */
static double first_rise(const double *p, int n, int n_plateau)
{
    int n_base = n / 5 > 2 ? n / 5 : 2, i = 0;
    double base = 0;
    for (int k = 0; k < n_base; k++)
        base += p[k] / n_base;
    double high = 0;
    for (int k = 0; k < n; k++)
        high = fmax(high, p[k]);
    double rise = fmax(RISE_LEVELS, 0.25 * (high - base));
    while (i < n && p[i] < base + rise)
        i++;
    if (i == 0 || i >= n - 1)
        return -1;
    double peak = p[i];
    for (int k = i; k < n && k < i + n_plateau; k++)
        peak = fmax(peak, p[k]);
    double half = base + 0.5 * (peak - base);
    while (i < n && p[i] < half)
        i++;
    while (i > 0 && p[i - 1] >= half)
        i--;
    return i == 0 || i >= n ? -1 : i - 1 + (half - p[i - 1]) / (p[i] - p[i - 1]);
}

/* Index, with fraction, of the half height of the steepest fall, n_step steps long; < 0: none. */
static double steepest_fall(const double *p, int n, int n_step)
{
    int at = -1;
    double most = FALL_LEVELS;
    for (int i = 0; i + n_step < n; i++)
        if (p[i] - p[i + n_step] > most) {
            most = p[i] - p[i + n_step];
            at = i;
        }
    if (at < 0)
        return -1;
    double half = 0.5 * (p[at] + p[at + n_step]);
    int i = at;
    while (i < at + n_step && p[i + 1] > half)
        i++;
    return i + (p[i] - half) / fmax(p[i] - p[i + 1], 1e-6);
}

int cb_contact_refine(const struct cb_foreground *fg, const struct cb_region *g,
                      const struct cb_road *road, double x_m, double y_m, double width_m,
                      bool is_lit, double *ret_y_m)
{
    struct cb_vec2 px;
    double j[4], p[N_STEPS_MAX];
    if (cb_road_to_px(road, (struct cb_vec2){x_m, y_m}, &px) < 0 ||
        cb_road_jacobian(road, px, j) < 0)
        return -ENODATA;
    double px_m = fabs(j[3]) * g->factor, half = 0.3 * fmin(width_m, 2.2);
    double reach = fmax(1.5, 5 * px_m), step = fmax(0.35 * px_m, 2 * reach / (N_STEPS_MAX - 1));
    /* its light lies before it, and what is behind its edge may be a lamp */
    double behind = is_lit ? BEHIND_M + fmax(PLATEAU_M, 3 * px_m) : reach;
    int n = (int) ((reach + behind) / step) + 1;
    double a0 = g->near * y_m - reach;
    if (!profile(fg, g, road, x_m, half, a0, step, n, is_lit, p))
        return -ENODATA;
    int n_plateau = (int) (fmax(PLATEAU_M, 3 * px_m) / step) + 1;
    double i = is_lit ? steepest_fall(p, n, n_plateau) : first_rise(p, n, n_plateau);
    if (i < 0)
        return -ENODATA;
    *ret_y_m = g->near * (a0 + i * step);
    return 0;
}
