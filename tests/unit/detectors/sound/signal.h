#ifndef TESTS_SOUND_SIGNAL_H
#define TESTS_SOUND_SIGNAL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define NEAR(got, want, tol)                                                                      \
    do {                                                                                          \
        double g_ = (got), w_ = (want);                                                           \
        if (!(fabs(g_ - w_) <= (tol)))                                                            \
            fail_msg("%s = %.9g, want %.9g ± %g", #got, g_, w_, (double) (tol));                  \
    } while (0)

/* Sounds made for the tests; full scale ±1. Each is reproducible. */

static inline double noise_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double) (int32_t) (*state >> 32) / 2147483648.0;
}

/** Adds a sine of that amplitude. */
static inline void add_sine(float *x, size_t n, double rate_hz, double f_hz, double amplitude)
{
    for (size_t i = 0; i < n; i++)
        x[i] += (float) (amplitude * sin(2 * M_PI * f_hz * (double) i / rate_hz));
}

/** Adds noise, uniform in ±amplitude. */
static inline void add_noise(float *x, size_t n, double amplitude, uint64_t seed)
{
    uint64_t state = seed;
    for (size_t i = 0; i < n; i++)
        x[i] += (float) (amplitude * noise_next(&state));
}

/** Amplitude of a 1 kHz sine of that level for a sensitivity of `dbfs` at 94 dB. */
static inline double amplitude_of(double level_db, double dbfs)
{
    return sqrt(2) * pow(10, (level_db - 94 + dbfs) / 20);
}

#endif
