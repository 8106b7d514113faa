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
