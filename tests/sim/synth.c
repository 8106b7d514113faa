#include "synth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "level.h"

#define PULSE_S 0.045

int sim_signal_init(struct sim_signal *s, int rate_hz, double t0_s, double t1_s)
{
    *s = (struct sim_signal){.rate_hz = rate_hz, .t0_s = t0_s};
    s->n = t1_s > t0_s ? (size_t) ((t1_s - t0_s) * rate_hz) : 0;
    s->pa = calloc(s->n + 1, sizeof *s->pa);
    return s->pa ? 0 : -ENOMEM;
}

void sim_signal_deinit(struct sim_signal *s)
{
    free(s->pa);
    s->pa = NULL;
    s->n = 0;
}

double sim_pa_at_1m(double level_db)
{
    return SIM_P0_PA * pow(10, level_db / 20) * 7.5;
}

static double time_of(const struct sim_signal *s, size_t i)
{
    return s->t0_s + (double) i / s->rate_hz;
}

/* Rolling noise: a broad hump about 900 Hz. */
static double tyre_gain(double f)
{
    double octaves = log2(fmax(f, 1) / 900);
    return 1 / (1 + pow(fabs(octaves) / 1.3, 2.4));
}

/* A-weighted level at 7.5 m and 50 km/h; it grows by 30 dB a tenfold of speed. */
static const double tyre_db[] = {[SIM_CAR] = 66.5,      [SIM_TRUCK] = 74,   [SIM_BUS] = 72.5,
                                 [SIM_MOTORCYCLE] = 61, [SIM_BICYCLE] = 38, [SIM_PEDESTRIAN] = 20};

int sim_synth_tyres(struct sim_signal *s, const struct sim_vehicle *v, struct sim_rng *rng)
{
    float *noise = malloc((s->n + 1) * sizeof *noise);
    if (!noise)
        return -ENOMEM;
    for (size_t i = 0; i < s->n; i++)
        noise[i] = (float) (sim_rng_unit(rng) + sim_rng_unit(rng) - 1);
    int r = sim_shape_spectrum(noise, s->n, s->rate_hz, tyre_gain);
    double rms = r == 0 ? sim_a_rms(noise, s->n, s->rate_hz) : NAN, k = 0;
    for (size_t i = 0; r == 0 && i < s->n && rms > 0; i++) {
        if (i % 64 == 0) {
            double kmh = 3.6 * sim_vehicle_speed_mps(v, time_of(s, i));
            k = sim_pa_at_1m(tyre_db[v->conf->class]) * pow(kmh / 50, 1.5) / rms;
        }
        s->pa[i] += (float) (k * (double) noise[i]);
    }
    free(noise);
    return r;
}

/** Gearbox: crank turns a minute for each km/h, and when the next gear is taken. */
struct gears {
    double rpm_per_kmh[6];
    double shift_rpm, idle_rpm;
    int cylinders;
    double engine_db; /* A-weighted at 7.5 m and 2500/min, stock */
};

static const struct gears gears[] = {
    [SIM_CAR] = {{115, 64, 43, 33, 27, 23}, 2500, 800, 4, 60},
    [SIM_TRUCK] = {{130, 75, 46, 33, 25, 20}, 1900, 600, 6, 78},
    [SIM_BUS] = {{120, 70, 45, 31, 24, 20}, 1900, 600, 6, 75},
    [SIM_MOTORCYCLE] = {{150, 108, 84, 70, 60, 53}, 5200, 1200, 2, 68},
};

double sim_engine_rpm(const struct sim_vehicle *v, double t_s)
{
    const struct gears *g = &gears[v->conf->class];
    if (v->conf->rpm.n > 0)
        return sim_curve_at(&v->conf->rpm, t_s, 0);
    double kmh = 3.6 * sim_vehicle_speed_mps(v, t_s), rpm = g->idle_rpm;
    for (int i = 0; i < 6; i++) {
        rpm = kmh * g->rpm_per_kmh[i];
        if (rpm < g->shift_rpm)
            break;
    }
    return fmax(rpm, g->idle_rpm);
}

