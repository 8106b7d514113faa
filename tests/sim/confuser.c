#include "confuser.h"

#include <math.h>

/** What every generator works on. */
struct voice {
    float *y;
    size_t n;
    int rate_hz;
    struct sim_rng *rng;
};

static double seconds_of(const struct voice *v)
{
    return (double) v->n / v->rate_hz;
}

static double pick(struct voice *v, double lo, double hi)
{
    return sim_rng_range(v->rng, lo, hi);
}

/** One-pole low pass; state in *low. */
static double smooth(double *low, double x, double cut_hz, int rate_hz)
{
    *low += (1 - exp(-2 * M_PI * cut_hz / rate_hz)) * (x - *low);
    return *low;
}

/** Two poles of the same kind in place: 12 dB an octave above cut_hz. */
static void muffle(float *y, size_t n, double cut_hz, int rate_hz)
{
    double a = 0, b = 0;
    for (size_t i = 0; i < n; i++)
        y[i] = (float) smooth(&b, smooth(&a, (double) y[i], cut_hz, rate_hz), cut_hz, rate_hz);
}

/** Adds noise between two corners that rises and falls back: a puff, a hiss, a crack. */
static void add_puff(struct voice *v, double at_s, double rise_s, double fall_s, double low_hz,
                     double high_hz, double gain)
{
    double low = 0, high = 0;
    size_t first = (size_t) (fmax(at_s, 0) * v->rate_hz);
    for (size_t i = first; i < v->n; i++) {
        double t = (double) (i - first) / v->rate_hz;
        if (t > 8 * fall_s)
            break;
        double x = smooth(&high, sim_rng_normal(v->rng), high_hz, v->rate_hz);
        x -= smooth(&low, x, low_hz, v->rate_hz);
        v->y[i] += (float) (gain * x * (1 - exp(-t / rise_s)) * exp(-t / fall_s));
    }
}

/** Gain of a voice's formants or of a body's resonances. */
static double resonances(const double f_hz[3], double width, double hz)
{
    double sum = 0.02;
    for (int k = 0; k < 3; k++)
        sum += 1 / (1 + pow((hz - f_hz[k]) / (width * f_hz[k]), 2));
    return sum;
}

/** A tone with harmonics from one pitch to another through three resonances. */
static void add_voiced(struct voice *v, double at_s, double length_s, const double pitch_hz[2],
                       const double formant_hz[3], double gain)
{
    double amplitude[40], phase = 0;
    int n_h = (int) fmin(39, 4500 / fmax(pitch_hz[0], pitch_hz[1]));
    for (int h = 1; h <= n_h; h++)
        amplitude[h] = resonances(formant_hz, 0.12, h * pitch_hz[0]) / pow(h, 0.6);
    for (size_t i = 0; i < (size_t) (length_s * v->rate_hz); i++) {
        size_t k = i + (size_t) (at_s * v->rate_hz);
        double u = (double) i / v->rate_hz / length_s, sum = 0;
        if (k >= v->n)
            break;
        phase += (pitch_hz[0] + (pitch_hz[1] - pitch_hz[0]) * u) / v->rate_hz;
        phase -= floor(phase);
        for (int h = 1; h <= n_h; h++)
            sum += amplitude[h] * sin(2 * M_PI * h * phase);
        v->y[k] += (float) (gain * sum * pow(sin(M_PI * u), 0.6));
    }
}

static void speech(struct voice *v)
{
    double pitch = pick(v, 95, 230), t = 0;
    while (t < seconds_of(v)) {
        double length = pick(v, 0.10, 0.26), f0 = pitch * pick(v, 0.85, 1.25);
        double formant[] = {pick(v, 300, 850), pick(v, 900, 2200), pick(v, 2300, 3000)};
        double pitches[] = {f0, f0 * pick(v, 0.8, 1.1)};
        if (pick(v, 0, 1) < 0.35)
            add_puff(v, t, 0.01, 0.03, 2000, 7000, pick(v, 0.5, 2));
        add_voiced(v, t + 0.04, length, pitches, formant, pick(v, 0.5, 1.2));
        t += length + (pick(v, 0, 1) < 0.15 ? pick(v, 0.2, 0.5) : pick(v, 0.02, 0.09));
    }
}

static void rain(struct voice *v)
{
    double drops = pick(v, 20, 120), low = 0, body = pick(v, 1500, 8000);
    for (size_t i = 0; i < v->n; i++)
        v->y[i] = (float) (sim_rng_normal(v->rng) +
                           2 * smooth(&low, sim_rng_normal(v->rng), body, v->rate_hz));
    for (double t = 0; t < seconds_of(v); t -= log(1 - pick(v, 0, 0.999)) / drops)
        add_puff(v, t, 0.0003, 0.003, 1500, 9000, pick(v, 2, 9));
}

