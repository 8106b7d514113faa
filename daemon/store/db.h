#ifndef DAEMON_STORE_DB_H
#define DAEMON_STORE_DB_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

/** Private to the store: one connection that comes back. One thread. */
struct cb_db {
    const char *conninfo; /* the owner's */
    int answer_timeout_ms;
    struct cb_log log;
    PGconn *conn;
    int64_t not_before_ns; /* monotonic: no attempt before */
    int64_t backoff_ms;
    bool is_told;          /* that it is away: one line, not one a try */
    char warning[200];     /* the server's newest, since a commit began */
    unsigned prepared;     /* statements that this connection knows, a bit each */
};

/** Connects if need be; does not wait while it backs off. @return 0; -EAGAIN */
int cb_db_ready(struct cb_db *db, struct cb_error *reterr);
/** Drops the connection and whatever was open in it. */
void cb_db_drop(struct cb_db *db);

/**
 * One statement, parameters as text (NULL: SQL NULL); without any (n is 0) it may be several, parted
 * by semicolons. Waits at most answer_timeout_ms.
 * @return 0: *ret is yours to PQclear (ret may be NULL); -EAGAIN: the connection is lost, and
 * dropped; -EBADMSG: the values can never be stored (SQLSTATE classes 22, 23); -EIO: any other
 * refusal, rights and missing tables too
 */
int cb_db_exec(struct cb_db *db, const char *sql, int n, const char *const *values, PGresult **ret,
               struct cb_error *reterr);

/**
 * The same for one that comes again and again: the server parses and plans it once a connection.
 * @param which  its number, [0, 31]
 */
int cb_db_exec_prepared(struct cb_db *db, unsigned which, const char *sql, int n,
                        const char *const *values, PGresult **ret, struct cb_error *reterr);

/**
 * The same statement with many rows of values, all sent before an answer is waited for: begin, send
 * each, end, which waits. Nothing else may be asked in between. The first row that fails is the
 * error, and none behind it was tried: so it belongs in a transaction.
 * @return as cb_db_exec; after an error of begin or send the pipeline is no more
 */
int cb_db_pipeline_begin(struct cb_db *db, unsigned which, const char *sql, int n,
                         struct cb_error *reterr);
int cb_db_pipeline_send(struct cb_db *db, unsigned which, int n, const char *const *values,
                        struct cb_error *reterr);
int cb_db_pipeline_end(struct cb_db *db, size_t n_sent, struct cb_error *reterr);

/**
 * Ends the transaction. On 0 it is durable, on a synchronous standby too where the server has one:
 * also if nothing was written, so that what it read is known to be durable as well.
 * @return 0; -EAGAIN: it is not known, and the connection is dropped
 */
int cb_db_commit(struct cb_db *db, struct cb_error *reterr);

/** An array as PostgreSQL reads it, of one type's elements as text. Zeroed: empty. */
struct cb_db_array {
    char *text;
    size_t n, cap;
};
/** NULL: SQL NULL. @return 0; -ENOMEM */
int cb_db_array_add(struct cb_db_array *a, const char *value);
/** Closes it. "{}" of an empty one. @return the text, the array's own; NULL: out of memory */
const char *cb_db_array_end(struct cb_db_array *a);
void cb_db_array_deinit(struct cb_db_array *a);

/** Connects for people's tools: one attempt, an own connection. Yours to PQfinish. */
int cb_db_connect(const char *conninfo, PGconn **ret, struct cb_error *reterr);
/** The server's words without their newline. */
void cb_db_message(const char *from, char *ret, size_t size);
/** "2026-11-23T10:00:00.123456Z", what timestamptz can hold. */
#define CB_DB_TIME_LEN 40
void cb_db_print_time(int64_t utc_ns, char ret[CB_DB_TIME_LEN]);

#endif
