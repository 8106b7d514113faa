#ifndef DAEMON_HASH_P256_H
#define DAEMON_HASH_P256_H

#include <openssl/evp.h>

#include "hash/webpush.h"

/** Private to hash/: points and keys of P-256 as they are sent. All return NULL when it is none. */
EVP_PKEY *cb_p256_from_public(const unsigned char point[CB_P256_PUBLIC_BYTES]);
/** Of a secret scalar, big-endian. */
EVP_PKEY *cb_p256_from_secret(const unsigned char scalar[CB_P256_SECRET_BYTES]);
EVP_PKEY *cb_p256_generate(void);
/** @return 0; -EINVAL: it is of another curve; -EIO */
int cb_p256_public(const EVP_PKEY *key, unsigned char ret[CB_P256_PUBLIC_BYTES]);

#endif
