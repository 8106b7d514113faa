#include "weighting.h"

#include <complex.h>
#include <math.h>

/* IEC 61672-1:2013, annex E: corner frequencies of the A weighting, Hz; C has the outer two. */
static const double F1 = 20.598997, F2 = 107.65265, F3 = 737.86223, F4 = 12194.21715;
static const double Z_HZ = 1; /* under all that is heard: at 10 Hz it takes 0.04 dB */

/* Gain, squared, of an analogue pole at f_c: what passes above it, what passes below. */
static double above(double f_hz, double f_c_hz)
{
    return f_hz * f_hz / (f_hz * f_hz + f_c_hz * f_c_hz);
}

static double below(double f_hz, double f_c_hz)
{
    return f_c_hz * f_c_hz / (f_hz * f_hz + f_c_hz * f_c_hz);
}

static double square(double x)
{
    return x * x;
}

double cb_weighting_goal_db(enum cb_weighting_kind kind, double f_hz)
{
    if (kind == CB_WEIGHTING_Z)
        return 0;
    double c = square(above(f_hz, F1) * below(f_hz, F4));
    if (kind == CB_WEIGHTING_C)
        return 10 * log10(fmax(c, 1e-60)) + 0.06191; /* the standard's C1000 */
    return 10 * log10(fmax(c * above(f_hz, F2) * above(f_hz, F3), 1e-60)) + 1.99966; /* A1000 */
}

/* Two high-pass poles by the bilinear transform, each with its own corner kept where it is. */
static struct cb_biquad high_pass(double f_a_hz, double f_b_hz, double rate_hz)
{
    double ka = tan(M_PI * f_a_hz / rate_hz), kb = tan(M_PI * f_b_hz / rate_hz);
    double ga = 1 / (1 + ka), gb = 1 / (1 + kb);
    double pa = (1 - ka) * ga, pb = (1 - kb) * gb;
    double g = ga * gb;
    return (struct cb_biquad){.b0 = g, .b1 = -2 * g, .b2 = g, .a1 = -(pa + pb), .a2 = pa * pb};
}

#define N_FIT 5

/* Gauss-Jordan with pivots; m is spent. */
static void solve(double m[N_FIT][N_FIT + 1], double ret[N_FIT])
{
    for (int i = 0; i < N_FIT; i++) {
        int p = i;
        for (int r = i; r < N_FIT; r++)
            p = fabs(m[r][i]) > fabs(m[p][i]) ? r : p;
        for (int c = 0; c <= N_FIT; c++) {
            double t = m[i][c];
            m[i][c] = m[p][c];
            m[p][c] = t;
        }
        for (int r = 0; r < N_FIT; r++) {
            double k = m[r][i] / m[i][i];
            for (int c = i; c <= N_FIT && r != i; c++)
                m[r][c] -= k * m[i][c];
        }
    }
    for (int i = 0; i < N_FIT; i++)
        ret[i] = m[i][N_FIT] / m[i][i];
}

/* The roots within the unit circle of a + b·x + c·x², x = (z + 1/z) / 2, as 1 + ret1·z⁻¹ + ret2·z⁻²
 * with the polynomial's own gain at z = 1. @return that gain */
static double factor(double a, double b, double c, double *ret1, double *ret2)
{
    double complex root = csqrt(b * b - 4 * a * c), z[2];
    for (int i = 0; i < 2; i++) {
        double complex x = (-b + (i ? -root : root)) / (2 * c);
        double complex y = csqrt(x * x - 1);
        z[i] = cabs(x + y) < 1 ? x + y : x - y;
    }
    *ret1 = -creal(z[0] + z[1]);
    *ret2 = creal(z[0] * z[1]);
    return sqrt(a + b + c) / (1 + *ret1 + *ret2);
}

/*
 * The double low-pass pole at F4, and what the bilinear transform did to the poles before it: one
 * section, to be used twice. The bilinear transform of F4 itself would have no gain left at half
 * the rate (−6 dB at 16 kHz of 48 kHz). A section's gain squared is a quotient of two quadratics
 * in the cosine of the frequency, with five freedoms: they take the analogue gain at five
 * frequencies, which is a linear system; its minimum-phase factor is the section. The frequencies
 * were chosen for small errors between them (0.12 dB to 0.42 of the rate, at 4 to 192 kHz).
 */
