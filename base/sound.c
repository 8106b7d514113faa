#include "base/sound.h"

#include <stdlib.h>

struct cb_sound {
    struct cb_samples samples;
    void (*release)(void *owner);
    void *owner;
    int refs; /* atomic */
};

struct cb_sound *cb_sound_wrap(const struct cb_samples *p, void (*release)(void *owner),
                               void *owner)
{
    struct cb_sound *s = malloc(sizeof *s);
    if (s)
        *s = (struct cb_sound){*p, release, owner, 1};
    return s;
}

struct cb_sound *cb_sound_ref(const struct cb_sound *sound)
{
    struct cb_sound *s = (struct cb_sound *) sound; /* the count is not part of the sound */
    __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void cb_sound_unref(struct cb_sound **sound)
{
    struct cb_sound *s = *sound;
    if (!s)
        return;
    *sound = NULL;
    if (__atomic_fetch_sub(&s->refs, 1, __ATOMIC_ACQ_REL) == 1) {
        s->release(s->owner);
        free(s);
    }
}

const struct cb_samples *cb_sound_samples(const struct cb_sound *s)
{
    return &s->samples;
}

size_t cb_sound_n_bytes(const struct cb_sound *s)
{
    return s->samples.n * (size_t) s->samples.n_channels * sizeof(float);
}
