#ifndef HASH_CERTIFICATE_H
#define HASH_CERTIFICATE_H

#include <stdbool.h>

#include "base/err.h"

/** The files by which a server proves who it is: their names, and their text. */
struct cb_certificate_files {
    const char *certificate_path, *key_path;
    const char *certificate, *key;
};

/**
 * Whether these are a certificate and its secret key, which nobody else would say before the first
 * browser fails.
 * @param ret_is_over the certificate's last day has passed
 * @return 0; -EINVAL: reterr names the file and what was expected
 */
int cb_certificate_check(const struct cb_certificate_files *f, bool *ret_is_over, struct cb_error *reterr);

#endif
