#include "doa.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dsp/dsp_sound.h"

#define N_AZIMUTHS   360
#define N_PAIRS_MAX  15 /* all pairs of six microphones; of more, the widest */
#define DELAY_STEP_S 16e-6
#define N_DELAYS_MAX 513 /* a pair's correlation, from −d/c to +d/c */
#define N_GROUPS_MAX 800
#define GROUP_RAD    0.25  /* bins are summed whose phases turn by less at the longest delay */
#define LOW_HZ       150.0 /* under it a hand's breadth of array has no phase to speak of */
#define LEVEL_MIN_M  0.01
#define BINS_APART   1.5 /* that a Hann window leaves independent */

/* A source is on the road, under the array: from the horizon to all but straight down. Where the
 * search begins; from the best of them it climbs. */
static const double elevation_deg[] = {0, -6, -13, -21, -30, -40, -50, -60, -70, -80, -87};
#define COARSE_S     60e-6 /* of delay between azimuths tried: half of a peak's half width */
#define CLIMB_RAD    0.05
#define CLIMB_TO_RAD 5e-4

struct pair {
    int a, b;
    double d_m[3]; /* b − a */
    double length_m;
    size_t n_delays;
    double correlation[N_DELAYS_MAX + 2]; /* one more at each end, to interpolate with */
    struct cb_dsp_turn turn[N_DELAYS_MAX + 2];
};

struct cb_doa {
    struct pair pair[N_PAIRS_MAX];
    size_t n_pairs;
    int n_microphones;
    double center_m[3], sound_mps, sound_u_mps;
    double bin_hz, longest_m;
    size_t first, n_bins, group, n_elevations;
    int azimuth_step;
    bool is_line;
    float re[N_GROUPS_MAX], im[N_GROUPS_MAX];
    float *delay_s; /* [elevation][azimuth][pair] */
};

double cb_sound_mps(double temperature_c)
{
    return 331.3 * sqrt(1 + temperature_c / 273.15);
}

/* How much later b hears it than a: a wave from the direction u arrives first where u·r is
 * greatest. */
static double delay_s(const struct cb_doa *d, const struct pair *p, double ux, double uy, double uz)
{
    return -(p->d_m[0] * ux + p->d_m[1] * uy + p->d_m[2] * uz) / d->sound_mps;
}

static double azimuth_of(int i)
{
    return (i - N_AZIMUTHS / 2) * (2 * M_PI / N_AZIMUTHS);
}

static void add_pair(struct cb_doa *d, const double position_m[][3], int a, int b)
{
    struct pair p = {.a = a, .b = b};
    for (int k = 0; k < 3; k++)
        p.d_m[k] = position_m[b][k] - position_m[a][k];
    p.length_m = hypot(hypot(p.d_m[0], p.d_m[1]), p.d_m[2]);
    if (hypot(p.d_m[0], p.d_m[1]) < LEVEL_MIN_M)
        return; /* one above the other: no azimuth */
    size_t i = d->n_pairs;
    if (i == N_PAIRS_MAX) { /* the shortest makes room */
        i = 0;
        for (size_t k = 1; k < N_PAIRS_MAX; k++)
            if (d->pair[k].length_m < d->pair[i].length_m)
                i = k;
        if (d->pair[i].length_m >= p.length_m)
            return;
    } else {
        d->n_pairs++;
    }
    double n = ceil(2 * p.length_m / d->sound_mps / DELAY_STEP_S) + 1;
    p.n_delays = (size_t) fmax(9, fmin(n, N_DELAYS_MAX));
    d->pair[i] = p;
}

static bool all_on_a_line(const struct cb_doa *d)
{
    const struct pair *p = &d->pair[0];
    for (size_t i = 1; i < d->n_pairs; i++) {
        const struct pair *q = &d->pair[i];
        double x = p->d_m[1] * q->d_m[2] - p->d_m[2] * q->d_m[1],
               y = p->d_m[2] * q->d_m[0] - p->d_m[0] * q->d_m[2],
               z = p->d_m[0] * q->d_m[1] - p->d_m[1] * q->d_m[0];
        if (hypot(hypot(x, y), z) > 0.02 * p->length_m * q->length_m)
            return false;
    }
    return true;
}

