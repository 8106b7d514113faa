#include "store/history.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db.h"

const struct cb_history_query cb_history_any = {
    .from_utc_ns = INT64_MIN,
    .to_utc_ns = INT64_MAX,
    .min_speed_kmh = NAN,
    .max_speed_kmh = NAN,
    .min_level_db = NAN,
    .max_level_db = NAN,
    .before_utc_ns = INT64_MAX,
    .limit = 100,
};

const char *const cb_history_names[CB_HISTORY_COLUMN_COUNT] = {
    "occurred_at", "camera", "camera_name", "district", "road", "kind", "severity", "class",
    "direction", "track", "speed_kmh", "speed_uncertainty_kmh", "charged_kmh", "limit_kmh",
    "lafmax_db", "limit_db", "review", "plate", "incident", "n_media", "id",
};

int cb_history_is_number(enum cb_history_column c)
{
    return (c >= CB_HISTORY_TRACK && c <= CB_HISTORY_LIMIT_DB) || c == CB_HISTORY_N_MEDIA;
}

/* Microseconds: what is printed of a page's last row names it on the next one. */
#define SELECT                                                                                     \
    "SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"         \
    " camera_id, camera_name, district, road, kind, severity, road_user, direction, track,"       \
    " round(speed_kmh::numeric, 1), round(speed_uncertainty_kmh::numeric, 1),"                    \
    " round(charged_kmh::numeric, 1), round(limit_kmh::numeric, 1), round(lafmax_db::numeric, 1),"\
    " round(limit_db::numeric, 1), review, plate, incident_id, n_media, id FROM violation_history"
/* The ids first, as an array: an index is asked for each, where a join would read the whole view. */
#define OF_PLATE                                                                                   \
    "id = ANY (ARRAY(SELECT h.id FROM vehicle_history h WHERE h.plate = citybrain_plate(%s)))"

/* A condition each: "%s" is the value's place ($1, $2, …), "%2$s" the place of the one before it.
 * Values are never part of the text. */
enum value {
    KIND, CAMERA, DISTRICT, ROAD, SEVERITY, REVIEW, CLASS, DIRECTION, PLATE, INCIDENT, FROM, TO,
    MIN_SPEED, MAX_SPEED, MIN_LEVEL, MAX_LEVEL, BEFORE, BEFORE_ID, LIMIT, N_VALUES
};
static const struct {
    const char *name, *condition; /* NULL: said by the one before */
} values[N_VALUES] = {
    [KIND] = {"kind", "kind = %s"},
    [CAMERA] = {"camera", "camera_id = %s"},
    [DISTRICT] = {"district", "district = %s"},
    [ROAD] = {"road", "road = %s"},
    [SEVERITY] = {"severity", "severity = %s"},
    [REVIEW] = {"review", "review = %s"},
    [CLASS] = {"class", "road_user = %s"},
    [DIRECTION] = {"direction", "direction = %s"},
    [PLATE] = {"plate", OF_PLATE},
    [INCIDENT] = {"incident", "incident_id = %s"},
    [FROM] = {"from", "occurred_at >= %s::timestamptz"},
    [TO] = {"to", "occurred_at < %s::timestamptz"},
    [MIN_SPEED] = {"min_speed", "speed_kmh >= %s::float8"},
    [MAX_SPEED] = {"max_speed", "speed_kmh < %s::float8"},
    [MIN_LEVEL] = {"min_level", "lafmax_db >= %s::float8"},
    [MAX_LEVEL] = {"max_level", "lafmax_db < %s::float8"},
    /* the months that it leaves out are found by the time alone */
    [BEFORE] = {"before", "occurred_at <= %s::timestamptz"},
    [BEFORE_ID] = {"before_id", "(occurred_at, id) < (%2$s::timestamptz, %1$s::uuid)"},
    [LIMIT] = {"limit", NULL},
};

struct asked {
    char text[N_VALUES][CB_DB_TIME_LEN];
    const char *value[N_VALUES]; /* NULL: not asked */
    const char *v[N_VALUES];     /* those asked, $1, $2, … */
    int n;
    char sql[4096];
};

