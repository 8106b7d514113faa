#include "overlay.h"

#include <errno.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "evidence/evidence.h"

#define FONT "Noto Sans CJK SC, Noto Sans, sans-serif"

struct cb_overlay_image {
    cairo_surface_t *surface;
    int height, n_unknown;
};

/* The drawing's measures grow with the picture's width; below 640 px text stays as it is there. */
struct band {
    const struct cb_overlay *o;
    double unit; /* px of the picture for one of a picture 1280 wide */
    int width, picture_height;
    PangoContext *pango;
    PangoLayout *headline;
    PangoLayout *cell[CB_OVERLAY_ROWS_MAX];
    int x[CB_OVERLAY_ROWS_MAX], y[CB_OVERLAY_ROWS_MAX];
    int height, n_unknown;
};

static PangoLayout *make_layout(struct band *b, const char *markup, double size_px, int width_px)
{
    PangoLayout *l = pango_layout_new(b->pango);
    PangoFontDescription *font = pango_font_description_from_string(FONT);
    pango_font_description_set_absolute_size(font, size_px * PANGO_SCALE);
    pango_layout_set_font_description(l, font);
    pango_font_description_free(font);
    pango_layout_set_markup(l, markup, -1);
    pango_layout_set_width(l, width_px * PANGO_SCALE);
    pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
    b->n_unknown += pango_layout_get_unknown_glyphs_count(l);
    return l;
}

/* Names come from people's files: nothing in them is markup, and they may be no UTF-8. */
static PangoLayout *make_cell(struct band *b, size_t i, double size_px, int width_px)
{
    gchar *value = g_utf8_make_valid(b->o->row[i].value, -1);
    gchar *text = g_markup_printf_escaped("<span foreground='#8fb6d8'>%s</span> %s",
                                          b->o->row[i].label, value);
    PangoLayout *l = make_layout(b, text, size_px, width_px);
    g_free(text);
    g_free(value);
    return l;
}

/* Rows are shared while the cells fit beside each other at the columns' starts. */
static void place_cells(struct band *b, int margin_px, int top_px, double size_px)
{
    int gap = (int) (24 * b->unit), x = margin_px, y = top_px, row_height = 0;
    for (size_t i = 0; i < b->o->n_rows; i++) {
        int w, h;
        b->cell[i] = make_cell(b, i, size_px, b->width - 2 * margin_px);
        pango_layout_get_pixel_size(b->cell[i], &w, &h);
        bool is_new = b->o->row[i].is_whole_row || x + w > b->width - margin_px;
        if (is_new && x > margin_px) {
            x = margin_px;
            y += row_height;
            row_height = 0;
        }
        b->x[i] = x;
        b->y[i] = y;
        x += w + gap;
        row_height = h > row_height ? h : row_height;
    }
    b->height = y + row_height + margin_px / 2;
}

static void lay_out(struct band *b)
{
    int margin = (int) (14 * b->unit), h;
    gchar *valid = g_utf8_make_valid(b->o->headline, -1);
    gchar *text = g_markup_printf_escaped("<b>%s</b>", valid);
    b->headline = make_layout(b, text, 27 * b->unit, b->width - 2 * margin);
    g_free(text);
    g_free(valid);
    pango_layout_get_pixel_size(b->headline, NULL, &h);
    place_cells(b, margin, margin / 2 + h, 17 * b->unit);
}

static void draw_text(cairo_t *cr, PangoLayout *l, double x, double y, double r, double g,
                      double bl)
{
    cairo_set_source_rgb(cr, r, g, bl);
    cairo_move_to(cr, x, y);
    pango_cairo_show_layout(cr, l);
}

static void draw_band(cairo_t *cr, struct band *b)
{
    int margin = (int) (14 * b->unit);
    cairo_set_source_rgb(cr, 0.055, 0.075, 0.10);
    cairo_rectangle(cr, 0, b->picture_height, b->width, b->height);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 1.0, 0.76, 0.03);
    cairo_rectangle(cr, 0, b->picture_height, b->width, 3 * b->unit);
    cairo_fill(cr);
    draw_text(cr, b->headline, margin, b->picture_height + margin / 2, 1.0, 0.85, 0.25);
    for (size_t i = 0; i < b->o->n_rows; i++)
        draw_text(cr, b->cell[i], b->x[i], b->picture_height + b->y[i], 0.95, 0.96, 0.97);
}

/* Dark below light, so that it shows on any picture. */
static void stroke_twice(cairo_t *cr, double unit)
{
    cairo_set_source_rgba(cr, 0, 0, 0, 0.65);
    cairo_set_line_width(cr, 5 * unit);
    cairo_stroke_preserve(cr);
    cairo_set_source_rgb(cr, 1.0, 0.80, 0.05);
    cairo_set_line_width(cr, 2.5 * unit);
    cairo_stroke(cr);
}

/* Corners only: nothing of the vehicle is covered. */
static void draw_corners(cairo_t *cr, const struct band *b, const struct cb_box *box)
{
    double x = (double) box->x, y = (double) box->y, w = (double) box->w, h = (double) box->h;
    double arm = (w < h ? w : h) * 0.28;
    for (int i = 0; i < 4; i++) {
        double cx = i & 1 ? x + w : x, cy = i & 2 ? y + h : y;
        cairo_move_to(cr, cx + (i & 1 ? -arm : arm), cy);
        cairo_line_to(cr, cx, cy);
        cairo_line_to(cr, cx, cy + (i & 2 ? -arm : arm));
        stroke_twice(cr, b->unit);
    }
}