/** Turbulence at the membrane: most of it under 200 Hz, gust by gust. */
static void wind(struct voice *v)
{
    double a = 0, b = 0, gust = 0, cut = pick(v, 60, 400), slow = pick(v, 0.3, 1.5);
    for (size_t i = 0; i < v->n; i++) {
        double x = smooth(&a, sim_rng_normal(v->rng), cut, v->rate_hz);
        double g =
            smooth(&gust, sim_rng_normal(v->rng), slow, v->rate_hz) * sqrt(v->rate_hz / slow);
        x += 0.02 * smooth(&b, sim_rng_normal(v->rng), 3000, v->rate_hz);
        v->y[i] = (float) (x * exp(0.5 * g));
    }
}

static void firework(struct voice *v)
{
    double t = pick(v, 0.3, 0.8), crackle = pick(v, 0, 60);
    double whistle[] = {pick(v, 900, 1800), pick(v, 1800, 3200)}, none[] = {1500, 2500, 3500};
    add_voiced(v, 0, t, whistle, none, 0.02);
    add_puff(v, t, 0.0005, pick(v, 0.04, 0.2), 25, pick(v, 300, 2500), 20);
    for (double s = t + 0.3; crackle > 0 && s < t + 1.6; s -= log(1 - pick(v, 0, 0.999)) / crackle)
        add_puff(v, s, 0.0002, 0.002, 1000, 9000, pick(v, 1, 3));
}

/** A string of crackers: sharp, bright, at random. */
static void firecrackers(struct voice *v)
{
    double rate = pick(v, 8, 60), high = pick(v, 3000, 12000);
    for (double t = 0.02; t < seconds_of(v); t -= log(1 - pick(v, 0, 0.999)) / rate)
        add_puff(v, t, 0.0001, pick(v, 0.001, 0.006), pick(v, 150, 600), high, pick(v, 2, 8));
}

static void air_brake(struct voice *v)
{
    double low = pick(v, 1200, 3000);
    for (double t = 0.02; t < seconds_of(v); t += pick(v, 0.7, 1.6))
        add_puff(v, t, 0.004, pick(v, 0.06, 0.25), low, 9000, 1);
}

/** A pneumatic hammer: blows in step, the chisel's ring, the rush of air. */
static void jackhammer(struct voice *v)
{
    double rate = pick(v, 14, 32),
           ring[] = {pick(v, 350, 900), pick(v, 900, 1800), pick(v, 1800, 3500)};
    double fall = pick(v, 0.004, 0.014), air = pick(v, 0.02, 0.15), low = 0;
    for (double t = 0; t < seconds_of(v); t += pick(v, 0.97, 1.03) / rate) {
        double gain = pick(v, 0.8, 1.2);
        for (size_t i = 0; i < (size_t) (8 * fall * v->rate_hz); i++) {
            size_t k = i + (size_t) (t * v->rate_hz);
            double s = (double) i / v->rate_hz, sum = 0.5 * sim_rng_normal(v->rng);
            for (int m = 0; m < 3; m++)
                sum += sin(2 * M_PI * ring[m] * s);
            if (k < v->n)
                v->y[k] += (float) (gain * sum * exp(-s / fall));
        }
    }
    for (size_t i = 0; i < v->n; i++)
        v->y[i] += (float) (air * (sim_rng_normal(v->rng) -
                                   smooth(&low, sim_rng_normal(v->rng), 800, v->rate_hz)));
}

/** A small two-stroke tool: one short pulse a turn, a chain's rattle; behind a hedge at times. */
static void chainsaw(struct voice *v)
{
    double base = pick(v, 80, 190), hz = base, phase = 0, target = base, age = 0, hold = 1;
    double hoarse = pick(v, 0.3, 1.0), fall = pick(v, 0.0005, 0.002), chain = pick(v, 0.15, 0.6);
    double low = 0, level = 0;
    for (size_t i = 0; i < v->n; i++) {
        if ((age += 1.0 / v->rate_hz) > hold) { /* the trigger */
            age = 0;
            hold = pick(v, 0.3, 2);
            target = base * pick(v, 0.6, 1.15);
        }
        hz += (target - hz) / (0.15 * v->rate_hz);
        phase += hz * (1 + 0.03 * sim_rng_normal(v->rng)) / v->rate_hz;
        if (phase >= 1) {
            phase -= 1;
            level += pick(v, 1 - 0.5 * hoarse, 1 + 0.5 * hoarse);
        }
        level *= exp(-1 / (fall * v->rate_hz));
        double x = sim_rng_normal(v->rng);
        double rattle = x - smooth(&low, x, 1800, v->rate_hz);
        v->y[i] =
            (float) (level * (1 + 0.5 * hoarse * sim_rng_normal(v->rng)) + chain * rattle * 0.5);
    }
    if (pick(v, 0, 1) < 0.4)
        muffle(v->y, v->n, pick(v, 700, 2500), v->rate_hz);
}

