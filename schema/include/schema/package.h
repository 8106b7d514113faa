#ifndef SCHEMA_PACKAGE_H
#define SCHEMA_PACKAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/evidence.h"

struct cb_package_file {
    const char *name; /* "still-1.jpg": [A-Za-z0-9._-]{1,63}, no leading dot */
    const void *bytes;
    size_t n_bytes;
};

/**
 * A sealed package on its way from one node's outbox to the store: bytes, not yet believed.
 * Everything is lent by whoever received or read it.
 */
struct cb_package {
    const char *id; /* UUID */
    const char *record; /* record.json, n_record bytes, no end of string */
    size_t n_record;
    const char *signature; /* record.sig: hex */
    size_t n_signature;
    struct cb_package_file file[CB_EVIDENCE_FILES_MAX];
    size_t n_files;
};

/** What became of a package in the store. */
struct cb_package_verdict {
    /* 0: committed and on disk; -EBADMSG: it can never be stored; anything else: not now */
    int r;
    struct cb_error error; /* with r < 0 */
};

#endif
