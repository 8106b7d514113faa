/* One evidence record for a page, and its files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_string.h"
#include "base/mem.h"
#include "compare.h"
#include "desk_private.h"
#include "proof.h"
#include "rows.h"

#define T CB_SQL_TIME

static int read_row(struct cb_desk *d, const char *id, PGresult **ret, struct cb_error *reterr)
{
    char sql[4096];
    size_t n = (size_t) snprintf(sql, sizeof sql, "SELECT ");
    const char *v[] = {id};
    n += cb_compare_print_columns(sql + n, sizeof sql - n);
    snprintf(sql + n, sizeof sql - n,
             " FROM violation_id i JOIN violation v ON v.id = i.id AND v.occurred_at = i.occurred_at"
             " WHERE i.id = $1::uuid");
    int r = cb_desk_run(d, sql, 1, v, ret, reterr);
    if (r == 0 && PQntuples(*ret) == 0) {
        PQclear(*ret);
        return cb_error_set(reterr, -ENOENT, "id", "there is no such violation");
    }
    return r;
}

/* Whether what the database says is what was signed. */
static bool verify(struct cb_desk *d, const char *id, const PGresult *res, char *why, size_t size)
{
    const int json = CB_ROW_COLUMN_COUNT - 2, signature = CB_ROW_COLUMN_COUNT - 1;
    struct cb_package p = {.id = id,
                           .record = PQgetvalue(res, 0, json),
                           .n_record = (size_t) PQgetlength(res, 0, json),
                           .signature = PQgetvalue(res, 0, signature),
                           .n_signature = (size_t) PQgetlength(res, 0, signature)};
    struct cb_audit_difference difference;
    struct cb_proven proven;
    struct cb_error e = {0};
    if (cb_prove_record(&p, d->opts.trusted, d->opts.n_trusted, &proven, &e) < 0) {
        snprintf(why, size, "%s", e.text);
        return false;
    }
    cb_evidence_deinit(&proven.record);
    if (cb_compare_row(res, 0, &difference, 1) > 0) {
        snprintf(why, size, "%s is '%s' in its row, the record says '%s'", difference.column,
                 difference.row, difference.record);
        return false;
    }
    return true;
}

static void print_signature(FILE *out, struct cb_desk *d, const char *id, const PGresult *res)
{
    char why[256];
    fputs(",\"signature\":{\"verified\":", out);
    if (!res) {
        fputs("null,\"reason\":null,\"public_key\":null,\"record_sha256\":null}", out);
        return;
    }
    bool is_whole = verify(d, id, res, why, sizeof why);
    fputs(is_whole ? "true,\"reason\":null" : "false,\"reason\":", out);
    if (!is_whole)
        cb_json_put_string(out, why);
    fputs(",\"public_key\":", out);
    cb_json_put_string(out, PQgetvalue(res, 0, PQfnumber(res, "public_key")));
    fputs(",\"record_sha256\":", out);
    cb_json_put_string(out, PQgetvalue(res, 0, CB_COMPARE_CLAIM_SHA256));
    fputs("}", out);
}

static bool is_present(struct cb_desk *d, const char *sha256, uint64_t n_bytes)
{
    struct stat st;
    CB_AUTO_CLOSE int fd = d->media_fd < 0 ? -1 : cb_audit_open_media(d->media_fd, sha256);
    return fd >= 0 && fstat(fd, &st) == 0 && (uint64_t) st.st_size == n_bytes;
}

static int print_files(FILE *out, struct cb_desk *d, const char *id, struct cb_error *reterr)
{
    const char *v[] = {id};
    PGresult *res = NULL;
    int r = cb_desk_run(d,
                        "SELECT json_build_object('name', name, 'role', role, 'media_type', media_type,"
                        " 'n_bytes', n_bytes, 'sha256', sha256), sha256, n_bytes FROM evidence_media"
                        " WHERE violation_id = $1::uuid ORDER BY name", 1, v, &res, reterr);
    if (r < 0)
        return r;
    fputs(",\"files\":[", out);
    for (int i = 0; i < PQntuples(res); i++) {
        const char *object = PQgetvalue(res, i, 0);
        bool is_here = is_present(d, PQgetvalue(res, i, 1), strtoull(PQgetvalue(res, i, 2), NULL, 10));
        fprintf(out, "%s%.*s,\"is_present\":%s}", i ? "," : "", (int) strlen(object) - 1, object,
                is_here ? "true" : "false");
    }
    fputs("]", out);
    PQclear(res);
    return 0;
}

static int read_frame(struct cb_desk *d, const struct cb_desk_user *u, const char *id,
                      PGresult **ret, struct cb_error *reterr)
{
    const char *v[] = {id};
    char *sql = NULL;
    bool is_reviewer = u->role == CB_ROLE_COMMAND, may_see = is_reviewer || u->role == CB_ROLE_FIELD;
    if (asprintf(&sql, "SELECT json_build_object('violation', %s, 'reviews', coalesce((SELECT json_agg("
                 "json_build_object('id', r.id, 'verdict', r.verdict, 'reason', %s, 'plate', r.plate,"
                 " 'reviewer', %s, 'reviewed_at', " T("r.reviewed_at") ") ORDER BY r.id) FROM review r"
                 " WHERE r.violation_id = v.id), '[]'), 'next_steps', %s, 'dispatches', %s, 'is_held', %s)"
                 " FROM violation_id i JOIN violation v ON v.id = i.id AND v.occurred_at = i.occurred_at"
                 " WHERE i.id = $1::uuid",
                 cb_sql_violation(may_see), is_reviewer ? "r.reason" : "''",
                 is_reviewer ? "r.reviewer" : "NULL",
                 is_reviewer ? "coalesce((SELECT json_agg(s.after ORDER BY s.after) FROM review_step s"
                               " WHERE s.before = citybrain_review_state(v.id)), '[]')" : "json_build_array()",
                 cb_sql_dispatches(),
                 is_reviewer ? "coalesce((SELECT h.is_held FROM legal_hold h WHERE h.violation_id = v.id"
                               " ORDER BY h.id DESC LIMIT 1), false)" : "false") < 0)
        return -ENOMEM;
    int r = cb_desk_run(d, sql, 1, v, ret, reterr);
    free(sql);
    if (r == 0 && PQntuples(*ret) == 0) {
        PQclear(*ret);
        return cb_error_set(reterr, -ENOENT, "id", "there is no such violation");
    }
    return r;
}

