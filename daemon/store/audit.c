#include "store/audit.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compare.h"
#include "db.h"
#include "rows.h"

const struct cb_audit_query cb_audit_any = {NULL, INT64_MIN, INT64_MAX};

#define TIME_TEXT "to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define RANGE(at)                                                                                  \
    "($1::timestamptz IS NULL OR " at " >= $1) AND ($2::timestamptz IS NULL OR " at " < $2)"
#define LOST                                                                                       \
    "SELECT i.id, to_char(i.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"  \
    " FROM violation_id i WHERE " RANGE("i.occurred_at") " AND i.erased_at IS NULL AND NOT EXISTS" \
    " (SELECT FROM violation v WHERE v.id = i.id) ORDER BY i.occurred_at, i.id"
/* Behind a record's columns and what cb_compare_row reads. */
#define ERASED                                                                                     \
    ", i.id, " TIME_TEXT ", i.node, i.sequence, i.prev_sha256, i.public_key"

struct audit {
    PGconn *conn;
    const char *v[3]; /* from, to, camera */
    char from[CB_DB_TIME_LEN], to[CB_DB_TIME_LEN];
    int (*on_row)(void *arg, const struct cb_audit_row *row);
    void *arg;
};

static int fail(PGconn *conn, struct cb_error *reterr)
{
    char text[220];
    cb_db_message(PQerrorMessage(conn), text, sizeof text);
    return cb_error_set(reterr, -EIO, "PostgreSQL", "%s", text);
}

static void fill(struct audit *a, const struct cb_audit_query *q)
{
    if (q->from_utc_ns != INT64_MIN) {
        cb_db_print_time(q->from_utc_ns, a->from);
        a->v[0] = a->from;
    }
    if (q->to_utc_ns != INT64_MAX) {
        cb_db_print_time(q->to_utc_ns, a->to);
        a->v[1] = a->to;
    }
    a->v[2] = q->camera;
}

static void print_select(char *ret, size_t size)
{
    size_t n = (size_t) snprintf(ret, size, "SELECT ");
    n += cb_compare_print_columns(ret + n, size - n);
    n += (size_t) snprintf(ret + n, size - n, ERASED, "i.erased_at");
    n += (size_t) snprintf(ret + n, size - n,
                           " FROM violation v FULL JOIN violation_id i ON i.id = v.id"
                           " WHERE (v.id IS NOT NULL OR i.erased_at IS NOT NULL)"
                           " AND " RANGE("coalesce(v.occurred_at, i.occurred_at)")
                           " AND ($3::text IS NULL OR v.camera_id = $3)"
                           " ORDER BY coalesce(v.node, i.node), coalesce(v.sequence, i.sequence)");
    assert(n < size);
}

