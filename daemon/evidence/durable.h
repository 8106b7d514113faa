#ifndef EVIDENCE_DURABLE_H
#define EVIDENCE_DURABLE_H

#include <stddef.h>
#include <stdint.h>

#include "schema/id.h"

/** Creates dir_fd/name (it must not be there), writes n bytes, fsyncs. @return 0; -errno */
int cb_durable_write(int dir_fd, const char *name, const void *bytes, size_t n, unsigned mode);
/** SHA-256 of a short text; of files hash/sha256.h. */
void cb_durable_hash_bytes(const void *bytes, size_t n, char ret_sha256[CB_SHA256_LEN]);
/** All of a file of at most n_max bytes, with a '\0' behind; yours. @return 0; -EFBIG; -errno */
int cb_durable_read(int dir_fd, const char *name, size_t n_max, char **ret, size_t *ret_n);
/** The same of an open file, from where it stands. */
int cb_durable_read_fd(int fd, size_t n_max, char **ret, size_t *ret_n);
/** Removes the folder dir_fd/name with the files in it (no folders). @return 0; -errno */
int cb_durable_remove_dir(int dir_fd, const char *name);

#endif
