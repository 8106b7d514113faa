#include "meter.h"

#include <math.h>

#define TINY 1e-100 /* filter memories below are forgotten, before they become denormal */

static double alpha_of(double tau_s, double rate_hz)
{
    return -expm1(-1 / (rate_hz * tau_s));
}

static void take_lane(struct cb_meter *m, int lane, enum cb_weighting_kind kind)
{
    struct cb_weighting w;
    cb_weighting_init(&w, kind, m->rate_hz);
    for (size_t k = 0; k < CB_WEIGHTING_SECTIONS; k++) {
        const struct cb_biquad *q = &w.section[k];
        m->b0[k][lane] = k < w.n ? q->b0 : 1; /* sections that are not used let all pass */
        m->b1[k][lane] = q->b1;
        m->b2[k][lane] = q->b2;
        m->a1[k][lane] = q->a1;
        m->a2[k][lane] = q->a2;
    }
}

void cb_meter_init_as(struct cb_meter *m, double rate_hz, double sensitivity_dbfs,
                      enum cb_weighting_kind first, enum cb_weighting_kind second)
{
    *m = (struct cb_meter){.alpha_fast = alpha_of(CB_FAST_S, rate_hz),
                           .alpha_slow = alpha_of(CB_SLOW_S, rate_hz),
                           .alpha_impulse = alpha_of(CB_IMPULSE_S, rate_hz),
                           .decay = exp(-1 / (rate_hz * CB_IMPULSE_DECAY_S)),
                           .offset_db = 94 - sensitivity_dbfs,
                           .rate_hz = rate_hz};
    take_lane(m, 0, first);
    take_lane(m, 1, second);
}

void cb_meter_init(struct cb_meter *m, double rate_hz, double sensitivity_dbfs)
{
    cb_meter_init_as(m, rate_hz, sensitivity_dbfs, CB_WEIGHTING_A, CB_WEIGHTING_C);
}

void cb_meter_reset(struct cb_meter *m)
{
    for (int k = 0; k < CB_WEIGHTING_SECTIONS; k++)
        m->s1[k] = m->s2[k] = (cb_pair){0};
    m->fast = m->slow = m->rise = m->impulse = 0;
    m->since = (struct cb_meter_tick){0};
    m->is_primed = false;
}

/* As if the input had always been x: the first section passes no direct voltage, so that only it
 * has a state. */
static void prime(struct cb_meter *m, double x)
{
    m->s2[0] = m->b2[0] * x;
    m->s1[0] = m->b1[0] * x + m->s2[0];
    m->is_primed = true;
}

static void forget_tiny(struct cb_meter *m)
{
    for (int k = 0; k < CB_WEIGHTING_SECTIONS; k++)
        for (int lane = 0; lane < 2; lane++) {
            m->s1[k][lane] = fabs(m->s1[k][lane]) < TINY ? 0 : m->s1[k][lane];
            m->s2[k][lane] = fabs(m->s2[k][lane]) < TINY ? 0 : m->s2[k][lane];
        }
}

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

/* 1e-30 keeps the means out of the denormal numbers, 180 dB under any microphone. */
static inline void weigh_time(struct cb_meter *m, double square)
{
    double p = square + 1e-30;
    m->fast += m->alpha_fast * (p - m->fast);
    m->slow += m->alpha_slow * (p - m->slow);
    m->rise += m->alpha_impulse * (p - m->rise);
    m->impulse = larger(m->rise, m->impulse * m->decay);
    m->since.max_fast = larger(m->since.max_fast, m->fast);
    m->since.max_slow = larger(m->since.max_slow, m->slow);
    m->since.max_impulse = larger(m->since.max_impulse, m->impulse);
}

void cb_meter_add_block(struct cb_meter *meter, const float *x, size_t n, float *ret_squares)
{
    if (n && !meter->is_primed)
        prime(meter, cb_meter_sane(x[0]));
    struct cb_meter m = *meter; /* nobody else's while it runs */
    cb_pair sum = {m.since.sum[0], m.since.sum[1]}, peak = {m.since.peak[0], m.since.peak[1]};
    for (size_t i = 0; i < n; i++) {
        double v = cb_meter_sane(x[i]);
        cb_pair y = {v, v};
        for (int k = 0; k < CB_WEIGHTING_SECTIONS; k++) {
            cb_pair in = y;
            y = m.b0[k] * in + m.s1[k];
            m.s1[k] = m.b1[k] * in - m.a1[k] * y + m.s2[k];
            m.s2[k] = m.b2[k] * in - m.a2[k] * y;
        }
        peak[0] = larger(peak[0], fabs(y[0]));
        peak[1] = larger(peak[1], fabs(y[1]));
        y *= y;
        sum += y;
        if (ret_squares)
            ret_squares[i] = (float) y[0];
        weigh_time(&m, y[0]);
    }
    m.since.sum[0] = sum[0];
    m.since.sum[1] = sum[1];
    m.since.peak[0] = peak[0];
    m.since.peak[1] = peak[1];
    m.since.n += (double) n;
    forget_tiny(&m);
    *meter = m;
}

void cb_meter_add(struct cb_meter *m, float x)
{
    cb_meter_add_block(m, &x, 1, NULL);
}

void cb_meter_take(struct cb_meter *m, struct cb_meter_tick *ret)
{
    *ret = m->since;
    m->since =
        (struct cb_meter_tick){.max_fast = m->fast, .max_slow = m->slow, .max_impulse = m->impulse};
}

double cb_meter_take_max_db(struct cb_meter *m)
{
    struct cb_meter_tick t;
    cb_meter_take(m, &t);
    return cb_meter_db(m, t.max_fast);
}

double cb_meter_db(const struct cb_meter *m, double mean_square)
{
    return fmax(CB_LEVEL_FLOOR_DB, 10 * log10(fmax(mean_square, 1e-30)) + m->offset_db);
}

double cb_meter_laf_db(const struct cb_meter *m)
{
    return cb_meter_db(m, m->fast);
}

double cb_meter_las_db(const struct cb_meter *m)
{
    return cb_meter_db(m, m->slow);
}

double cb_meter_lai_db(const struct cb_meter *m)
{
    return cb_meter_db(m, m->impulse);
}
