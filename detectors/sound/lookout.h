#ifndef DETECTORS_SOUND_LOOKOUT_H
#define DETECTORS_SOUND_LOOKOUT_H

#include <stdbool.h>

#include "doa.h"
#include "spectrum.h"

/** An array's ears on one stream: windows of its microphones in, directions out. */
struct cb_lookout;

/**
 * @param spectrum of the stream's rate; lent for the lookout's life
 * @param temperature_c of the air; NaN: not known, and the uncertainty is so much larger
 * @return 0; -ENOTSUP: no array (see cb_doa_create); -ENOMEM
 */
int cb_lookout_create(struct cb_lookout **ret, const double position_m[][3], int n,
                      struct cb_spectrum *spectrum, double temperature_c);
/** Takes NULL. */
void cb_lookout_destroy(struct cb_lookout **l);
const struct cb_doa *cb_lookout_doa(const struct cb_lookout *l);
/**
 * The latest spectrum: bins that stand over the background count for what they stand over it.
 *
 * @param is_quiet no event runs: this is background
 */
void cb_lookout_row(struct cb_lookout *l, const struct cb_row *row, bool is_quiet);
/** One window of a microphone's samples. */
void cb_lookout_hear(struct cb_lookout *l, int microphone, const float *x);
/** Of what was heard last. @return false: no direction to speak of */
bool cb_lookout_find(struct cb_lookout *l, struct cb_arrival *ret);
/** The speed of sound at a temperature; NaN: at what is taken for granted. */
double cb_lookout_sound_mps(double temperature_c);

#endif
