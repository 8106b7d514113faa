#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "schema/package.h"

struct cb_store_opts {
    const char *conninfo;  /* libpq's, a login with the rights of citybrain_writer */
    const char *media_dir; /* made when absent */
    /* Ed25519 public keys of the nodes whose records are taken, hex; none: any that signs. */
    const char (*trusted)[CB_KEY_LEN];
    size_t n_trusted;
    int answer_timeout_ms; /* 0: 20000; PostgreSQL counts as away when it says nothing this long */
};

struct cb_store_stats {
    bool is_connected;
    uint64_t n_stored, n_again; /* packages; again: it was stored before */
    uint64_t n_refused, n_deferred, n_minutes, n_media_bytes;
};

/** PostgreSQL and the media folder. One thread at a time; stats and trust from any. */
struct cb_store;
/**
 * PostgreSQL need not be there yet. Strings and keys are copied.
 * @return 0; -EINVAL (connection string, key), -errno of the folder: reterr names it
 */
int cb_store_create(struct cb_store **ret, const struct cb_store_opts *opts,
                    struct cb_error *reterr);
/** Takes NULL. */
void cb_store_destroy(struct cb_store **s);

/** So many packages at most go into one transaction. */
#define CB_STORE_BATCH_MAX 32
/**
 * Verifies packages and stores them, up to CB_STORE_BATCH_MAX in one transaction: media first
 * (written, synced, named), then all rows, then COMMIT, on a synchronous standby too where there is
 * one. Each has a verdict of its own: what is wrong with one does not touch its neighbours. The
 * same package again changes nothing and is 0.
 * @param ret  n verdicts: 0: committed and on disk; -EBADMSG: it can never be stored (no record,
 *             wrong hash or signature, untrusted key, another record under its id); -EAGAIN:
 *             PostgreSQL is away; -ENOSPC, …
 */
void cb_store_put(struct cb_store *s, const struct cb_package *const *p, size_t n,
                  struct cb_package_verdict *ret);
/** A JSON array of traffic minutes (schema/minute.h). @return as a verdict of cb_store_put */
int cb_store_put_minutes(struct cb_store *s, const char *json, size_t n, struct cb_error *reterr);

/**
 * Another list of keys, from the next cb_store_put on; n 0: any that signs. Copied. From any thread.
 * @return 0; -EINVAL: a key is none; -ENOMEM
 */
int cb_store_trust(struct cb_store *s, const char (*key)[CB_KEY_LEN], size_t n,
                   struct cb_error *reterr);

/** A JSON array of cameras as they are now (schema/camera_state.h); what cannot be stored is
 *  forgotten, the next one says more. */
void cb_store_put_cameras(struct cb_store *s, const char *json, size_t n);

/** Whether PostgreSQL can be asked now; connects again where it is time to try. @return 0; -EAGAIN */
int cb_store_is_ready(struct cb_store *s);

struct cb_store_stats cb_store_stats(struct cb_store *s);
/** Prometheus text; self is the struct cb_store. */
void cb_store_print_metrics(void *self, FILE *out);

/**
 * Ed25519 public keys, one in hex a line, then perhaps a name; '#' begins a comment.
 * @return 0: *ret is yours to free; -EINVAL, -ENOENT, …: reterr names file and line
 */
int cb_store_load_trusted(const char *file, char (**ret)[CB_KEY_LEN], size_t *ret_n,
                          struct cb_error *reterr);

#endif
