#include "rows.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* In the order in which add_place, add_measured and add_proof add them. */
const struct cb_row_column cb_row_columns[CB_ROW_COLUMN_COUNT] = {
    {"id", CB_ROW_TEXT},
    {"occurred_at", CB_ROW_TIME},
    {"sealed_at", CB_ROW_TIME},
    {"node", CB_ROW_TEXT},
    {"sequence", CB_ROW_TEXT},
    {"camera_id", CB_ROW_TEXT},
    {"camera_name", CB_ROW_TEXT},
    {"road", CB_ROW_TEXT},
    {"district", CB_ROW_TEXT},
    {"lat", CB_ROW_REAL},
    {"lon", CB_ROW_REAL},
    {"bearing_deg", CB_ROW_REAL},
    {"kind", CB_ROW_TEXT},
    {"severity", CB_ROW_TEXT},
    {"track", CB_ROW_TEXT},
    {"road_user", CB_ROW_TEXT},
    {"direction", CB_ROW_TEXT},
    {"speed_kmh", CB_ROW_REAL},
    {"speed_uncertainty_kmh", CB_ROW_REAL},
    {"charged_kmh", CB_ROW_REAL},
    {"limit_kmh", CB_ROW_REAL},
    {"lafmax_db", CB_ROW_REAL},
    {"lafmax_7m5_db", CB_ROW_REAL},
    {"limit_db", CB_ROW_REAL},
    {"noise_class", CB_ROW_TEXT},
    {"confidence", CB_ROW_REAL},
    {"azimuth_deg", CB_ROW_REAL},
    {"lafmax_uncertainty_db", CB_ROW_REAL},
    {"background_correction_db", CB_ROW_REAL},
    {"charged_db", CB_ROW_REAL},
    {"incident_id", CB_ROW_TEXT},
    {"certificate", CB_ROW_TEXT},
    {"software", CB_ROW_TEXT},
    {"config_sha256", CB_ROW_TEXT},
    {"public_key", CB_ROW_TEXT},
    {"prev_sha256", CB_ROW_TEXT},
    {"record_sha256", CB_ROW_TEXT},
    {"record_json", CB_ROW_TEXT},
    {"signature", CB_ROW_TEXT},
};

static void add_text(struct cb_row *p, const char *s)
{
    assert(p->n < (int) CB_LEN(p->v));
    p->v[p->n++] = s;
}

static void add_text_or_null(struct cb_row *p, const char *s)
{
    add_text(p, s && *s ? s : NULL);
}

static void add_real(struct cb_row *p, double v)
{
    snprintf(p->text[p->n], sizeof p->text[0], "%.10g", v);
    add_text(p, isfinite(v) ? p->text[p->n] : NULL);
}

static void add_int(struct cb_row *p, int64_t v)
{
    snprintf(p->text[p->n], sizeof p->text[0], "%" PRId64, v);
    add_text(p, p->text[p->n]);
}

static void add_time(struct cb_row *p, int64_t utc_ns)
{
    cb_db_print_time(utc_ns, p->text[p->n]);
    add_text(p, p->text[p->n]);
}

/* Columns of rows that are added by one statement: one array a column. */
struct table {
    struct cb_db_array column[6];
    int n_columns;
};

static int table_add(struct table *t, const struct cb_row *row)
{
    int r = 0;
    assert(row->n <= (int) CB_LEN(t->column));
    t->n_columns = row->n;
    for (int c = 0; r == 0 && c < row->n; c++)
        r = cb_db_array_add(&t->column[c], row->v[c]);
    return r;
}

enum statement { CLAIM, ADD_VIOLATION, ADD_MEDIA };

/* Ends the arrays: no row can be added after it. */
static int table_exec(struct table *t, struct cb_db *db, enum statement which, const char *sql,
                      PGresult **ret, struct cb_error *reterr)
{
    const char *v[CB_LEN(t->column)];
    for (int c = 0; c < t->n_columns; c++)
        if (!(v[c] = cb_db_array_end(&t->column[c])))
            return cb_error_set(reterr, -ENOMEM, "store", "out of memory");
    return cb_db_exec_prepared(db, which, sql, t->n_columns, v, ret, reterr);
}

static void table_deinit(struct table *t)
{
    for (size_t c = 0; c < CB_LEN(t->column); c++)
        cb_db_array_deinit(&t->column[c]);
}

static bool is_of(const PGresult *res, int row, const struct cb_proven *p)
{
    return strcmp(PQgetvalue(res, row, 0), p->record.id) == 0 &&
           strcmp(PQgetvalue(res, row, 1), p->record_sha256) == 0;
}

