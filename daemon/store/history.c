#include "store/history.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db.h"

const struct cb_history_query cb_history_any = {
    .from_utc_ns = INT64_MIN,
    .to_utc_ns = INT64_MAX,
    .min_speed_kmh = NAN,
    .min_level_db = NAN,
    .limit = 100,
};

const char *const cb_history_names[CB_HISTORY_COLUMN_COUNT] = {
    "occurred_at", "camera", "camera_name", "district", "road", "kind", "severity", "class",
    "direction", "track", "speed_kmh", "speed_uncertainty_kmh", "charged_kmh", "limit_kmh",
    "lafmax_db", "limit_db", "review", "n_media", "id",
};

int cb_history_is_number(enum cb_history_column c)
{
    return (c >= CB_HISTORY_TRACK && c <= CB_HISTORY_LIMIT_DB) || c == CB_HISTORY_N_MEDIA;
}

#define SELECT                                                                                     \
    "SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"         \
    " camera_id, camera_name, district, road, kind, severity, road_user, direction, track,"       \
    " round(speed_kmh::numeric, 1), round(speed_uncertainty_kmh::numeric, 1),"                    \
    " round(charged_kmh::numeric, 1), round(limit_kmh::numeric, 1), round(lafmax_db::numeric, 1),"\
    " round(limit_db::numeric, 1), review, n_media, id FROM violation_history"
/* Written so that an absent condition is no condition, and each value stays a parameter. */
#define WHERE                                                                                      \
    " WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR camera_id = $2)"             \
    " AND ($3::text IS NULL OR district = $3) AND ($4::text IS NULL OR severity = $4)"            \
    " AND ($5::text IS NULL OR review = $5)"                                                      \
    " AND ($6::timestamptz IS NULL OR occurred_at >= $6)"                                         \
    " AND ($7::timestamptz IS NULL OR occurred_at < $7)"                                          \
    " AND ($8::float8 IS NULL OR speed_kmh >= $8) AND ($9::float8 IS NULL OR lafmax_db >= $9)"    \
    " ORDER BY occurred_at DESC, id DESC LIMIT $10::int"
#define N_VALUES 10

struct values {
    const char *v[N_VALUES];
    char from[CB_DB_TIME_LEN], to[CB_DB_TIME_LEN], speed[32], level[32], limit[16];
};

static void fill(const struct cb_history_query *q, struct values *p)
{
    const char *const text[] = {q->kind, q->camera, q->district, q->severity, q->review};
    memcpy(p->v, text, sizeof text);
    if (q->from_utc_ns != INT64_MIN) {
        cb_db_print_time(q->from_utc_ns, p->from);
        p->v[5] = p->from;
    }
    if (q->to_utc_ns != INT64_MAX) {
        cb_db_print_time(q->to_utc_ns, p->to);
        p->v[6] = p->to;
    }
    snprintf(p->speed, sizeof p->speed, "%.6g", q->min_speed_kmh);
    p->v[7] = isnan(q->min_speed_kmh) ? NULL : p->speed;
    snprintf(p->level, sizeof p->level, "%.6g", q->min_level_db);
    p->v[8] = isnan(q->min_level_db) ? NULL : p->level;
    snprintf(p->limit, sizeof p->limit, "%d", q->limit);
    p->v[9] = p->limit;
}

static void describe(const struct values *p, char *ret, size_t size)
{
    static const char *const names[N_VALUES] = {"kind", "camera", "district", "severity", "review",
                                                "from", "to", "min_speed", "min_level", "limit"};
    size_t n = 0;
    ret[0] = '\0';
    for (int i = 0; i < N_VALUES && n < size; i++)
        if (p->v[i])
            n += (size_t) snprintf(ret + n, size - n, "%s%s=%s", n ? " " : "", names[i], p->v[i]);
}

static int fail(PGconn *conn, struct cb_error *reterr)
{
    char text[220];
    cb_db_message(PQerrorMessage(conn), text, sizeof text);
    return cb_error_set(reterr, -EIO, "PostgreSQL", "%s", text);
}

static int note_access(PGconn *conn, const struct values *p, struct cb_error *reterr)
{
    char detail[1024];
    const char *v[] = {detail};
    describe(p, detail, sizeof detail);
    PGresult *res = PQexecParams(conn, "SELECT citybrain_log_access('query', NULL, $1)", 1, NULL, v,
                                 NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(res);
    PQclear(res);
    return status == PGRES_TUPLES_OK ? 0 : fail(conn, reterr);
}

static int give_rows(const PGresult *res,
                     int (*on_row)(void *arg, const char *const row[CB_HISTORY_COLUMN_COUNT]),
                     void *arg)
{
    int r = 0;
    for (int i = 0; r >= 0 && i < PQntuples(res); i++) {
        const char *row[CB_HISTORY_COLUMN_COUNT];
        for (int c = 0; c < CB_HISTORY_COLUMN_COUNT; c++)
            row[c] = PQgetisnull(res, i, c) ? NULL : PQgetvalue(res, i, c);
        r = on_row(arg, row);
    }
    return r < 0 ? r : 0;
}

static int run(PGconn *conn, const char *sql, struct cb_error *reterr)
{
    PGresult *res = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(res);
    PQclear(res);
    return status == PGRES_COMMAND_OK ? 0 : fail(conn, reterr);
}

int cb_history_read(const char *conninfo, const struct cb_history_query *q,
                    int (*on_row)(void *arg, const char *const row[CB_HISTORY_COLUMN_COUNT]),
                    void *arg, struct cb_error *reterr)
{
    struct values p = {0};
    PGresult *res = NULL;
    PGconn *conn;
    int r = cb_db_connect(conninfo, &conn, reterr);
    if (r < 0)
        return r;
    fill(q, &p);
    if ((r = run(conn, "BEGIN", reterr)) == 0 && (r = note_access(conn, &p, reterr)) == 0) {
        res = PQexecParams(conn, SELECT WHERE, N_VALUES, NULL, p.v, NULL, NULL, 0);
        r = PQresultStatus(res) == PGRES_TUPLES_OK ? run(conn, "COMMIT", reterr)
                                                   : fail(conn, reterr);
    }
    PQfinish(conn);
    if (r == 0)
        r = give_rows(res, on_row, arg);
    PQclear(res);
    return r;
}