static PangoLayout *lay_label(struct band *b, const char *text, int *ret_w, int *ret_h)
{
    gchar *valid = g_utf8_make_valid(text, -1);
    gchar *markup = g_markup_printf_escaped("<b>%s</b>", valid);
    PangoLayout *l = make_layout(b, markup, 19 * b->unit, b->width);
    g_free(markup);
    g_free(valid);
    pango_layout_get_pixel_size(l, ret_w, ret_h);
    *ret_w += (int) (10 * b->unit);
    return l;
}

static void draw_label(cairo_t *cr, const struct band *b, PangoLayout *l, double x, double y,
                       int w, int h)
{
    cairo_set_source_rgba(cr, 0.055, 0.075, 0.10, 0.85);
    cairo_rectangle(cr, x, y, w, h);
    cairo_fill(cr);
    draw_text(cr, l, x + 5 * b->unit, y, 1.0, 0.85, 0.25);
}

static void draw_box_label(cairo_t *cr, struct band *b, const struct cb_overlay_mark *m)
{
    int w, h;
    PangoLayout *l = lay_label(b, m->label, &w, &h);
    const struct cb_box *v = &m->view;
    double gap = 10 * b->unit, x = (double) m->box.x, y = (double) m->box.y - h - gap;
    if (x + w > (double) (v->x + v->w))
        x = (double) (v->x + v->w) - w;
    if (x < (double) v->x)
        x = (double) v->x;
    if (y < (double) v->y)
        y = (double) (m->box.y + m->box.h) + gap / 2;
    if (y + h > (double) (v->y + v->h))
        y = (double) v->y;
    draw_label(cr, b, l, x, y, w, h);
    g_object_unref(l);
}

static void draw_caption(cairo_t *cr, struct band *b, const struct cb_overlay_mark *m)
{
    int w, h;
    PangoLayout *l = lay_label(b, m->caption, &w, &h);
    draw_label(cr, b, l, (double) m->view.x, (double) m->view.y, w, h);
    g_object_unref(l);
}

/* Also false for a box that is no numbers. */
static bool is_in_view(const struct cb_box *x, const struct cb_box *v)
{
    return x->w > 0 && x->h > 0 && x->x < v->x + v->w && x->y < v->y + v->h &&
           x->x + x->w > v->x && x->y + x->h > v->y;
}

static void draw_mark(cairo_t *cr, struct band *b, struct cb_overlay_mark m)
{
    if (!(m.view.w > 0))
        m.view = (struct cb_box){0, 0, (float) b->width, (float) b->picture_height};
    cairo_save(cr);
    cairo_rectangle(cr, (double) m.view.x, (double) m.view.y, (double) m.view.w,
                    (double) m.view.h);
    cairo_clip(cr);
    if (is_in_view(&m.box, &m.view)) {
        draw_corners(cr, b, &m.box);
        if (m.label[0])
            draw_box_label(cr, b, &m);
    }
    if (m.caption[0])
        draw_caption(cr, b, &m);
    cairo_restore(cr);
}

static int draw_all(struct band *b, struct cb_overlay_image *image)
{
    image->height = b->picture_height + b->height;
    image->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, b->width, image->height);
    if (cairo_surface_status(image->surface) != CAIRO_STATUS_SUCCESS)
        return -ENOMEM;
    cairo_t *cr = cairo_create(image->surface);
    draw_band(cr, b);
    for (size_t i = 0; i < b->o->n_marks; i++)
        draw_mark(cr, b, b->o->mark[i]);
    int r = cairo_status(cr) == CAIRO_STATUS_SUCCESS ? 0 : -ENOMEM;
    cairo_destroy(cr);
    cairo_surface_flush(image->surface);
    image->n_unknown = b->n_unknown;
    return r;
}

int cb_overlay_draw(const struct cb_overlay *o, int width, int height,
                    struct cb_overlay_image **ret)
{
    struct cb_overlay_image *image = calloc(1, sizeof *image);
    if (!image)
        return -ENOMEM;
    struct band b = {.o = o, .width = width, .picture_height = height};
    b.unit = (width < 640 ? 640 : width) / 1280.0;
    PangoFontMap *fonts = pango_cairo_font_map_get_default(); /* this thread's own */
    b.pango = pango_font_map_create_context(fonts);
    lay_out(&b);
    int r = draw_all(&b, image);
    for (size_t i = 0; i < o->n_rows; i++)
        g_object_unref(b.cell[i]);
    g_object_unref(b.headline);
    g_object_unref(b.pango);
    if (r < 0)
        cb_overlay_image_destroy(&image);
    else
        *ret = image;
    return r;
}

void cb_overlay_image_destroy(struct cb_overlay_image **image)
{
    if (!*image)
        return;
    cairo_surface_destroy((*image)->surface); /* takes NULL */
    free(*image);
    *image = NULL;
}

const uint32_t *cb_overlay_image_pixels(const struct cb_overlay_image *image, size_t *ret_stride_px)
{
    *ret_stride_px = (size_t) cairo_image_surface_get_stride(image->surface) / 4;
    return (const uint32_t *) (void *) cairo_image_surface_get_data(image->surface);
}

int cb_overlay_image_height(const struct cb_overlay_image *image)
{
    return image->height;
}

int cb_overlay_image_n_unknown(const struct cb_overlay_image *image)
{
    return image->n_unknown;
}
