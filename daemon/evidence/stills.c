#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/frame.h"
#include "canvas.h"
#include "overlay.h"
#include "package.h"

#define STILL_QUALITY   92
#define CLOSEUP_QUALITY 95
#define PICTURE_PX_MAX  16384 /* of a side; JPEG itself ends at 65500 */

static bool is_had_already(const struct cb_package_draft *d, int64_t t_ns)
{
    for (size_t i = 0; i < d->n_stills; i++)
        if (d->still[i].t_ns == t_ns)
            return true;
    return false;
}

/* One picture that was wished for; a second wish for the same picture shows nothing new. */
static int fetch(struct cb_package_draft *d, const struct cb_still_wish *w, const char **ret_why)
{
    const struct cb_still_source *from = d->request->stills;
    struct cb_frame *f = NULL;
    int r = from && from->at ? from->at(from->self, w->t_ns, &f) : -ENODATA;
    if (r < 0) {
        *ret_why = r == -ENODATA ? "is no longer kept" : strerror(-r);
        return r == -ENOMEM ? r : 0;
    }
    const struct cb_picture *p = cb_frame_picture(f);
    bool is_sane = p->width > 0 && p->height > 0 && p->width <= PICTURE_PX_MAX &&
                   p->height <= PICTURE_PX_MAX && p->plane[0];
    if (!is_sane || is_had_already(d, p->t_ns)) {
        *ret_why = is_sane ? "is the same picture as another" : "has an impossible size";
        cb_frame_unref(&f);
        return 0;
    }
    d->still[d->n_stills].frame = f;
    d->still[d->n_stills].t_ns = p->t_ns;
    d->still[d->n_stills++].box = w->box;
    return 0;
}

/* A fifth more than the box on each side, inside the picture, from an even pixel. */
static bool closeup_in(const struct cb_picture *p, const struct cb_box *b, int ret[4])
{
    double mx = (double) b->w * 0.2, my = (double) b->h * 0.2;
    double x0 = fmax((double) b->x - mx, 0), y0 = fmax((double) b->y - my, 0);
    double x1 = fmin((double) (b->x + b->w) + mx, p->width);
    double y1 = fmin((double) (b->y + b->h) + my, p->height);
    if (!(x1 - x0 >= 8 && y1 - y0 >= 8)) /* also NaN, and boxes outside the picture */
        return false;
    ret[0] = (int) x0 & ~3;
    ret[1] = (int) y0 & ~3;
    ret[2] = (int) x1 - ret[0];
    ret[3] = (int) y1 - ret[1];
    return true;
}

bool cb_package_find_closeup(const struct cb_package_draft *d, size_t *ret_i, int ret[4])
{
    size_t largest = 0;
    for (size_t i = 1; i < d->n_stills; i++)
        if (d->still[i].box.w * d->still[i].box.h >
            d->still[largest].box.w * d->still[largest].box.h)
            largest = i;
    *ret_i = largest;
    return d->n_stills && closeup_in(cb_frame_picture(d->still[largest].frame),
                                     &d->still[largest].box, ret);
}

static int note_no_closeup(struct cb_package_draft *d)
{
    size_t i;
    int at[4];
    if (!d->n_stills || cb_package_find_closeup(d, &i, at))
        return 0;
    return cb_package_note_missing(d, "closeup", "no box of the vehicle lies in a picture");
}

int cb_package_fetch_stills(struct cb_package_draft *d)
{
    const struct cb_violation *v = d->request->violation;
    size_t n_needed = v->track >= 0 || v->kind != CB_MODIFIED_EXHAUST ? 2 : 0;
    const char *why = NULL;
    for (size_t i = 0; i < v->n_stills; i++) {
        char note[128];
        const char *why_not = NULL;
        int r = fetch(d, &v->still[i], &why_not);
        if (r < 0)
            return cb_error_set(d->reterr, r, v->camera, "no memory for a still");
        if (!why_not)
            continue;
        why = why_not;
        snprintf(note, sizeof note, "the picture at %.3f s %s", (double) v->still[i].t_ns * 1e-9,
                 why);
        if ((r = cb_package_note_missing(d, "still", note)) < 0)
            return r;
    }
    if (d->n_stills >= n_needed)
        return note_no_closeup(d);
    return cb_error_set(d->reterr, -ENODATA, v->camera,
                        "has %zu of at least %zu stills that show track %lld: %zu were wished for"
                        "%s%s",
                        d->n_stills, n_needed, (long long) v->track, v->n_stills,
                        why ? ", one " : "", why ? why : "");
}

void cb_package_drop_stills(struct cb_package_draft *d)
{
    for (size_t i = 0; i < d->n_stills; i++)
        cb_frame_unref(&d->still[i].frame);
    d->n_stills = 0;
}

int cb_package_add_jpeg(struct cb_package_draft *d, const struct cb_canvas *c, int quality,
                        const char *name, const char *role)
{
    uint8_t *jpeg;
    size_t n;
    int r = cb_canvas_jpeg(c, quality, &jpeg, &n);
    if (r < 0)
        return cb_error_set(d->reterr, r, name, "cannot be encoded");
    r = cb_package_add(d, name, "image/jpeg", role, jpeg, n);
    cb_canvas_free_jpeg(jpeg);
    return r;
}

/* The whole picture at its own resolution, the data below it, the vehicle marked in it. */
static int add_still(struct cb_package_draft *d, size_t i)
{
    const struct cb_picture *p = cb_frame_picture(d->still[i].frame);
    struct cb_overlay o;
    struct cb_overlay_image *image = NULL;
    struct cb_canvas c = {0};
    char name[32];
    cb_overlay_fill(&o, &d->record, d->still[i].t_ns, i, d->n_stills, d->samples_sha256);
    o.mark[0].box = d->still[i].box;
    int r = cb_overlay_draw(&o, p->width, p->height, &image);
    if (r == 0)
        r = cb_canvas_init(&c, p, p->width, cb_overlay_image_height(image));
    if (r == 0) {
        size_t stride_px;
        const uint32_t *argb = cb_overlay_image_pixels(image, &stride_px);
        cb_canvas_put(&c, p, 0, 0, p->width, p->height);
        cb_canvas_blend(&c, argb, stride_px);
        snprintf(name, sizeof name, "still-%zu.jpg", i + 1);
        r = cb_package_add_jpeg(d, &c, STILL_QUALITY, name, "still");
    } else {
        cb_error_set(d->reterr, r, "still", "no memory for a picture of %d × %d", p->width,
                     p->height);
    }
    cb_canvas_deinit(&c);
    cb_overlay_image_destroy(&image);
    return r;
}

/* The vehicle as the camera saw it, from the still that shows it largest; nothing is drawn. */
static int add_closeup(struct cb_package_draft *d)
{
    struct cb_canvas c;
    size_t i;
    int at[4];
    if (!cb_package_find_closeup(d, &i, at))
        return 0; /* noted as missing when the stills were fetched */
    const struct cb_picture *p = cb_frame_picture(d->still[i].frame);
    int r = cb_canvas_init(&c, p, at[2], at[3]);
    if (r < 0)
        return cb_error_set(d->reterr, r, "closeup", "no memory");
    cb_canvas_put(&c, p, at[0], at[1], at[2], at[3]);
    r = cb_package_add_jpeg(d, &c, CLOSEUP_QUALITY, "closeup.jpg", "closeup");
    cb_canvas_deinit(&c);
    return r;
}

int cb_package_add_stills(struct cb_package_draft *d)
{
    for (size_t i = 0; i < d->n_stills; i++) {
        int r = add_still(d, i);
        if (r < 0)
            return r;
    }
    return add_closeup(d);
}
