#ifndef DAEMON_STORE_MEDIA_H
#define DAEMON_STORE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/id.h"

/**
 * Private to the store: a folder in which a file's name is the SHA-256 of its bytes, so that the
 * same bytes are kept once and a second delivery finds them there: ab/cdef…
 */

/** Makes the folder and its temporary one. @return 0; -errno */
int cb_media_open(const char *dir, int *ret_fd, struct cb_error *reterr);
/** Bytes and their name; all is lent. */
struct cb_media_item {
    const char *sha256;
    const void *bytes;
    size_t n_bytes;
};
/**
 * On 0 all items are on disk under their names, and so are the names; what is there already is not
 * written again. Otherwise some may be. Several stores may write to one folder.
 * @return -ENOSPC, -EIO, …
 */
int cb_media_put(int dir_fd, const struct cb_media_item *item, size_t n, struct cb_error *reterr);

/**
 * PostgreSQL's advisory lock over the folder: a store holds it shared from before a file is written
 * until the row that names it is committed, a sweep holds it alone.
 */
#define CB_MEDIA_LOCK "1667395181" /* "cbmm" */

struct cb_media_sweep {
    bool (*is_in_use)(void *arg, const char *sha256);
    void *arg;
    bool is_dry;               /* counts, removes nothing */
    uint64_t n_files, n_bytes; /* what was not in use */
};
/** Removes the files of one sub-folder, "00" to "ff", that are not in use. The caller holds the
 *  lock. What is named otherwise is not ours and stays. @return 0, also without the sub-folder;
 *  -errno */
int cb_media_sweep(int dir_fd, const char *sub, struct cb_media_sweep *w, struct cb_error *reterr);
/** Removes temporary files that nobody has written to for a day. */
int cb_media_sweep_left_over(int dir_fd, bool is_dry, uint64_t *ret_n, struct cb_error *reterr);

#endif
