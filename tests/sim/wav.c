#include "wav.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vec.h"

#define HEADER_N 44
#define FULL     32767

static void put(uint8_t *at, uint32_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        at[i] = (uint8_t) (value >> (8 * i));
}

static void make_header(uint8_t h[HEADER_N], const struct sim_sound *s)
{
    uint32_t channels = (uint32_t) s->n_channels, rate = (uint32_t) s->rate_hz;
    uint32_t size = (uint32_t) s->n * channels * 2;
    memcpy(h, "RIFF    WAVEfmt ", 16);
    put(h + 4, size + HEADER_N - 8, 4);
    put(h + 16, 16, 4);
    put(h + 20, 1, 2); /* PCM */
    put(h + 22, channels, 2);
    put(h + 24, rate, 4);
    put(h + 28, rate * channels * 2, 4);
    put(h + 32, channels * 2, 2);
    put(h + 34, 16, 2);
    memcpy(h + 36, "data", 4);
    put(h + 40, size, 4);
}

int sim_wav_write(const struct sim_sound *s, double sensitivity_dbfs_at_94db, const char *path,
                  struct cb_error *reterr)
{
    double gain = FULL * pow(10, sensitivity_dbfs_at_94db / 20);
    size_t n = s->n * (size_t) s->n_channels;
    uint8_t *bytes = malloc(HEADER_N + 2 * n);
    FILE *f = bytes ? fopen(path, "wb") : NULL;
    if (!f) {
        int r = bytes ? -errno : -ENOMEM;
        free(bytes);
        return cb_error_set(reterr, r, path, "cannot be written");
    }
    make_header(bytes, s);
    for (size_t i = 0; i < n; i++) {
        double v = gain * (double) s->pa[i % (size_t) s->n_channels][i / (size_t) s->n_channels];
        put(bytes + HEADER_N + 2 * i, (uint32_t) (int32_t) lrint(clampd(v, -FULL - 1, FULL)), 2);
    }
    size_t written = fwrite(bytes, 1, HEADER_N + 2 * n, f);
    free(bytes);
    if (fclose(f) != 0 || written != HEADER_N + 2 * n)
        return cb_error_set(reterr, -EIO, path, "cannot be written: disk full?");
    return 0;
}