static int make_delays(struct cb_doa *d)
{
    d->n_elevations = d->is_line ? 1 : CB_LEN(elevation_deg);
    double step = COARSE_S * d->sound_mps / d->longest_m * N_AZIMUTHS / (2 * M_PI);
    d->azimuth_step = d->is_line ? 1 : (int) fmax(1, fmin(8, floor(step)));
    d->delay_s = calloc(d->n_elevations * N_AZIMUTHS * d->n_pairs, sizeof *d->delay_s);
    if (!d->delay_s)
        return -ENOMEM;
    float *at = d->delay_s;
    for (size_t e = 0; e < d->n_elevations; e++) {
        double el = elevation_deg[e] * M_PI / 180;
        for (int k = 0; k < N_AZIMUTHS; k++)
            for (size_t i = 0; i < d->n_pairs; i++)
                *at++ = (float) delay_s(d, &d->pair[i], cos(el) * sin(azimuth_of(k)),
                                        cos(el) * cos(azimuth_of(k)), sin(el));
    }
    return 0;
}

/* A pair's delays lie evenly from one end of its reach to the other, and one beyond each. */
static void turn_all(struct cb_doa *d, struct pair *p)
{
    double top = (double) (p->n_delays - 1), reach_s = p->length_m / d->sound_mps;
    double first = (double) d->first + 0.5 * (double) (d->group - 1);
    for (size_t k = 0; k < p->n_delays + 2; k++) {
        double t = (2.0 * ((double) k - 1) / top - 1) * reach_s;
        p->turn[k] = cb_dsp_turn_at(first, (double) d->group, t * d->bin_hz);
    }
}

static void take_places(struct cb_doa *d, const double position_m[][3], int n)
{
    d->n_microphones = n;
    for (int a = 0; a < n; a++) {
        for (int k = 0; k < 3; k++)
            d->center_m[k] += position_m[a][k] / n;
        for (int b = a + 1; b < n; b++)
            add_pair(d, position_m, a, b);
    }
    for (size_t i = 0; i < d->n_pairs; i++)
        d->longest_m = fmax(d->longest_m, d->pair[i].length_m);
}

int cb_doa_create(struct cb_doa **ret, const double position_m[][3], int n, double bin_hz,
                  size_t n_bins, double sound_mps, double sound_u_mps)
{
    struct cb_doa *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    *d = (struct cb_doa){.sound_mps = sound_mps, .sound_u_mps = sound_u_mps, .bin_hz = bin_hz};
    take_places(d, position_m, n);
    d->first = (size_t) (LOW_HZ / bin_hz);
    int r = !d->n_pairs || n_bins <= d->first + 8 ? -ENOTSUP : 0;
    if (r == 0) {
        d->n_bins = n_bins - d->first;
        double turn = 2 * M_PI * bin_hz * d->longest_m / sound_mps;
        d->group = (size_t) fmax(fmax(1, floor(GROUP_RAD / turn)),
                                 ceil((double) d->n_bins / N_GROUPS_MAX));
        d->is_line = all_on_a_line(d);
        for (size_t i = 0; i < d->n_pairs; i++)
            turn_all(d, &d->pair[i]);
        r = make_delays(d);
    }
    if (r < 0)
        cb_doa_destroy(&d);
    else
        *ret = d;
    return r;
}

void cb_doa_destroy(struct cb_doa **doa)
{
    if (*doa)
        free((*doa)->delay_s);
    free(*doa);
    *doa = NULL;
}

/* Cubic between the delays worked out (Catmull and Rom): straight lines would pull the peak to the
 * nearest of them. */
static double look_up(const struct cb_doa *d, const struct pair *p, double delay)
{
    double top = (double) (p->n_delays - 1);
    double x = fmax(0, fmin(top, (delay * d->sound_mps / p->length_m + 1) / 2 * top));
    size_t i = (size_t) fmin(x, top - 1);
    double u = x - (double) i;
    const double *c = &p->correlation[i]; /* c[1] is the i-th */
    return c[1] + u / 2 *
                      (c[2] - c[0] +
                       u * (2 * c[0] - 5 * c[1] + 4 * c[2] - c[3] +
                            u * (3 * (c[1] - c[2]) + c[3] - c[0])));
}

