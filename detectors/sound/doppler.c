#include "doppler.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "harmonics.h"
#include "spectrum.h"

#define LOW_HZ    22.0 /* a single at 2600/min; over HIGH_HZ the lines are too few to follow */
#define HIGH_HZ   420.0
#define STEP      0.004 /* of ln f */
#define N_STEPS   738   /* ln(HIGH_HZ / LOW_HZ) / STEP */
#define REACH     10    /* steps a row: 4 % in 50 ms, an octave in 0.9 s */
#define STEP_DB   0.12  /* each step a row costs so much of the contrast */
#define TOP_HZ    2500.0
#define N_LINES   16
#define STAND_OUT 2.5 /* dB, mean of the lines over the gaps: less is chance */
#define KNOWN_MIN 8
#define JUMPS     0.03 /* of ln f, RMS about a steady change: 30 m/s close by leave 0.03 */

/* Contrast between bins, straight. */
static double at_hz(const float *x, size_t n, double bin)
{
    size_t k = (size_t) bin;
    if (k + 1 >= n)
        return 0;
    double u = bin - (double) k;
    return (double) x[k] * (1 - u) + (double) x[k + 1] * u;
}

static float stand_out_db(const float *contrast_db, size_t n, double bin_hz, double hz)
{
    double top_hz = fmin(TOP_HZ, (double) (n - 2) * bin_hz), sum = 0;
    int m = (int) fmin(N_LINES, top_hz / hz);
    for (int h = 1; h <= m; h++)
        sum +=
            at_hz(contrast_db, n, h * hz / bin_hz) - at_hz(contrast_db, n, (h - 0.5) * hz / bin_hz);
    return m ? (float) (sum / m) : 0;
}

static double rate_of(size_t i)
{
    return LOW_HZ * exp(STEP * (double) i);
}

/* One row's step of the search: the best way to each pitch, and where it came from. Step by step
 * over all pitches, so that the compiler makes vectors of it. */
static void go_on(const float *before, const float *stand, float *now, int8_t *from)
{
    for (int i = 0; i < N_STEPS; i++) {
        now[i] = -HUGE_VALF;
        from[i] = 0;
    }
    for (int k = -REACH; k <= REACH; k++) {
        float cost = (float) STEP_DB * (float) abs(k);
        int first = k < 0 ? -k : 0, after = k > 0 ? N_STEPS - k : N_STEPS;
        for (int i = first; i < after; i++) {
            float v = before[i + k] - cost;
            from[i] = v > now[i] ? (int8_t) k : from[i];
            now[i] = v > now[i] ? v : now[i];
        }
    }
    for (int i = 0; i < N_STEPS; i++)
        now[i] += stand[i];
}

/* The top of the parabola about a step: its place between the steps. */
static double refine(const float *stand, size_t i)
{
    if (i == 0 || i + 1 >= N_STEPS)
        return 0;
    double l = (double) stand[i - 1], m = (double) stand[i], r = (double) stand[i + 1],
           bend = l - 2 * m + r;
    return bend < 0 ? fmax(-1, fmin(1, 0.5 * (l - r) / bend)) : 0;
}

static void trace_back(const float *stand, const int8_t *from, const float *last, size_t n,
                       double *ret_ln_hz)
{
    size_t i = 0;
    for (size_t k = 1; k < N_STEPS; k++)
        if (last[k] > last[i])
            i = k;
    for (size_t row = n; row-- > 0;) {
        const float *s = stand + row * N_STEPS;
        ret_ln_hz[row] =
            s[i] >= (float) STAND_OUT ? log(LOW_HZ) + STEP * ((double) i + refine(s, i)) : NAN;
        i = (size_t) ((int) i + from[row * N_STEPS + i]);
    }
}

int cb_firing_follow(const struct cb_row *const *row, size_t n, size_t n_bins, double bin_hz,
                     double *ret_ln_hz)
{
    CB_AUTO_FREE float *stand = calloc(n * N_STEPS + 1, sizeof *stand);
    CB_AUTO_FREE int8_t *from = calloc(n * N_STEPS + 1, sizeof *from);
    float way[2][N_STEPS] = {0}, contrast_db[CB_BINS_MAX];
    if (!stand || !from)
        return -ENOMEM;
    for (size_t k = 0; k < n; k++) {
        float *s = stand + k * N_STEPS;
        cb_contrast(contrast_db, row[k]->power, n_bins, bin_hz);
        for (size_t i = 0; i < N_STEPS; i++)
            s[i] = stand_out_db(contrast_db, n_bins, bin_hz, rate_of(i));
        go_on(way[k % 2], s, way[(k + 1) % 2], from + k * N_STEPS);
    }
    trace_back(stand, from, way[n % 2], n, ret_ln_hz);
    return 0;
}

static double dot(const double *a, const double *b, const double *known, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += isnan(known[i]) ? 0 : a[i] * b[i];
    return sum;
}

void cb_doppler_basis_init(struct cb_doppler_basis *b, const double *t_s, const double *ln_hz,
                           size_t n)
{
    double middle_s = n ? (t_s[0] + t_s[n - 1]) / 2 : 0;
    b->n = n;
    for (int k = 0; k < 3; k++) { /* Gram and Schmidt on 1, t, t² */
        double *q = b->q[k];
        for (size_t i = 0; i < n; i++)
            q[i] = isnan(ln_hz[i]) ? 0 : pow(t_s[i] - middle_s, k);
        for (int j = 0; j < k; j++) {
            double d = dot(q, b->q[j], ln_hz, n);
            for (size_t i = 0; i < n; i++)
                q[i] -= d * b->q[j][i];
        }
        double length = sqrt(dot(q, q, ln_hz, n));
        for (size_t i = 0; i < n; i++)
            q[i] = length > 1e-9 ? q[i] / length : 0;
    }
    double still[CB_HEARD_MAX] = {0}, left = cb_doppler_left(b, ln_hz, still, 1);
    if (!(left <= JUMPS * JUMPS))
        b->n = 0;
}

double cb_doppler_left(const struct cb_doppler_basis *b, const double *ln_hz,
                       const double *radial_mps, double sound_mps)
{
    double y[CB_HEARD_MAX], in[3] = {0}, square = 0;
    size_t known = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (isnan(ln_hz[i]) || isnan(radial_mps[i]))
            continue;
        y[i] = ln_hz[i] - log(fmax(0.5, 1 - radial_mps[i] / sound_mps));
        known++;
        square += y[i] * y[i];
        for (int k = 0; k < 3; k++)
            in[k] += y[i] * b->q[k][i];
    }
    if (known < KNOWN_MIN)
        return NAN;
    square -= in[0] * in[0] + in[1] * in[1] + in[2] * in[2];
    return fmax(0, square) / (double) known;
}