static void ask_time(struct asked *a, enum value which, int64_t utc_ns)
{
    cb_db_print_time(utc_ns, a->text[which]);
    a->value[which] = a->text[which];
}

static void ask_real(struct asked *a, enum value which, double v)
{
    snprintf(a->text[which], sizeof a->text[which], "%.9g", v);
    a->value[which] = isnan(v) ? NULL : a->text[which];
}

static void fill(const struct cb_history_query *q, struct asked *a)
{
    const char *const text[] = {q->kind,  q->camera, q->district, q->road,  q->severity,
                                q->review, q->road_user, q->direction, q->plate, q->incident};
    memcpy(a->value, text, sizeof text);
    if (q->from_utc_ns != INT64_MIN)
        ask_time(a, FROM, q->from_utc_ns);
    if (q->to_utc_ns != INT64_MAX)
        ask_time(a, TO, q->to_utc_ns);
    ask_real(a, MIN_SPEED, q->min_speed_kmh);
    ask_real(a, MAX_SPEED, q->max_speed_kmh);
    ask_real(a, MIN_LEVEL, q->min_level_db);
    ask_real(a, MAX_LEVEL, q->max_level_db);
    if (q->before_utc_ns != INT64_MAX && q->before_id) {
        ask_time(a, BEFORE, q->before_utc_ns);
        a->value[BEFORE_ID] = q->before_id;
    }
    snprintf(a->text[LIMIT], sizeof a->text[LIMIT], "%d", q->limit);
    a->value[LIMIT] = a->text[LIMIT];
}

/* Only what is asked is in the text, so that the planner sees nothing else. */
static void print_sql(struct asked *a)
{
    size_t n = (size_t) snprintf(a->sql, sizeof a->sql, SELECT);
    for (int i = 0; i < N_VALUES; i++) {
        char own[16], last[16];
        if (!a->value[i])
            continue;
        const char *before = a->n ? " AND " : " WHERE ";
        a->v[a->n++] = a->value[i];
        if (!values[i].condition)
            continue;
        snprintf(own, sizeof own, "$%d", a->n);
        snprintf(last, sizeof last, "$%d", a->n - 1);
        n += (size_t) snprintf(a->sql + n, sizeof a->sql - n, "%s", before);
        n += (size_t) snprintf(a->sql + n, sizeof a->sql - n, values[i].condition, own, last);
    }
    n += (size_t) snprintf(a->sql + n, sizeof a->sql - n,
                           " ORDER BY occurred_at DESC, id DESC LIMIT $%d::int", a->n);
    assert(n < sizeof a->sql);
}

static void describe(const struct asked *a, char *ret, size_t size)
{
    size_t n = 0;
    ret[0] = '\0';
    for (int i = 0; i < N_VALUES && n < size; i++)
        if (a->value[i])
            n += (size_t) snprintf(ret + n, size - n, "%s%s=%s", n ? " " : "", values[i].name,
                                   a->value[i]);
}

static int fail(PGconn *conn, struct cb_error *reterr)
{
    char text[220];
    cb_db_message(PQerrorMessage(conn), text, sizeof text);
    return cb_error_set(reterr, -EIO, "PostgreSQL", "%s", text);
}

static int note_access(PGconn *conn, const struct asked *a, struct cb_error *reterr)
{
    char detail[1024];
    const char *v[] = {detail};
    describe(a, detail, sizeof detail);
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
    struct asked a = {0};
    PGresult *res = NULL;
    PGconn *conn;
    int r = cb_db_connect(conninfo, &conn, reterr);
    if (r < 0)
        return r;
    fill(q, &a);
    print_sql(&a);
    if ((r = run(conn, "BEGIN", reterr)) == 0 && (r = note_access(conn, &a, reterr)) == 0) {
        res = PQexecParams(conn, a.sql, a.n, NULL, a.v, NULL, NULL, 0);
        r = PQresultStatus(res) == PGRES_TUPLES_OK ? run(conn, "COMMIT", reterr)
                                                   : fail(conn, reterr);
    }
    PQfinish(conn);
    if (r == 0)
        r = give_rows(res, on_row, arg);
    PQclear(res);
    return r;
}