static int print_evidence(FILE *out, struct cb_desk *d, const struct cb_desk_user *u,
                          const char *id, struct cb_error *reterr)
{
    PGresult *frame = NULL, *row = NULL;
    int r = read_frame(d, u, id, &frame, reterr);
    if (r < 0)
        return r;
    if (cb_role_sees_media(u->role) && (r = read_row(d, id, &row, reterr)) < 0) {
        PQclear(frame);
        return r;
    }
    const char *object = PQgetvalue(frame, 0, 0);
    fprintf(out, "%.*s,\"record\":%s", (int) strlen(object) - 1, object,
            row ? PQgetvalue(row, 0, CB_ROW_COLUMN_COUNT - 2) : "null");
    print_signature(out, d, id, row);
    if (row)
        r = print_files(out, d, id, reterr);
    else
        fputs(",\"files\":[]", out);
    fputs("}", out);
    PQclear(row);
    PQclear(frame);
    return r;
}

int cb_desk_evidence(struct cb_desk *d, const struct cb_desk_user *u, const char *id,
                     char **ret_json, struct cb_error *reterr)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return -ENOMEM;
    int r = print_evidence(out, d, u, id, reterr);
    if (fclose(out) != 0 && r == 0)
        r = -ENOMEM;
    if (r == 0)
        r = cb_desk_note(d, "evidence", id, cb_role_sees_media(u->role) ? "record" : "row", reterr);
    if (r < 0)
        free(text);
    else
        *ret_json = text;
    return r;
}

/* The signed bytes themselves, or their signature. */
static int read_signed(struct cb_desk *d, const char *id, const char *name,
                       struct cb_desk_file *ret, struct cb_error *reterr)
{
    const char *v[] = {id};
    PGresult *res = NULL;
    bool is_record = !strcmp(name, "record.json");
    int r = cb_desk_run(d,
                        is_record ? "SELECT v.record_json, v.record_sha256 FROM violation_id i JOIN violation v"
                                    " ON v.id = i.id AND v.occurred_at = i.occurred_at WHERE i.id = $1::uuid"
                                  : "SELECT v.signature, md5(v.signature) FROM violation_id i JOIN violation v"
                                    " ON v.id = i.id AND v.occurred_at = i.occurred_at WHERE i.id = $1::uuid",
                        1, v, &res, reterr);
    if (r < 0)
        return r;
    if (PQntuples(res) == 0)
        r = cb_error_set(reterr, -ENOENT, "id", "there is no such violation");
    else {
        *ret = (struct cb_desk_file) {.fd = -1, .n_bytes = (uint64_t) PQgetlength(res, 0, 0)};
        snprintf(ret->sha256, sizeof ret->sha256, "%s", PQgetvalue(res, 0, 1));
        snprintf(ret->media_type, sizeof ret->media_type, "%s",
                 is_record ? "application/json" : "text/plain; charset=utf-8");
        if (!(ret->bytes = strdup(PQgetvalue(res, 0, 0))))
            r = -ENOMEM;
    }
    PQclear(res);
    return r;
}

static int open_listed(struct cb_desk *d, const char *id, const char *name,
                       struct cb_desk_file *ret, struct cb_error *reterr)
{
    const char *v[] = {id, name};
    PGresult *res = NULL;
    int r = cb_desk_run(d,
                        "SELECT sha256, media_type FROM evidence_media WHERE violation_id = $1::uuid"
                        " AND name = $2", 2, v, &res, reterr);
    if (r < 0)
        return r;
    struct cb_desk_file f = {.fd = -1};
    struct stat st;
    if (PQntuples(res) > 0) {
        snprintf(f.sha256, sizeof f.sha256, "%s", PQgetvalue(res, 0, 0));
        snprintf(f.media_type, sizeof f.media_type, "%s", PQgetvalue(res, 0, 1));
        f.fd = d->media_fd < 0 ? -1 : cb_audit_open_media(d->media_fd, f.sha256);
    }
    PQclear(res);
    if (f.fd < 0 || fstat(f.fd, &st) < 0) {
        if (f.fd >= 0)
            close(f.fd);
        return cb_error_set(reterr, -ENOENT, "name", "there is no such file");
    }
    f.n_bytes = (uint64_t) st.st_size;
    *ret = f;
    return 0;
}

int cb_desk_file(struct cb_desk *d, const char *id, const char *name, const char *range,
                 struct cb_desk_file *ret, struct cb_error *reterr)
{
    struct cb_desk_file f;
    char detail[256];
    bool is_signed = !strcmp(name, "record.json") || !strcmp(name, "record.sig");
    int r = is_signed ? read_signed(d, id, name, &f, reterr)
                      : open_listed(d, id, name, &f, reterr);
    if (r < 0)
        return r;
    snprintf(detail, sizeof detail, "%.63s%s%.100s", name, range ? " " : "", range ? range : "");
    if ((r = cb_desk_note(d, "file", id, detail, reterr)) < 0) {
        if (f.fd >= 0)
            close(f.fd);
        free(f.bytes);
        return r;
    }
    *ret = f;
    return 0;
}
