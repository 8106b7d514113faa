#include "bearing.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "doa.h"

#define BEFORE_NS     (240 * CB_NS_PER_MS)
#define AFTER_NS      (120 * CB_NS_PER_MS)
#define PASS_NS       (800 * CB_NS_PER_MS) /* each way: in which a pass under the array turns */
#define ECHO_RAD      0.02 /* of a moment's direction besides the noise */
#define INDEPENDENT_S 0.1  /* windows overlap */
#define PLACE_U_M     0.5  /* of the vehicle's place */
#define STRAY_RAD     0.17 /* farther off the vehicle's place it is an echo, or another sound */

/* A weighted straight line through angles that are near each other. */
struct line {
    double w, t, tt, y, ty, yy;
    size_t n;
};

static void add(struct line *l, double t_s, double y, double u)
{
    double w = 1 / (u * u + ECHO_RAD * ECHO_RAD);
    l->w += w;
    l->t += w * t_s;
    l->tt += w * t_s * t_s;
    l->y += w * y;
    l->ty += w * t_s * y;
    l->yy += w * y * y;
    l->n++;
}

/* The line at t = 0, or the mean when there is no slope to be told or none is wanted. */
static double at_zero(const struct line *l, bool has_slope, double *ret_u)
{
    double det = l->w * l->tt - l->t * l->t;
    bool slopes = has_slope && l->n >= 4 && det > 1e-9 * l->w * l->tt;
    double slope = slopes ? (l->w * l->ty - l->t * l->y) / det : 0;
    double y0 = (l->y - slope * l->t) / l->w;
    double left = (l->yy - y0 * l->y - slope * l->ty) / l->w; /* mean square about it */
    double n = fmax(1, (double) l->n * CB_HEARD_S / INDEPENDENT_S);
    double given = (slopes ? l->tt / det : 1 / l->w) * (double) l->n / n;
    *ret_u = sqrt(fmax(given, fmax(0, left) / n));
    return y0;
}

static bool is_near(const struct cb_heard *m, int64_t t_peak_ns)
{
    return !isnan(m->azimuth_rad) && m->t_ns >= t_peak_ns - BEFORE_NS &&
           m->t_ns <= t_peak_ns + AFTER_NS;
}

bool cb_bearing_along(const struct cb_hearing *h, const struct cb_way *way, int64_t t_peak_ns,
                      double *ret_azimuth_rad, double *ret_u_rad)
{
    struct line l = {0};
    size_t n = 0;
    double x, y;
    for (size_t i = 0; i < h->n; i++) {
        const struct cb_heard *m = &h->heard[i];
        if (!is_near(m, t_peak_ns) || !cb_way_emitted(h, way, m->t_ns, &x, &y))
            continue;
        double off = cb_doa_offset_rad(h->doa, m->azimuth_rad, x, y, CB_SOURCE_HIGH_M);
        double place = PLACE_U_M / hypot(x - h->microphone_m[0], y - h->microphone_m[1]);
        n++;
        if (fabs(off) <= STRAY_RAD + fmin(M_PI / 4, 2 * place))
            add(&l, 0, off, m->u_rad);
    }
    if (!l.n || 2 * l.n < n || !cb_way_emitted(h, way, t_peak_ns, &x, &y))
        return false;
    double off = at_zero(&l, false, ret_u_rad);
    double place = atan2(x - h->microphone_m[0], y - h->microphone_m[1]);
    *ret_azimuth_rad = remainder(place + off, 2 * M_PI);
    *ret_u_rad = hypot(*ret_u_rad, cb_doa_lasting_u_rad(h->doa, *ret_azimuth_rad));
    return true;
}

double cb_bearing_misfit(const struct cb_hearing *h, const struct cb_way *way, int64_t t_peak_ns)
{
    double sum = 0, x, y;
    for (size_t i = 0; i < h->n; i++) {
        const struct cb_heard *m = &h->heard[i];
        if (isnan(m->azimuth_rad) || llabs(m->t_ns - t_peak_ns) > PASS_NS ||
            !cb_way_emitted(h, way, m->t_ns, &x, &y))
            continue;
        double off = cb_doa_offset_rad(h->doa, m->azimuth_rad, x, y, CB_SOURCE_HIGH_M);
        sum += fmin(off * off, STRAY_RAD * STRAY_RAD) / (m->u_rad * m->u_rad + ECHO_RAD * ECHO_RAD);
    }
    return sum * CB_HEARD_S / INDEPENDENT_S;
}

bool cb_bearing_alone(const struct cb_hearing *h, int64_t t_peak_ns, double *ret_azimuth_rad,
                      double *ret_u_rad)
{
    struct line l = {0};
    double sx = 0, sy = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct cb_heard *m = &h->heard[i];
        sx += is_near(m, t_peak_ns) ? sin(m->azimuth_rad) / (m->u_rad + ECHO_RAD) : 0;
        sy += is_near(m, t_peak_ns) ? cos(m->azimuth_rad) / (m->u_rad + ECHO_RAD) : 0;
    }
    double middle = atan2(sx, sy);
    for (size_t i = 0; i < h->n; i++) {
        const struct cb_heard *m = &h->heard[i];
        if (is_near(m, t_peak_ns))
            add(&l, cb_s_from_ns(m->t_ns - t_peak_ns), remainder(m->azimuth_rad - middle, 2 * M_PI),
                m->u_rad);
    }
    if (!l.n || !h->doa)
        return false;
    *ret_azimuth_rad = remainder(middle + at_zero(&l, true, ret_u_rad), 2 * M_PI);
    *ret_u_rad = hypot(*ret_u_rad, cb_doa_lasting_u_rad(h->doa, *ret_azimuth_rad));
    return true;
}
