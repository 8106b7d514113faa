#include "base/mem.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

void *cb_alloc_aligned(size_t n)
{
    if (n > SIZE_MAX - 63)
        return NULL;
    return aligned_alloc(64, (n + 63) / 64 * 64);
}

int cb_grow(void **p, size_t *cap, size_t n, size_t size)
{
    if (n <= *cap)
        return 0;
    size_t want = *cap ? *cap : 8;
    while (want < n) {
        if (want > SIZE_MAX / 2)
            return -ENOMEM;
        want *= 2;
    }
    size_t n_bytes;
    if (__builtin_mul_overflow(want, size, &n_bytes))
        return -ENOMEM;
    void *q = realloc(*p, n_bytes);
    if (!q)
        return -ENOMEM;
    *p = q;
    *cap = want;
    return 0;
}

int cb_path_join(const char *dir, const char *name, char **ret)
{
    char *s;
    if (asprintf(&s, "%s/%s", dir, name) < 0)
        return -ENOMEM;
    *ret = s;
    return 0;
}
