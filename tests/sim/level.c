#include "level.h"

#include <complex.h>
#include <errno.h>
#include <kiss_fftr.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double complex a_response(double f_hz)
{
    /* poles of IEC 61672-1:2013, E.4.2, Hz */
    const double f1 = 20.598997, f2 = 107.65265, f3 = 737.86223, f4 = 12194.21715;
    double complex s = I * f_hz;
    double complex h = f4 * f4 * s * s * s * s;
    return h / ((s + f1) * (s + f1) * (s + f2) * (s + f3) * (s + f4) * (s + f4));
}

static double a_norm(void)
{
    return 1 / cabs(a_response(1000));
}

double sim_a_gain(double f_hz)
{
    return cabs(a_response(f_hz)) * a_norm();
}

/** Multiplies a signal's spectrum by a response; kind chooses which. */
static int filter(const float *x, size_t n, int rate_hz, float *y, double (*gain)(double f_hz))
{
    int size = kiss_fftr_next_fast_size_real((int) n + rate_hz / 4); /* room for the tail */
    float *t = calloc((size_t) size, sizeof *t);
    kiss_fft_cpx *s = calloc((size_t) size / 2 + 1, sizeof *s);
    kiss_fftr_cfg forward = kiss_fftr_alloc(size, 0, NULL, NULL);
    kiss_fftr_cfg back = kiss_fftr_alloc(size, 1, NULL, NULL);
    int r = t && s && forward && back ? 0 : -ENOMEM;
    if (r == 0) {
        memcpy(t, x, n * sizeof *t);
        kiss_fftr(forward, t, s);
        double norm = a_norm();
        for (int i = 0; i <= size / 2; i++) {
            double f = (double) i * rate_hz / size;
            double complex h = gain ? gain(f) : a_response(f) * norm;
            double complex v = ((double) s[i].r + I * (double) s[i].i) * h / size;
            s[i].r = (float) creal(v);
            s[i].i = (float) cimag(v);
        }
        kiss_fftri(back, s, t);
        memcpy(y, t, n * sizeof *t);
    }
    free(t);
    free(s);
    free(forward);
    free(back);
    return r;
}

int sim_a_weight(const float *x, size_t n, int rate_hz, float *ret_y)
{
    return filter(x, n, rate_hz, ret_y, NULL);
}

int sim_shape_spectrum(float *x, size_t n, int rate_hz, double (*gain)(double f_hz))
{
    return filter(x, n, rate_hz, x, gain);
}

void sim_fast_level(const float *a, size_t n, int rate_hz, float *ret_db)
{
    double k = 1 - exp(-1 / (0.125 * rate_hz)), e = 0, p2 = SIM_P0_PA * SIM_P0_PA;
    for (size_t i = 0; i < n; i++) {
        e += ((double) a[i] * (double) a[i] - e) * k;
        ret_db[i] = (float) (10 * log10(e / p2 + 1e-12));
    }
}

double sim_rms(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double) x[i] * (double) x[i];
    return n ? sqrt(sum / (double) n) : 0;
}

double sim_a_rms(const float *x, size_t n, int rate_hz)
{
    size_t most = 5 * (size_t) rate_hz;
    n = n < most ? n : most;
    float *y = malloc((n + 1) * sizeof *y);
    double rms = y && sim_a_weight(x, n, rate_hz, y) == 0 ? sim_rms(y, n) : NAN;
    free(y);
    return rms;
}
