#include "weighting.h"

#include <complex.h>
#include <math.h>

/* IEC 61672-1:2013, annex E: corner frequencies of the A weighting, Hz. */
static const double F1 = 20.598997, F2 = 107.65265, F3 = 737.86223, F4 = 12194.21715;

double cb_weighting_a_db(double f_hz)
{
    double f2 = f_hz * f_hz;
    double r = F4 * F4 * f2 * f2 /
               ((f2 + F1 * F1) * sqrt((f2 + F2 * F2) * (f2 + F3 * F3)) * (f2 + F4 * F4));
    return 20 * log10(fmax(r, 1e-30)) + 1.99966; /* the standard's A1000 */
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

/*
 * The double low-pass pole. The bilinear transform has no gain left at half the rate (−6 dB at
 * 16 kHz of 48 kHz). One pole and one zero have three freedoms: they take the analogue gain at 0,
 * at a quarter and at half of the rate, which asks for the pole p of A·p² + 2·B·p + A = 0.
 */
static struct cb_biquad low_pass(double f_hz, double rate_hz)
{
    double r = rate_hz / f_hz;
    double half = 1 / (1 + r * r / 4), quarter = 1 / (1 + r * r / 16); /* gains, squared */
    double a = 1 + half - 2 * quarter, b = half - 1;
    double p = a / (sqrt(b * b - a * a) - b);
    double at_half = (1 + p) * sqrt(half); /* b0 − b1; b0 + b1 = 1 − p */
    double b0 = (1 - p + at_half) / 2, b1 = (1 - p - at_half) / 2;
    return (struct cb_biquad){
        .b0 = b0 * b0, .b1 = 2 * b0 * b1, .b2 = b1 * b1, .a1 = -2 * p, .a2 = p * p};
}

void cb_weighting_init(struct cb_weighting *w, double rate_hz)
{
    w->section[0] = high_pass(F1, F1, rate_hz);
    w->section[1] = high_pass(F2, F3, rate_hz);
    w->section[2] = low_pass(F4, rate_hz);
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
    for (int i = 0; i < CB_A_SECTIONS; i++) {
        struct cb_biquad *q = &w->section[i];
        double y = q->b0 * x + q->s1;
        q->s1 = q->b1 * x - q->a1 * y + q->s2;
        q->s2 = q->b2 * x - q->a2 * y;
        x = y;
    }
    return x;
}

double cb_weighting_gain_db(const struct cb_weighting *w, double f_hz, double rate_hz)
{
    double complex z = cexp(-I * 2 * M_PI * f_hz / rate_hz), h = 1;
    for (int i = 0; i < CB_A_SECTIONS; i++) {
        const struct cb_biquad *q = &w->section[i];
        h *= (q->b0 + z * (q->b1 + z * q->b2)) / (1 + z * (q->a1 + z * q->a2));
    }
    return 20 * log10(fmax(cabs(h), 1e-30));
}
