#ifndef DETECTORS_VISION_LIGHT_H
#define DETECTORS_VISION_LIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backdrop.h"
#include "blobs.h"

/** Brightening against the empty road over a column of three pixels, levels · 16. */
struct cb_light_slope {
    int sum, down;
};

/**
 * Light that falls on the road: headlights' pools, their gleam on what stands beside it. It begins
 * softly where it meets the unlit road and goes on softly; a body begins with an edge. So what is
 * brighter than the empty road is light as far as one comes to it from the unlit road without
 * crossing an edge.
 */
struct cb_light_map {
    uint8_t *mask;  /* that of the foreground without light */
    uint8_t *cell;  /* squares of the picture: 1: unlit road */
    uint8_t *light; /* 1: light, 0: not */
    float slope_share; /* of its brightness light loses within a pixel, at most */
    int share[256]; /* of a brightening by the road's luma: paint gives more light back */
    int *open;      /* px whose neighbours are to be looked at */
    struct cb_light_slope *slopes; /* of one run of changed pixels, and of the px before and after */
    struct cb_blobs changed, roads; /* of the mask; of cell */
};

/**
 * For pictures of w × h.
 * @param px_per_m  across, in the middle of the zone
 * @return 0 or -ENOMEM
 */
int cb_light_map_init(struct cb_light_map *m, int w, int h, double px_per_m);
/**
 * Takes the light out of fg, if there is any to speak of: its mask is m's then, and its light.
 * @param span  as for cb_backdrop_add
 * @return 0 or -ENOMEM
 */
int cb_light_map_clear(struct cb_light_map *m, struct cb_foreground *fg, const int *span);
void cb_light_map_deinit(struct cb_light_map *m);

#endif
