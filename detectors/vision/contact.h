#ifndef DETECTORS_VISION_CONTACT_H
#define DETECTORS_VISION_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

#include "backdrop.h"
#include "blobs.h"
#include "region.h"

/**
 * A moving patch of one picture as it stands on the road. Its near edge, the first of it along Y
 * as seen from the camera, is where vehicle or its shadow meets the road: the one line of a
 * silhouette whose place on the road plane is not pushed away by height.
 */
struct cb_observation {
    double x_m, y_m;       /* middle of the near edge */
    double width_m;        /* across, shadow included */
    double span_m;         /* across, of all that stands on the near edge: shoulders above a wheel */
    double solid_m;        /* without the columns that look like shadow alone; NaN: too small to tell */
    double body_m;         /* of solid_m what the road does not shine through; NaN: nothing tells */
    double extent_m;       /* along, from the near edge to where the ray over its top meets the road */
    double sigma_px;       /* of the near edge, full px */
    double m_per_px;       /* metres along that a full px covers there */
    struct cb_box box;     /* full px */
    bool is_cut_near, is_cut_aside, is_cut; /* ends at the picture's border: near edge, a side, any */
    bool is_lit;           /* the near edge is where it stands in its own headlights */
    bool is_shade;         /* a cast shadow, whoever casts it */
    bool is_faint;         /* hardly more than light on the road */
    bool is_part;          /* behind another in the same patch: its sizes are not known */
    struct cb_side side;   /* in a view from the side: x_m, y_m are its wheels' line and middle */
};

#define CB_CONTACTS_MAX 4

/**
 * The road users of one patch: the nearest, and those behind it whose near edge shows beside it.
 * @return how many, 0 when it stands nowhere on the followed road; -ENOMEM
 */
int cb_contact_of_blob(const struct cb_blobs *blobs, int blob, const struct cb_foreground *fg,
                       const struct cb_region *g, const struct cb_road *road,
                       struct cb_observation ret[CB_CONTACTS_MAX]);
/**
 * Finds the near edge on the corridor width_m wide around x_m, within reach of y_m, to a
 * fraction of a px: half height of the first rise of the difference from the empty road, or,
 * is_lit, of the fall from its own headlights' pool to its dark lower front.
 * @return 0; -ENODATA when there is no clear rise
 */
int cb_contact_refine(const struct cb_foreground *fg, const struct cb_region *g,
                      const struct cb_road *road, double x_m, double y_m, double width_m,
                      bool is_lit, double *ret_y_m);

#endif
