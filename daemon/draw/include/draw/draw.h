#ifndef DRAW_DRAW_H
#define DRAW_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cb_picture;

/** A camera's picture as a drawing to add to, with a dark panel for text below it. */
struct cb_draw;

/** 0xRRGGBBAA */
typedef uint32_t cb_colour;

/**
 * @param p        the picture; NULL: dark, of width × height px
 * @param panel_px height of the panel
 */
int cb_draw_create(struct cb_draw **ret, const struct cb_picture *p, int width, int height,
                   int panel_px);
/** Takes NULL. */
void cb_draw_destroy(struct cb_draw **d);

/** A line through n points x, y, x, y, … px; kept to the picture. A NaN interrupts it. */
void cb_draw_line(struct cb_draw *d, const double *xy, size_t n, cb_colour colour, double px);
/** A cross with arms of size px, light on dark so that it shows anywhere. */
void cb_draw_cross(struct cb_draw *d, double x, double y, double size, cb_colour colour);
/** UTF-8, or made so; its left upper corner at (x, y), dark around the letters. */
void cb_draw_text(struct cb_draw *d, double x, double y, double size_px, cb_colour colour,
                  const char *text);
/** @return 0; -errno, reterr names the file */
int cb_draw_write_png(struct cb_draw *d, const char *file, struct cb_error *reterr);

#endif
