#ifndef DETECTORS_VISION_COLUMN_H
#define DETECTORS_VISION_COLUMN_H

#include <stdbool.h>

#include "backdrop.h"
#include "blobs.h"
#include "glow.h"
#include "region.h"

#define CB_COLUMNS_MAX 96

/** One column of a patch: where its lowest pixel stands, and what it is. */
struct cb_column {
    double x_m, a_m; /* across; along, growing away from the camera */
    int x_px, y_px;  /* lowest pixel, analysed */
    double px_m;     /* metres along that it covers, */
    double across_m; /* and across */
    enum cb_glow glow;
    bool has_lamp; /* a headlight shines above it */
    bool is_shade; /* cast shadow from its lowest pixel to its highest */
};

/** What was left out of the columns. */
struct cb_light {
    bool is_lit;   /* the patch holds headlights that face the camera */
    bool is_cut;   /* its bounds are those of light on the road */
    bool is_faint; /* hardly more than light on the road */
};

/**
 * The lower edge of a patch on the road, from left to right, at most CB_COLUMNS_MAX of its columns.
 * @return how many
 */
int cb_columns_of_blob(const struct cb_blobs *blobs, int blob, const struct cb_foreground *fg,
                       const struct cb_region *g, const struct cb_road *road,
                       struct cb_column ret[CB_COLUMNS_MAX]);
/**
 * Light on the road that is nobody's body is left out; of a patch that holds headlights, all but
 * what stands in them. @return how many columns are left
 */
int cb_columns_without_glow(struct cb_column *c, int n, struct cb_light *ret);
/** Columns of cast shadow alone are left out, beside a body. @return how many are left */
int cb_columns_without_shade(struct cb_column *c, int n, bool *ret_is_shade);

#endif
