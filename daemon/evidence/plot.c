#include "plot.h"

#include <errno.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FONT "Noto Sans CJK SC, Noto Sans, sans-serif"

static const struct cb_plot_colour paper = {0.055, 0.075, 0.10, 1}, ink = {0.93, 0.95, 0.97, 1},
                                   pale = {0.62, 0.68, 0.74, 1}, grid = {1, 1, 1, 0.13};

static void set(cairo_t *cr, struct cb_plot_colour c)
{
    cairo_set_source_rgba(cr, c.r, c.g, c.b, c.a);
}

static PangoLayout *lay_out(cairo_t *cr, double size_px, const char *text, int *ret_w, int *ret_h)
{
    gchar *valid = g_utf8_make_valid(text, -1);
    PangoLayout *l = pango_cairo_create_layout(cr);
    PangoFontDescription *font = pango_font_description_from_string(FONT);
    pango_font_description_set_absolute_size(font, size_px * PANGO_SCALE);
    pango_layout_set_font_description(l, font);
    pango_font_description_free(font);
    pango_layout_set_text(l, valid, -1);
    g_free(valid);
    pango_layout_get_pixel_size(l, ret_w, ret_h);
    return l;
}

/* align: 0 left of x … 1 right of it is where the text ends */
static void write_text(cairo_t *cr, double x, double y, double align, double size_px,
                       struct cb_plot_colour c, const char *text)
{
    int w, h;
    PangoLayout *l = lay_out(cr, size_px, text, &w, &h);
    set(cr, c);
    cairo_move_to(cr, x - align * w, y);
    pango_cairo_show_layout(cr, l);
    g_object_unref(l);
}

void cb_plot_text(struct cb_plot *p, double x, double y, double size_px, struct cb_plot_colour c,
                  const char *text)
{
    int w, h;
    PangoLayout *l = lay_out(p->cr, size_px, text, &w, &h);
    x = fmax(2, fmin(x, p->width - w - 10));
    y = fmax(h + 2, fmin(y, p->height - 2));
    cairo_set_source_rgba(p->cr, 0.03, 0.05, 0.08, 0.78);
    cairo_rectangle(p->cr, x, y - h, w + 8, h);
    cairo_fill(p->cr);
    set(p->cr, c);
    cairo_move_to(p->cr, x + 4, y - h);
    pango_cairo_show_layout(p->cr, l);
    g_object_unref(l);
}

int cb_plot_init(struct cb_plot *p, int width, int height, const double range[4],
                 const struct cb_plot_words *words)
{
    *p = (struct cb_plot){.width = width, .height = height, .left = 78, .top = 92,
                          .right = width - 24, .bottom = height - 58, .x0 = range[0],
                          .x1 = range[1], .y0 = range[2], .y1 = range[3]};
    p->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    p->cr = cairo_create(p->surface);
    if (cairo_status(p->cr) != CAIRO_STATUS_SUCCESS) {
        cb_plot_deinit(p);
        return -ENOMEM;
    }
    set(p->cr, paper);
    cairo_paint(p->cr);
    write_text(p->cr, 18, 10, 0, 24, ink, words->title);
    write_text(p->cr, 18, 50, 0, 16, pale, words->subtitle);
    return 0;
}

void cb_plot_deinit(struct cb_plot *p)
{
    cairo_destroy(p->cr);
    cairo_surface_destroy(p->surface);
    *p = (struct cb_plot){0};
}

double cb_plot_x(const struct cb_plot *p, double x)
{
    return p->left + (x - p->x0) / (p->x1 - p->x0) * (p->right - p->left);
}

double cb_plot_y(const struct cb_plot *p, double y)
{
    return p->bottom - (y - p->y0) / (p->y1 - p->y0) * (p->bottom - p->top);
}

/* 1, 2 or 5 times a power of ten, so that there are at most n steps. */
static double step_of(double span, double n)
{
    double s = pow(10, floor(log10(span / n)));
    return span / s <= n ? s : span / (2 * s) <= n ? 2 * s : span / (5 * s) <= n ? 5 * s : 10 * s;
}

