#ifndef DAEMON_STORE_MEDIA_H
#define DAEMON_STORE_MEDIA_H

#include <stddef.h>

#include "base/err.h"
#include "schema/id.h"

/**
 * Private to the store: a folder in which a file's name is the SHA-256 of its bytes, so that the
 * same bytes are kept once and a second delivery finds them there: ab/cdef…
 */

/** Makes the folder and its temporary one. @return 0; -errno */
int cb_media_open(const char *dir, int *ret_fd, struct cb_error *reterr);
/**
 * On 0 the bytes are on disk under their name, and so is the name. @return -ENOSPC, -EIO, …
 */
int cb_media_put(int dir_fd, const char sha256[CB_SHA256_LEN], const void *bytes, size_t n,
                 struct cb_error *reterr);

#endif
