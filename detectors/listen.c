#include "detectors/listen.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/sound.h"
#include "sound/harmonics.h"
#include "sound/meter.h"
#include "sound/spectrum.h"

#define LEVELS_PER_S 50
#define ROWS_PER_S   40
#define ORDERS_DB    6.0 /* a comb that stands out less is noise's */

static int hear_levels(const struct cb_samples *s, double sensitivity_dbfs, struct cb_listening *l)
{
    struct cb_meter m;
    size_t cap = s->n * LEVELS_PER_S / (size_t) s->rate_hz + 2;
    l->level_step_s = 1.0 / LEVELS_PER_S;
    l->laf_db = calloc(cap, sizeof *l->laf_db);
    if (!l->laf_db)
        return -ENOMEM;
    cb_meter_init(&m, s->rate_hz, sensitivity_dbfs);
    for (size_t i = 0; i < s->n; i++) {
        cb_meter_add(&m, s->channel[0][i]);
        if ((i + 1) * LEVELS_PER_S / (size_t) s->rate_hz > l->n_levels)
            l->laf_db[l->n_levels++] = (float) cb_meter_take_max_db(&m);
    }
    return 0;
}

static void hear_row(struct cb_spectrum *sp, const struct cb_meter *m, const float *x,
                     struct cb_row *row, float *contrast, struct cb_listening *l)
{
    size_t n = l->n_bins;
    struct cb_comb comb;
    cb_spectrum_row(sp, x, cb_spectrum_window_n(sp), row);
    for (size_t k = 0; k < n; k++)
        l->power_db[l->n_rows * n + k] = (float) cb_meter_db(m, (double) row->power[k]);
    cb_contrast(contrast, row->power, n, l->bin_hz);
    cb_comb_find(contrast, row->power, n, l->bin_hz, &comb);
    l->f0_hz[l->n_rows++] = comb.score_db >= ORDERS_DB ? (float) comb.f0_hz : 0;
}

static int hear_rows(const struct cb_samples *s, double sensitivity_dbfs, struct cb_spectrum *sp,
                     struct cb_listening *l)
{
    struct cb_meter m; /* for its calibration alone */
    size_t window_n = cb_spectrum_window_n(sp), step = (size_t) s->rate_hz / ROWS_PER_S;
    size_t n = s->n >= window_n ? (s->n - window_n) / step + 1 : 0;
    cb_meter_init(&m, s->rate_hz, sensitivity_dbfs);
    l->n_bins = cb_spectrum_n_bins(sp);
    l->bin_hz = cb_spectrum_bin_hz(sp);
    l->row_step_s = (double) step / s->rate_hz;
    l->row_t0_s = (double) window_n / 2 / s->rate_hz;
    CB_AUTO_FREE float *contrast = calloc(l->n_bins + 1, sizeof *contrast);
    CB_AUTO_FREE struct cb_row *row = calloc(1, sizeof *row);
    l->power_db = calloc(n * l->n_bins + 1, sizeof *l->power_db);
    l->f0_hz = calloc(n + 1, sizeof *l->f0_hz);
    if (!contrast || !row || !l->power_db || !l->f0_hz)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        hear_row(sp, &m, s->channel[0] + i * step, row, contrast, l);
    return 0;
}

int cb_listen(const struct cb_samples *s, double sensitivity_dbfs, struct cb_listening *ret)
{
    struct cb_listening l = {0};
    struct cb_spectrum *sp = NULL;
    if (s->rate_hz < 4000 || s->rate_hz > 192000 || s->n_channels < 1)
        return -EINVAL;
    int r = cb_spectrum_create(&sp, s->rate_hz);
    if (r == 0)
        r = hear_levels(s, sensitivity_dbfs, &l);
    if (r == 0)
        r = hear_rows(s, sensitivity_dbfs, sp, &l);
    cb_spectrum_destroy(&sp);
    if (r < 0)
        cb_listening_deinit(&l);
    else
        *ret = l;
    return r;
}

void cb_listening_deinit(struct cb_listening *l)
{
    free(l->laf_db);
    free(l->power_db);
    free(l->f0_hz);
    *l = (struct cb_listening){0};
}
