#ifndef EVIDENCE_KEY_H
#define EVIDENCE_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "schema/id.h"

/** An Ed25519 key pair in memory that is neither swapped nor dumped. */
struct cb_key;

/**
 * Reads a secret key: one line, 64 hex digits (the seed). The file must be its owner's alone.
 * @return 0; -EACCES: others may read or write it; -EINVAL: not such a line; -errno of reading
 */
int cb_key_load(struct cb_key **ret, const char *file, struct cb_error *reterr);
/**
 * Makes a pair and writes the two new files NAME.key (0600) and NAME.pub. Never overwrites.
 * @return 0; -EEXIST; -errno of writing
 */
int cb_key_generate(const char *name, char ret_public[CB_KEY_LEN], struct cb_error *reterr);
/** Wipes it. Takes NULL. */
void cb_key_destroy(struct cb_key **k);
/** Hex, as long as the key lives. */
const char *cb_key_public(const struct cb_key *k);
/** Hex signature of n bytes. */
void cb_key_sign(const struct cb_key *k, const void *bytes, size_t n, char ret[CB_SIGNATURE_LEN]);
/** Public key from 64 hex digits or from a file that holds them. @return 0; -EINVAL; -errno */
int cb_key_load_public(const char *hex_or_file, char ret[CB_KEY_LEN], struct cb_error *reterr);
/** False also for anything that is not hex of the right length. */
bool cb_key_is_signature_of(const char *public_key, const char *signature, const void *bytes,
                            size_t n);

#endif