static void rule(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    set(cr, grid);
    cairo_set_line_width(cr, 1);
    cairo_move_to(cr, floor(x0) + 0.5, floor(y0) + 0.5);
    cairo_line_to(cr, floor(x1) + 0.5, floor(y1) + 0.5);
    cairo_stroke(cr);
}

void cb_plot_axes(struct cb_plot *p, const struct cb_plot_words *words)
{
    char text[32];
    double xs = step_of(p->x1 - p->x0, 14), ys = step_of(p->y1 - p->y0, 10);
    for (double x = ceil(p->x0 / xs - 1e-9) * xs; x <= p->x1 + 1e-9; x += xs) {
        rule(p->cr, cb_plot_x(p, x), p->top, cb_plot_x(p, x), p->bottom);
        snprintf(text, sizeof text, "%g", fabs(x) < 1e-9 ? 0 : x);
        write_text(p->cr, cb_plot_x(p, x), p->bottom + 4, 0.5, 15, pale, text);
    }
    for (double y = ceil(p->y0 / ys - 1e-9) * ys; y <= p->y1 + 1e-9; y += ys) {
        rule(p->cr, p->left, cb_plot_y(p, y), p->right, cb_plot_y(p, y));
        snprintf(text, sizeof text, "%g", fabs(y) < 1e-9 ? 0 : y);
        write_text(p->cr, p->left - 8, cb_plot_y(p, y) - 11, 1, 15, pale, text);
    }
    write_text(p->cr, (p->left + p->right) / 2, p->bottom + 28, 0.5, 16, ink, words->x_label);
    cairo_save(p->cr);
    cairo_translate(p->cr, 8, (p->top + p->bottom) / 2);
    cairo_rotate(p->cr, -M_PI / 2);
    write_text(p->cr, 0, 0, 0.5, 16, ink, words->y_label);
    cairo_restore(p->cr);
}

void cb_plot_level(struct cb_plot *p, double y, struct cb_plot_colour c, double dash_px,
                   const char *name)
{
    double at = cb_plot_y(p, y);
    int w, h;
    set(p->cr, c);
    cairo_set_line_width(p->cr, 2);
    cairo_set_dash(p->cr, &dash_px, dash_px > 0, 0);
    cairo_move_to(p->cr, p->left, at);
    cairo_line_to(p->cr, p->right, at);
    cairo_stroke(p->cr);
    cairo_set_dash(p->cr, NULL, 0, 0);
    PangoLayout *l = lay_out(p->cr, 16, name, &w, &h);
    g_object_unref(l);
    cb_plot_text(p, p->right - w - 14, at - 3, 16, c, name);
}

/* What Cairo writes, gathered. */
struct bytes {
    uint8_t *at;
    size_t n, cap;
};

static cairo_status_t on_write(void *self, const unsigned char *data, unsigned n)
{
    struct bytes *b = self;
    if (cb_grow((void **) &b->at, &b->cap, b->n + n, 1) < 0)
        return CAIRO_STATUS_NO_MEMORY;
    memcpy(b->at + b->n, data, n);
    b->n += n;
    return CAIRO_STATUS_SUCCESS;
}

int cb_plot_surface_png(cairo_surface_t *s, uint8_t **ret, size_t *ret_n)
{
    struct bytes b = {0};
    if (cairo_surface_write_to_png_stream(s, on_write, &b) != CAIRO_STATUS_SUCCESS) {
        free(b.at);
        return -ENOMEM;
    }
    *ret = b.at;
    *ret_n = b.n;
    return 0;
}

int cb_plot_png(struct cb_plot *p, uint8_t **ret, size_t *ret_n)
{
    if (cairo_status(p->cr) != CAIRO_STATUS_SUCCESS)
        return -ENOMEM;
    return cb_plot_surface_png(p->surface, ret, ret_n);
}
