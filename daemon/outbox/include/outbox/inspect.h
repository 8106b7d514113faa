#ifndef OUTBOX_INSPECT_H
#define OUTBOX_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/**
 * A look into a node's outbox from beside it, for people's tools. Safe while a daemon holds the
 * outbox: SQLite lets readers in beside its writer and writers in one after the other, and the
 * daemon asks the index anew for each package. Nothing is made, taken in or removed here.
 */

/** One package that was not delivered; the texts are lent for the call. */
struct cb_outbox_entry {
    const char *id, *dir; /* dir: the folder's name in data_dir/sealed */
    uint64_t sequence, n_bytes;
    int64_t put_utc_ns;
    bool is_set_aside;
    const char *reason; /* of what was set aside; NULL: none was given */
};

struct cb_outbox_depth {
    uint64_t n_waiting, n_set_aside, n_delivered, n_unannounced, n_minutes;
    uint64_t n_bytes;          /* of all packages whose media are there */
    int64_t oldest_put_utc_ns; /* of what waits; 0: nothing does */
};

/**
 * The figures, then each package that waits or was set aside, in sequence; all of one moment.
 * on_entry may be NULL.
 * @return 0; -ENOENT: no outbox is there; -EBUSY, -EIO, …: reterr names the file; or the first
 * value < 0 of on_entry
 */
int cb_outbox_inspect(const char *data_dir, struct cb_outbox_depth *ret,
                      int (*on_entry)(void *arg, const struct cb_outbox_entry *e), void *arg,
                      struct cb_error *reterr);
/** Lets all that was set aside wait again. Results as cb_outbox_inspect's. */
int cb_outbox_inspect_retry(const char *data_dir, uint64_t *ret_n, struct cb_error *reterr);

#endif
