#ifndef HASH_SHA256_H
#define HASH_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "schema/id.h"

/**
 * SHA-256 of what is large: clips and stills. By libcrypto, which has the processor's own instructions
 * for it (1.5 GB/s where libsodium's C gives 0.2). Thread-safe. @return 0; -ENOMEM
 */
int cb_sha256(const void *bytes, size_t n, char ret[CB_SHA256_LEN]);
/** Of a whole file, from its start; its offset stays. @return 0; -ENOMEM; -errno of reading */
int cb_sha256_file(int fd, char ret[CB_SHA256_LEN], uint64_t *ret_n_bytes);

#endif
