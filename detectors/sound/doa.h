#ifndef DETECTORS_SOUND_DOA_H
#define DETECTORS_SOUND_DOA_H

#include <stddef.h>

/**
 * Direction of arrival by steered response power with phase transform (SRP-PHAT: DiBiase, Brown
 * 2000; of two microphones it is GCC-PHAT, Knapp and Carter 1976). One array, one rate.
 */
struct cb_doa;

/** Where one moment's sound came from. */
struct cb_arrival {
    double azimuth_rad; /* clockwise from +Y, seen from above */
    double u_rad;       /* standard uncertainty, from the noise between the microphones */
    double coherence;   /* [0, 1]: 1 for one plane wave */
};

/** The speed of sound in air of that temperature, m/s (ISO 9613-1, dry air). */
double cb_sound_mps(double temperature_c);

/**
 * @param position_m X, Y, Z of each microphone
 * @param sound_mps the speed of sound, and its standard uncertainty
 * @return 0; -ENOTSUP: fewer than two microphones at different places; -ENOMEM
 */
int cb_doa_create(struct cb_doa **ret, const double position_m[][3], int n, double bin_hz,
                  size_t n_bins, double sound_mps, double sound_u_mps);
void cb_doa_destroy(struct cb_doa **d);
/**
 * @param phase of each channel, by cb_spectrum_phase
 * @param weight of each bin, n_bins, ≥ 0: how far it stands over the background; NULL: all alike
 * @param ret azimuth: microphones on one line tell a cone only. Then it is that of a source as high
 *        as the array, and of the two the one nearer +Y. Other arrays tell azimuth proper
 */
void cb_doa_find(struct cb_doa *d, const float *const *phase, const float *weight,
                 struct cb_arrival *ret);
/** What cb_doa_find would tell, without noise, for a source at that place (m, road frame). */
double cb_doa_apparent_rad(const struct cb_doa *d, double x_m, double y_m, double z_m);
/**
 * How far what was heard is off a source at that place, (−π, π]. On a line of microphones the
 * angle between the cones: which of the two directions was told is of no effect.
 */
double cb_doa_offset_rad(const struct cb_doa *d, double azimuth_rad, double x_m, double y_m,
                         double z_m);
/** Standard uncertainty of an azimuth that no averaging takes away: from the speed of sound. */
double cb_doa_lasting_u_rad(const struct cb_doa *d, double azimuth_rad);

#endif