static void dog(struct voice *v)
{
    double pitch = pick(v, 250, 900);
    for (double t = 0.02; t < seconds_of(v); t += pick(v, 0.28, 0.8)) {
        double formant[] = {pick(v, 600, 1000), pick(v, 1200, 2000), pick(v, 2200, 3200)};
        double pitches[] = {pitch * pick(v, 0.9, 1.3), pitch * pick(v, 0.6, 0.9)};
        add_voiced(v, t, pick(v, 0.09, 0.2), pitches, formant, 1);
        add_puff(v, t, 0.01, 0.05, 500, 5000, 0.8);
    }
}

/** Wheels on rails: a roar, joints two by two, and the ground's rumble, swelling and going. */
static void train(struct voice *v)
{
    double mid = 0, low = 0, deep = 0, cut = pick(v, 900, 2500), joint = pick(v, 0.5, 1.6);
    double has_joints = pick(v, 0, 1) < 0.6, rumble = pick(v, 1, 4);
    for (size_t i = 0; i < v->n; i++) {
        double x = smooth(&mid, sim_rng_normal(v->rng), cut, v->rate_hz);
        double d = smooth(&deep, sim_rng_normal(v->rng), 90, v->rate_hz);
        v->y[i] = (float) (x - 0.7 * smooth(&low, x, 250, v->rate_hz) + rumble * d);
    }
    for (double t = 0; has_joints > 0 && t < seconds_of(v); t += joint)
        for (int k = 0; k < 2; k++)
            add_puff(v, t + 0.14 * joint * k, 0.001, 0.02, 80, 1500, 4);
    for (size_t i = 0; i < v->n; i++)
        v->y[i] *= (float) pow(sin(M_PI * (double) i / (double) v->n), 0.7);
}

static void jet(struct voice *v)
{
    double a = 0, b = 0, cut = pick(v, 300, 2500), fan = pick(v, 900, 3200),
           whine = pick(v, 0, 0.25);
    double phase = 0;
    for (size_t i = 0; i < v->n; i++) {
        double u = (double) i / (double) v->n;
        double x = smooth(&a, sim_rng_normal(v->rng), cut * (1.3 - 0.7 * u), v->rate_hz);
        x -= smooth(&b, x, 60, v->rate_hz);
        phase += fan * (1.12 - 0.24 * u) / v->rate_hz;
        x = x * 3 + whine * sin(2 * M_PI * phase);
        v->y[i] = (float) (x * pow(sin(M_PI * u), 2));
    }
}

/** Blades: a helicopter slaps at 11 to 26 Hz, a propeller hums at 60 to 120. */
static void blades(struct voice *v, bool is_helicopter)
{
    double rate = is_helicopter ? pick(v, 11, 26) : pick(v, 60, 120), phase = 0, a = 0, b = 0;
    double width = is_helicopter ? pick(v, 0.04, 0.12) : pick(v, 0.08, 0.2),
           gas = pick(v, 0.2, 0.8);
    double tone = pick(v, 350, 1400), whine = is_helicopter ? pick(v, 0, 0.1) : 0;
    for (size_t i = 0; i < v->n; i++) {
        double u = (double) i / (double) v->n, t = (double) i / v->rate_hz;
        phase += rate * (1.06 - 0.12 * u) / v->rate_hz;
        phase -= floor(phase);
        double d = (phase - 0.5) / width, slap = (1 - d * d) * exp(-d * d / 2);
        double x = smooth(&a, sim_rng_normal(v->rng), 900, v->rate_hz);
        x -= smooth(&b, x, 100, v->rate_hz);
        x = slap * (1 + 0.1 * sim_rng_normal(v->rng)) + gas * x * (1 + slap) +
            whine * sin(2 * M_PI * tone * t);
        v->y[i] = (float) (x * (0.25 + 0.75 * sin(M_PI * u)));
    }
}

/** Two or three trumpets of a lorry or coach. */
static void air_horn(struct voice *v)
{
    static const double chord[][3] = {{1, 1.25, 1.5}, {1, 1.2, 1.5}, {1, 1.26, 0}, {1, 0, 0}};
    double base = pick(v, 170, 330), fall = pick(v, 0.2, 0.8);
    const double *ratio = chord[sim_rng_next(v->rng) % 4];
    for (int k = 0; k < 3 && ratio[k] > 0; k++)
        for (int h = 1; h * ratio[k] * base < 6000; h++) {
            double f = h * ratio[k] * base, a = 1 / pow(h, fall), phase = pick(v, 0, 2 * M_PI);
            for (size_t i = 0; i < v->n; i++)
                v->y[i] += (float) (a * sin(2 * M_PI * f * (double) i / v->rate_hz + phase));
        }
}