/* Of twins in one batch the first is the new one. */
static void note_new(const PGresult *claimed, struct cb_rows_item *item, size_t n)
{
    for (int row = 0; row < PQntuples(claimed); row++) {
        size_t i = 0;
        while (i < n && !is_of(claimed, row, item[i].proven))
            i++;
        if (i < n)
            item[i].is_new = true;
    }
}

static int note_known(struct cb_db *db, struct cb_rows_item *item, size_t n,
                      struct cb_error *reterr)
{
    struct cb_db_array ids = {0};
    PGresult *res = NULL;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        if (!item[i].is_new)
            r = cb_db_array_add(&ids, item[i].proven->record.id);
    const char *v = cb_db_array_end(&ids);
    if (!v || r == -ENOMEM)
        r = cb_error_set(reterr, -ENOMEM, "store", "out of memory");
    if (r == 0)
        r = cb_db_exec(db, "SELECT id, record_sha256 FROM violation_id WHERE id = ANY ($1::uuid[])",
                       1, &v, &res, reterr);
    for (size_t i = 0; r == 0 && i < n; i++)
        for (int row = 0; row < PQntuples(res) && !item[i].is_new && !item[i].is_same; row++)
            item[i].is_same = is_of(res, row, item[i].proven);
    PQclear(res);
    cb_db_array_deinit(&ids);
    return r;
}

/* In the order of the ids: two stores that claim the same ones do not wait for each other. */
#define CLAIM_SQL                                                                                  \
    "INSERT INTO violation_id (id, occurred_at, record_sha256, district) SELECT * FROM"           \
    " unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) AS u (id, at, sha256, place)" \
    " ORDER BY id ON CONFLICT DO NOTHING RETURNING id, record_sha256"

int cb_rows_claim(struct cb_db *db, struct cb_rows_item *item, size_t n, struct cb_error *reterr)
{
    struct table t = {0};
    PGresult *claimed = NULL;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct cb_row v = {0};
        item[i].is_new = item[i].is_same = false;
        add_text(&v, item[i].proven->record.id);
        add_time(&v, item[i].proven->record.occurred_utc_ns);
        add_text(&v, item[i].proven->record_sha256);
        add_text_or_null(&v, item[i].proven->record.district);
        r = table_add(&t, &v);
    }
    if (r == 0)
        r = table_exec(&t, db, CLAIM, CLAIM_SQL, &claimed, reterr);
    if (r == 0)
        note_new(claimed, item, n);
    PQclear(claimed);
    table_deinit(&t);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (!item[i].is_new)
            return note_known(db, item, n, reterr);
    return r;
}

static void add_place(struct cb_row *v, const struct cb_evidence *e)
{
    add_text(v, e->id);
    add_time(v, e->occurred_utc_ns);
    add_time(v, e->sealed_utc_ns);
    add_text(v, e->node);
    add_int(v, (int64_t) e->sequence);
    add_text(v, e->violation.camera);
    add_text_or_null(v, e->camera_name);
    add_text_or_null(v, e->road);
    add_text_or_null(v, e->district);
    add_real(v, e->lat_deg);
    add_real(v, e->lon_deg);
    add_real(v, e->bearing_deg);
}

static void add_measured(struct cb_row *v, const struct cb_violation *w)
{
    const struct cb_passage *p = w->has_passage ? &w->passage : NULL;
    const struct cb_noise *n = w->has_noise ? &w->noise : NULL;
    add_text(v, cb_violation_kind_name(w->kind));
    add_text(v, cb_severity_name(w->severity));
    if (w->track < 0)
        add_text(v, NULL);
    else
        add_int(v, w->track);
    add_text(v, p ? cb_road_user_name(p->road_user) : NULL);
    add_text(v, p ? cb_direction_name(p->direction) : NULL);
    add_real(v, p ? cb_kmh_from_mps(p->speed_mps) : NAN);
    add_real(v, p ? cb_kmh_from_mps(p->u95_mps) : NAN);
    add_real(v, p ? cb_kmh_from_mps(p->charged_mps) : NAN);
    add_real(v, p ? cb_kmh_from_mps(p->limit_mps) : NAN);
    add_real(v, n ? n->lafmax_db : NAN);
    add_real(v, n ? n->lafmax_7m5_db : NAN);
    add_real(v, n ? n->limit_db : NAN);
    add_text(v, n ? cb_noise_class_name(n->class_) : NULL);
    add_real(v, n ? n->confidence : NAN);
    add_real(v, n ? n->azimuth_deg : NAN);
    add_real(v, n ? n->lafmax_u95_db : NAN);
    add_real(v, n ? n->background_correction_db : NAN);
    add_real(v, n ? n->charged_db : NAN);
    cb_incident_id(&w->incident, w->camera, v->text[v->n]);
    add_text_or_null(v, v->text[v->n]);
}

