/* The history as a file: rows as they come over the wire, none kept. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_string.h"
#include "desk_private.h"

#define ROWS_MAX "1000000"
#define T CB_SQL_TIME

static const struct {
    const char *name, *sql;
    bool is_number;
} columns[] = {
    {"id", "v.id", false},
    {"occurred_at", T("v.occurred_at"), false},
    {"camera", "v.camera_id", false},
    {"camera_name", "v.camera_name", false},
    {"road", "v.road", false},
    {"district", "v.district", false},
    {"lat", "v.lat", true},
    {"lon", "v.lon", true},
    {"kind", "v.kind", false},
    {"severity", "v.severity", false},
    {"class", "v.road_user", false},
    {"direction", "v.direction", false},
    {"track", "v.track", true},
    {"speed_kmh", "round(v.speed_kmh::numeric, 2)", true},
    {"speed_uncertainty_kmh", "round(v.speed_uncertainty_kmh::numeric, 2)", true},
    {"charged_kmh", "round(v.charged_kmh::numeric, 2)", true},
    {"limit_kmh", "round(v.limit_kmh::numeric, 2)", true},
    {"lafmax_db", "round(v.lafmax_db::numeric, 2)", true},
    {"charged_db", "round(v.charged_db::numeric, 2)", true},
    {"limit_db", "round(v.limit_db::numeric, 2)", true},
    {"confidence", "round(v.confidence::numeric, 3)", true},
    {"incident", "v.incident_id", false},
    {"plate", "(SELECT r.plate FROM review r WHERE r.violation_id = v.id AND r.plate IS NOT NULL"
              " ORDER BY r.id DESC LIMIT 1)", false},
    {"review", "coalesce((SELECT r.verdict FROM review r WHERE r.violation_id = v.id"
               " ORDER BY r.id DESC LIMIT 1), 'new')", false},
};
#define N_COLUMNS ((int) (sizeof columns / sizeof columns[0]))

static int print_sql(const struct cb_history_sql *h, char **ret)
{
    size_t n = 0;
    FILE *out = open_memstream(ret, &n);
    if (!out)
        return -ENOMEM;
    fputs("SELECT ", out);
    for (int i = 0; i < N_COLUMNS; i++)
        fprintf(out, "%s%s", i ? ", " : "", columns[i].sql);
    fprintf(out, " FROM violation v%s%s LIMIT " ROWS_MAX, h->where, h->order);
    return fclose(out) ? -ENOMEM : 0;
}

/* RFC 4180; a text that a spreadsheet would take for a formula is none to it. */
static void print_csv(FILE *out, const char *s, bool is_number)
{
    if (is_number || !strpbrk(s, "\",\r\n=+-@\t")) {
        fputs(s, out);
        return;
    }
    fputc('"', out);
    if (strchr("=+-@\t\r", s[0]))
        fputc('\'', out);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', out);
        fputc(*s, out);
    }
    fputc('"', out);
}

static void print_row(FILE *out, const PGresult *res, bool is_json)
{
    for (int i = 0; i < N_COLUMNS; i++) {
        bool is_null = PQgetisnull(res, 0, i);
        const char *s = PQgetvalue(res, 0, i);
        if (!is_json) {
            fputs(i ? "," : "", out);
            print_csv(out, s, columns[i].is_number);
            continue;
        }
        fprintf(out, "%s\"%s\":", i ? "," : "{", columns[i].name);
        if (is_null || columns[i].is_number)
            fputs(is_null ? "null" : s, out);
        else
            cb_json_put_string(out, s);
    }
    fputs(is_json ? "}\n" : "\r\n", out);
}

/* All results are taken, whatever becomes of them: the connection goes on. */
static int write_rows(struct cb_desk *d, FILE *out, bool is_json, struct cb_error *reterr)
{
    int r = 0;
    for (PGresult *res; (res = PQgetResult(d->conn)); PQclear(res)) {
        if (PQresultStatus(res) == PGRES_SINGLE_TUPLE)
            print_row(out, res, is_json);
        else if (r == 0 && (r = cb_desk_judge(d, res, reterr)) < 0 && !d->conn) {
            PQclear(res);
            break;
        }
    }
    return r == 0 && ferror(out) ? -EIO : r;
}

static int export(struct cb_desk *d, const struct cb_history_sql *h, bool is_json, FILE *out,
                  struct cb_error *reterr)
{
    char *sql = NULL;
    int r = print_sql(h, &sql);
    if (r < 0)
        return r;
    for (int i = 0; !is_json && i < N_COLUMNS; i++)
        fprintf(out, "%s%s", i ? "," : "", columns[i].name);
    fputs(is_json ? "" : "\r\n", out);
    bool is_sent = PQsendQueryParams(d->conn, sql, h->n, NULL, h->v, NULL, NULL, 0) &&
                   PQsetSingleRowMode(d->conn);
    free(sql);
    return is_sent ? write_rows(d, out, is_json, reterr)
                   : cb_error_set(reterr, -EAGAIN, "PostgreSQL", "is away");
}

int cb_desk_export(struct cb_desk *d, const struct cb_desk_user *u,
                   const char *const values[CB_QUESTION_VALUES_MAX], bool is_json, int fd,
                   struct cb_error *reterr)
{
    struct cb_history_sql h;
    char detail[128];
    (void) u;
    int r = cb_history_sql(values, &h, reterr);
    if (r < 0)
        return r;
    snprintf(detail, sizeof detail, "%s", is_json ? "json" : "csv");
    if ((r = cb_desk_note(d, "export", NULL, detail, reterr)) < 0 ||
        (r = cb_desk_run(d, "SET LOCAL statement_timeout = '300s'", 0, NULL, NULL, reterr)) < 0)
        return r;
    int copy = dup(fd);
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
    if (!out) {
        if (copy >= 0)
            close(copy);
        return -EIO;
    }
    r = export(d, &h, is_json, out, reterr);
    if (fclose(out) != 0 && r == 0)
        r = cb_error_set(reterr, -EIO, "export", "could not be written: %s", strerror(errno));
    return r;
}
