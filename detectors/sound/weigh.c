#include "weigh.h"

#include <math.h>

#include "base/clock.h"
#include "doa.h"

#define INDEPENDENT_S   0.25  /* moments nearer than this say the same thing twice */
#define BEARING_U       0.035 /* rad: echoes bend directions, the pipe moves about in its lane */
#define PLACE_U_M       0.3   /* of a track's point, moment by moment, and of a window's middle */
#define STRAY           0.1   /* of the directions, to someone else's noise or an echo */
#define AGREE_SIGMA     2.5
#define FOLLOWED_DB     8.0 /* under the loudest moment, others are heard beside it */
#define FOLLOWED_M      2.0 /* less sure of its place, no direction can be said to follow it */
#define LEVEL_SIGMA_DB  4.0  /* throttle and the pipe's directivity, over a passage */
#define LEVEL_UNKNOWN   6.0  /* dB: off when the way is not known */
#define SOURCE_7M5_DB   95.0 /* what makes a noise event at 7.5 m, and its spread */
#define SOURCE_SIGMA_DB 8.0
#define RATE_SIGMA      0.006 /* of ln f: what a driver's foot adds to a steady change */
#define TAIL            4.0 /* degrees of freedom: more than a Gaussian leaves room for surprises */

/* Sums over the moments at which the way is known. */
struct sums {
    size_t n, n_unknown;
    double level, square, bearing, top_db;
};

double cb_hearing_distance_m(const struct cb_hearing *h, double x_m, double y_m)
{
    double flat = hypot(x_m - h->microphone_m[0], y_m - h->microphone_m[1]);
    return fmax(1, hypot(flat, CB_SOURCE_HIGH_M - h->microphone_m[2]));
}

bool cb_way_emitted(const struct cb_hearing *h, const struct cb_way *w, int64_t t_ns,
                    double *ret_x_m, double *ret_y_m)
{
    bool is_known = w->at(w->self, t_ns, ret_x_m, ret_y_m);
    for (int i = 0; i < 2 && is_known;
         i++) { /* closer by speed over the speed of sound each time */
        double way_s = cb_hearing_distance_m(h, *ret_x_m, *ret_y_m) / h->sound_mps;
        is_known = w->at(w->self, t_ns - (int64_t) (way_s * 1e9), ret_x_m, ret_y_m);
    }
    return is_known;
}

/* −ln of a Gaussian with room for strays, which come from anywhere in half a circle. */
static double bearing_cost(double off_rad, double sigma_rad)
{
    double z = off_rad / sigma_rad;
    double fits = exp(-z * z / 2) / (sigma_rad * sqrt(2 * M_PI));
    return -log((1 - STRAY) * fits + STRAY / M_PI);
}

/* Of a place, as seen from the microphone. */
static double place_u_rad(const struct cb_hearing *h, const struct cb_place *at)
{
    double dx = at->x_m - h->microphone_m[0], dy = at->y_m - h->microphone_m[1];
    double r = fmax(PLACE_U_M, hypot(dx, dy));
    return hypot(PLACE_U_M, (at->u_x_m * dy - at->u_y_m * dx) / r) / r;
}

static void add_direction(const struct cb_hearing *h, const struct cb_heard *m,
                          const struct cb_place *at, struct sums *s, struct cb_agreement *ret,
                          size_t *run)
{
    double lasting = cb_doa_lasting_u_rad(h->doa, m->azimuth_rad), place = place_u_rad(h, at);
    double sigma = sqrt(m->u_rad * m->u_rad + BEARING_U * BEARING_U + lasting * lasting +
                        place * place + h->blur_rad * h->blur_rad);
    double off =
        cb_doa_offset_rad(h->doa, m->azimuth_rad - h->turn_rad, at->x_m, at->y_m, CB_SOURCE_HIGH_M);
    s->bearing += bearing_cost(off, sigma);
    if (m->level_db < s->top_db - FOLLOWED_DB || hypot(at->u_x_m, at->u_y_m) > FOLLOWED_M)
        return; /* neither followed there nor not */
    ret->n_directions++;
    bool is_near = fabs(off) <= AGREE_SIGMA * sigma;
    ret->n_agree += is_near;
    *run = is_near ? *run + 1 : 0;
    ret->n_run = *run > ret->n_run ? *run : ret->n_run;
}

