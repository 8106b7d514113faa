#ifndef OUTBOX_INDEX_H
#define OUTBOX_INDEX_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/**
 * Opens or makes the index. One that is no database any more is moved aside as
 * outbox.db.damaged and made anew: the folders refill it.
 */
int cb_index_open(sqlite3 **ret, const char *file, struct cb_error *reterr);
/** -errno of SQLite's last failure. */
int cb_index_errno(sqlite3 *db);
/**
 * Prepares and binds: 'i' a uint64_t or int64_t, 't' a text (NULL is fine), lent until finalize.
 * @return 0; -errno
 */
int cb_index_prepare(sqlite3 *db, sqlite3_stmt **ret, const char *sql, const char *types, ...);
/** Runs a statement of no result. *ret_n_changed may be NULL. */
int cb_index_run(sqlite3 *db, int *ret_n_changed, const char *sql, const char *types, ...);
/** The first column of the first row; 0 when there is none. */
int64_t cb_index_number(sqlite3 *db, const char *sql);
/** A text column, yours; NULL when out of memory. */
char *cb_index_text(sqlite3_stmt *s, int column);

/** All that was set aside waits again. */
int cb_index_retry_set_aside(sqlite3 *db, int *ret_n);

#endif
