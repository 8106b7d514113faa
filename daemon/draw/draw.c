#include "draw/draw.h"

#include <errno.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"

#define FONT "Noto Sans CJK SC, Noto Sans, sans-serif"

struct cb_draw {
    cairo_surface_t *surface;
    cairo_t *cr;
    int width, height; /* of the picture, without the panel */
};

static void put_picture(struct cb_draw *d, const struct cb_picture *p)
{
    cairo_surface_flush(d->surface);
    unsigned char *data = cairo_image_surface_get_data(d->surface);
    int stride = cairo_image_surface_get_stride(d->surface);
    for (int y = 0; y < d->height; y++)
        for (int x = 0; x < d->width; x++) {
            uint32_t v = cb_picture_rgb(p, x, y);
            memcpy(data + (ptrdiff_t) y * stride + 4 * (ptrdiff_t) x, &v, sizeof v);
        }
    cairo_surface_mark_dirty(d->surface);
}

int cb_draw_create(struct cb_draw **ret, const struct cb_picture *p, int width, int height,
                   int panel_px)
{
    struct cb_draw *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->width = p ? p->width : width;
    d->height = p ? p->height : height;
    d->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, d->width, d->height + panel_px);
    d->cr = cairo_create(d->surface);
    if (cairo_status(d->cr) != CAIRO_STATUS_SUCCESS) {
        cb_draw_destroy(&d);
        return -ENOMEM;
    }
    cairo_set_source_rgb(d->cr, 0.055, 0.075, 0.10);
    cairo_paint(d->cr);
    if (p)
        put_picture(d, p);
    cairo_set_line_join(d->cr, CAIRO_LINE_JOIN_ROUND);
    *ret = d;
    return 0;
}

void cb_draw_destroy(struct cb_draw **draw)
{
    struct cb_draw *d = *draw;
    if (!d)
        return;
    *draw = NULL;
    cairo_destroy(d->cr);
    cairo_surface_destroy(d->surface);
    free(d);
}

static void set_colour(cairo_t *cr, cb_colour c)
{
    cairo_set_source_rgba(cr, (c >> 24) / 255.0, (c >> 16 & 255) / 255.0, (c >> 8 & 255) / 255.0,
                          (c & 255) / 255.0);
}

void cb_draw_line(struct cb_draw *d, const double *xy, size_t n, cb_colour colour, double px)
{
    const double far = 1e5; /* Cairo counts in 24.8 fixed point */
    bool is_down = false;
    cairo_save(d->cr);
    cairo_rectangle(d->cr, 0, 0, d->width, d->height);
    cairo_clip(d->cr);
    for (size_t i = 0; i < n; i++) {
        double x = xy[2 * i], y = xy[2 * i + 1];
        bool is_place = fabs(x) < far && fabs(y) < far;
        /* whole numbers are the centres of pixels here, and their corners for Cairo */
        if (is_place && is_down)
            cairo_line_to(d->cr, x + 0.5, y + 0.5);
        else if (is_place)
            cairo_move_to(d->cr, x + 0.5, y + 0.5);
        is_down = is_place;
    }
    set_colour(d->cr, colour);
    cairo_set_line_width(d->cr, px);
    cairo_stroke(d->cr);
    cairo_restore(d->cr);
}

void cb_draw_cross(struct cb_draw *d, double x, double y, double size, cb_colour colour)
{
    const double flat[] = {x - size, y, x + size, y}, upright[] = {x, y - size, x, y + size};
    cb_draw_line(d, flat, 2, 0x000000a0, 4);
    cb_draw_line(d, upright, 2, 0x000000a0, 4);
    cb_draw_line(d, flat, 2, colour, 1.5);
    cb_draw_line(d, upright, 2, colour, 1.5);
}

void cb_draw_text(struct cb_draw *d, double x, double y, double size_px, cb_colour colour,
                  const char *text)
{
    gchar *valid = g_utf8_make_valid(text, -1); /* names come from people's files */
    PangoLayout *l = pango_cairo_create_layout(d->cr);
    PangoFontDescription *font = pango_font_description_from_string(FONT);
    pango_font_description_set_absolute_size(font, size_px * PANGO_SCALE);
    pango_layout_set_font_description(l, font);
    pango_font_description_free(font);
    pango_layout_set_text(l, valid, -1);
    g_free(valid);
    cairo_move_to(d->cr, x, y);
    pango_cairo_layout_path(d->cr, l);
    set_colour(d->cr, 0x000000c0);
    cairo_set_line_width(d->cr, 0.22 * size_px);
    cairo_stroke(d->cr);
    cairo_move_to(d->cr, x, y);
    set_colour(d->cr, colour);
    pango_cairo_show_layout(d->cr, l);
    g_object_unref(l);
}

int cb_draw_write_png(struct cb_draw *d, const char *file, struct cb_error *reterr)
{
    errno = 0;
    cairo_status_t s = cairo_surface_write_to_png(d->surface, file);
    if (s == CAIRO_STATUS_SUCCESS)
        return 0;
    int r = errno ? -errno : -EIO;
    return cb_error_set(reterr, r, file, "cannot be written: %s",
                        errno ? strerror(errno) : cairo_status_to_string(s));
}
