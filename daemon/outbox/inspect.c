#include "outbox/inspect.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "index.h"

#define STATES_SQL                                                                                 \
    "SELECT coalesce(sum(state = 0), 0), coalesce(sum(state = 2), 0),"                             \
    " coalesce(sum(state = 1), 0), coalesce(sum(is_announced = 0), 0),"                            \
    " coalesce(sum(n_bytes * has_media), 0), coalesce(min(CASE state WHEN 0 THEN put_utc_ns END)," \
    " 0), (SELECT count(*) FROM minutes) FROM package"
#define ENTRIES_SQL                                                                                \
    "SELECT id, dir, sequence, n_bytes, put_utc_ns, state, reason FROM package WHERE state <> 1"   \
    " ORDER BY sequence"

static int fail(sqlite3 *db, const char *file, struct cb_error *reterr)
{
    return cb_error_set(reterr, cb_index_errno(db), file, "cannot be read: %s",
                        db ? sqlite3_errmsg(db) : "no memory");
}

/* An index that is there: no file is made for a mistyped folder. */
static int open_index(sqlite3 **ret, const char *data_dir, char **ret_file, struct cb_error *reterr)
{
    CB_AUTO_FREE char *file = NULL;
    sqlite3 *db = NULL;
    int r = cb_path_join(data_dir, "outbox.db", &file);
    if (r < 0)
        return r;
    if (access(file, F_OK) < 0)
        return cb_error_set(reterr, -errno, file, "%s; expected a node's data folder",
                            strerror(errno));
    if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK ||
        sqlite3_busy_timeout(db, 5000) != SQLITE_OK) {
        r = fail(db, file, reterr);
        sqlite3_close(db);
        return r;
    }
    *ret = db;
    *ret_file = file;
    file = NULL;
    return 0;
}

static int read_depth(sqlite3 *db, struct cb_outbox_depth *ret)
{
    sqlite3_stmt *s = NULL;
    int r = cb_index_prepare(db, &s, STATES_SQL, "");
    if (r == 0 && sqlite3_step(s) != SQLITE_ROW)
        r = cb_index_errno(db);
    if (r == 0)
        *ret = (struct cb_outbox_depth){
            .n_waiting = (uint64_t) sqlite3_column_int64(s, 0),
            .n_set_aside = (uint64_t) sqlite3_column_int64(s, 1),
            .n_delivered = (uint64_t) sqlite3_column_int64(s, 2),
            .n_unannounced = (uint64_t) sqlite3_column_int64(s, 3),
            .n_bytes = (uint64_t) sqlite3_column_int64(s, 4),
            .oldest_put_utc_ns = sqlite3_column_int64(s, 5),
            .n_minutes = (uint64_t) sqlite3_column_int64(s, 6),
        };
    sqlite3_finalize(s);
    return r;
}

static const char *text(sqlite3_stmt *s, int column)
{
    return (const char *) sqlite3_column_text(s, column);
}

/* *ret_r: what on_entry said. @return 0; < 0: the index cannot be read */
static int give_entries(sqlite3 *db, int (*on_entry)(void *arg, const struct cb_outbox_entry *e),
                        void *arg, int *ret_r)
{
    sqlite3_stmt *s = NULL;
    int step = SQLITE_ROW, r = cb_index_prepare(db, &s, ENTRIES_SQL, "");
    while (r == 0 && *ret_r >= 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
        struct cb_outbox_entry e = {
            .id = text(s, 0),
            .dir = text(s, 1),
            .sequence = (uint64_t) sqlite3_column_int64(s, 2),
            .n_bytes = (uint64_t) sqlite3_column_int64(s, 3),
            .put_utc_ns = sqlite3_column_int64(s, 4),
            .is_set_aside = sqlite3_column_int(s, 5) == 2,
            .reason = text(s, 6),
        };
        *ret_r = on_entry(arg, &e);
    }
    if (r == 0 && *ret_r >= 0 && step != SQLITE_DONE)
        r = cb_index_errno(db);
    sqlite3_finalize(s);
    return r;
}

int cb_outbox_inspect(const char *data_dir, struct cb_outbox_depth *ret,
                      int (*on_entry)(void *arg, const struct cb_outbox_entry *e), void *arg,
                      struct cb_error *reterr)
{
    CB_AUTO_FREE char *file = NULL;
    sqlite3 *db = NULL;
    struct cb_outbox_depth depth = {0};
    int told = 0, r = open_index(&db, data_dir, &file, reterr);
    if (r < 0)
        return r;
    if (sqlite3_exec(db, "PRAGMA query_only = 1; BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
        read_depth(db, &depth) < 0 || (on_entry && give_entries(db, on_entry, arg, &told) < 0))
        r = fail(db, file, reterr);
    sqlite3_close(db);
    if (r == 0)
        *ret = depth;
    return r < 0 ? r : told < 0 ? told : 0;
}

int cb_outbox_inspect_retry(const char *data_dir, uint64_t *ret_n, struct cb_error *reterr)
{
    CB_AUTO_FREE char *file = NULL;
    sqlite3 *db = NULL;
    int n = 0, r = open_index(&db, data_dir, &file, reterr);
    if (r < 0)
        return r;
    r = cb_index_retry_set_aside(db, &n);
    if (r < 0)
        fail(db, file, reterr);
    sqlite3_close(db);
    *ret_n = (uint64_t) n;
    return r;
}
