#include "db.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define BACKOFF_MIN_MS 250
#define BACKOFF_MAX_MS 2000 /* edges wait for our word that it is back */
#define CONNECT_TIMEOUT_S "5"

/* What the promise "acknowledged after COMMIT and fsync" rests on, whatever the server's default. */
#define SESSION                                                                                    \
    "SET synchronous_commit = on; SET TimeZone = 'UTC'; SET client_min_messages = warning"

void cb_db_message(const char *from, char *ret, size_t size)
{
    size_t n = strcspn(from, "\n");
    if (n >= size)
        n = size - 1;
    memcpy(ret, from, n);
    ret[n] = '\0';
}

void cb_db_print_time(int64_t utc_ns, char ret[CB_DB_TIME_LEN])
{
    int64_t us = utc_ns / 1000;
    time_t s = (time_t) (us / 1000000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(ret, CB_DB_TIME_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret + n, CB_DB_TIME_LEN - n, ".%06dZ", (int) (us % 1000000));
}

static int fail(struct cb_error *reterr, int code, const char *words)
{
    char text[sizeof reterr->text];
    cb_db_message(words, text, sizeof text);
    return cb_error_set(reterr, code, "PostgreSQL", "%s", text);
}

/* The caller's own connect_timeout and application_name win: its string comes last. */
int cb_db_connect(const char *conninfo, PGconn **ret, struct cb_error *reterr)
{
    const char *const keys[] = {"connect_timeout", "fallback_application_name", "client_encoding",
                                "tcp_user_timeout", "dbname", NULL};
    const char *const values[] = {CONNECT_TIMEOUT_S, "citybrain", "UTF8", "20000", conninfo, NULL};
    PGconn *c = PQconnectdbParams(keys, values, 1);
    if (!c)
        return cb_error_set(reterr, -ENOMEM, "PostgreSQL", "out of memory");
    PGresult *r = NULL;
    if (PQstatus(c) != CONNECTION_OK || !(r = PQexec(c, SESSION)) ||
        PQresultStatus(r) != PGRES_COMMAND_OK) {
        fail(reterr, -EIO, PQerrorMessage(c));
        PQclear(r);
        PQfinish(c);
        return -EIO;
    }
    PQclear(r);
    *ret = c;
    return 0;
}

static void on_notice(void *arg, const PGresult *res)
{
    struct cb_db *db = arg;
    cb_db_message(PQresultErrorMessage(res), db->warning, sizeof db->warning);
}

void cb_db_drop(struct cb_db *db)
{
    PQfinish(db->conn);
    db->conn = NULL;
    db->prepared = 0;
}

int cb_db_ready(struct cb_db *db, struct cb_error *reterr)
{
    struct cb_error e = {0};
    if (db->conn && PQstatus(db->conn) == CONNECTION_OK)
        return 0;
    cb_db_drop(db);
    if (cb_clock_mono_ns() < db->not_before_ns)
        return cb_error_set(reterr, -EAGAIN, "PostgreSQL", "is away");
    if (cb_db_connect(db->conninfo, &db->conn, &e) == 0) {
        cb_info(db, "connected to PostgreSQL: host=%s", PQhost(db->conn));
        PQsetNoticeReceiver(db->conn, on_notice, db);
        db->backoff_ms = 0;
        db->is_told = false;
        return 0;
    }
    if (!db->is_told)
        cb_err(db, "PostgreSQL is away, evidence waits in the outboxes: %s", e.text);
    db->is_told = true;
    db->backoff_ms = db->backoff_ms ? db->backoff_ms * 2 : BACKOFF_MIN_MS;
    if (db->backoff_ms > BACKOFF_MAX_MS)
        db->backoff_ms = BACKOFF_MAX_MS;
    db->not_before_ns = cb_clock_mono_ns() + db->backoff_ms * CB_NS_PER_MS;
    return cb_error_set(reterr, -EAGAIN, "PostgreSQL", "%s", e.text);
}

/* libpq's own waits have no end: a server that is frozen, not gone, would hold up the store. */
static int wait_for_answer(struct cb_db *db)
{
    int64_t end_ns = cb_clock_mono_ns() + db->answer_timeout_ms * CB_NS_PER_MS;
    for (;;) {
        int unsent = PQflush(db->conn);
        if (unsent < 0)
            return -EAGAIN;
        if (!unsent && !PQisBusy(db->conn))
            return 0;
        int64_t left_ms = (end_ns - cb_clock_mono_ns()) / CB_NS_PER_MS;
        struct pollfd p = {PQsocket(db->conn), (short) (POLLIN | (unsent ? POLLOUT : 0)), 0};
        if (left_ms <= 0)
            return -ETIMEDOUT;
        int n = poll(&p, 1, (int) left_ms);
        if (n < 0 && errno != EINTR)
            return -EAGAIN;
        if (n > 0 && !PQconsumeInput(db->conn))
            return -EAGAIN;
    }
}

/* The last result of the statement; what came before it is cleared. */
static int take_result(struct cb_db *db, PGresult **ret)
{
    PGresult *last = NULL;
    for (;;) {
        int r = wait_for_answer(db);
        if (r < 0) {
            PQclear(last);
            return r;
        }
        PGresult *one = PQgetResult(db->conn);
        if (!one)
            break;
        PQclear(last);
        last = one;
    }
    *ret = last;
    return 0;
}

static int judge(struct cb_db *db, const PGresult *res, struct cb_error *reterr)
{
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return 0;
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    /* 25006: it has become a standby; another of the connection string's hosts takes writes now */
    bool is_gone = PQstatus(db->conn) != CONNECTION_OK || !state ||
                   strncmp(state, "57", 2) == 0 || strncmp(state, "08", 2) == 0 ||
                   strncmp(state, "40", 2) == 0 || strncmp(state, "53", 2) == 0 ||
                   strcmp(state, "25006") == 0;
    bool is_poison = state && (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0);
    return fail(reterr, is_gone ? -EAGAIN : is_poison ? -EBADMSG : -EIO,
                PQresultErrorMessage(res));
}

/* r: of the wait for it. */
static int drop_lost(struct cb_db *db, int r, struct cb_error *reterr)
{
    fail(reterr, -EAGAIN, r == -ETIMEDOUT ? "no answer in time" : PQerrorMessage(db->conn));
    cb_db_drop(db);
    return -EAGAIN;
}

/* The answer to what was sent; sent false: it could not be. */
static int conclude(struct cb_db *db, bool sent, PGresult **ret, struct cb_error *reterr)
{
    PGresult *res = NULL;
    int r = sent ? take_result(db, &res) : -EAGAIN;
    if (r < 0 || !res)
        return drop_lost(db, r, reterr);
    r = judge(db, res, reterr);
    if (r == 0 && ret)
        *ret = res;
    else
        PQclear(res);
    if (r == -EAGAIN)
        cb_db_drop(db);
    return r;
}

int cb_db_exec(struct cb_db *db, const char *sql, int n, const char *const *values, PGresult **ret,
               struct cb_error *reterr)
{
    bool sent = PQsetnonblocking(db->conn, 1) == 0 &&
                (n ? PQsendQueryParams(db->conn, sql, n, NULL, values, NULL, NULL, 0)
                   : PQsendQuery(db->conn, sql));
    return conclude(db, sent, ret, reterr);
}

static void name_prepared(unsigned which, char ret[16])
{
    snprintf(ret, 16, "s%u", which);
}

/* Once a connection. */
static int prepare(struct cb_db *db, unsigned which, const char *sql, int n,
                   struct cb_error *reterr)
{
    char name[16];
    if (db->prepared & 1u << which)
        return 0;
    name_prepared(which, name);
    bool sent = PQsetnonblocking(db->conn, 1) == 0 && PQsendPrepare(db->conn, name, sql, n, NULL);
    int r = conclude(db, sent, NULL, reterr);
    if (r == 0)
        db->prepared |= 1u << which;
    return r;
}

static bool send_prepared(struct cb_db *db, unsigned which, int n, const char *const *values)
{
    char name[16];
    name_prepared(which, name);
    return PQsendQueryPrepared(db->conn, name, n, values, NULL, NULL, 0) == 1;
}

int cb_db_exec_prepared(struct cb_db *db, unsigned which, const char *sql, int n,
                        const char *const *values, PGresult **ret, struct cb_error *reterr)
{
    int r = prepare(db, which, sql, n, reterr);
    return r < 0 ? r : conclude(db, send_prepared(db, which, n, values), ret, reterr);
}

int cb_db_pipeline_begin(struct cb_db *db, unsigned which, const char *sql, int n,
                         struct cb_error *reterr)
{
    int r = prepare(db, which, sql, n, reterr);
    return r < 0 ? r : PQenterPipelineMode(db->conn) ? 0 : drop_lost(db, 0, reterr);
}

int cb_db_pipeline_send(struct cb_db *db, unsigned which, int n, const char *const *values,
                        struct cb_error *reterr)
{
    return send_prepared(db, which, n, values) ? 0 : drop_lost(db, 0, reterr);
}

/* The first that fails says why; the server passes over those behind it. */
int cb_db_pipeline_end(struct cb_db *db, size_t n_sent, struct cb_error *reterr)
{
    int r = PQpipelineSync(db->conn) ? 0 : drop_lost(db, 0, reterr);
    for (size_t i = 0; i < n_sent && db->conn; i++) {
        struct cb_error e = {0};
        int one = conclude(db, true, NULL, &e);
        if (r == 0 && (r = one) < 0)
            *reterr = e;
    }
    if (!db->conn)
        return -EAGAIN;
    int waited = wait_for_answer(db);
    PGresult *sync = waited < 0 ? NULL : PQgetResult(db->conn);
    bool is_over = PQresultStatus(sync) == PGRES_PIPELINE_SYNC && PQexitPipelineMode(db->conn);
    PQclear(sync);
    return is_over ? r : drop_lost(db, waited, reterr);
}

/* A transaction that wrote nothing waits for no standby at COMMIT, though what it found may be on
 * this server alone (one that was restarted while the standby was away): so it writes a message of
 * no meaning to the log. And who cancels the wait for the standby makes COMMIT succeed with a
 * warning. */
int cb_db_commit(struct cb_db *db, struct cb_error *reterr)
{
    PGresult *res = NULL;
    db->warning[0] = '\0';
    int r = cb_db_exec(db, "SELECT pg_logical_emit_message(true, 'citybrain', ''); COMMIT", 0, NULL,
                       &res, reterr);
    if (r == 0 && strcmp(PQcmdStatus(res), "COMMIT") != 0)
        r = cb_error_set(reterr, -EAGAIN, "PostgreSQL", "the transaction was rolled back");
    PQclear(res);
    if (r == 0 && db->warning[0]) {
        cb_warn(db, "a commit may not be on the standby, it is asked for again: %s", db->warning);
        r = fail(reterr, -EAGAIN, db->warning);
    }
    if (r < 0)
        cb_db_drop(db);
    return r < 0 ? -EAGAIN : 0;
}