static void add_moments(const struct cb_hearing *h, const struct cb_place *place, double *ret_r_m,
                        struct sums *s, struct cb_agreement *ret)
{
    size_t run = 0;
    for (size_t i = 0; i < h->n; i++)
        s->top_db = fmax(s->top_db, h->heard[i].level_db);
    for (size_t i = 0; i < h->n; i++) {
        const struct cb_heard *m = &h->heard[i];
        bool has_direction = h->doa && !isnan(m->azimuth_rad);
        ret_r_m[i] = NAN;
        if (isnan(place[i].x_m)) {
            s->n_unknown++;
            s->bearing += has_direction ? log(M_PI) : 0;
            continue;
        }
        ret_r_m[i] = cb_hearing_distance_m(h, place[i].x_m, place[i].y_m);
        double db = m->level_db + 20 * log10(ret_r_m[i] / 7.5);
        s->level += db;
        s->square += db * db;
        s->n++;
        if (has_direction)
            add_direction(h, m, &place[i], s, ret, &run);
    }
}

/* How fast the distance grows, by the time of hearing; where unknown, as at the nearest known. */
static void radial_speeds(const struct cb_hearing *h, const double *r_m, double *ret_mps)
{
    double last = NAN;
    size_t n_lead = 0;
    for (size_t i = 0; i < h->n; i++) {
        size_t a = i > 0 && !isnan(r_m[i - 1]) ? i - 1 : i,
               b = i + 1 < h->n && !isnan(r_m[i + 1]) ? i + 1 : i;
        double dt = cb_s_from_ns(h->heard[b].t_ns - h->heard[a].t_ns);
        if (!isnan(r_m[i]) && dt > 0)
            last = (r_m[b] - r_m[a]) / dt;
        ret_mps[i] = last;
        n_lead += isnan(last);
    }
    for (size_t i = 0; i < n_lead && n_lead < h->n; i++)
        ret_mps[i] = ret_mps[n_lead];
}

/* −ln of Student's t of a mean square against what is usual, for n independent values. */
static double spread_cost(double square, double sigma, double n)
{
    return n * (TAIL + 1) / 2 * log1p(square / (TAIL * sigma * sigma));
}

static double level_cost(const struct sums *s, double moments, double *ret_source_db)
{
    double n = (double) s->n, unknown = (double) s->n_unknown;
    double mean = n > 0 ? s->level / n : NAN;
    double off = n > 0 ? (mean - SOURCE_7M5_DB) / SOURCE_SIGMA_DB : 0;
    double left = n > 0 ? fmax(0, s->square - n * mean * mean) : 0;
    left = (left + unknown * LEVEL_UNKNOWN * LEVEL_UNKNOWN) / fmax(1, n + unknown);
    *ret_source_db = mean;
    return off * off / 2 + spread_cost(left, LEVEL_SIGMA_DB, moments);
}

static double rate_cost(const struct cb_hearing *h, const double *r_m, double moments)
{
    double radial[CB_HEARD_MAX], ln_hz[CB_HEARD_MAX];
    radial_speeds(h, r_m, radial);
    for (size_t i = 0; i < h->n; i++)
        ln_hz[i] = h->heard[i].ln_hz;
    double left = cb_doppler_left(&h->basis, ln_hz, radial, h->sound_mps);
    return isnan(left) ? 0 : spread_cost(left, RATE_SIGMA, moments);
}

double cb_weigh(const struct cb_hearing *h, const struct cb_place *place, struct cb_agreement *ret)
{
    double r_m[CB_HEARD_MAX];
    struct sums s = {.top_db = -HUGE_VAL};
    *ret = (struct cb_agreement){.source_db = NAN};
    add_moments(h, place, r_m, &s, ret);
    double share = fmin(1, h->moment_s / INDEPENDENT_S); /* of a moment that is news */
    double moments = fmax(1, (double) h->n * share);
    return share * s.bearing + level_cost(&s, moments, &ret->source_db) +
           rate_cost(h, r_m, moments);
}

double cb_log_add(double a, double b)
{
    double top = fmax(a, b);
    return isinf(top) ? top : top + log(exp(a - top) + exp(b - top));
}
