#ifndef DETECTORS_VISION_CAST_H
#define DETECTORS_VISION_CAST_H

#include "backdrop.h"
#include "blobs.h"
#include "region.h"

#define CB_CAST_BINS 48

/**
 * Shadows that a low sun casts on the road. They all darken it by nearly one ratio, what is painted
 * or worn into it goes on beneath them, and they are broad. The ratio is learnt from what drives
 * by; what has it, looks like the road and ends at lit road is then no road user.
 */
struct cb_cast {
    int w, h;
    int *arm;             /* by row: half of what is broad, px */
    uint8_t *look;        /* ratio of what looks like darkened road; 0: does not; UNSEEN */
    double ridge;         /* what the picture's noise leaves of a road's texture, levels */
    uint8_t *mask, *shade; /* what is left of the changes, and what was taken out */
    uint8_t *near, *core; /* pixels of the ratio, and most of whose neighbours have it */
    struct cb_blobs patches;
    double n[CB_CAST_BINS], kept[CB_CAST_BINS], texture[CB_CAST_BINS]; /* by ratio */
    double ratio;         /* of cast shadow; 0: not known */
};

/** @return 0 or -ENOMEM */
int cb_cast_create(struct cb_cast **ret, const struct cb_region *g, const struct cb_road *road);
void cb_cast_destroy(struct cb_cast **c);
/** Learns from a picture's changes only. */
void cb_cast_learn(struct cb_cast *c, const struct cb_foreground *fg, const int *span);
/** Learns; takes what cast shadow is known out of the changes: fg's mask and shade become c's. */
int cb_cast_take_out(struct cb_cast *c, struct cb_foreground *fg, const int *span);
/** Whether a patch of what is left is a rest of shadow: most of its ends are. */
bool cb_cast_is_rest(const struct cb_foreground *fg, const struct cb_blobs *blobs, int blob);

#endif
