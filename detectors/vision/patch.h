#ifndef DETECTORS_VISION_PATCH_H
#define DETECTORS_VISION_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CB_PATCH_SIDE 16

/** A grey picture without gaps. */
struct cb_grey {
    const uint8_t *px;
    int w, h;
};

/** A square of a picture that is looked for in others. */
struct cb_patch {
    int x, y; /* left upper corner */
    uint8_t px[CB_PATCH_SIDE * CB_PATCH_SIDE];
    double sum, norm; /* of the levels; root of the squares about their mean */
};

/** How well a patch at (x, y) would hold in both directions: the smaller eigenvalue of its
 *  gradients' moments, levels² a pixel. */
double cb_patch_hold(const struct cb_grey *g, int x, int y);
void cb_patch_cut(struct cb_patch *p, const struct cb_grey *g, int x, int y);
/**
 * Where the patch is now, against where it was cut: the peak of the normalised correlation, which
 * neither brightness nor contrast moves, to a fraction of a pixel.
 * @param dx, dy, reach  looked for at (dx ± reach, dy ± reach)
 * @return the peak's correlation, −1…1; −2: the peak is at the border of what was searched
 */
double cb_patch_find(const struct cb_patch *p, const struct cb_grey *g, int dx, int dy, int reach,
                     double *ret_dx, double *ret_dy);

#endif