static struct cb_biquad low_pass(const struct cb_weighting *w, enum cb_weighting_kind kind,
                                 double rate_hz)
{
    static const double at[N_FIT] = {0.005, 0.2, 0.33, 0.43, 0.5}; /* of the rate */
    double m[N_FIT][N_FIT + 1], k[N_FIT];
    double base_db = cb_weighting_goal_db(kind, 1000) - cb_weighting_gain_db(w, 1000, rate_hz);
    for (int i = 0; i < N_FIT; i++) {
        double f_hz = at[i] * rate_hz, x = cos(2 * M_PI * at[i]);
        double left_db =
            cb_weighting_goal_db(kind, f_hz) - cb_weighting_gain_db(w, f_hz, rate_hz) - base_db;
        double g = pow(10, left_db / 20); /* half of it, squared */
        const double row[] = {1, x, x * x, -g * x, -g * x * x, g};
        for (int c = 0; c <= N_FIT; c++)
            m[i][c] = row[c];
    }
    solve(m, k);
    struct cb_biquad q = {0};
    double top = factor(k[0], k[1], k[2], &q.b1, &q.b2);
    double bottom = factor(1, k[3], k[4], &q.a1, &q.a2);
    q.b0 = top / bottom;
    q.b1 *= q.b0;
    q.b2 *= q.b0;
    return q;
}

void cb_weighting_init(struct cb_weighting *w, enum cb_weighting_kind kind, double rate_hz)
{
    *w = (struct cb_weighting){0};
    if (kind == CB_WEIGHTING_Z) {
        double k = tan(M_PI * Z_HZ / rate_hz), g = 1 / (1 + k);
        w->section[w->n++] = (struct cb_biquad){.b0 = g, .b1 = -g, .a1 = -(1 - k) * g};
        return;
    }
    w->section[w->n++] = high_pass(F1, F1, rate_hz);
    if (kind == CB_WEIGHTING_A)
        w->section[w->n++] = high_pass(F2, F3, rate_hz);
    struct cb_biquad q = low_pass(w, kind, rate_hz);
    w->section[w->n++] = q;
    w->section[w->n++] = q;
    double g = pow(10, -cb_weighting_gain_db(w, 1000, rate_hz) / 20);
    w->section[0].b0 *= g;
    w->section[0].b1 *= g;
    w->section[0].b2 *= g;
}

void cb_weighting_prime(struct cb_weighting *w, double x)
{
    /* The first section passes no direct voltage: with its output at zero, only it has a state. */
    struct cb_biquad *q = &w->section[0];
    q->s2 = q->b2 * x;
    q->s1 = q->b1 * x + q->s2;
}

double cb_weighting_step(struct cb_weighting *w, double x)
{
    for (size_t i = 0; i < w->n; i++)
        x = cb_biquad_step(&w->section[i], x);
    return x;
}

double cb_biquads_gain_db(const struct cb_biquad *q, size_t n, double f_hz, double rate_hz)
{
    double complex z = cexp(-I * 2 * M_PI * f_hz / rate_hz), h = 1;
    for (size_t i = 0; i < n; i++)
        h *= (q[i].b0 + z * (q[i].b1 + z * q[i].b2)) / (1 + z * (q[i].a1 + z * q[i].a2));
    return 20 * log10(fmax(cabs(h), 1e-30));
}

double cb_weighting_gain_db(const struct cb_weighting *w, double f_hz, double rate_hz)
{
    return cb_biquads_gain_db(w->section, w->n, f_hz, rate_hz);
}

/* What bench/sound-metrology measures at each rate, and the tests hold to. */
const struct cb_rate_class cb_rate_classes[] = {
    {8000, 3900, 3150, 0},    {11025, 5400, 4000, 0},   {16000, 7800, 6300, 0},
    {22050, 10800, 8000, 2},  {24000, 11700, 10000, 2}, {32000, 15600, 12500, 2},
    {44100, 20000, 16000, 1}, {48000, 20000, 16000, 1}, {96000, 20000, 16000, 1},
};
const size_t cb_n_rate_classes = sizeof cb_rate_classes / sizeof *cb_rate_classes;

const struct cb_rate_class *cb_rate_class(int rate_hz)
{
    size_t i = cb_n_rate_classes - 1;
    while (i > 0 && cb_rate_classes[i].rate_hz > rate_hz)
        i--;
    return &cb_rate_classes[i];
}
