#include "base/frame.h"

#include <stdlib.h>

struct cb_frame {
    struct cb_picture picture;
    void (*release)(void *owner);
    void *owner;
    int refs; /* atomic */
};

struct cb_frame *cb_frame_wrap(const struct cb_picture *p, void (*release)(void *owner),
                               void *owner)
{
    struct cb_frame *f = malloc(sizeof *f);
    if (f)
        *f = (struct cb_frame){*p, release, owner, 1};
    return f;
}

struct cb_frame *cb_frame_ref(const struct cb_frame *frame)
{
    struct cb_frame *f = (struct cb_frame *) frame; /* the count is not part of the picture */
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
    return f;
}

void cb_frame_unref(struct cb_frame **frame)
{
    struct cb_frame *f = *frame;
    if (!f)
        return;
    *frame = NULL;
    if (__atomic_fetch_sub(&f->refs, 1, __ATOMIC_ACQ_REL) == 1) {
        f->release(f->owner);
        free(f);
    }
}

const struct cb_picture *cb_frame_picture(const struct cb_frame *f)
{
    return &f->picture;
}

size_t cb_frame_n_bytes(const struct cb_frame *f)
{
    const struct cb_picture *p = &f->picture;
    size_t luma = (size_t) p->width * (size_t) p->height;
    if (!p->plane[1])
        return luma;
    return luma + 2 * (luma >> (p->chroma_shift_x + p->chroma_shift_y));
}

static unsigned clipped(double v)
{
    return v < 0 ? 0 : v > 255 ? 255 : (unsigned) (v + 0.5);
}

uint32_t cb_picture_rgb(const struct cb_picture *p, int x, int y)
{
    double l = p->plane[0][y * p->stride[0] + x], b = 0, r = 0;
    if (p->plane[1] && p->plane[2]) {
        ptrdiff_t cx = x >> p->chroma_shift_x, cy = y >> p->chroma_shift_y;
        b = p->plane[1][cy * p->stride[1] + cx] - 128.0;
        r = p->plane[2][cy * p->stride[2] + cx] - 128.0;
    }
    if (!p->is_full_range) {
        l = (l - 16) * 255 / 219;
        b *= 255.0 / 224;
        r *= 255.0 / 224;
    }
    return clipped(l + 1.402 * r) << 16 | clipped(l - 0.344136 * b - 0.714136 * r) << 8 |
           clipped(l + 1.772 * b);
}