static void add_proof(struct cb_row *v, const struct cb_proven *p, const char *record_json)
{
    add_text_or_null(v, p->record.certificate);
    add_text_or_null(v, p->record.software);
    add_text_or_null(v, p->record.config_sha256);
    add_text(v, p->record.public_key);
    add_text(v, p->record.prev_sha256);
    add_text(v, p->record_sha256);
    add_text(v, record_json);
    add_text(v, p->signature);
}

void cb_rows_fill(struct cb_row *ret, const struct cb_proven *p, const char *record_json)
{
    ret->n = 0;
    add_place(ret, &p->record);
    add_measured(ret, &p->record.violation);
    add_proof(ret, p, record_json);
    assert(ret->n == CB_ROW_COLUMN_COUNT);
}

/* INSERT INTO violation (id, …) VALUES ($1, …) */
static void print_insert(char *ret, size_t size)
{
    size_t n = (size_t) snprintf(ret, size, "INSERT INTO violation (");
    for (int i = 0; i < CB_ROW_COLUMN_COUNT; i++)
        n += (size_t) snprintf(ret + n, size - n, "%s%s", i ? ", " : "", cb_row_columns[i].name);
    n += (size_t) snprintf(ret + n, size - n, ") VALUES (");
    for (int i = 0; i < CB_ROW_COLUMN_COUNT; i++)
        n += (size_t) snprintf(ret + n, size - n, "%s$%d", i ? ", " : "", i + 1);
    n += (size_t) snprintf(ret + n, size - n, ")");
    assert(n < size);
}

/* A row a statement, all of them under way at once: unnest of 39 arrays costs the server a
 * millisecond before its first row. */
static int add_violations(struct cb_db *db, const struct cb_rows_item *item, size_t n,
                          struct cb_error *reterr)
{
    char sql[4096];
    size_t n_sent = 0;
    print_insert(sql, sizeof sql);
    int r = cb_db_pipeline_begin(db, ADD_VIOLATION, sql, CB_ROW_COLUMN_COUNT, reterr);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct cb_row v;
        if (!item[i].is_new)
            continue;
        cb_rows_fill(&v, item[i].proven, item[i].record_json);
        r = cb_db_pipeline_send(db, ADD_VIOLATION, v.n, v.v, reterr);
        n_sent++;
    }
    return r < 0 ? r : cb_db_pipeline_end(db, n_sent, reterr);
}

static int add_files(struct table *t, const struct cb_evidence *e)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < e->n_files; i++) {
        const struct cb_evidence_file *f = &e->file[i];
        struct cb_row v = {0};
        add_text(&v, e->id);
        add_text(&v, f->name);
        add_text(&v, f->role);
        add_text(&v, f->media_type);
        add_int(&v, (int64_t) f->n_bytes);
        add_text(&v, f->sha256);
        r = table_add(t, &v);
    }
    return r;
}

static int add_media(struct cb_db *db, const struct cb_rows_item *item, size_t n,
                     struct cb_error *reterr)
{
    struct table t = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        if (item[i].is_new)
            r = add_files(&t, &item[i].proven->record);
    if (r == 0 && t.n_columns)
        r = table_exec(&t, db, ADD_MEDIA,
                       "INSERT INTO evidence_media (violation_id, name, role, media_type, n_bytes,"
                       " sha256) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[],"
                       " $4::text[], $5::bigint[], $6::text[])",
                       NULL, reterr);
    table_deinit(&t);
    return r;
}

int cb_rows_add(struct cb_db *db, const struct cb_rows_item *item, size_t n,
                struct cb_error *reterr)
{
    int r = add_violations(db, item, n, reterr);
    return r == 0 ? add_media(db, item, n, reterr) : r;
}

int cb_rows_add_minute(struct cb_db *db, const struct cb_minute *m, struct cb_error *reterr)
{
    struct cb_row v = {0};
    add_text(&v, m->camera);
    add_time(&v, m->minute_utc_ns);
    add_int(&v, m->from_s);
    add_int(&v, m->n_passages);
    add_int(&v, m->n_measured);
    add_int(&v, m->n_violations);
    add_real(&v, cb_kmh_from_mps(m->mean_mps));
    add_real(&v, cb_kmh_from_mps(m->p85_mps));
    add_real(&v, m->laeq_db);
    add_real(&v, m->lafmax_db);
    return cb_db_exec(db,
                      "INSERT INTO traffic_minute (camera_id, minute_at, from_s, n_passages,"
                      " n_measured, n_violations, mean_speed_kmh, p85_speed_kmh, laeq_db,"
                      " lafmax_db) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                      " ON CONFLICT DO NOTHING",
                      v.n, v.v, NULL, reterr);
}
