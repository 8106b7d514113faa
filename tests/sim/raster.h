#ifndef SIM_RASTER_H
#define SIM_RASTER_H

#include <stdbool.h>
#include <stdint.h>

/** Half-open rectangle of pixels. */
struct sim_rect {
    int x0, y0, x1, y1;
};

/** One sample of every pixel; width × height, but only a rectangle is in use at a time. */
struct sim_canvas {
    int width, height;
    struct sim_rect clip;
    float *depth;  /* 1/m, larger is nearer; 0: nothing drawn */
    float *colour; /* RGB */
    uint8_t *mask; /* sum of the SIM_MASK_ bits laid on the ground */
};

enum { SIM_MASK_SHADOW = 1, SIM_MASK_UNDER = 2 };

/** A projected corner: pixel and 1/depth. */
struct sim_corner {
    float x, y, inverse;
};

int sim_canvas_init(struct sim_canvas *c, int width, int height);
void sim_canvas_deinit(struct sim_canvas *c);
/** Empties the rectangle and keeps drawing inside it. */
void sim_canvas_begin(struct sim_canvas *c, struct sim_rect r);
/** Nearer wins. A pixel is covered when its centre is inside. */
void sim_canvas_triangle(struct sim_canvas *c, const struct sim_corner p[3], const float rgb[3]);
void sim_canvas_mask(struct sim_canvas *c, const struct sim_corner p[3], uint8_t bits);

static inline bool sim_rect_is_empty(struct sim_rect r)
{
    return r.x0 >= r.x1 || r.y0 >= r.y1;
}
static inline bool sim_rect_touches(struct sim_rect a, struct sim_rect b)
{
    return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}

#endif