static double response(const struct cb_doa *d, size_t elevation, int azimuth)
{
    const float *delay = d->delay_s + (elevation * N_AZIMUTHS + (size_t) azimuth) * d->n_pairs;
    double sum = 0;
    for (size_t i = 0; i < d->n_pairs; i++)
        sum += look_up(d, &d->pair[i], (double) delay[i]);
    return sum / (double) d->n_pairs;
}

/* The line's axis as it lies in the plane: its azimuth, and how much of it lies there. */
static double axis_rad(const struct cb_doa *d, double *ret_level)
{
    const struct pair *p = &d->pair[0];
    *ret_level = hypot(p->d_m[0], p->d_m[1]) / p->length_m;
    return atan2(p->d_m[0], p->d_m[1]);
}

/* Two directions give a line of microphones the same delays: the mirror of az in the line's axis.
 * The road ahead, +Y, is where the camera looks. */
static double nearer_to_road(const struct cb_doa *d, double az)
{
    double level, mirror = remainder(2 * axis_rad(d, &level) - az, 2 * M_PI);
    return d->is_line && cos(mirror) > cos(az) + 1e-9 ? mirror : az;
}

static void correlate(struct cb_doa *d, struct pair *p, const float *const *phase,
                      const float *weight)
{
    size_t n = cb_dsp_cross(d->re, d->im, phase[p->b], phase[p->a], weight, d->first, d->n_bins,
                            d->group);
    for (size_t k = 0; k < p->n_delays + 2; k++)
        p->correlation[k] = cb_dsp_steer(d->re, d->im, n, &p->turn[k]);
}

/* Variance of a delay worked out from phases that scatter as the coherence tells: for a Gaussian
 * scatter the mean cosine is exp(−σ²/2); the delay is the weighted slope of phase over frequency.
 */
static double delay_variance(const struct cb_doa *d, const float *weight, double coherence)
{
    double sum = 0, square = 0;
    for (size_t k = d->first; k < d->first + d->n_bins; k++) {
        double w = weight ? (double) weight[k] : 1, omega = 2 * M_PI * d->bin_hz * (double) k;
        sum += w * omega * omega;
        square += w * w * omega * omega;
    }
    double sigma2 = -2 * log(fmax(0.02, fmin(coherence, 0.999)));
    return sum > 0 ? BINS_APART * sigma2 * square / (sum * sum) : HUGE_VAL;
}

/* A direction, and how well its delays fit what was heard. */
struct look {
    double azimuth_rad, elevation_rad, fit;
};

static double fit_of(const struct cb_doa *d, double az, double el)
{
    double ux = cos(el) * sin(az), uy = cos(el) * cos(az), uz = sin(el), sum = 0;
    for (size_t i = 0; i < d->n_pairs; i++)
        sum += look_up(d, &d->pair[i], delay_s(d, &d->pair[i], ux, uy, uz));
    return sum / (double) d->n_pairs;
}

/* Uphill in azimuth and height in turn, in ever smaller steps. Near straight down a step of azimuth
 * goes less far. */
static void climb(const struct cb_doa *d, struct look *at)
{
    for (double step = CLIMB_RAD; step > CLIMB_TO_RAD;) {
        bool has_moved = false;
        for (int k = 0; k < 4; k++) {
            double by = k % 2 ? step : -step;
            struct look to = *at;
            if (k < 2)
                to.azimuth_rad += by / fmax(0.2, cos(at->elevation_rad));
            else
                to.elevation_rad = fmax(-M_PI / 2, fmin(0, to.elevation_rad + by));
            to.fit = fit_of(d, to.azimuth_rad, to.elevation_rad);
            if (to.fit > at->fit) {
                *at = to;
                has_moved = true;
            }
        }
        step /= has_moved ? 1 : 2;
    }
}

/* Between the azimuths tried: the top of the parabola through the best and its neighbours. */
static double between(const struct cb_doa *d, int best, double top)
{
    double l = response(d, 0, (best + N_AZIMUTHS - 1) % N_AZIMUTHS),
           r = response(d, 0, (best + 1) % N_AZIMUTHS), bend = l - 2 * top + r;
    double shift = bend < 0 ? fmax(-0.5, fmin(0.5, 0.5 * (l - r) / bend)) : 0;
    return azimuth_of(best) + shift * (2 * M_PI / N_AZIMUTHS);
}

