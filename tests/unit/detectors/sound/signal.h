#ifndef TESTS_SOUND_SIGNAL_H
#define TESTS_SOUND_SIGNAL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define NEAR(got, want, tol)                                                                       \
    do {                                                                                           \
        double g_ = (got), w_ = (want);                                                            \
        if (!(fabs(g_ - w_) <= (tol)))                                                             \
            fail_msg("%s = %.9g, want %.9g ± %g", #got, g_, w_, (double) (tol));                   \
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

/** Adds two chords' worth of harmonics, as an electric horn makes them. */
static inline void add_horn(float *x, size_t n, double rate_hz, double a_hz, double b_hz)
{
    for (int h = 1; h < 12 && h * b_hz < 0.45 * rate_hz; h++) {
        add_sine(x, n, rate_hz, h * a_hz, 0.1 / pow(h, 0.8));
        add_sine(x, n, rate_hz, h * b_hz, 0.1 / pow(h, 0.8));
    }
}

/** Adds a tone with harmonics whose pitch goes from low to high and back, period_s each time. */
static inline void add_sweep(float *x, size_t n, double rate_hz, double low_hz, double high_hz,
                             double period_s)
{
    double phase = 0;
    for (size_t i = 0; i < n; i++) {
        double u = 0.5 - 0.5 * cos(2 * M_PI * (double) i / rate_hz / period_s);
        phase += 2 * M_PI * (low_hz + (high_hz - low_hz) * u) / rate_hz;
        for (int h = 1; h < 6 && h * high_hz < 0.45 * rate_hz; h++)
            x[i] += (float) (0.1 * sin(h * phase) / h);
    }
}

/**
 * Adds an engine through an open pipe: a pulse at each firing, each cylinder a little unlike the
 * next and each firing unlike the last, through resonances of some 1 m of pipe; and flow noise.
 *
 * @param end_hz firing rate at the end, from firing_hz at the start
 */
static inline void add_engine(float *x, size_t n, double rate_hz, double firing_hz, double end_hz,
                              int cylinders, double flow, uint64_t seed)
{
    static const struct {
        double hz, q, gain;
    } pipe[] = {{90, 4, 1}, {210, 5, 0.8}, {430, 5, 0.6}, {800, 6, 0.4}, {1300, 6, 0.25}};
    double y1[5] = {0}, y2[5] = {0}, phase = 0, smooth = 0, cylinder[16];
    uint64_t state = seed;
    int firing = 0;
    for (int i = 0; i < 16; i++)
        cylinder[i] = 1 + 0.25 * noise_next(&state);
    for (size_t i = 0; i < n; i++) {
        double pulse = 0;
        phase += (firing_hz + (end_hz - firing_hz) * (double) i / (double) n) / rate_hz;
        if (phase >= 1) {
            phase -= 1;
            pulse = cylinder[firing++ % cylinders] * (1 + 0.08 * noise_next(&state));
        }
        smooth += (noise_next(&state) - smooth) * (1 - exp(-2 * M_PI * 900 / rate_hz));
        double sum = flow * smooth;
        for (int k = 0; k < 5; k++) {
            double r = exp(-M_PI * pipe[k].hz / pipe[k].q / rate_hz);
            double y = 2 * r * cos(2 * M_PI * pipe[k].hz / rate_hz) * y1[k] - r * r * y2[k] +
                       pulse * sin(2 * M_PI * pipe[k].hz / rate_hz) * r * 20;
            y2[k] = y1[k];
            y1[k] = y;
            sum += pipe[k].gain * y;
        }
        x[i] += (float) (0.02 * sum);
    }
}

/** Makes the level rise and fall as of who passes by at 6 m and 50 km/h, nearest in the middle. */
static inline void let_pass_by(float *x, size_t n, double rate_hz)
{
    const double s = 6 / (50 / 3.6);
    for (size_t i = 0; i < n; i++)
        x[i] *= (float) (s / hypot(s, ((double) i - (double) n / 2) / rate_hz));
}

#endif
