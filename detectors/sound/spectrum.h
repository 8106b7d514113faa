#ifndef DETECTORS_SOUND_SPECTRUM_H
#define DETECTORS_SOUND_SPECTRUM_H

#include <stddef.h>
#include <stdint.h>

/** Width of the analysis window: resolves firing orders 12 Hz apart, at every rate. */
#define CB_WINDOW_S 0.17
/** Bins are kept up to here, or to 0.46 of the rate. */
#define CB_SPECTRUM_HZ  4000.0
#define CB_BINS_MAX     800
#define CB_CHANNELS_MAX 16

/** A-weighted power over frequency at one moment. */
struct cb_row {
    int64_t t_ns;             /* the window's middle */
    double level_db;          /* dB re 20 µPa over the window */
    double high_share;        /* of the power, above CB_SPECTRUM_HZ, [0, 1]; 0 when not heard */
    double sweep_per_s;       /* of the pitch, taken out of power by cb_spectrum_steady; 0: none */
    float power[CB_BINS_MAX]; /* mean square a bin, full scale 1 */
};

/** Makes spectra of windows of one rate. */
struct cb_spectrum;

int cb_spectrum_create(struct cb_spectrum **ret, int rate_hz);
void cb_spectrum_destroy(struct cb_spectrum **s);
size_t cb_spectrum_window_n(const struct cb_spectrum *s);
size_t cb_spectrum_n_bins(const struct cb_spectrum *s);
double cb_spectrum_bin_hz(const struct cb_spectrum *s);
/**
 * Fills power and high_share from n samples (1 … window_n; fewer are padded with zeros).
 * @return the A-weighted mean square, full scale 1
 */
double cb_spectrum_row(struct cb_spectrum *s, const float *x, size_t n, struct cb_row *ret);
/**
 * Takes a change of pitch out of a row made from the same window_n samples: where the orders sweep,
 * power is filled again from the window with its time stretched. The level stays.
 */
void cb_spectrum_steady(struct cb_spectrum *s, const float *x, struct cb_row *row);
/** The plain complex spectrum, interleaved, n_bins of it; normalised to magnitude one. */
void cb_spectrum_phase(struct cb_spectrum *s, const float *x, float *ret);

#endif
