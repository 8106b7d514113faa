#ifndef SIM_WAV_H
#define SIM_WAV_H

#include "base/err.h"
#include "sound.h"

#define SIM_WAV_NAME "clip.wav"

/**
 * Writes the sound as a camera would send it: 16 bit PCM, clipped at full scale.
 *
 * @param sensitivity_dbfs_at_94db level that 1 Pa has in the file, dBFS RMS
 * @return 0; -errno: reterr names the file
 */
int sim_wav_write(const struct sim_sound *s, double sensitivity_dbfs_at_94db, const char *path,
                  struct cb_error *reterr);

#endif
