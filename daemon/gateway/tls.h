#ifndef DAEMON_GATEWAY_TLS_H
#define DAEMON_GATEWAY_TLS_H

#include <stdbool.h>

#include "base/err.h"

/* 1.0 and 1.1 are no longer to be used (RFC 8996). GnuTLS's words. */
#define CB_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/** The files that are to prove who the gateway is: their names, and their text. */
struct cb_tls_files {
    const char *certificate_path, *key_path;
    const char *certificate, *key;
};

/**
 * Whether these are a certificate and its secret key, which nobody else would say before the first
 * browser fails.
 * @param ret_is_over the certificate's last day has passed
 * @return 0; -EINVAL: reterr names the file and what was expected
 */
int cb_tls_check(const struct cb_tls_files *f, bool *ret_is_over, struct cb_error *reterr);

#endif
