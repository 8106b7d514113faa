#include "index.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Version 1. state: 0 waiting, 1 acknowledged, 2 set aside. dir: the folder's name in sealed/. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS package("
    " sequence INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " dir TEXT NOT NULL UNIQUE,"
    " n_bytes INTEGER NOT NULL,"
    " put_utc_ns INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT,"
    " acked_utc_ns INTEGER,"
    " has_media INTEGER NOT NULL DEFAULT 1,"
    " alert TEXT NOT NULL,"
    " is_announced INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX IF NOT EXISTS waiting ON package(sequence) WHERE state = 0;"
    "CREATE INDEX IF NOT EXISTS aside ON package(sequence) WHERE state = 2;"
    "CREATE INDEX IF NOT EXISTS unannounced ON package(sequence) WHERE is_announced = 0;"
    "CREATE INDEX IF NOT EXISTS due ON package(acked_utc_ns) WHERE state = 1 AND has_media = 1;"
    "CREATE INDEX IF NOT EXISTS media ON package(n_bytes) WHERE has_media = 1;"
    "CREATE TABLE IF NOT EXISTS minutes(number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " json TEXT NOT NULL);"
    "CREATE TEMP TABLE flight(sequence INTEGER PRIMARY KEY, n_tries INTEGER NOT NULL,"
    " not_before_ns INTEGER NOT NULL);"
    "PRAGMA user_version = 1;";

int cb_index_errno(sqlite3 *db)
{
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return -EROFS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    default:
        return sqlite3_system_errno(db) == ENOSPC ? -ENOSPC : -EIO;
    }
}

static int try_open(sqlite3 **ret, const char *file, struct cb_error *reterr)
{
    sqlite3 *db = NULL;
    int r = sqlite3_open_v2(file, &db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (r == SQLITE_OK) {
        sqlite3_busy_timeout(db, 5000);
        r = sqlite3_exec(db,
                         "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                         "PRAGMA temp_store = MEMORY;",
                         NULL, NULL, NULL);
    }
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, schema, NULL, NULL, NULL);
    if (r != SQLITE_OK) {
        int code = db ? cb_index_errno(db) : -ENOMEM;
        cb_error_set(reterr, code, file, "cannot be opened: %s",
                     db ? sqlite3_errmsg(db) : "no memory");
        sqlite3_close(db);
        return code;
    }
    *ret = db;
    return 0;
}

static bool is_sound(sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    bool is_ok = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL) == SQLITE_OK &&
                 sqlite3_step(s) == SQLITE_ROW &&
                 !strcmp((const char *) sqlite3_column_text(s, 0), "ok");
    sqlite3_finalize(s);
    return is_ok;
}

static int move_aside(const char *file, struct cb_error *reterr)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char from[4096], to[4096];
    for (size_t i = 0; i < CB_LEN(parts); i++) {
        snprintf(from, sizeof from, "%s%s", file, parts[i]);
        snprintf(to, sizeof to, "%s.damaged%s", file, parts[i]);
        if (rename(from, to) < 0 && errno != ENOENT)
            return cb_error_set(reterr, -errno, from, "is damaged and cannot be moved aside: %s",
                                strerror(errno));
    }
    return 0;
}

int cb_index_open(sqlite3 **ret, const char *file, struct cb_error *reterr)
{
    sqlite3 *db = NULL;
    int r = try_open(&db, file, reterr);
    if (r == 0 && !is_sound(db)) {
        sqlite3_close(db);
        r = -EUCLEAN;
    }
    if (r == -EUCLEAN) {
        if ((r = move_aside(file, reterr)) == 0)
            r = try_open(&db, file, reterr);
    }
    if (r == 0)
        *ret = db;
    return r;
}

static int prepare(sqlite3 *db, sqlite3_stmt **ret, const char *sql, const char *types, va_list ap)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return cb_index_errno(db);
    for (int i = 0; types[i]; i++) {
        int r = types[i] == 'i'
                    ? sqlite3_bind_int64(s, i + 1, va_arg(ap, sqlite3_int64))
                    : sqlite3_bind_text(s, i + 1, va_arg(ap, const char *), -1, SQLITE_STATIC);
        if (r != SQLITE_OK) {
            sqlite3_finalize(s);
            return cb_index_errno(db);
        }
    }
    *ret = s;
    return 0;
}

int cb_index_prepare(sqlite3 *db, sqlite3_stmt **ret, const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int r = prepare(db, ret, sql, types, ap);
    va_end(ap);
    return r;
}

int cb_index_run(sqlite3 *db, int *ret_n_changed, const char *sql, const char *types, ...)
{
    va_list ap;
    sqlite3_stmt *s = NULL;
    va_start(ap, types);
    int r = prepare(db, &s, sql, types, ap);
    va_end(ap);
    if (r < 0)
        return r;
    if (sqlite3_step(s) != SQLITE_DONE)
        r = cb_index_errno(db);
    else if (ret_n_changed)
        *ret_n_changed = sqlite3_changes(db);
    sqlite3_finalize(s);
    return r;
}

int cb_index_retry_set_aside(sqlite3 *db, int *ret_n)
{
    return cb_index_run(db, ret_n, "UPDATE package SET state = 0, reason = NULL WHERE state = 2",
                        "");
}

int64_t cb_index_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t v = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        v = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return v;
}

char *cb_index_text(sqlite3_stmt *s, int column)
{
    const unsigned char *text = sqlite3_column_text(s, column);
    return text ? strdup((const char *) text) : NULL;
}
