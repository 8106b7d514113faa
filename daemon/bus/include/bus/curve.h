#ifndef BUS_CURVE_H
#define BUS_CURVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define CB_BUS_KEY_LEN 41 /* Z85 of 32 bytes and the end */

/** One whom a server lets in. */
struct cb_bus_reader {
    char key[CB_BUS_KEY_LEN];
    char **district; /* as topics spell them: whose alerts it gets; NULL: all */
    size_t n_districts;
};

/**
 * A host's keys for its tcp endpoints (CURVE, rfc.zeromq.org/spec/26). A value; deinit frees what
 * it holds. A server needs its own pair and whom it lets in; a client its own pair and the
 * server's public key.
 */
struct cb_bus_curve {
    char public_key[CB_BUS_KEY_LEN], secret_key[CB_BUS_KEY_LEN];
    char server_key[CB_BUS_KEY_LEN]; /* "" : connects to no tcp endpoint */
    struct cb_bus_reader *allowed;
    size_t n_allowed; /* 0: nobody is let in */
};

/**
 * key_file: lines `public KEY` and `secret KEY`, as cb_bus_keys_write makes it; refused when
 * others than its owner can read it. allow_file: one public key a line, then perhaps a name, then
 * perhaps `districts=A,B` up to the line's end; empty lines and lines that begin with "# " are
 * skipped; NULL: nobody. server_file: the server's public key, alone or behind the word `public`;
 * NULL: none.
 * @return 0; -EINVAL, -EACCES, -ENOENT, …: reterr names file, line and what was expected
 */
int cb_bus_curve_load(struct cb_bus_curve *ret, const char *key_file, const char *allow_file,
                      const char *server_file, struct cb_error *reterr);
/** @return 0; -ENOMEM, ret untouched */
int cb_bus_curve_copy(const struct cb_bus_curve *from, struct cb_bus_curve *ret);
/** Each gets the other's list. */
void cb_bus_curve_exchange_allowed(struct cb_bus_curve *a, struct cb_bus_curve *b);
/** Whether every key of `from` is still let in by `to`, to all that it may have now. */
bool cb_bus_curve_keeps(const struct cb_bus_curve *from, const struct cb_bus_curve *to);
/** Whether that key may have what is of the district; NULL: all, whatever the district. A key that
 *  stands on several lines may have what any of them says. */
bool cb_bus_curve_may(const struct cb_bus_curve *c, const char *key, const char *district);
/** Wipes the secret. Takes an empty one. */
void cb_bus_curve_deinit(struct cb_bus_curve *c);

/** Makes a pair and writes it to a new file, mode 0600. @return 0; -EEXIST, … */
int cb_bus_keys_write(const char *key_file, char ret_public[CB_BUS_KEY_LEN],
                      struct cb_error *reterr);
/** 40 characters of Z85 that stand for 32 bytes. */
int cb_bus_key_check(const char *key);

#endif