/** Two tones in turn: the siren of most of Europe, and of some reversing lorries. */
static void hi_lo(struct voice *v)
{
    double base = pick(v, 380, 480), ratio = pick(v, 1.18, 1.42), period = pick(v, 0.5, 1.3);
    double phase = 0, fall = pick(v, 0.7, 1.5), f = base;
    for (size_t i = 0; i < v->n; i++) {
        double t = fmod((double) i / v->rate_hz, period), sum = 0;
        f += ((t < period / 2 ? base : base * ratio) - f) / (0.008 * v->rate_hz);
        phase += f / v->rate_hz;
        phase -= floor(phase);
        for (int h = 1; h * f < 6000; h++)
            sum += sin(2 * M_PI * h * phase) / pow(h, fall);
        v->y[i] = (float) sum;
    }
}

/** A subwoofer in a car: a saw-tooth bass line through a filter, with or without a drum. */
static void bass(struct voice *v)
{
    double root = pick(v, 38, 75), beat = pick(v, 0.22, 0.55), cut = pick(v, 150, 1500);
    double drum = pick(v, 0, 1) < 0.5 ? pick(v, 0.5, 2) : 0, legato = pick(v, 0.6, 1.0), phase = 0;
    static const double step[] = {1, 1, 1.189, 0.891, 1.335, 1.498, 2, 1};
    double f = root, low = 0;
    int note = -1;
    for (size_t i = 0; i < v->n; i++) {
        double t = (double) i / v->rate_hz, u = fmod(t, beat) / beat;
        if ((int) (t / beat) != note) {
            note = (int) (t / beat);
            f = root * step[sim_rng_next(v->rng) % 8];
        }
        phase += f / v->rate_hz;
        phase -= floor(phase);
        double saw = u < legato ? (2 * phase - 1) * (1 - 0.5 * u) : 0;
        double kick = sin(2 * M_PI * 55 * u * beat) * exp(-u * beat / 0.08);
        v->y[i] = (float) (smooth(&low, saw, cut, v->rate_hz) + drum * kick * (note % 2 == 0));
    }
    muffle(v->y, v->n, 2 * cut, v->rate_hz);
}

/** Rubber that slides: a rough squeal of a few near tones, and hiss. */
static void skid(struct voice *v)
{
    double hz = pick(v, 450, 1300), hoarse = pick(v, 0.2, 0.8), phase = 0, drift = 0, low = 0;
    for (size_t i = 0; i < v->n; i++) {
        smooth(&drift, sim_rng_normal(v->rng), 3, v->rate_hz);
        phase += hz * (1 + 6 * drift + 0.05 * sim_rng_normal(v->rng)) / v->rate_hz;
        double x = sim_rng_normal(v->rng), sum = hoarse * (x - smooth(&low, x, 500, v->rate_hz));
        for (int h = 1; h <= 4; h++)
            sum += sin(2 * M_PI * h * phase) / h;
        v->y[i] = (float) sum;
    }
}

void sim_synth_confuser(float *y, size_t n, int rate_hz, int type, struct sim_rng *rng)
{
    static void (*const of[])(struct voice *) = {
        [SIM_SOURCE_SPEECH] = speech,
        [SIM_SOURCE_RAIN] = rain,
        [SIM_SOURCE_WIND] = wind,
        [SIM_SOURCE_FIREWORK] = firework,
        [SIM_SOURCE_FIRECRACKERS] = firecrackers,
        [SIM_SOURCE_AIR_BRAKE] = air_brake,
        [SIM_SOURCE_JACKHAMMER] = jackhammer,
        [SIM_SOURCE_CHAINSAW] = chainsaw,
        [SIM_SOURCE_DOG] = dog,
        [SIM_SOURCE_TRAIN] = train,
        [SIM_SOURCE_JET] = jet,
        [SIM_SOURCE_AIR_HORN] = air_horn,
        [SIM_SOURCE_HI_LO] = hi_lo,
        [SIM_SOURCE_BASS] = bass,
        [SIM_SOURCE_SKID] = skid,
    };
    struct voice v = {y, n, rate_hz, rng};
    if (type == SIM_SOURCE_HELICOPTER || type == SIM_SOURCE_PROPELLER)
        blades(&v, type == SIM_SOURCE_HELICOPTER);
    else
        of[type](&v);
}
