#ifndef DETECTORS_CLASSIFY_LOOK_H
#define DETECTORS_CLASSIFY_LOOK_H

#include "base/frame.h"
#include "schema/passage.h"

#define CB_LOOK_SIDE 416 /* px, the network's input */

/** A square of a picture around a road user, scaled to the network's input. */
struct cb_look {
    int64_t t_ns;
    float size_px;     /* the box's longer side in the picture */
    struct cb_box box; /* the road user, px of the look */
    uint8_t *bgr;      /* CB_LOOK_SIDE² × 3, the owner's to free */
};

/** True when the box is whole within the picture and large enough to show what it is. */
bool cb_look_is_worth(const struct cb_picture *p, const struct cb_box *box);
/** Fills look, whose bgr is allocated when NULL. @return 0; -ENOMEM */
int cb_look_take(struct cb_look *look, const struct cb_picture *p, const struct cb_box *box);

#endif
