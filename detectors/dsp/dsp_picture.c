#include "dsp_picture.h"

#include <stdlib.h>
#include <string.h>

/*
 * Compiled twice, the processor's kind chosen when the program is loaded. Integers alone: both give the
 * same. Not where a sanitizer would be in the choice before it is ready.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CB_DSP_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define CB_DSP_WIDE
#endif

/* Compiled into each of the two. */
#define INSIDE static inline __attribute__((always_inline))

#define COLUMNS 768 /* summed at a time */

static inline int min_i(int a, int b)
{
    return a < b ? a : b;
}

static inline int max_i(int a, int b)
{
    return a > b ? a : b;
}

INSIDE void reduce2(uint8_t *restrict dst, const uint8_t *restrict a,
                    const uint8_t *restrict b, int w)
{
    for (int x = 0; x < w; x++)
        dst[x] = (uint8_t) ((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
}

/* Columns are summed first, rows side by side. factor is a constant where it is called. */
INSIDE void reduce_by(uint8_t *dst, const uint8_t *src, ptrdiff_t src_stride, int w,
                      int factor)
{
    uint16_t column[COLUMNS];
    for (int at = 0, n; at < w; at += n) {
        const uint8_t *s = src + at * factor;
        n = min_i(COLUMNS / factor, w - at);
        for (int i = 0; i < n * factor; i++)
            column[i] = s[i];
        for (int j = 1; j < factor; j++)
            for (int i = 0; i < n * factor; i++)
                column[i] = (uint16_t) (column[i] + s[j * src_stride + i]);
        for (int x = 0; x < n; x++) {
            unsigned sum = (unsigned) (factor * factor / 2);
            for (int i = 0; i < factor; i++)
                sum += column[x * factor + i];
            dst[at + x] = (uint8_t) (sum / (unsigned) (factor * factor));
        }
    }
}

CB_DSP_WIDE void cb_dsp_reduce(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src,
                               ptrdiff_t src_stride, int w, int h, int factor)
{
    for (int y = 0; y < h; y++, dst += dst_stride, src += src_stride * factor) {
        switch (factor) {
        case 1: memcpy(dst, src, (size_t) w); break;
        case 2: reduce2(dst, src, src + src_stride, w); break;
        case 3: reduce_by(dst, src, src_stride, w, 3); break;
        case 4: reduce_by(dst, src, src_stride, w, 4); break;
        case 6: reduce_by(dst, src, src_stride, w, 6); break;
        default: reduce_by(dst, src, src_stride, w, factor); break;
        }
    }
}

#define MEDIAN_PX 64 /* columns sorted side by side, so that the compiler makes vectors of them */

/* One step of the odd-even transposition sort (Knuth, TAOCP 3, 5.3.4): rows i and i + 1 in order. */
static inline void in_order(uint8_t *restrict a, uint8_t *restrict b)
{
    for (int x = 0; x < MEDIAN_PX; x++) {
        uint8_t lo = a[x] < b[x] ? a[x] : b[x], hi = a[x] < b[x] ? b[x] : a[x];
        a[x] = lo;
        b[x] = hi;
    }
}

CB_DSP_WIDE void cb_dsp_median_picture(uint16_t *dst, const uint8_t *const *pic, int n, size_t n_px)
{
    uint8_t row[64][MEDIAN_PX] = {{0}};
    for (size_t at = 0; at < n_px; at += MEDIAN_PX) {
        size_t w = n_px - at < MEDIAN_PX ? n_px - at : MEDIAN_PX;
        for (int k = 0; k < n; k++)
            memcpy(row[k], pic[k] + at, w);
        for (int pass = 0; pass < n; pass++)
            for (int i = pass & 1; i + 1 < n; i += 2)
                in_order(row[i], row[i + 1]);
        for (size_t x = 0; x < w; x++)
            dst[at + x] = (uint16_t) ((row[(n - 1) / 2][x] + row[n / 2][x]) << 7);
    }
}

/* One output of range3 from the three rows' columns x0, x and x1. */
static inline void range_at(uint8_t *lo, uint8_t *hi, const uint16_t *const r[3], int x0, int x,
                            int x1)
{
    int a = 65535, b = 0;
    for (int k = 0; k < 3; k++) {
        a = min_i(a, min_i(r[k][x0], min_i(r[k][x], r[k][x1])));
        b = max_i(b, max_i(r[k][x0], max_i(r[k][x], r[k][x1])));
    }
    lo[x] = (uint8_t) (a >> 8);
    hi[x] = (uint8_t) min_i((b + 255) >> 8, 255);
}

static inline uint16_t min3(uint16_t a, uint16_t b, uint16_t c)
{
    uint16_t m = a < b ? a : b;
    return m < c ? m : c;
}

static inline uint16_t max3(uint16_t a, uint16_t b, uint16_t c)
{
    uint16_t m = a > b ? a : b;
    return m > c ? m : c;
}

/* Columns 1 … w − 2: no clamping, so that the compiler makes vectors of it. */
INSIDE void range_inside(uint8_t *restrict lo, uint8_t *restrict hi, const uint16_t *restrict p,
                         const uint16_t *restrict q, const uint16_t *restrict r, int w)
{
    for (int x = 1; x + 1 < w; x++) {
        uint16_t a = min3(min3(p[x - 1], p[x], p[x + 1]), min3(q[x - 1], q[x], q[x + 1]),
                          min3(r[x - 1], r[x], r[x + 1]));
        uint16_t b = max3(max3(p[x - 1], p[x], p[x + 1]), max3(q[x - 1], q[x], q[x + 1]),
                          max3(r[x - 1], r[x], r[x + 1]));
        lo[x] = (uint8_t) (a >> 8);
        hi[x] = (uint8_t) ((b >> 8) + ((b & 255) != 0 && b < 65280)); /* rounded up, ≤ 255 */
    }
}

CB_DSP_WIDE void cb_dsp_range3(uint8_t *lo, uint8_t *hi, const uint16_t *bg, int w, int h)
{
    for (int y = 0; y < h; y++) {
        const uint16_t *r[3] = {bg + (size_t) max_i(y - 1, 0) * (size_t) w,
                                bg + (size_t) y * (size_t) w,
                                bg + (size_t) min_i(y + 1, h - 1) * (size_t) w};
        uint8_t *l = lo + (size_t) y * (size_t) w, *u = hi + (size_t) y * (size_t) w;
        range_at(l, u, r, 0, 0, min_i(1, w - 1));
        range_inside(l, u, r[0], r[1], r[2], w);
        range_at(l, u, r, max_i(w - 2, 0), w - 1, w - 1);
    }
}

CB_DSP_WIDE void cb_dsp_changed(uint8_t *restrict dst, const uint8_t *restrict img, const uint8_t *restrict lo,
                    const uint8_t *restrict hi, const uint8_t *restrict noise, uint8_t base,
                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int over = img[i] - hi[i], under = lo[i] - img[i];
        int d = over > under ? over : under;
        int t = base + ((3 * noise[i]) >> 4);
        dst[i] = (uint8_t) ((d > t) + (d > 2 * t));
    }
}

CB_DSP_WIDE void cb_dsp_majority3(uint8_t *restrict dst, const uint8_t *restrict src, int w, int h, int n_min)
{
    memset(dst, 0, (size_t) w);
    memset(dst + (size_t) (h - 1) * (size_t) w, 0, (size_t) w);
    for (int y = 1; y + 1 < h; y++) {
        const uint8_t *b = src + (size_t) y * (size_t) w, *a = b - w, *c = b + w;
        uint8_t *d = dst + (size_t) y * (size_t) w;
        d[0] = d[w - 1] = 0;
        for (int x = 1; x + 1 < w; x++) {
            uint8_t n = (uint8_t) ((a[x - 1] != 0) + (a[x] != 0) + (a[x + 1] != 0) +
                                   (b[x - 1] != 0) + (b[x] != 0) + (b[x + 1] != 0) +
                                   (c[x - 1] != 0) + (c[x] != 0) + (c[x + 1] != 0));
            uint8_t keep = b[x] ? b[x] : 1;
            d[x] = n >= (uint8_t) n_min ? keep : 0;
        }
    }
}

CB_DSP_WIDE void cb_dsp_learn(uint16_t *restrict bg, uint8_t *restrict noise, const uint8_t *restrict img,
                  const uint8_t *restrict mask, int alpha_free, int alpha_busy, int busy_step,
                  size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int d = (img[i] << 8) - bg[i];
        int alpha = mask[i] ? alpha_busy : alpha_free;
        bg[i] = (uint16_t) (bg[i] + ((d * (alpha >> 2) + (1 << 13)) >> 14));
        int dev = (d < 0 ? -d : d) >> 4;
        int free_step = (dev > noise[i]) - (dev < noise[i]);
        int v = noise[i] + (mask[i] ? busy_step : free_step);
        noise[i] = (uint8_t) min_i(v, 160);
    }
}

CB_DSP_WIDE void cb_dsp_scale(uint16_t *restrict bg, int black, int gain_q12, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int v = (black << 8) + (int) (((int64_t) (bg[i] - (black << 8)) * gain_q12) >> 12);
        bg[i] = (uint16_t) (v < 0 ? 0 : v > 65280 ? 65280 : v);
    }
}

int cb_dsp_n_quiet(const uint8_t *mask, int n)
{
    int i = 0;
    for (uint64_t eight; i + 8 <= n; i += 8) { /* at a time, for most of a road is quiet */
        memcpy(&eight, mask + i, sizeof eight);
        if (eight)
            break;
    }
    while (i < n && !mask[i])
        i++;
    return i;
}
