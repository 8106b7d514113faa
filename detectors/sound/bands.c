#include "bands.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "meter.h"

#define TOP_SHARE  0.47  /* of the rate: the upper edge of the highest band it can have */
#define HALF_SHARE 0.375 /* the same where the rate was halved: what folds back lies above */
#define BLOCK      256
#define TINY       1e-100 /* filter memories below are forgotten, before they become denormal */

double cb_band_hz(size_t i)
{
    return 1000 * pow(10, ((double) i - 16) / 10);
}

double cb_band_nominal_hz(size_t i)
{
    static const double mantissa[] = {1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8};
    return mantissa[(i + 4) % 10] * pow(10, (double) ((i + 4) / 10) + 1);
}

/* Edges: half a third of an octave of 10^0.3 to both sides. */
static double edge_hz(size_t i, int side)
{
    return cb_band_hz(i) * pow(10, side * 0.05);
}

/*
 * Butterworth, four poles, made a band-pass between the edges by s → (s² + w²) / (b·s), then
 * bilinear with the edges kept where they are. Each section has its zeros at 0 and half the rate,
 * and gain 1 at the centre.
 */
static void design(struct cb_band_octave *o, int lane, size_t i)
{
    double low = tan(M_PI * edge_hz(i, -1) / o->rate_hz);
    double high = tan(M_PI * edge_hz(i, 1) / o->rate_hz), b = high - low, w2 = low * high;
    double complex z1 = cexp(-I * 2 * M_PI * cb_band_hz(i) / o->rate_hz);
    for (int k = 0; k < CB_BAND_SECTIONS; k++) {
        double complex p = b * cexp(I * M_PI * (0.5 + (k / 2 + 0.5) / CB_BAND_SECTIONS));
        double complex root = csqrt(p * p - 4 * w2), s = (k % 2 ? p - root : p + root) / 2;
        double complex z = (1 + s) / (1 - s); /* its conjugate is the other one of the pair */
        double a1 = -2 * creal(z), a2 = creal(z * conj(z));
        o->a1[k][lane] = a1;
        o->a2[k][lane] = a2;
        o->g[k][lane] = 1 / cabs((1 - z1 * z1) / (1 + z1 * (a1 + z1 * a2)));
    }
}

static double bessel_i0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; term > 1e-17 * sum; k++) {
        term *= x / (2 * k) * x / (2 * k);
        sum += term;
    }
    return sum;
}

/* Half-band low-pass by a Kaiser window: 90 dB down from 0.3125 of the rate on, where what would
 * fold back below 0.1875 comes from. The middle tap is 1/2, every other one 0. */
static void design_half(double ret[CB_HALF_TAPS])
{
    const double beta = 0.1102 * (90 - 8.7), span = CB_HALF_TAPS;
    double sum = 0;
    for (int k = 0; k < CB_HALF_TAPS; k++) {
        double t = 2 * k + 1 - span, u = t / span; /* samples from the middle, odd */
        ret[k] = sin(M_PI * t / 2) / (M_PI * t) * bessel_i0(beta * sqrt(1 - u * u));
        sum += ret[k];
    }
    for (int k = 0; k < CB_HALF_TAPS; k++)
        ret[k] *= 0.5 / sum;
}

void cb_bands_init(struct cb_bands *b, double rate_hz)
{
    int n_lanes[CB_BAND_OCTAVES] = {0};
    *b = (struct cb_bands){.n_octaves = 1};
    for (int k = 0; k < CB_BAND_OCTAVES; k++) {
        b->octave[k].rate_hz = ldexp(rate_hz, -k);
        b->octave[k].alpha = -expm1(-1 / (b->octave[k].rate_hz * CB_FAST_S));
    }
    for (size_t i = 0; i < CB_BANDS; i++) {
        int k = 0;
        while (k + 1 < CB_BAND_OCTAVES && edge_hz(i, 1) <= HALF_SHARE * b->octave[k + 1].rate_hz)
            k++;
        if (edge_hz(i, 1) > TOP_SHARE * rate_hz) {
            b->octave_of[i] = -1;
            continue;
        }
        b->octave_of[i] = k;
        b->lane_of[i] = n_lanes[k];
        design(&b->octave[k], n_lanes[k]++, i);
        if ((size_t) k + 1 > b->n_octaves)
            b->n_octaves = (size_t) k + 1;
    }
    design_half(b->half);
}

void cb_bands_reset(struct cb_bands *b)
{
    for (size_t k = 0; k < b->n_octaves; k++) {
        struct cb_band_octave *o = &b->octave[k];
        for (int i = 0; i < CB_BAND_SECTIONS; i++)
            o->s1[i] = o->s2[i] = (cb_lanes){0};
        for (int i = 0; i < CB_HALF_TAPS; i++)
            o->even[i] = o->odd[i] = 0;
        o->mean = o->sum = (cb_lanes){0};
        o->n_sum = 0;
        o->is_odd = false;
    }
}

static void forget_tiny(struct cb_band_octave *o)
{
    for (int k = 0; k < CB_BAND_SECTIONS; k++)
        for (int lane = 0; lane < 4; lane++) {
            if (fabs(o->s1[k][lane]) < TINY)
                o->s1[k][lane] = 0;
            if (fabs(o->s2[k][lane]) < TINY)
                o->s2[k][lane] = 0;
        }
}

