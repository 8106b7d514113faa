#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cb_free_at(void *p)
{
    free(*(void **) p);
}
static inline void cb_close_at(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
/** The local is freed when it leaves scope; hand the result out by stealing (set it to NULL). */
#define CB_AUTO_FREE __attribute__((cleanup(cb_free_at)))
/** The file descriptor is closed when it leaves scope, unless it is negative. */
#define CB_AUTO_CLOSE __attribute__((cleanup(cb_close_at)))

#define CB_LEN(array) (sizeof(array) / sizeof((array)[0]))

/** n bytes aligned to 64 (a cache line, any SIMD load); free() it. NULL when out of memory. */
void *cb_alloc_aligned(size_t n);

/**
 * Makes room for at least n items of `size` bytes in *p; grows by doubling.
 * @return 0; -ENOMEM, *p and *cap untouched
 */
int cb_grow(void **p, size_t *cap, size_t n, size_t size);

/** "dir/name", yours to free. @return 0 or -ENOMEM */
int cb_path_join(const char *dir, const char *name, char **ret);

#endif
