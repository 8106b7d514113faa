#ifndef DETECTORS_SOUND_DOA_H
#define DETECTORS_SOUND_DOA_H

#include "spectrum.h"

/** Direction of arrival by steered response power with phase transform. One array, one rate. */
struct cb_doa;

/**
 * @param position_m X, Y, Z of each microphone
 * @return 0; -ENOTSUP: fewer than two microphones at different places; -ENOMEM
 */
int cb_doa_create(struct cb_doa **ret, const double position_m[][3], int n, double bin_hz,
                  size_t n_bins);
void cb_doa_destroy(struct cb_doa **d);
/**
 * @param phase of each channel, by cb_spectrum_phase
 * @param ret_azimuth_rad clockwise from +Y, seen from above, as if the source were as high as the
 *        array; microphones on one line leave two directions, of which the one nearer +Y is told
 * @return coherence, [0, 1]: 1 for one plane wave
 */
double cb_doa_find(struct cb_doa *d, const float *const *phase, double *ret_azimuth_rad);
/** What cb_doa_find would tell, without noise, for a source at that place (m, road frame). */
double cb_doa_apparent_rad(const struct cb_doa *d, double x_m, double y_m, double z_m);

#endif