/* In the transaction that reads: without the log there are no rows. */
static int begin(const struct audit *a, struct cb_error *reterr)
{
    char detail[256];
    const char *v[] = {detail};
    snprintf(detail, sizeof detail, "store from=%s to=%s camera=%s", a->v[0] ? a->v[0] : "",
             a->v[1] ? a->v[1] : "", a->v[2] ? a->v[2] : "");
    PGresult *res = PQexec(a->conn, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    int r = PQresultStatus(res) == PGRES_COMMAND_OK ? 0 : fail(a->conn, reterr);
    PQclear(res);
    if (r < 0)
        return r;
    res = PQexecParams(a->conn, "SELECT citybrain_log_access('verify', NULL, $1)", 1, NULL, v, NULL,
                       NULL, 0);
    r = PQresultStatus(res) == PGRES_TUPLES_OK ? 0 : fail(a->conn, reterr);
    PQclear(res);
    return r;
}

/* Rows of other districts are hidden, not gone: who sees only some cannot tell the two apart. */
static int check_sees_all(const struct audit *a, struct cb_error *reterr)
{
    if (a->v[2])
        return 0;
    PGresult *res = PQexec(a->conn, "SELECT citybrain_sees_all()");
    int r = PQresultStatus(res) == PGRES_TUPLES_OK ? 0 : fail(a->conn, reterr);
    if (r == 0 && PQgetvalue(res, 0, 0)[0] != 't')
        r = cb_error_set(reterr, -EACCES, "login",
                         "sees some districts only, so that a whole store cannot be proven: name a "
                         "camera, or use a login with citybrain_all_districts");
    PQclear(res);
    return r;
}

static int commit(PGconn *conn, struct cb_error *reterr)
{
    PGresult *res = PQexec(conn, "COMMIT");
    int r = PQresultStatus(res) == PGRES_COMMAND_OK ? 0 : fail(conn, reterr);
    PQclear(res);
    return r;
}

/* Row by row as they come over the wire. */
static int stream(struct audit *a, const char *sql, int n_values,
                  int (*give)(struct audit *a, const PGresult *res), struct cb_error *reterr)
{
    if (!PQsendQueryParams(a->conn, sql, n_values, NULL, a->v, NULL, NULL, 0) ||
        !PQsetSingleRowMode(a->conn))
        return fail(a->conn, reterr);
    int r = 0;
    for (PGresult *res; r == 0 && (res = PQgetResult(a->conn)); PQclear(res)) {
        ExecStatusType status = PQresultStatus(res);
        if (status == PGRES_SINGLE_TUPLE)
            r = give(a, res);
        else if (status != PGRES_TUPLES_OK)
            r = fail(a->conn, reterr);
    }
    return r;
}

/* What is left of a row that retention erased. */
static int give_erased(struct audit *a, const PGresult *res)
{
    enum { ID = CB_COMPARE_COLUMN_COUNT, ERASED_AT, NODE, SEQUENCE, PREV, KEY };
    struct cb_audit_row row = {
        .id = PQgetvalue(res, 0, ID),
        .erased_at = PQgetvalue(res, 0, ERASED_AT),
        .node = PQgetvalue(res, 0, NODE),
        .sequence = strtoull(PQgetvalue(res, 0, SEQUENCE), NULL, 10),
        .prev_sha256 = PQgetvalue(res, 0, PREV),
        .record_sha256 = PQgetvalue(res, 0, CB_COMPARE_CLAIM_SHA256),
        .public_key = PQgetvalue(res, 0, KEY),
    };
    return a->on_row(a->arg, &row);
}

static int give_kept(struct audit *a, const PGresult *res)
{
    struct cb_audit_difference difference[CB_AUDIT_DIFFERENCES_MAX];
    const int json = CB_ROW_COLUMN_COUNT - 2, signature = CB_ROW_COLUMN_COUNT - 1;
    if (PQgetisnull(res, 0, 0))
        return give_erased(a, res);
    struct cb_audit_row row = {
        .id = PQgetvalue(res, 0, 0),
        .record_json = PQgetvalue(res, 0, json),
        .n_record = (size_t) PQgetlength(res, 0, json),
        .signature = PQgetvalue(res, 0, signature),
        .difference = difference,
        .n_differences = cb_compare_row(res, 0, difference, CB_AUDIT_DIFFERENCES_MAX),
    };
    return a->on_row(a->arg, &row);
}

static int give_lost(struct audit *a, const PGresult *res)
{
    struct cb_audit_row row = {.id = PQgetvalue(res, 0, 0), .claimed_at = PQgetvalue(res, 0, 1)};
    return a->on_row(a->arg, &row);
}

int cb_audit_read(const char *conninfo, const struct cb_audit_query *q,
                  int (*on_row)(void *arg, const struct cb_audit_row *row), void *arg,
                  struct cb_error *reterr)
{
    char sql[4096];
    struct audit a = {.on_row = on_row, .arg = arg};
    int r = cb_db_connect(conninfo, &a.conn, reterr);
    if (r < 0)
        return r;
    fill(&a, q);
    print_select(sql, sizeof sql);
    if ((r = begin(&a, reterr)) == 0 && (r = check_sees_all(&a, reterr)) == 0 &&
        (r = stream(&a, sql, 3, give_kept, reterr)) == 0 &&
        (q->camera || (r = stream(&a, LOST, 2, give_lost, reterr)) == 0))
        r = commit(a.conn, reterr);
    PQfinish(a.conn);
    return r;
}

int cb_audit_open_media(int media_dir_fd, const char sha256[CB_SHA256_LEN])
{
    char path[CB_SHA256_LEN + 1];
    struct stat st;
    if (!cb_hex_is_valid(sha256, CB_SHA256_LEN - 1))
        return -EINVAL;
    snprintf(path, sizeof path, "%.2s/%s", sha256, sha256 + 2);
    /* O_NONBLOCK: a pipe in a file's place must not hold the audit up. */
    int fd = openat(media_dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return -EINVAL;
}
