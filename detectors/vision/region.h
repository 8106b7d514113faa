#ifndef DETECTORS_VISION_REGION_H
#define DETECTORS_VISION_REGION_H

#include <stdbool.h>

#include "detectors/calibration.h"
#include "schema/camera.h"
#include "schema/passage.h"
#include "side.h"

#define CB_REGION_WIDTH_MAX 1280 /* px that are analysed: wider pictures at a whole fraction */
#define CB_REGION_SIDE_M 2.5 /* a vehicle beside what was surveyed is followed */

/**
 * The part of the picture that shows the road in and around the measuring zone and what stands
 * up to 4 m above it, at the size that is analysed.
 */
struct cb_region {
    int factor;     /* full px a side of one analysed px */
    int x, y, w, h; /* the rectangle, analysed px */
    int *span;      /* 2 · h: first and past-the-last px of each row, within the rectangle */
    double x_min_m, x_max_m, y_min_m, y_max_m; /* where road users are followed */
    double zone_min_m, zone_max_m;             /* where speed is measured, along Y */
    bool is_side;   /* vehicles' sides are what the camera sees */
    struct cb_side_view side; /* then */
    double near;    /* +1: the camera sees the ends of lower Y, −1: those of higher Y */
};

/** @return 0; -EDOM when the zone is not in the picture; -ENOMEM */
int cb_region_create(struct cb_region *ret, const struct cb_road *road,
                     const struct cb_camera_conf *conf, int width, int height);
void cb_region_deinit(struct cb_region *r);

/** Full px of an analysed position; whole numbers are centres of pixels in both. */
static inline struct cb_vec2 cb_region_to_full(const struct cb_region *r, double x, double y)
{
    double half = 0.5 * (r->factor - 1);
    return (struct cb_vec2){(x + r->x) * r->factor + half, (y + r->y) * r->factor + half};
}
static inline struct cb_vec2 cb_region_from_full(const struct cb_region *r, struct cb_vec2 p)
{
    double half = 0.5 * (r->factor - 1);
    return (struct cb_vec2){(p.x - half) / r->factor - r->x, (p.y - half) / r->factor - r->y};
}

#endif
