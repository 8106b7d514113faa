#ifndef DETECTORS_DSP_PICTURE_H
#define DETECTORS_DSP_PICTURE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Kernels on luma pictures: pointers, strides (in elements) and counts; they never allocate or
 * fail. The background is 8.8 fixed point: a luma level times 256.
 */

/** dst[y][x] = mean of the factor × factor block of src at (x, y) · factor, rounded.
 * factor: 1 to 256. */
void cb_dsp_reduce(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride,
                   int w, int h, int factor);

/** Median of n ≤ 64 pictures of n_px pixels each, as 8.8. */
void cb_dsp_median_picture(uint16_t *dst, const uint8_t *const *pic, int n, size_t n_px);

/** Smallest and largest value of the 3 × 3 pixels around each, of the background in levels. */
void cb_dsp_range3(uint8_t *lo, uint8_t *hi, const uint16_t *bg, int w, int h);

/**
 * dst = 1 where img lies farther outside [lo, hi] than base + 3 · noise / 16, 2 where twice as
 * far, else 0. noise: mean absolute deviation, sixteenths of a level.
 */
void cb_dsp_changed(uint8_t *dst, const uint8_t *img, const uint8_t *lo, const uint8_t *hi,
                    const uint8_t *noise, uint8_t base, size_t n);

/**
 * Keeps a pixel where at least n_min of the 3 × 3 around it are set. dst and src differ; the
 * outermost rows and columns of dst become 0.
 */
void cb_dsp_majority3(uint8_t *dst, const uint8_t *src, int w, int h, int n_min);

/**
 * Moves bg towards img by alpha_free / 65536 where mask is 0, alpha_busy / 65536 elsewhere, and
 * noise by a sixteenth of a level towards the deviation of the free pixels; busy ones gain
 * busy_step, up to 10 levels: leaves that flicker raise their threshold, a car that passes hardly.
 */
void cb_dsp_learn(uint16_t *bg, uint8_t *noise, const uint8_t *img, const uint8_t *mask,
                  int alpha_free, int alpha_busy, int busy_step, size_t n);

/** bg = black + (bg − black) · gain_q12 / 4096, clipped. black in levels. */
void cb_dsp_scale(uint16_t *bg, int black, int gain_q12, size_t n);

/** How many pixels from here on, up to n, are 0. */
int cb_dsp_n_quiet(const uint8_t *mask, int n);

#endif
