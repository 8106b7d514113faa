#ifndef DETECTORS_CLASSIFY_YOLOX_H
#define DETECTORS_CLASSIFY_YOLOX_H

#include <stdbool.h>
#include <stddef.h>

#include "schema/passage.h"

/* YOLOX's raw output for a square input of `side` px: a row a cell of grids with strides 8, 16 and
 * 32: centre and log size in cells, objectness, then the score of each of COCO's 80 classes. */
#define CB_YOLOX_COLUMNS 85

/** Rows for an input of side × side px: 3549 for 416. */
size_t cb_yolox_rows(int side);

/** What one picture says of the thing in box: a class and how surely, 0…1; 0: nothing. */
struct cb_vote {
    enum cb_road_user user;
    double score;
};
struct cb_vote cb_yolox_vote(const float *rows, int side, const struct cb_box *box);

/**
 * The class that votes agree on: two at least, or one very sure, and two thirds of all the weight.
 * @return CB_UNKNOWN: none
 */
enum cb_road_user cb_votes_agree(const struct cb_vote *v, size_t n);

#endif
