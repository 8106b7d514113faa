#ifndef EVIDENCE_WAV_H
#define EVIDENCE_WAV_H

#include <stddef.h>
#include <stdint.h>

struct cb_samples;

/**
 * A WAV file (RIFF, little endian) that holds the samples exactly: 16-bit integers where every
 * sample is one of 32768ths, as PCM and G.711 give, else IEEE 754 floats of 32 bits.
 *
 * @param ret yours to free
 * @param ret_format "s16" or "f32"; static
 * @return 0; -ENOMEM; -EFBIG: more than RIFF can count
 */
int cb_wav_print(const struct cb_samples *s, uint8_t **ret, size_t *ret_n, const char **ret_format);

#endif