static int cylinders_of(const struct sim_vehicle *v)
{
    return v->conf->cylinders > 0 ? v->conf->cylinders : gears[v->conf->class].cylinders;
}

#define ORDERS 32

/* Strength of each half order: the firing order and its multiples stand out. */
static void engine_orders(const struct sim_vehicle *v, double f_cycle, struct sim_rng *rng,
                          double ret_a[ORDERS])
{
    int firing = cylinders_of(v); /* firings a cycle: the cylinder-th half order */
    double sum = 0;
    for (int k = 0; k < ORDERS; k++) {
        int multiple = (k + 1) % firing == 0;
        double a = (multiple ? 1.0 : 0.18) / pow(k + 1.0, 0.9) * sim_rng_range(rng, 0.7, 1.3);
        ret_a[k] = a;
        sum += a * a / 2 * pow(sim_a_gain((k + 1) * f_cycle), 2);
    }
    for (int k = 0; k < ORDERS; k++)
        ret_a[k] /= sqrt(sum);
}

int sim_synth_engine(struct sim_signal *s, const struct sim_vehicle *v, struct sim_rng *rng)
{
    const struct gears *g = &gears[v->conf->class];
    if (v->conf->class > SIM_MOTORCYCLE)
        return 0;
    double a[ORDERS], b[ORDERS], cycle = 0, wobble = 0, f_reference = 2500.0 / 120;
    engine_orders(v, f_reference, rng, a);
    for (int k = 0; k < ORDERS; k++) { /* each order with a phase of its own */
        double phase = sim_rng_range(rng, 0, 2 * M_PI);
        b[k] = a[k] * sin(phase);
        a[k] *= cos(phase);
    }
    double rpm = sim_engine_rpm(v, s->t0_s), target = rpm, level = sim_pa_at_1m(g->engine_db);
    for (size_t i = 0; i < s->n; i++) {
        if (i % 64 == 0) {
            target = sim_engine_rpm(v, time_of(s, i));
            wobble += 0.02 * (sim_rng_normal(rng) - wobble * 0.5);
        }
        rpm += (target - rpm) / (0.12 * s->rate_hz); /* a shift takes a moment */
        cycle += rpm * (1 + 0.004 * wobble) / 120 / s->rate_hz;
        cycle -= floor(cycle);
        double sum = 0, c = cos(2 * M_PI * cycle), sn = sin(2 * M_PI * cycle), re = 1, im = 0;
        for (int k = 0; k < ORDERS; k++) { /* all harmonics by turning one phasor on */
            double t = re * c - im * sn;
            im = re * sn + im * c;
            re = t;
            sum += a[k] * re + b[k] * im;
        }
        s->pa[i] += (float) (level * pow(rpm / 2500, 1.2) * sum);
    }
    return 0;
}

/* One firing's pressure at the end of an open pipe: a steep front, the pipe's ring, a rush of gas.
 */
static void make_pulse(float *pulse, size_t n, int rate_hz, const struct sim_vehicle_conf *conf,
                       struct sim_rng *rng)
{
    static const double ring[][3] = {{105, 0.011, 1.0},
                                     {236, 0.008, 0.9},
                                     {415, 0.006, 0.75},
                                     {730, 0.004, 0.6},
                                     {1350, 0.0022, 0.5}};
    const double pipe = conf->pipe_hz / ring[0][0]; /* a longer pipe rings lower, and for longer */
    for (size_t i = 0; i < n; i++) {
        double t = (double) i / rate_hz, p = 0, rise = 1 - exp(-t / 0.0004);
        for (int k = 0; k < 5; k++)
            p += ring[k][2] * exp(-t * pipe / ring[k][1]) * cos(2 * M_PI * ring[k][0] * pipe * t);
        double gas = sim_rng_normal(rng) * exp(-t / 0.004) * 0.35 * conf->hoarse;
        pulse[i] = (float) (rise * (p + gas));
    }
}

