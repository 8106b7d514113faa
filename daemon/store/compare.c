#include "compare.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define MEDIA_LINE_LEN 512
#define TIME_TEXT "to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define MEDIA_TEXT                                                                                 \
    "(SELECT string_agg(concat_ws(U&'\\001F', m.name, m.role, m.media_type, m.n_bytes, m.sha256)," \
    " U&'\\001E' ORDER BY m.name) FROM evidence_media m WHERE m.violation_id = v.id)"

static_assert((int) CB_COMPARE_CLAIM_SHA256 == (int) CB_ROW_COLUMN_COUNT, "follows the columns");

size_t cb_compare_print_columns(char *ret, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < CB_ROW_COLUMN_COUNT; i++) {
        char column[64];
        snprintf(column, sizeof column, "v.%s", cb_row_columns[i].name);
        n += (size_t) snprintf(
            ret + n, size - n,
            cb_row_columns[i].type == CB_ROW_TIME ? TIME_TEXT ", " : "%s::text, ", column);
    }
    n += (size_t) snprintf(ret + n, size - n, "i.record_sha256, " TIME_TEXT ", i.district, " MEDIA_TEXT,
                           "i.occurred_at");
    assert(n < size);
    return n;
}

struct differences {
    struct cb_audit_difference *at;
    size_t n, max;
};

static void add(struct differences *d, const char *column, const char *row, const char *record)
{
    if (d->n == d->max)
        return;
    struct cb_audit_difference *x = &d->at[d->n++];
    snprintf(x->column, sizeof x->column, "%s", column);
    snprintf(x->row, sizeof x->row, "%s", row ? row : "nothing");
    snprintf(x->record, sizeof x->record, "%s", record ? record : "nothing");
}

static const char *value(const PGresult *res, int row, int column)
{
    return PQgetisnull(res, row, column) ? NULL : PQgetvalue(res, row, column);
}

/* Reals as numbers: PostgreSQL prints the shortest text that reads back to the same one. */
static bool is_same(enum cb_row_type type, const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    return type == CB_ROW_REAL ? strtod(a, NULL) == strtod(b, NULL) : strcmp(a, b) == 0;
}

static void compare_columns(const PGresult *res, int row, const struct cb_row *expected,
                            struct differences *d)
{
    for (int i = 0; i < CB_ROW_COLUMN_COUNT; i++) {
        const char *has = value(res, row, i);
        if (!is_same(cb_row_columns[i].type, has, expected->v[i]))
            add(d, cb_row_columns[i].name, has, expected->v[i]);
    }
}

static void compare_claim(const PGresult *res, int row, const struct cb_proven *p,
                          struct differences *d)
{
    char at[CB_DB_TIME_LEN];
    const char *sha256 = value(res, row, CB_COMPARE_CLAIM_SHA256);
    cb_db_print_time(p->record.occurred_utc_ns, at);
    if (!sha256) {
        add(d, "violation_id", NULL, p->record.id);
        return;
    }
    if (strcmp(sha256, p->record_sha256) != 0)
        add(d, "violation_id.record_sha256", sha256, p->record_sha256);
    if (!is_same(CB_ROW_TEXT, value(res, row, CB_COMPARE_CLAIM_AT), at))
        add(d, "violation_id.occurred_at", value(res, row, CB_COMPARE_CLAIM_AT), at);
    /* who sees media and decisions is decided by it */
    const char *district = p->record.district[0] ? p->record.district : NULL;
    if (!is_same(CB_ROW_TEXT, value(res, row, CB_COMPARE_CLAIM_DISTRICT), district))
        add(d, "violation_id.district", value(res, row, CB_COMPARE_CLAIM_DISTRICT), district);
}

static void print_media(const struct cb_evidence_file *f, char ret[MEDIA_LINE_LEN])
{
    snprintf(ret, MEDIA_LINE_LEN, "%s\x1f%s\x1f%s\x1f%" PRIu64 "\x1f%s", f->name, f->role,
             f->media_type, f->n_bytes, f->sha256);
}

/* What differs, without the name that both begin with; readable. */
static void add_media(struct differences *d, const char *name, const char *row, const char *record)
{
    char column[80], texts[2][MEDIA_LINE_LEN] = {"", ""};
    const char *from[] = {row, record};
    for (int i = 0; i < 2; i++) {
        const char *rest = from[i] ? strchr(from[i], '\x1f') : NULL;
        snprintf(texts[i], sizeof texts[i], "%s", rest ? rest + 1 : "");
        for (char *s = texts[i]; (s = strchr(s, '\x1f'));)
            *s = ' ';
    }
    snprintf(column, sizeof column, "evidence_media %.60s", name);
    add(d, column, row ? texts[0] : NULL, record ? texts[1] : NULL);
}

static void compare_line(const struct cb_evidence *e, const char *line, bool *is_seen,
                         struct differences *d)
{
    char name[80], expected[MEDIA_LINE_LEN];
    snprintf(name, sizeof name, "%.*s", (int) strcspn(line, "\x1f"), line);
    for (size_t i = 0; i < e->n_files; i++) {
        if (strcmp(e->file[i].name, name) != 0)
            continue;
        is_seen[i] = true;
        print_media(&e->file[i], expected);
        if (strcmp(line, expected) != 0)
            add_media(d, name, line, expected);
        return;
    }
    add_media(d, name, line, NULL);
}

static void compare_media(const char *text, const struct cb_evidence *e, struct differences *d)
{
    bool is_seen[CB_EVIDENCE_FILES_MAX] = {false};
    char *copy = text ? strdup(text) : NULL, *rest = NULL;
    for (char *line = copy ? strtok_r(copy, "\x1e", &rest) : NULL; line;
         line = strtok_r(NULL, "\x1e", &rest))
        compare_line(e, line, is_seen, d);
    free(copy);
    for (size_t i = 0; i < e->n_files; i++) {
        char expected[MEDIA_LINE_LEN];
        print_media(&e->file[i], expected);
        if (!is_seen[i])
            add_media(d, e->file[i].name, NULL, expected);
    }
}

static void hash(const char *bytes, size_t n, char ret[CB_SHA256_LEN])
{
    unsigned char h[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(h, (const unsigned char *) bytes, n);
    sodium_bin2hex(ret, CB_SHA256_LEN, h, sizeof h);
}

size_t cb_compare_row(const PGresult *res, int row, struct cb_audit_difference *ret, size_t max)
{
    /* Of no record but of its proof: the row's own, which the proof judges. */
    const int json = CB_ROW_COLUMN_COUNT - 2, signature = CB_ROW_COLUMN_COUNT - 1;
    struct differences d = {ret, 0, max};
    struct cb_proven p = {0};
    struct cb_row expected = {0};
    const char *text = PQgetvalue(res, row, json);
    size_t n = (size_t) PQgetlength(res, row, json);
    if (cb_evidence_parse(text, n, &p.record, NULL) < 0)
        return 0;
    hash(text, n, p.record_sha256);
    snprintf(p.signature, sizeof p.signature, "%s", PQgetvalue(res, row, signature));
    cb_rows_fill(&expected, &p, text);
    compare_columns(res, row, &expected, &d);
    compare_claim(res, row, &p, &d);
    compare_media(value(res, row, CB_COMPARE_MEDIA), &p.record, &d);
    cb_evidence_deinit(&p.record);
    return d.n;
}
