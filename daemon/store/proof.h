#ifndef DAEMON_STORE_PROOF_H
#define DAEMON_STORE_PROOF_H

#include "schema/package.h"

/** Private to the store: whether a package is what its signature says. Pure. */

/** A package that is believed. */
struct cb_proven {
    struct cb_evidence record;
    char record_sha256[CB_SHA256_LEN];
    char signature[CB_SIGNATURE_LEN];
    const struct cb_package_file *file[CB_EVIDENCE_FILES_MAX]; /* of record.file[i]; lent */
};

/**
 * The record parses, has the package's id, is signed by its key, that key is trusted (n_trusted 0:
 * any is), and each file it lists is there with its length and hash. Files it does not list are
 * no part of it.
 * @return 0: deinit ret->record; -EBADMSG: reterr says what is wrong; -ENOMEM
 */
int cb_prove(const struct cb_package *p, const char (*trusted)[CB_KEY_LEN], size_t n_trusted,
             struct cb_proven *ret, struct cb_error *reterr);

/** The same of the record and its signature alone: no file is looked at. */
int cb_prove_record(const struct cb_package *p, const char (*trusted)[CB_KEY_LEN], size_t n_trusted,
                    struct cb_proven *ret, struct cb_error *reterr);

#endif