/** A scripted throttle: open while speed or revs rise, nearly shut while they fall. */
static double throttle(const struct sim_vehicle *v, double t_s)
{
    double change = sim_engine_rpm(v, t_s + 0.05) - sim_engine_rpm(v, t_s - 0.05);
    double load = 0.72 + 0.28 * clampd(change / 60, -1, 1);
    return load * pow(clampd(sim_engine_rpm(v, t_s) / 5000, 0.2, 2), 0.8);
}

int sim_synth_exhaust(struct sim_signal *s, const struct sim_vehicle *v, double level_db,
                      struct sim_rng *rng)
{
    enum { KINDS = 8 };
    size_t n_pulse = (size_t) (PULSE_S * s->rate_hz);
    int cylinders = cylinders_of(v), next = 0;
    float *pulse = calloc(KINDS * n_pulse, sizeof *pulse), *y = calloc(s->n + n_pulse, sizeof *y);
    double own[16], cycle = 0, power = 0; /* sum of squared throttle over firings */
    size_t measured = s->n < 5 * (size_t) s->rate_hz ? s->n : 5 * (size_t) s->rate_hz;
    int r = pulse && y ? 0 : -ENOMEM;
    for (int i = 0; i < 16; i++)
        own[i] = 1 + 0.12 * sim_rng_normal(rng); /* no two cylinders fire alike */
    for (int k = 0; k < KINDS && r == 0; k++)
        make_pulse(pulse + (size_t) k * n_pulse, n_pulse, s->rate_hz, v->conf, rng);
    double rpm = sim_engine_rpm(v, s->t0_s);
    for (size_t i = 0; i < s->n && r == 0; i++) {
        double t = time_of(s, i);
        if (i % 16 == 0)
            rpm += (sim_engine_rpm(v, t) - rpm) * 0.004;
        cycle += rpm / 120 / s->rate_hz * (v->conf->two_stroke ? 2 : 1);
        if (cycle < (next + (next % 2 ? 0.08 : 0)) / cylinders)
            continue;
        double open = throttle(v, t), a = own[next % 16] * (1 + 0.10 * sim_rng_normal(rng)) * open;
        if (i < measured)
            power += open * open;
        const float *p = pulse + (size_t) (sim_rng_next(rng) % KINDS) * n_pulse;
        for (size_t k = 0; k < n_pulse; k++)
            y[i + k] += (float) a * p[k];
        if (++next == cylinders) {
            next = 0;
            cycle -= 1;
        }
    }
    double rms = r == 0 ? sim_a_rms(y, s->n, s->rate_hz) : NAN;
    double open_power =
        5000.0 / 120 * cylinders * (v->conf->two_stroke ? 2 : 1) * (double) measured / s->rate_hz;
    double k = sim_pa_at_1m(level_db) / rms / sqrt(open_power / power);
    for (size_t i = 0; i < s->n && r == 0 && rms > 0; i++)
        s->pa[i] += (float) (k * (double) y[i]);
    free(pulse);
    free(y);
    return r;
}

void sim_synth_pops(struct sim_signal *s, const struct sim_vehicle *v, double level_db,
                    struct sim_rng *rng)
{
    double rms = sim_pa_at_1m(level_db);
    for (int j = 0; j < v->conf->pops.n; j++) {
        double peak = v->conf->pops.at[j].length_s * 5 * rms;
        double first = (v->conf->pops.at[j].t_s - s->t0_s) * s->rate_hz;
        for (size_t i = 0; i < (size_t) (0.08 * s->rate_hz); i++) {
            double t = (double) i / s->rate_hz, at = first + (double) i;
            if (at < 0 || at >= (double) s->n)
                continue;
            double blast = (1 - t / 0.006) * exp(-t / 0.006),
                   gas = sim_rng_normal(rng) * exp(-t / 0.015);
            s->pa[(size_t) at] += (float) (peak * (1 - exp(-t / 0.0002)) * (blast + 0.4 * gas));
        }
    }
}
