#ifndef DETECTORS_LISTEN_H
#define DETECTORS_LISTEN_H

#include <stddef.h>

struct cb_samples;

/** What can be drawn of a stretch of sound: levels, spectra, firing orders. Frees with deinit. */
struct cb_listening {
    double level_step_s; /* levels are at level_step_s, 2 · level_step_s, … after the first sample */
    float *laf_db;       /* n_levels: LAF's maximum since the one before, dB re 20 µPa */
    size_t n_levels;
    double row_t0_s, row_step_s; /* middle of the first spectrum, and from one to the next */
    double bin_hz;
    float *power_db; /* n_rows × n_bins, A-weighted level of each bin, dB re 20 µPa */
    float *f0_hz;    /* n_rows: distance of the lines of a comb in the spectrum; 0: none stands out */
    size_t n_rows, n_bins;
};

/**
 * Hears channel 0 again as it was measured: the same meter, spectra and search for orders.
 * Pure and deterministic. The meter starts at the stretch's first sample, so that its first
 * half-second rises to the level.
 *
 * @return 0; -EINVAL: rate out of range; -ENOMEM
 */
int cb_listen(const struct cb_samples *s, double sensitivity_dbfs, struct cb_listening *ret);
/** Takes a zeroed one. */
void cb_listening_deinit(struct cb_listening *l);

#endif
