#include "wav.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/sound.h"

#define HEAD_BYTES 44
#define PCM        1
#define IEEE_FLOAT 3

static uint8_t *put(uint8_t *p, uint32_t v, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        *p++ = (uint8_t) (v >> 8 * i);
    return p;
}

static bool is_s16(const struct cb_samples *s)
{
    for (int c = 0; c < s->n_channels; c++)
        for (size_t i = 0; i < s->n; i++) {
            float v = s->channel[c][i] * 32768;
            if (!(v >= -32768 && v <= 32767) || v != rintf(v))
                return false;
        }
    return true;
}

static uint8_t *put_head(uint8_t *p, const struct cb_samples *s, int format, uint32_t n_data)
{
    uint32_t n_sample = format == PCM ? 2 : 4, n_channels = (uint32_t) s->n_channels;
    uint32_t rate_hz = (uint32_t) s->rate_hz;
    memcpy(p, "RIFF", 4);
    p = put(p + 4, n_data + HEAD_BYTES - 8, 4);
    memcpy(p, "WAVEfmt ", 8);
    p = put(p + 8, 16, 4);
    p = put(p, (uint32_t) format, 2);
    p = put(p, n_channels, 2);
    p = put(p, rate_hz, 4);
    p = put(p, rate_hz * n_channels * n_sample, 4);
    p = put(p, n_channels * n_sample, 2);
    p = put(p, 8 * n_sample, 2);
    memcpy(p, "data", 4);
    return put(p + 4, n_data, 4);
}

int cb_wav_print(const struct cb_samples *s, uint8_t **ret, size_t *ret_n, const char **ret_format)
{
    int format = is_s16(s) ? PCM : IEEE_FLOAT;
    size_t n_sample = format == PCM ? 2 : 4;
    if (s->n > (UINT32_MAX - HEAD_BYTES) / n_sample / CB_SOUND_CHANNELS_MAX)
        return -EFBIG;
    size_t n_data = s->n * (size_t) s->n_channels * n_sample;
    uint8_t *bytes = malloc(HEAD_BYTES + n_data);
    if (!bytes)
        return -ENOMEM;
    uint8_t *p = put_head(bytes, s, format, (uint32_t) n_data);
    for (size_t i = 0; i < s->n; i++)
        for (int c = 0; c < s->n_channels; c++) {
            float v = s->channel[c][i];
            uint32_t bits;
            memcpy(&bits, &v, sizeof bits);
            p = format == PCM ? put(p, (uint32_t) (int32_t) (v * 32768), 2) : put(p, bits, 4);
        }
    *ret = bytes;
    *ret_n = HEAD_BYTES + n_data;
    *ret_format = format == PCM ? "s16" : "f32";
    return 0;
}
