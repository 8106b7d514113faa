/* composed.jpg: all stills and the close-up in one picture, every datum burnt in below them. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/frame.h"
#include "canvas.h"
#include "overlay.h"
#include "package.h"

#define QUALITY 90
/* A view is as large as the camera's picture up to this width, which GA/T 832 asks for; of larger
 * ones half the size, but no less. The stills have the picture itself. */
#define VIEW_WIDTH 1280

/* The views' places: two beside each other, each of w × h px. */
struct layout {
    int w, h, n_columns, n_rows;
};

static struct layout lay_out(const struct cb_picture *p, size_t n_views)
{
    int w = p->width <= VIEW_WIDTH       ? p->width
            : p->width <= 2 * VIEW_WIDTH ? VIEW_WIDTH
                                         : p->width / 2;
    struct layout l = {.n_columns = n_views > 1 ? 2 : 1, .n_rows = (int) (n_views + 1) / 2};
    l.w = w < 8 ? 8 : w & ~3;
    l.h = (int) ((double) p->height * l.w / p->width) & ~3;
    l.h = l.h < 8 ? 8 : l.h;
    return l;
}

/* One view: the part `from` of a still, and where in the composed picture it lies. x, y, w, h */
struct view {
    size_t i_still;
    int from[4], to[4];
};

/* In the middle of the i-th place, its shape kept. */
static void place(struct view *v, const struct layout *l, size_t i)
{
    double sx = (double) l->w / v->from[2], sy = (double) l->h / v->from[3], s = sx < sy ? sx : sy;
    int w = (int) (v->from[2] * s + 2) & ~3, h = (int) (v->from[3] * s + 2) & ~3;
    v->to[2] = w < 4 ? 4 : w > l->w ? l->w : w;
    v->to[3] = h < 4 ? 4 : h > l->h ? l->h : h;
    v->to[0] = (int) (i % 2) * l->w + ((l->w - v->to[2]) / 2 & ~3);
    v->to[1] = (int) (i / 2) * l->h + ((l->h - v->to[3]) / 2 & ~3);
}

static const struct cb_picture *picture_of(const struct cb_package_draft *d, const struct view *v)
{
    return cb_frame_picture(d->still[v->i_still].frame);
}

/* Every still as a whole, then the close-up. @return their number */
static size_t choose_views(const struct cb_package_draft *d, struct view v[CB_OVERLAY_MARKS_MAX])
{
    size_t n = d->n_stills;
    for (size_t i = 0; i < n; i++) {
        v[i].i_still = i;
        const struct cb_picture *p = picture_of(d, &v[i]);
        v[i].from[0] = v[i].from[1] = 0;
        v[i].from[2] = p->width;
        v[i].from[3] = p->height;
    }
    return n + cb_package_find_closeup(d, &v[n].i_still, v[n].from);
}

static void mark(const struct cb_package_draft *d, const struct view *v, bool is_closeup,
                 struct cb_overlay_mark *m)
{
    const struct cb_box *b = &d->still[v->i_still].box;
    float s = (float) v->to[2] / (float) v->from[2], t = (float) v->to[3] / (float) v->from[3];
    char time[64];
    m->view = (struct cb_box){(float) v->to[0], (float) v->to[1], (float) v->to[2],
                              (float) v->to[3]};
    if (is_closeup) {
        snprintf(m->caption, sizeof m->caption, "特写 Close-up   %zu / %zu", v->i_still + 1,
                 d->n_stills);
        return;
    }
    m->box = (struct cb_box){(float) v->to[0] + b->x * s, (float) v->to[1] + b->y * t, b->w * s,
                             b->h * t};
    cb_overlay_print_time(&d->record.violation, d->still[v->i_still].t_ns, time, sizeof time);
    snprintf(m->caption, sizeof m->caption, "%zu / %zu   %s", v->i_still + 1, d->n_stills, time);
}

/* The label that fill has for a still's box goes to the box in each still. */
static void fill(const struct cb_package_draft *d, const struct view *v, size_t n_views,
                 struct cb_overlay *o)
{
    cb_overlay_fill(o, &d->record, d->record.violation.t_ns, 0, 0, d->samples_sha256);
    const struct cb_overlay_mark label = o->mark[0], none = {0};
    for (o->n_marks = 0; o->n_marks < n_views; o->n_marks++) {
        bool is_closeup = o->n_marks == d->n_stills;
        o->mark[o->n_marks] = is_closeup ? none : label;
        mark(d, &v[o->n_marks], is_closeup, &o->mark[o->n_marks]);
    }
}

static int paint(struct cb_package_draft *d, const struct view *v, size_t n_views,
                 const struct cb_overlay_image *image, int width)
{
    struct cb_canvas c;
    size_t stride_px;
    const uint32_t *argb = cb_overlay_image_pixels(image, &stride_px);
    int r = cb_canvas_init(&c, picture_of(d, &v[0]), width, cb_overlay_image_height(image));
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n_views; i++)
        r = cb_canvas_put_scaled(&c, picture_of(d, &v[i]), v[i].from, v[i].to);
    cb_canvas_blend(&c, argb, stride_px);
    if (r == 0)
        r = cb_package_add_jpeg(d, &c, QUALITY, "composed.jpg", "composed");
    cb_canvas_deinit(&c);
    return r;
}

int cb_package_add_composed(struct cb_package_draft *d)
{
    struct view v[CB_OVERLAY_MARKS_MAX];
    struct cb_overlay o;
    struct cb_overlay_image *image = NULL;
    if (!d->n_stills)
        return 0; /* a noise of no vehicle */
    size_t n_views = choose_views(d, v);
    struct layout l = lay_out(picture_of(d, &v[0]), n_views);
    for (size_t i = 0; i < n_views; i++)
        place(&v[i], &l, i);
    fill(d, v, n_views, &o);
    int width = l.n_columns * l.w;
    int r = cb_overlay_draw(&o, width, l.n_rows * l.h, &image);
    if (r == 0)
        r = paint(d, v, n_views, image, width);
    cb_overlay_image_destroy(&image);
    if (r == -ENOMEM)
        cb_error_set(d->reterr, r, "composed.jpg", "no memory for a picture of %d × %d", width,
                     l.n_rows * l.h);
    return r;
}
