#include "across.h"

#include <math.h>

#define ACROSS_M     0.15 /* scatter of the near end's middle */
#define ACROSS_MAX_M 1.0  /* from the smooth line: more is a turn */

/* The three coefficients of a parabola by weighted sums; false when they are not determined. */
static bool solve3(double a[3][4], double ret[3])
{
    for (int i = 0; i < 3; i++) {
        if (!(a[i][i] > 1e-9)) /* normal equations: positive until they are singular */
            return false;
        for (int k = 0; k < 3; k++) {
            double f = k == i ? 0 : a[k][i] / a[i][i];
            for (int c = i; c < 4; c++)
                a[k][c] -= f * a[i][c];
        }
    }
    for (int i = 0; i < 3; i++)
        ret[i] = a[i][3] / a[i][i];
    return true;
}

static double parabola(const double c[3], double u)
{
    return c[0] + u * (c[1] + u * c[2]);
}

static double time_of(const struct cb_track *t, size_t i) /* −1 … 1 over the track */
{
    double span = (double) (t->point[t->n - 1].t_ns - t->point[0].t_ns);
    return span > 0 ? 2 * (double) (t->point[i].t_ns - t->point[0].t_ns) / span - 1 : 0;
}

double cb_across_at(const struct cb_track *t, size_t i, const double c[3])
{
    return parabola(c, time_of(t, i));
}

bool cb_across_fit(const struct cb_track *t, cb_across_value_fn *value, const void *of,
                   double scatter, double c[3])
{
    for (int round = 0; round < 4; round++) {
        double a[3][4] = {{0}};
        for (size_t i = 0; i < t->n; i++) {
            double u = time_of(t, i), z = value(t, i, of);
            double e = round ? (z - parabola(c, u)) / scatter : 0, w = 1 / (1 + e * e);
            const double q[4] = {1, u, u * u, z};
            for (int r = 0; r < 3 && !isnan(z); r++)
                for (int k = 0; k < 4; k++)
                    a[r][k] += w * q[r] * q[k];
        }
        if (!solve3(a, c))
            return false;
    }
    return true;
}

static double x_of(const struct cb_track *t, size_t i, const void *of)
{
    (void) of;
    return t->point[i].x_m;
}

static bool fit_across(const struct cb_track *t, double c[3])
{
    return cb_across_fit(t, x_of, NULL, ACROSS_M, c);
}

void cb_across_steady(const struct cb_track *t, const struct cb_road *road,
                      struct cb_speed_sample *s)
{
    double c[3] = {0}, sum2 = 0, sigma = 0;
    bool is_smooth = fit_across(t, c);
    for (size_t i = 0; i < t->n; i++) {
        const struct cb_track_point *p = &t->point[i];
        struct cb_vec2 px, m = {parabola(c, time_of(t, i)), p->y_m};
        s[i] = p->sample;
        sigma += p->sample.sigma_px / (double) t->n;
        if (!is_smooth || fabs(m.x - p->x_m) > ACROSS_MAX_M || cb_road_to_px(road, m, &px) < 0)
            continue;
        s[i].x_px = px.x;
        s[i].y_px = px.y;
        sum2 += pow(px.x - p->sample.x_px, 2) + pow(px.y - p->sample.y_px, 2);
    }
    double k = fmin(1, sigma / sqrt(sum2 / (double) t->n + 1e-9));
    for (size_t i = 0; i < t->n; i++) {
        s[i].x_px += k * (t->point[i].sample.x_px - s[i].x_px);
        s[i].y_px += k * (t->point[i].sample.y_px - s[i].y_px);
    }
}

void cb_across_smooth(struct cb_track *t)
{
    double c[3] = {0};
    if (!fit_across(t, c))
        return;
    for (size_t i = 0; i < t->n; i++)
        t->point[i].x_m = parabola(c, time_of(t, i));
}
