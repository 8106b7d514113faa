#include "lookout.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/sound.h"

#define TEMPERATURE_C      20.0 /* when nobody says: the year's middle and its spread */
#define TEMPERATURE_U_K    10.0
#define TEMPERATURE_TOLD_K 2.0  /* of a value that was set, or measured elsewhere */
#define COHERENCE_MIN      0.08 /* of noise that has no direction: 0.02 to 0.05 */
#define U_MAX_RAD          0.2
#define QUIET_ROWS         40.0 /* two seconds: what the background's mean remembers */

struct cb_lookout {
    struct cb_doa *doa;
    struct cb_spectrum *spectrum;
    int n;
    float *phase[CB_SOUND_CHANNELS_MAX];
    size_t n_bins;
    bool has_quiet;
    float quiet[CB_BINS_MAX], weight[CB_BINS_MAX];
};

double cb_lookout_sound_mps(double temperature_c)
{
    return cb_sound_mps(isnan(temperature_c) ? TEMPERATURE_C : temperature_c);
}

static int make(struct cb_lookout *l, const double position_m[][3], double temperature_c)
{
    double u_k = isnan(temperature_c) ? TEMPERATURE_U_K : TEMPERATURE_TOLD_K;
    double u_mps = u_k * (cb_sound_mps(1) - cb_sound_mps(0));
    int r = cb_doa_create(&l->doa, position_m, l->n, cb_spectrum_bin_hz(l->spectrum), l->n_bins,
                          cb_lookout_sound_mps(temperature_c), u_mps);
    for (int c = 0; c < l->n && r == 0; c++) {
        l->phase[c] = calloc(cb_spectrum_window_n(l->spectrum) + 2, sizeof *l->phase[c]);
        r = l->phase[c] ? 0 : -ENOMEM;
    }
    for (size_t k = 0; k < l->n_bins; k++)
        l->weight[k] = 1;
    return r;
}

int cb_lookout_create(struct cb_lookout **ret, const double position_m[][3], int n,
                      struct cb_spectrum *spectrum, double temperature_c)
{
    struct cb_lookout *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    l->spectrum = spectrum;
    l->n = n;
    l->n_bins = cb_spectrum_n_bins(spectrum);
    int r = make(l, position_m, temperature_c);
    if (r < 0)
        cb_lookout_destroy(&l);
    else
        *ret = l;
    return r;
}

void cb_lookout_destroy(struct cb_lookout **lookout)
{
    struct cb_lookout *l = *lookout;
    if (!l)
        return;
    *lookout = NULL;
    cb_doa_destroy(&l->doa);
    for (int c = 0; c < CB_SOUND_CHANNELS_MAX; c++)
        free(l->phase[c]);
    free(l);
}

const struct cb_doa *cb_lookout_doa(const struct cb_lookout *l)
{
    return l->doa;
}

void cb_lookout_row(struct cb_lookout *l, const struct cb_row *row, bool is_quiet)
{
    float k = (float) (l->has_quiet ? 1 / QUIET_ROWS : 1);
    for (size_t i = 0; i < l->n_bins; i++) {
        float p = row->power[i];
        if (is_quiet)
            l->quiet[i] += k * (p - l->quiet[i]);
        l->weight[i] = p > 0 && l->has_quiet ? fmaxf(0, 1 - 2 * l->quiet[i] / p) : 1;
    }
    l->has_quiet = l->has_quiet || is_quiet;
}

void cb_lookout_hear(struct cb_lookout *l, int microphone, const float *x)
{
    cb_spectrum_phase(l->spectrum, x, l->phase[microphone]);
}

bool cb_lookout_find(struct cb_lookout *l, struct cb_arrival *ret)
{
    cb_doa_find(l->doa, (const float *const *) l->phase, l->weight, ret);
    return ret->coherence >= COHERENCE_MIN && ret->u_rad <= U_MAX_RAD;
}
