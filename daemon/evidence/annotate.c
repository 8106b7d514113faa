#include "evidence/annotate.h"

#include <errno.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"

#define FONT "Noto Sans CJK SC, Noto Sans, sans-serif"

struct cb_annotator {
    struct cb_canvas canvas; /* of the latest picture */
};

struct colour {
    double r, g, b;
};

static const struct colour fine = {0.25, 0.9, 0.4}, guilty = {1.0, 0.25, 0.2},
                           unknown = {0.75, 0.75, 0.8}, edge = {1.0, 0.8, 0.1};

int cb_annotator_create(struct cb_annotator **ret)
{
    *ret = calloc(1, sizeof **ret);
    return *ret ? 0 : -ENOMEM;
}

void cb_annotator_destroy(struct cb_annotator **annotator)
{
    struct cb_annotator *a = *annotator;
    if (!a)
        return;
    *annotator = NULL;
    cb_canvas_deinit(&a->canvas);
    free(a);
}

static void set_colour(cairo_t *cr, struct colour c, double alpha)
{
    cairo_set_source_rgba(cr, c.r, c.g, c.b, alpha);
}

/* Text on a dark plate with its lower left at (x, y), moved so that it stays in the picture. */
static void draw_plate(cairo_t *cr, const char *text, double x, double y, double unit,
                       struct colour c, const struct cb_picture *p)
{
    int w, h;
    gchar *valid = g_utf8_make_valid(text, -1);
    PangoLayout *l = pango_cairo_create_layout(cr);
    PangoFontDescription *font = pango_font_description_from_string(FONT);
    pango_font_description_set_absolute_size(font, 15 * unit * PANGO_SCALE);
    pango_layout_set_font_description(l, font);
    pango_font_description_free(font);
    pango_layout_set_text(l, valid, -1);
    g_free(valid);
    pango_layout_get_pixel_size(l, &w, &h);
    x = fmax(0, fmin(x, p->width - w - 6 * unit));
    y = fmax(h, fmin(y, p->height));
    cairo_set_source_rgba(cr, 0.05, 0.07, 0.1, 0.75);
    cairo_rectangle(cr, x, y - h, w + 6 * unit, h);
    cairo_fill(cr);
    set_colour(cr, c, 1);
    cairo_move_to(cr, x + 3 * unit, y - h);
    pango_cairo_show_layout(cr, l);
    g_object_unref(l);
}

static void draw_outline(cairo_t *cr, const struct cb_outline *o, double unit)
{
    set_colour(cr, edge, 0.8);
    cairo_set_line_width(cr, 2 * unit);
    for (size_t i = 0; i < o->n; i++)
        cairo_line_to(cr, o->x_px[i], o->y_px[i]);
    cairo_stroke(cr);
}

static void draw_mark(cairo_t *cr, const struct cb_mark *m, double unit, const struct cb_picture *p)
{
    struct colour c = m->is_violation ? guilty : m->has_speed ? fine : unknown;
    set_colour(cr, c, 0.9);
    cairo_set_line_width(cr, 2 * unit);
    for (size_t i = 0; i < m->n_trail; i++)
        cairo_line_to(cr, (double) m->trail[i].x_px, (double) m->trail[i].y_px);
    cairo_stroke(cr);
    if (m->n_trail) {
        const struct cb_fix *last = &m->trail[m->n_trail - 1];
        cairo_arc(cr, (double) last->x_px, (double) last->y_px, 3.5 * unit, 0, 2 * M_PI);
        cairo_fill(cr);
    }
    double x = (double) m->box.x, y = (double) m->box.y;
    if (m->box.w > 0) {
        cairo_rectangle(cr, x, y, (double) m->box.w, (double) m->box.h);
        cairo_stroke(cr);
    } else if (m->n_trail) {
        x = (double) m->trail[m->n_trail - 1].x_px;
        y = (double) m->trail[m->n_trail - 1].y_px;
    }
    draw_plate(cr, m->label, x, y - 2 * unit, unit, c, p);
}

static void draw(cairo_t *cr, const struct cb_picture *p, const struct cb_annotation *what)
{
    double unit = fmax(p->width, 640) / 1280.0;
    static const struct colour white = {0.95, 0.96, 0.97};
    for (size_t i = 0; i < what->n_outlines; i++)
        draw_outline(cr, &what->outline[i], unit);
    for (size_t i = 0; i < what->n_marks; i++)
        draw_mark(cr, &what->mark[i], unit, p);
    if (what->caption[0])
        draw_plate(cr, what->caption, 0, 0, unit, white, p);
}

static int fit(struct cb_annotator *a, const struct cb_picture *p)
{
    cb_canvas_deinit(&a->canvas);
    int r = cb_canvas_init(&a->canvas, p, p->width, p->height);
    if (r == 0)
        cb_canvas_put(&a->canvas, p, 0, 0, p->width, p->height);
    return r;
}

int cb_annotator_draw(struct cb_annotator *a, const struct cb_picture *p,
                      const struct cb_annotation *what, struct cb_picture *ret)
{
    int r = fit(a, p);
    if (r < 0)
        return r;
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, p->width, p->height);
    cairo_t *cr = cairo_create(s);
    draw(cr, p, what);
    bool is_drawn = cairo_status(cr) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cr);
    cairo_surface_flush(s);
    if (is_drawn)
        cb_canvas_blend(&a->canvas, (const uint32_t *) (void *) cairo_image_surface_get_data(s),
                        (size_t) cairo_image_surface_get_stride(s) / 4);
    cairo_surface_destroy(s);
    const struct cb_canvas *c = &a->canvas;
    *ret = *p;
    for (int i = 0; i < 3; i++) {
        ret->plane[i] = c->plane[i];
        ret->stride[i] = (ptrdiff_t) c->stride[i];
    }
    ret->chroma_shift_x = c->shift_x;
    ret->chroma_shift_y = c->shift_y;
    ret->is_full_range = true;
    return is_drawn ? 0 : -ENOMEM;
}