static void filter(struct cb_band_octave *o, const double *x, size_t n)
{
    struct cb_band_octave q = *o; /* in registers, not in memory that x might be */
    for (size_t i = 0; i < n; i++) {
        cb_lanes y = {x[i], x[i], x[i], x[i]};
        for (int k = 0; k < CB_BAND_SECTIONS; k++) {
            cb_lanes in = q.g[k] * y;
            y = in + q.s1[k];
            q.s1[k] = q.s2[k] - q.a1[k] * y;
            q.s2[k] = -in - q.a2[k] * y;
        }
        y *= y;
        q.sum += y;
        q.mean += q.alpha * (y + 1e-30 - q.mean);
    }
    q.n_sum += (double) n;
    *o = q;
    forget_tiny(o);
}

/* Low-pass and every other sample, in place. @return how many are left */
static size_t halve(struct cb_band_octave *o, const double *half, double *x, size_t n)
{
    double even[CB_HALF_TAPS + BLOCK / 2 + 1], odd[CB_HALF_TAPS + BLOCK / 2 + 1];
    size_t n_even = CB_HALF_TAPS, n_odd = CB_HALF_TAPS;
    /* an output with each odd input: the middle tap meets the even one half a length before */
    const double *mid = even + CB_HALF_TAPS / 2 + (o->is_odd ? 0 : 1);
    memcpy(even, o->even, sizeof o->even);
    memcpy(odd, o->odd, sizeof o->odd);
    for (size_t i = 0; i < n; i++, o->is_odd = !o->is_odd) {
        if (o->is_odd)
            odd[n_odd++] = x[i];
        else
            even[n_even++] = x[i];
    }
    size_t n_out = n_odd - CB_HALF_TAPS;
    for (size_t j = 0; j < n_out; j++)
        x[j] = 0.5 * mid[j];
    for (size_t k = 0; k < CB_HALF_TAPS; k++)
        for (size_t j = 0; j < n_out; j++)
            x[j] += half[k] * odd[j + k + 1];
    memcpy(o->even, even + n_even - CB_HALF_TAPS, sizeof o->even);
    memcpy(o->odd, odd + n_odd - CB_HALF_TAPS, sizeof o->odd);
    return n_out;
}

void cb_bands_add(struct cb_bands *b, const float *x, size_t n)
{
    double y[BLOCK];
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t len = n - i < BLOCK ? n - i : BLOCK;
        for (size_t k = 0; k < len; k++)
            y[k] = cb_meter_sane(x[i + k]);
        for (size_t k = 0; k < b->n_octaves && len; k++) {
            filter(&b->octave[k], y, len);
            if (k + 1 < b->n_octaves)
                len = halve(&b->octave[k], b->half, y, len);
        }
    }
}

void cb_bands_get(const struct cb_bands *b, double ret[CB_BANDS])
{
    for (size_t i = 0; i < CB_BANDS; i++)
        ret[i] = b->octave_of[i] < 0 ? NAN : b->octave[b->octave_of[i]].mean[b->lane_of[i]];
}

void cb_bands_take(struct cb_bands *b, double ret[CB_BANDS])
{
    for (size_t i = 0; i < CB_BANDS; i++) {
        const struct cb_band_octave *o = &b->octave[b->octave_of[i] < 0 ? 0 : b->octave_of[i]];
        ret[i] = b->octave_of[i] < 0 || !(o->n_sum > 0) ? NAN : o->sum[b->lane_of[i]] / o->n_sum;
    }
    for (size_t k = 0; k < b->n_octaves; k++) {
        b->octave[k].sum = (cb_lanes){0};
        b->octave[k].n_sum = 0;
    }
}

static double half_gain_db(const struct cb_bands *b, double f_hz, double rate_hz)
{
    double g = 0.5, w = 2 * M_PI * f_hz / rate_hz;
    for (int k = 0; k < CB_HALF_TAPS; k++)
        g += b->half[k] * cos(w * (2 * k + 1 - CB_HALF_TAPS));
    return 20 * log10(fmax(fabs(g), 1e-30));
}

double cb_bands_gain_db(const struct cb_bands *b, size_t i, double f_hz)
{
    if (b->octave_of[i] < 0)
        return NAN;
    double db = 0;
    for (int k = 0; k < b->octave_of[i]; k++)
        db += half_gain_db(b, f_hz, b->octave[k].rate_hz);
    const struct cb_band_octave *o = &b->octave[b->octave_of[i]];
    struct cb_biquad q[CB_BAND_SECTIONS];
    for (int k = 0; k < CB_BAND_SECTIONS; k++) {
        double g = o->g[k][b->lane_of[i]];
        q[k] = (struct cb_biquad){
            .b0 = g, .b2 = -g, .a1 = o->a1[k][b->lane_of[i]], .a2 = o->a2[k][b->lane_of[i]]};
    }
    return db + cb_biquads_gain_db(q, CB_BAND_SECTIONS, f_hz, o->rate_hz);
}
