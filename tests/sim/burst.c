/* Horns, sirens, tunes, bangs, thunder, tones: what is heard and is no exhaust. */
#include <errno.h>
#include <stdlib.h>

#include "confuser.h"
#include "level.h"
#include "synth.h"

/* A reed or loudspeaker driven hard: odd and even harmonics up to 7 kHz. */
static double buzz(double phase, double f_hz, double fall)
{
    double sum = 0;
    for (int h = 1; h <= 14 && h * f_hz < 7000; h++)
        sum += sin(2 * M_PI * h * phase + 0.7 * h) / pow(h, fall);
    return sum;
}

static double siren_hz(int type, double t)
{
    double period = type == SIM_SOURCE_WAIL ? 4.6 : 0.34, u = fmod(t, period) / period;
    double up = u < 0.55 ? smoothstep(0, 0.55, u) : 1 - smoothstep(0.55, 1, u);
    return 620 * pow(1480.0 / 620, up);
}

static double music(double t, struct sim_rng *rng)
{
    static const double bass[] = {55, 55, 65.4, 49},
                        lead[] = {440, 523.3, 659.3, 523.3, 587.3, 659.3, 784, 659.3};
    double beat = fmod(t, 0.5), bar = fmod(t / 2, 4), eighth = fmod(t / 0.25, 8);
    double kick = sin(2 * M_PI * (48 * beat + 6 * (1 - exp(-beat / 0.03)))) * exp(-beat / 0.12);
    double low = bass[(int) bar], f = lead[(int) eighth], note = exp(-fmod(t, 0.25) / 0.18);
    double hat = sim_rng_normal(rng) * exp(-fmod(t + 0.25, 0.5) / 0.025);
    double chord =
        sin(2 * M_PI * low * 4 * t) + sin(2 * M_PI * low * 5 * t) + sin(2 * M_PI * low * 6 * t);
    return 1.6 * kick + 0.8 * buzz(low * t, low, 1.2) + 0.5 * note * buzz(f * t, f, 1.6) +
           0.35 * chord + 0.25 * hat;
}

static double thunder_gain(double f)
{
    return f < 15 ? 0.2 : 1 / (1 + pow(f / 110, 1.7));
}

/** What a tonal source's phase has come to. */
struct state {
    double phase, low;
};

static double value(int type, double t, double length, double f_hz, int rate_hz, struct state *st,
                    struct sim_rng *rng)
{
    switch (type) {
    case SIM_SOURCE_HORN: /* two discs a third apart */
        return buzz(415 * t, 415, 0.55) + buzz(505 * t + 0.3, 505, 0.55);
    case SIM_SOURCE_WAIL:
    case SIM_SOURCE_YELP: {
        double f = siren_hz(type, t);
        st->phase += f / rate_hz;
        st->phase -= floor(st->phase);
        return buzz(st->phase, f, 1.1);
    }
    case SIM_SOURCE_MUSIC:
        return music(t, rng);
    case SIM_SOURCE_IMPULSE:
        return exp(-t / 0.0025) * 3 * (1 - t / 0.0025) + sim_rng_normal(rng) * exp(-t / 0.02);
    case SIM_SOURCE_THUNDER: {
        double roll = exp(-t / (0.35 * length)) * (0.55 + 0.45 * sin(2.1 * t) * sin(5.3 * t + 1));
        return sim_rng_normal(rng) * roll * (1 - exp(-t / 0.05));
    }
    default:
        return sin(2 * M_PI * f_hz * t);
    }
}

int sim_synth_burst(struct sim_signal *s, int type, double t_s, double length_s, double level_db,
                    double f_hz, struct sim_rng *rng)
{
    double first = ceil((t_s - s->t0_s) * s->rate_hz),
           edge = type == SIM_SOURCE_IMPULSE ? 2e-4 : 0.012;
    size_t n = (size_t) (length_s * s->rate_hz);
    struct state st = {0};
    float *y = calloc(n + 1, sizeof *y);
    if (!y)
        return -ENOMEM;
    bool is_confuser = type >= SIM_SOURCE_SPEECH && type < SIM_SOURCE_EXHAUST;
    if (is_confuser)
        sim_synth_confuser(y, n, s->rate_hz, type, rng);
    for (size_t i = 0; i < n; i++) {
        double t = (double) i / s->rate_hz;
        double fade = clampd(t / edge, 0, 1) * clampd((length_s - t) / 0.012, 0, 1);
        double x =
            is_confuser ? (double) y[i] : value(type, t, length_s, f_hz, s->rate_hz, &st, rng);
        y[i] = (float) (fade * x);
    }
    int r = type == SIM_SOURCE_THUNDER ? sim_shape_spectrum(y, n, s->rate_hz, thunder_gain) : 0;
    double rms = r == 0 ? sim_a_rms(y, n, s->rate_hz) : NAN, k = sim_pa_at_1m(level_db) / rms;
    for (size_t i = 0; i < n && rms > 0; i++) {
        double at = first + (double) i;
        if (at >= 0 && at < (double) s->n)
            s->pa[(size_t) at] += (float) (k * (double) y[i]);
    }
    free(y);
    return r;
}
