#ifndef DETECTORS_VISION_BLOBS_H
#define DETECTORS_VISION_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A stretch of set pixels in one row: x0 … x1 − 1. */
struct cb_run {
    int y, x0, x1;
    int blob;
    int n_strong;
};

/** One connected patch of the mask. Bounds include x0, y0, exclude x1, y1. */
struct cb_blob {
    int x0, y0, x1, y1;
    int area, n_strong; /* px; those changed by twice the threshold */
};

/** Reused from picture to picture: start zeroed, free with deinit. */
struct cb_blobs {
    struct cb_run *run; /* by row, then column */
    size_t n_runs, cap_runs;
    struct cb_blob *blob;
    size_t n, cap;
    int *parent;
    size_t cap_parent;
};

/**
 * Finds the connected patches of mask != 0 (2: strong).
 * @param has_corners  8-connected: pixels that touch at a corner are connected
 * @return 0 or -ENOMEM
 */
int cb_blobs_find(struct cb_blobs *b, const uint8_t *mask, int w, int h, bool has_corners);
/** Makes one of two; from is left empty (area 0). */
void cb_blobs_join(struct cb_blobs *b, int into, int from);
/** Lowest row + 1 of the blob in each column from its x0, 0 where it has none; n = x1 − x0. */
void cb_blobs_lower_edge(const struct cb_blobs *b, int blob, int *ret_y);
void cb_blobs_deinit(struct cb_blobs *b);

#endif
