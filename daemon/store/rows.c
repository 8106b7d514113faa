#include "rows.h"

#include <assert.h>
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

static int find_claim(struct cb_db *db, const struct cb_proven *p, bool *ret_is_same,
                      struct cb_error *reterr)
{
    const char *id = p->record.id;
    PGresult *res = NULL;
    int r = cb_db_exec(db, "SELECT record_sha256 FROM violation_id WHERE id = $1", 1, &id, &res,
                       reterr);
    if (r < 0)
        return r;
    *ret_is_same = PQntuples(res) == 1 && strcmp(PQgetvalue(res, 0, 0), p->record_sha256) == 0;
    PQclear(res);
    return 0;
}

int cb_rows_claim(struct cb_db *db, const struct cb_proven *p, bool *ret_is_new, bool *ret_is_same,
                  struct cb_error *reterr)
{
    struct cb_row v = {0};
    PGresult *res = NULL;
    add_text(&v, p->record.id);
    add_time(&v, p->record.occurred_utc_ns);
    add_text(&v, p->record_sha256);
    int r = cb_db_exec(db,
                       "INSERT INTO violation_id (id, occurred_at, record_sha256) "
                       "VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                       v.n, v.v, &res, reterr);
    if (r < 0)
        return r;
    *ret_is_new = strcmp(PQcmdTuples(res), "1") == 0;
    *ret_is_same = true;
    PQclear(res);
    return *ret_is_new ? 0 : find_claim(db, p, ret_is_same, reterr);
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

int cb_rows_add_violation(struct cb_db *db, const struct cb_proven *p, const char *record_json,
                          struct cb_error *reterr)
{
    char names[1024] = "", marks[256] = "", sql[sizeof names + sizeof marks + 64];
    size_t n = 0, m = 0;
    struct cb_row v = {0};
    for (int i = 0; i < CB_ROW_COLUMN_COUNT; i++) {
        const char *comma = i ? ", " : "";
        n += (size_t) snprintf(names + n, sizeof names - n, "%s%s", comma, cb_row_columns[i].name);
        m += (size_t) snprintf(marks + m, sizeof marks - m, "%s$%d", comma, i + 1);
    }
    assert(n < sizeof names && m < sizeof marks);
    snprintf(sql, sizeof sql, "INSERT INTO violation (%s) VALUES (%s)", names, marks);
    cb_rows_fill(&v, p, record_json);
    return cb_db_exec(db, sql, v.n, v.v, NULL, reterr);
}

int cb_rows_add_media(struct cb_db *db, const struct cb_proven *p, struct cb_error *reterr)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->record.n_files; i++) {
        const struct cb_evidence_file *f = &p->record.file[i];
        struct cb_row v = {0};
        add_text(&v, p->record.id);
        add_text(&v, f->name);
        add_text(&v, f->role);
        add_text(&v, f->media_type);
        add_int(&v, (int64_t) f->n_bytes);
        add_text(&v, f->sha256);
        r = cb_db_exec(db,
                       "INSERT INTO evidence_media (violation_id, name, role, media_type, n_bytes,"
                       " sha256) VALUES ($1, $2, $3, $4, $5, $6)",
                       v.n, v.v, NULL, reterr);
    }
    return r;
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
