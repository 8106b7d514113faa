#ifndef DETECTORS_VISION_BACKDROP_H
#define DETECTORS_VISION_BACKDROP_H

#include <stdbool.h>
#include <stdint.h>

/**
 * What the empty road looks like, pixel by pixel, and what differs from it now. Follows slow
 * light by learning, sudden exposure steps by a common gain, and takes in what stands still.
 */
struct cb_backdrop;

/** The model's view of one picture; valid until the next call on the model. */
struct cb_foreground {
    const uint8_t *img;   /* the picture, w × h, no gaps */
    const uint16_t *bg;   /* 8.8: level · 256, at the picture's exposure */
    const uint8_t *mask;  /* 0 road, 1 changed, 2 changed by twice the threshold */
    const uint8_t *light; /* 1: lit by headlights and left out of the mask; NULL: nothing is */
    const uint8_t *shade; /* 1: cast shadow, which is no change; NULL: none is known */
    int w, h;
    int black;            /* luma of black */
    double noise;         /* typical step of it from one pixel to the next, levels */
};

/** @param black luma of black: 16, or 0 for full range */
int cb_backdrop_create(struct cb_backdrop **ret, int w, int h, int black);
void cb_backdrop_destroy(struct cb_backdrop **b);
/** Starts it from the median of n pictures, 1…64. */
void cb_backdrop_start(struct cb_backdrop *b, const uint8_t *const *img, int n);
/**
 * Compares and learns.
 * @param span  2 · h numbers: first and past-the-last pixel of each row that is looked at
 * @param dt_s  time since the picture before, s
 */
void cb_backdrop_add(struct cb_backdrop *b, const uint8_t *img, const int *span, double dt_s,
                       struct cb_foreground *ret);

#endif
