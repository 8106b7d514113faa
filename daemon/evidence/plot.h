#ifndef EVIDENCE_PLOT_H
#define EVIDENCE_PLOT_H

#include <cairo.h>
#include <stddef.h>
#include <stdint.h>

/** A diagram in the making: axes over a rectangle, a title and lines of text above it. */
struct cb_plot {
    cairo_surface_t *surface;
    cairo_t *cr;
    int width, height;
    double left, top, right, bottom; /* of the rectangle, px */
    double x0, x1, y0, y1;           /* what its edges mean */
};

/** What stands around the diagram; UTF-8. */
struct cb_plot_words {
    const char *title, *subtitle, *x_label, *y_label;
};

struct cb_plot_colour {
    double r, g, b, a;
};

/** The ranges are the caller's: x0 < x1, y0 < y1. @return 0; -ENOMEM */
int cb_plot_init(struct cb_plot *p, int width, int height, const double range[4],
                 const struct cb_plot_words *words);
void cb_plot_deinit(struct cb_plot *p);
double cb_plot_x(const struct cb_plot *p, double x);
double cb_plot_y(const struct cb_plot *p, double y);
/** Grid and numbers; over what has been drawn. */
void cb_plot_axes(struct cb_plot *p, const struct cb_plot_words *words);
/** A level line across the diagram with its name at the right; dash_px 0: solid. */
void cb_plot_level(struct cb_plot *p, double y, struct cb_plot_colour c, double dash_px,
                   const char *name);
/** Text with its lower left at (x, y) px, on a dark plate, kept inside the picture. */
void cb_plot_text(struct cb_plot *p, double x, double y, double size_px, struct cb_plot_colour c,
                  const char *text);
/** The PNG's bytes, yours to free. @return 0; -ENOMEM */
int cb_plot_png(struct cb_plot *p, uint8_t **ret, size_t *ret_n);
/** The same of any surface. */
int cb_plot_surface_png(cairo_surface_t *s, uint8_t **ret, size_t *ret_n);

#endif
