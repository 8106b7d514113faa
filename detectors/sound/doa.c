#include "doa.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "dsp/dsp_sound.h"

#define SOUND_MPS   343.0
#define N_AZIMUTHS  720   /* half a degree */
#define N_PAIRS_MAX 15    /* all pairs of six microphones; of more, the widest */
#define N_DELAYS    129   /* a pair's correlation, from −d/c to +d/c */
#define LOW_HZ      150.0 /* under it a hand's breadth of array has no phase to speak of */
#define LEVEL_MIN_M 0.01

struct pair {
    int a, b;
    double dx_m, dy_m, dz_m; /* b − a */
    double length_m;
    float delay_s[N_AZIMUTHS];
};

struct cb_doa {
    struct pair pair[N_PAIRS_MAX];
    size_t n_pairs;
    double center_m[3];
    double bin_hz;
    size_t first, n_bins;
    bool is_line;
    double correlation[N_PAIRS_MAX][N_DELAYS];
};

/* How much later b hears it than a: a wave from the azimuth u arrives first where u·r is greatest.
 */
static double delay_s(const struct pair *p, double ux, double uy, double uz)
{
    return -(p->dx_m * ux + p->dy_m * uy + p->dz_m * uz) / SOUND_MPS;
}

static double azimuth_of(int i)
{
    return (i - N_AZIMUTHS / 2) * (2 * M_PI / N_AZIMUTHS);
}

static void add_pair(struct cb_doa *d, const double position_m[][3], int a, int b)
{
    struct pair p = {.a = a,
                     .b = b,
                     .dx_m = position_m[b][0] - position_m[a][0],
                     .dy_m = position_m[b][1] - position_m[a][1],
                     .dz_m = position_m[b][2] - position_m[a][2]};
    p.length_m = hypot(hypot(p.dx_m, p.dy_m), p.dz_m);
    if (hypot(p.dx_m, p.dy_m) < LEVEL_MIN_M)
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
    d->pair[i] = p;
}

static bool all_on_a_line(const struct cb_doa *d)
{
    const struct pair *p = &d->pair[0];
    for (size_t i = 1; i < d->n_pairs; i++) {
        const struct pair *q = &d->pair[i];
        double cross = p->dx_m * q->dy_m - p->dy_m * q->dx_m;
        if (fabs(cross) > 0.02 * p->length_m * q->length_m)
            return false;
    }
    return true;
}

int cb_doa_create(struct cb_doa **ret, const double position_m[][3], int n, double bin_hz,
                  size_t n_bins)
{
    CB_AUTO_FREE struct cb_doa *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    for (int a = 0; a < n; a++) {
        for (int k = 0; k < 3; k++)
            d->center_m[k] += position_m[a][k] / n;
        for (int b = a + 1; b < n; b++)
            add_pair(d, position_m, a, b);
    }
    d->bin_hz = bin_hz;
    d->first = (size_t) (LOW_HZ / bin_hz);
    if (!d->n_pairs || n_bins <= d->first + 8)
        return -ENOTSUP;
    d->n_bins = n_bins - d->first;
    d->is_line = all_on_a_line(d);
    for (size_t i = 0; i < d->n_pairs; i++)
        for (int k = 0; k < N_AZIMUTHS; k++)
            d->pair[i].delay_s[k] =
                (float) delay_s(&d->pair[i], sin(azimuth_of(k)), cos(azimuth_of(k)), 0);
    *ret = d;
    d = NULL;
    return 0;
}

void cb_doa_destroy(struct cb_doa **doa)
{
    free(*doa);
    *doa = NULL;
}

static double look_up(const double *correlation, double delay, double longest_s)
{
    double x = (delay / longest_s + 1) / 2 * (N_DELAYS - 1);
    int i = (int) fmax(0, fmin(x, N_DELAYS - 2));
    return correlation[i] + (x - i) * (correlation[i + 1] - correlation[i]);
}

static double response(const struct cb_doa *d, int k)
{
    double sum = 0;
    for (size_t i = 0; i < d->n_pairs; i++)
        sum += look_up(d->correlation[i], d->pair[i].delay_s[k], d->pair[i].length_m / SOUND_MPS);
    return sum / (double) d->n_pairs;
}

/* Two directions give a line of microphones the same delays: the mirror of az in the line's axis.
 * The road ahead, +Y, is where the camera looks. */
static double nearer_to_road(const struct cb_doa *d, double az)
{
    const struct pair *p = &d->pair[0];
    double mirror = remainder(2 * atan2(p->dx_m, p->dy_m) - az, 2 * M_PI);
    return d->is_line && cos(mirror) > cos(az) ? mirror : az;
}

double cb_doa_find(struct cb_doa *d, const float *const *phase, double *ret_azimuth_rad)
{
    for (size_t i = 0; i < d->n_pairs; i++) {
        const struct pair *p = &d->pair[i];
        for (int k = 0; k < N_DELAYS; k++) {
            double t = (2.0 * k / (N_DELAYS - 1) - 1) * p->length_m / SOUND_MPS;
            d->correlation[i][k] =
                cb_dsp_phat(phase[p->b], phase[p->a], d->first, d->n_bins, t * d->bin_hz);
        }
    }
    int best = 0;
    double top = -HUGE_VAL;
    for (int k = 0; k < N_AZIMUTHS; k++) {
        double v = response(d, k);
        if (v > top) {
            top = v;
            best = k;
        }
    }
    double l = response(d, (best + N_AZIMUTHS - 1) % N_AZIMUTHS),
           r = response(d, (best + 1) % N_AZIMUTHS), bend = l - 2 * top + r;
    double shift = bend < 0 ? fmax(-0.5, fmin(0.5, 0.5 * (l - r) / bend)) : 0;
    double az = azimuth_of(best) + shift * (2 * M_PI / N_AZIMUTHS);
    *ret_azimuth_rad = nearer_to_road(d, remainder(az, 2 * M_PI));
    return fmax(0, fmin(1, top));
}

double cb_doa_apparent_rad(const struct cb_doa *d, double x_m, double y_m, double z_m)
{
    double u[3] = {x_m - d->center_m[0], y_m - d->center_m[1], z_m - d->center_m[2]};
    double r = fmax(1e-6, hypot(hypot(u[0], u[1]), u[2]));
    double least = HUGE_VAL, az = 0;
    for (int k = 0; k < N_AZIMUTHS; k++) {
        double sum = 0;
        for (size_t i = 0; i < d->n_pairs; i++) {
            double e = d->pair[i].delay_s[k] - delay_s(&d->pair[i], u[0] / r, u[1] / r, u[2] / r);
            sum += e * e;
        }
        if (sum < least) {
            least = sum;
            az = azimuth_of(k);
        }
    }
    return nearer_to_road(d, remainder(az, 2 * M_PI));
}
