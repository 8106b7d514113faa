/* The picture kernels against plain ones, on random input of odd sizes: integers, so to the bit. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dsp/dsp_picture.h"

enum { PX_MAX = 97 * 31 };
static const int sizes[][2] = {{1, 1}, {2, 3}, {3, 2}, {17, 5}, {64, 4}, {65, 7}, {97, 31}};

static uint32_t seed;

static uint32_t next(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 16;
}

static int by_value(const void *a, const void *b)
{
    return *(const uint8_t *) a - *(const uint8_t *) b;
}

static void test_median(void **state)
{
    (void) state;
    static uint8_t pic[25][PX_MAX];
    static uint16_t got[PX_MAX];
    const uint8_t *p[25];
    seed = 7;
    for (int k = 0; k < 25; k++) {
        p[k] = pic[k];
        for (int i = 0; i < PX_MAX; i++)
            pic[k][i] = (uint8_t) next();
    }
    for (int n = 1; n <= 25; n++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            int n_px = sizes[s][0] * sizes[s][1];
            cb_dsp_median_picture(got, p, n, (size_t) n_px);
            for (int i = 0; i < n_px; i++) {
                uint8_t v[25];
                for (int k = 0; k < n; k++)
                    v[k] = pic[k][i];
                qsort(v, (size_t) n, 1, by_value);
                assert_int_equal(got[i], (v[(n - 1) / 2] + v[n / 2]) << 7);
            }
        }
}

static void test_reduce(void **state)
{
    (void) state;
    enum { W = 61, H = 3, FACTORS = 13, STRIDE = W * FACTORS + 5 };
    static uint8_t src[H * FACTORS * STRIDE], got[H * (W + 3)];
    seed = 3;
    for (size_t i = 0; i < sizeof src; i++)
        src[i] = i % 7 ? (uint8_t) next() : 255; /* and the greatest sums */
    for (int factor = 1; factor <= FACTORS; factor++) {
        cb_dsp_reduce(got, W + 3, src, STRIDE, W, H, factor);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                int sum = factor * factor / 2;
                for (int j = 0; j < factor; j++)
                    for (int i = 0; i < factor; i++)
                        sum += src[(y * factor + j) * STRIDE + x * factor + i];
                assert_int_equal(got[y * (W + 3) + x], sum / (factor * factor));
            }
    }
}

static int clamp(int v, int hi)
{
    return v < 0 ? 0 : v > hi ? hi : v;
}

static void test_range3(void **state)
{
    (void) state;
    static uint16_t bg[PX_MAX];
    static uint8_t lo[PX_MAX], hi[PX_MAX];
    seed = 11;
    for (int i = 0; i < PX_MAX; i++)
        bg[i] = (uint16_t) (i % 5 ? next() : i % 3 ? 65535 : 65280); /* the top of the range too */
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int w = sizes[s][0], h = sizes[s][1];
        cb_dsp_range3(lo, hi, bg, w, h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int a = 65535, b = 0;
                for (int k = 0; k < 9; k++) {
                    int v = bg[clamp(y + k / 3 - 1, h - 1) * w + clamp(x + k % 3 - 1, w - 1)];
                    a = v < a ? v : a;
                    b = v > b ? v : b;
                }
                assert_int_equal(lo[y * w + x], a >> 8);
                assert_int_equal(hi[y * w + x], clamp((b + 255) >> 8, 255));
            }
    }
}

static void test_majority3(void **state)
{
    (void) state;
    static uint8_t src[PX_MAX], dst[PX_MAX];
    seed = 13;
    for (int i = 0; i < PX_MAX; i++)
        src[i] = (uint8_t) (next() % 3);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int w = sizes[s][0], h = sizes[s][1];
        if (w < 2 || h < 2) /* a picture has an inside */
            continue;
        cb_dsp_majority3(dst, src, w, h, 5);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int n = 0, want = 0, at = y * w + x;
                bool is_inside = x > 0 && y > 0 && x + 1 < w && y + 1 < h;
                for (int k = 0; is_inside && k < 9; k++)
                    n += src[at + (k / 3 - 1) * w + k % 3 - 1] != 0;
                if (is_inside && n >= 5)
                    want = src[at] ? src[at] : 1;
                assert_int_equal(dst[at], want);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_range3),
        cmocka_unit_test(test_majority3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