static struct look look_round(const struct cb_doa *d)
{
    struct look ret = {.fit = -HUGE_VAL};
    int best = 0;
    for (size_t e = 0; e < d->n_elevations; e++) {
        for (int k = 0; k < N_AZIMUTHS; k += d->azimuth_step) {
            double v = response(d, e, k);
            if (v > ret.fit) {
                ret = (struct look){azimuth_of(k), elevation_deg[e] * M_PI / 180, v};
                best = k;
            }
        }
    }
    if (d->is_line)
        ret.azimuth_rad = between(d, best, ret.fit);
    else
        climb(d, &ret);
    return ret;
}

static double u_of(const struct cb_doa *d, const struct look *at, double variance)
{
    double sum = 0, s = sin(at->azimuth_rad), c = cos(at->azimuth_rad);
    for (size_t i = 0; i < d->n_pairs; i++) {
        double slope = (d->pair[i].d_m[0] * c - d->pair[i].d_m[1] * s) / d->sound_mps;
        sum += pow(slope * cos(at->elevation_rad), 2);
    }
    /* the pairs of n microphones say n / 2 times the same */
    return fmin(M_PI / 2, sqrt(variance * d->n_microphones / 2 / fmax(sum, 1e-20)));
}

void cb_doa_find(struct cb_doa *d, const float *const *phase, const float *weight,
                 struct cb_arrival *ret)
{
    for (size_t i = 0; i < d->n_pairs; i++)
        correlate(d, &d->pair[i], phase, weight);
    struct look l = look_round(d);
    ret->azimuth_rad = nearer_to_road(d, remainder(l.azimuth_rad, 2 * M_PI));
    ret->coherence = fmax(0, fmin(1, l.fit));
    ret->u_rad = u_of(d, &l, delay_variance(d, weight, ret->coherence));
}

/* Half the opening of the cone about the line that a direction lies on. */
static double cone_rad(double axis_cosine)
{
    return acos(fmax(-1, fmin(1, axis_cosine)));
}

static double cone_of_place(const struct cb_doa *d, const double u[3], double level)
{
    const struct pair *p = &d->pair[0];
    double dot = p->d_m[0] * u[0] + p->d_m[1] * u[1] + p->d_m[2] * u[2];
    double r = fmax(1e-6, hypot(hypot(u[0], u[1]), u[2]));
    return cone_rad(dot / (p->length_m * r * level));
}

double cb_doa_apparent_rad(const struct cb_doa *d, double x_m, double y_m, double z_m)
{
    double u[3] = {x_m - d->center_m[0], y_m - d->center_m[1], z_m - d->center_m[2]}, level;
    if (!d->is_line)
        return atan2(u[0], u[1]);
    double axis = axis_rad(d, &level);
    double az = remainder(axis + cone_of_place(d, u, level), 2 * M_PI);
    return nearer_to_road(d, az);
}

double cb_doa_offset_rad(const struct cb_doa *d, double azimuth_rad, double x_m, double y_m,
                         double z_m)
{
    double u[3] = {x_m - d->center_m[0], y_m - d->center_m[1], z_m - d->center_m[2]}, level;
    if (!d->is_line)
        return remainder(azimuth_rad - atan2(u[0], u[1]), 2 * M_PI);
    double axis = axis_rad(d, &level);
    /* positive clockwise, as azimuths are, on the side where the place is */
    double side = sin(atan2(u[0], u[1]) - axis) < 0 ? -1 : 1;
    return side * (cone_rad(cos(azimuth_rad - axis)) - cone_of_place(d, u, level));
}

double cb_doa_lasting_u_rad(const struct cb_doa *d, double azimuth_rad)
{
    double level, share = d->sound_u_mps / d->sound_mps;
    if (!d->is_line)
        return 0; /* too slow a sound makes all delays as much too long */
    double cone = cone_rad(cos(azimuth_rad - axis_rad(d, &level)));
    return fmin(M_PI / 4, share * fabs(cos(cone)) / fmax(0.05, sin(cone)));
}
