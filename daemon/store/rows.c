#include "rows.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* A statement's parameters, in the order they are added. */
struct values {
    const char *v[40];
    char text[40][48];
    int n;
};

static void add_text(struct values *p, const char *s)
{
    assert(p->n < (int) CB_LEN(p->v));
    p->v[p->n++] = s;
}

static void add_text_or_null(struct values *p, const char *s)
{
    add_text(p, s && *s ? s : NULL);
}

static void add_real(struct values *p, double v)
{
    snprintf(p->text[p->n], sizeof p->text[0], "%.10g", v);
    add_text(p, isfinite(v) ? p->text[p->n] : NULL);
}

static void add_int(struct values *p, int64_t v)
{
    snprintf(p->text[p->n], sizeof p->text[0], "%" PRId64, v);
    add_text(p, p->text[p->n]);
}

static void add_time(struct values *p, int64_t utc_ns)
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
    struct values v = {0};
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

static void add_place(struct values *v, const struct cb_evidence *e)
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

static void add_measured(struct values *v, const struct cb_violation *w)
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
}

static void add_proof(struct values *v, const struct cb_proven *p, const char *record_json)
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

int cb_rows_add_violation(struct cb_db *db, const struct cb_proven *p, const char *record_json,
                          struct cb_error *reterr)
{
    static const char sql[] =
        "INSERT INTO violation (id, occurred_at, sealed_at, node, sequence, camera_id, camera_name,"
        " road, district, lat, lon, bearing_deg, kind, severity, track, road_user, direction,"
        " speed_kmh, speed_uncertainty_kmh, charged_kmh, limit_kmh, lafmax_db, lafmax_7m5_db,"
        " limit_db, noise_class, confidence, azimuth_deg, certificate, software, config_sha256,"
        " public_key, prev_sha256, record_sha256, record_json, signature) VALUES"
        " ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,"
        "$25,$26,$27,$28,$29,$30,$31,$32,$33,$34,$35)";
    struct values v = {0};
    add_place(&v, &p->record);
    add_measured(&v, &p->record.violation);
    add_proof(&v, p, record_json);
    return cb_db_exec(db, sql, v.n, v.v, NULL, reterr);
}

int cb_rows_add_media(struct cb_db *db, const struct cb_proven *p, struct cb_error *reterr)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->record.n_files; i++) {
        const struct cb_evidence_file *f = &p->record.file[i];
        struct values v = {0};
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
    struct values v = {0};
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
