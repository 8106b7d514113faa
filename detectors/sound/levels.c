#include "levels.h"

#include <math.h>

void cb_level_log_add(struct cb_level_log *log, int64_t t_ns, const struct cb_meter_tick *t)
{
    int64_t i = log->n++ % CB_LEVEL_TICKS;
    log->t_ns[i] = t_ns;
    log->tick[i] = *t;
}

static void join(struct cb_meter_tick *all, const struct cb_meter_tick *t)
{
    all->max_fast = fmax(all->max_fast, t->max_fast);
    all->max_slow = fmax(all->max_slow, t->max_slow);
    all->max_impulse = fmax(all->max_impulse, t->max_impulse);
    for (int k = 0; k < 2; k++) {
        all->sum[k] += t->sum[k];
        all->peak[k] = fmax(all->peak[k], t->peak[k]);
    }
    all->n += t->n;
}

void cb_levels_between(const struct cb_level_log *log, const struct cb_meter *m, int64_t from_ns,
                       int64_t to_ns, struct cb_sound_levels *ret)
{
    struct cb_meter_tick all = {0};
    for (int64_t i = log->n > CB_LEVEL_TICKS ? log->n - CB_LEVEL_TICKS : 0; i < log->n; i++) {
        int64_t t_ns = log->t_ns[i % CB_LEVEL_TICKS];
        if (t_ns > from_ns && t_ns <= to_ns)
            join(&all, &log->tick[i % CB_LEVEL_TICKS]);
    }
    double n = fmax(all.n, 1), seconds = all.n / m->rate_hz;
    *ret = (struct cb_sound_levels){
        .seconds = seconds,
        .lafmax_db = cb_meter_db(m, all.max_fast),
        .lasmax_db = cb_meter_db(m, all.max_slow),
        .laimax_db = cb_meter_db(m, all.max_impulse),
        .laeq_db = cb_meter_db(m, all.sum[0] / n),
        .lae_db = cb_meter_db(m, all.sum[0] / m->rate_hz),
        .lceq_db = cb_meter_db(m, all.sum[1] / n),
        .lcpeak_db = cb_meter_db(m, all.peak[1] * all.peak[1]),
    };
    for (int i = 0; i < CB_BANDS; i++)
        ret->band_db[i] = NAN;
}

void cb_levels_set_bands(struct cb_sound_levels *l, const struct cb_meter *m,
                         const double mean_square[CB_BANDS])
{
    for (int i = 0; i < CB_BANDS; i++)
        l->band_db[i] = isnan(mean_square[i]) ? NAN : cb_meter_db(m, mean_square[i]);
}
