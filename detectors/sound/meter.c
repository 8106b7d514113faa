#include "meter.h"

#include <math.h>

void cb_meter_init(struct cb_meter *m, double rate_hz, double sensitivity_dbfs)
{
    *m = (struct cb_meter){.alpha = -expm1(-1 / (rate_hz * CB_FAST_S)),
                           .offset_db = 94 - sensitivity_dbfs};
    cb_weighting_init(&m->weighting, rate_hz);
}

void cb_meter_reset(struct cb_meter *m)
{
    for (int i = 0; i < CB_A_SECTIONS; i++)
        m->weighting.section[i].s1 = m->weighting.section[i].s2 = 0;
    m->mean = m->max = 0;
    m->is_primed = false;
}

double cb_meter_add(struct cb_meter *m, float x)
{
    /* 1e3 is 60 dB over full scale: beyond, a float stream is garbage that would never ring out */
    double v = isfinite(x) ? fmax(-1e3, fmin(1e3, x)) : 0;
    if (!m->is_primed) {
        cb_weighting_prime(&m->weighting, v);
        m->is_primed = true;
    }
    double a = cb_weighting_step(&m->weighting, v);
    /* 1e-30 keeps the mean out of the denormal numbers, 180 dB under any microphone */
    m->mean += m->alpha * (a * a + 1e-30 - m->mean);
    if (m->mean > m->max)
        m->max = m->mean;
    return a;
}

double cb_meter_db(const struct cb_meter *m, double mean_square)
{
    return fmax(CB_LEVEL_FLOOR_DB, 10 * log10(fmax(mean_square, 1e-30)) + m->offset_db);
}

double cb_meter_laf_db(const struct cb_meter *m)
{
    return cb_meter_db(m, m->mean);
}

double cb_meter_take_max_db(struct cb_meter *m)
{
    double db = cb_meter_db(m, m->max);
    m->max = m->mean;
    return db;
}
