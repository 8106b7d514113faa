#ifndef EVIDENCE_CANVAS_H
#define EVIDENCE_CANVAS_H

#include <stddef.h>
#include <stdint.h>

struct cb_picture;

/**
 * A picture in the making: full-range planar YUV (JFIF) with room for a JPEG encoder's padding.
 * The chroma layout is the camera's where JPEG has it, so that its samples go in as they are.
 */
struct cb_canvas {
    uint8_t *plane[3];
    size_t stride[3];     /* bytes */
    int width, height;    /* px */
    int shift_x, shift_y; /* of the chroma */
};

/** Black, of width × height px, in p's chroma layout (a grey picture gets neutral 4:2:0). */
int cb_canvas_init(struct cb_canvas *c, const struct cb_picture *p, int width, int height);
void cb_canvas_deinit(struct cb_canvas *c);
/** Puts p's part from (x, y), both even, at the top left; w × h px; p's edge is repeated. */
void cb_canvas_put(struct cb_canvas *c, const struct cb_picture *p, int x, int y, int w, int h);
/** Scales p's part (x, y, w, h) into the canvas (x, y, w, h, multiples of 4). @return 0; -ENOMEM */
int cb_canvas_put_scaled(struct cb_canvas *c, const struct cb_picture *p, const int from[4],
                         const int to[4]);
/** Lays premultiplied ARGB (Cairo's ARGB32) of the canvas's own size over it. */
void cb_canvas_blend(struct cb_canvas *c, const uint32_t *argb, size_t stride_px);
/** quality 1…100. *ret yours, to be freed with cb_canvas_free_jpeg. @return 0; -ENOMEM; -EIO */
int cb_canvas_jpeg(const struct cb_canvas *c, int quality, uint8_t **ret, size_t *ret_n);
void cb_canvas_free_jpeg(uint8_t *jpeg);

#endif
