#include "schema/evidence.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "codec.h"

#define RECORD_VERSION 1

static json_t *files_to_json(const struct cb_evidence *e)
{
    json_t *a = json_array();
    for (size_t i = 0; i < e->n_files; i++) {
        const struct cb_evidence_file *f = &e->file[i];
        json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", f->name,
                                           "media_type", f->media_type, "role", f->role, "bytes",
                                           (json_int_t) f->n_bytes, "sha256", f->sha256));
    }
    return a;
}

static json_t *camera_to_json(const struct cb_evidence *e)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:s}",                   //
                     "id", e->violation.camera, "name", e->camera_name, "road", e->road,     //
                     "district", e->district, "lat_deg", cb_json_real(e->lat_deg, 7),        //
                     "lon_deg", cb_json_real(e->lon_deg, 7),                                 //
                     "bearing_deg", cb_json_real(e->bearing_deg, 1),                         //
                     "certificate", e->certificate, "calibrated_on", e->calibrated_on,       //
                     "microphone_calibrated_on", e->microphone_calibrated_on);
}

int cb_evidence_print(const struct cb_evidence *e, char **ret_json, size_t *ret_n)
{
    json_t *o = json_pack(
        "{s:s, s:i, s:s, s:s, s:I, s:s, s:s, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:s, "
        "s:o, s:n}",                                                                     //
        "type", "evidence", "version", RECORD_VERSION, "id", e->id, "node", e->node,     //
        "sequence", (json_int_t) e->sequence, "prev_sha256", e->prev_sha256,             //
        "public_key", e->public_key,                                                     //
        "occurred_utc_ns", (json_int_t) e->occurred_utc_ns,                              //
        "occurred_at", cb_json_utc(e->occurred_utc_ns),                                  //
        "sealed_utc_ns", (json_int_t) e->sealed_utc_ns,                                  //
        "sealed_at", cb_json_utc(e->sealed_utc_ns),                                      //
        "clock_offset_s", cb_json_real(e->clock_offset_s, 6),                            //
        "clock_age_s", cb_json_real(e->clock_age_s, 1),                                  //
        "camera", camera_to_json(e), "violation", cb_violation_to_json(&e->violation, false), //
        "software", e->software, "config_sha256", e->config_sha256,                      //
        "files", files_to_json(e), "timestamp_token");
    return cb_json_dump(o, true, ret_json, ret_n);
}

static void get_hex(struct cb_json_reader *rd, const char *key, char *ret, int n)
{
    cb_json_get_text(rd, key, ret, (size_t) n + 1);
    if (rd->r == 0 && !cb_hex_is_valid(ret, n))
        cb_json_refuse(rd, key, "lower-case hex of full length");
}

/* A name becomes a path at the receiver's: letters, digits, '-', '_' and single dots only. */
static bool is_safe_name(const char *s)
{
    if (!*s || *s == '.')
        return false;
    for (; *s; s++) {
        bool is_plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                        (*s >= '0' && *s <= '9') || *s == '-' || *s == '_';
        if (!is_plain && !(*s == '.' && s[1] && s[1] != '.'))
            return false;
    }
    return true;
}

static void file_from_json(struct cb_json_reader *rd, const json_t *o, struct cb_evidence_file *f)
{
    struct cb_json_reader in = {o, rd->reterr, 0};
    int64_t n = 0;
    if (!json_is_object(o))
        cb_json_refuse(&in, "files", "an array of objects");
    cb_json_get_text(&in, "name", f->name, sizeof f->name);
    if (in.r == 0 && !is_safe_name(f->name))
        cb_json_refuse(&in, "files[].name", "a plain file name");
    cb_json_get_text(&in, "media_type", f->media_type, sizeof f->media_type);
    cb_json_get_text(&in, "role", f->role, sizeof f->role);
    cb_json_get_int(&in, "bytes", 0, INT64_MAX, &n);
    get_hex(&in, "sha256", f->sha256, CB_SHA256_LEN - 1);
    f->n_bytes = (uint64_t) n;
    cb_json_close(rd, &in);
}

static void files_from_json(struct cb_json_reader *rd, struct cb_evidence *ret)
{
    const json_t *a = cb_json_get_array(rd, "files", CB_EVIDENCE_FILES_MAX);
    for (size_t i = 0; rd->r == 0 && i < json_array_size(a); i++)
        file_from_json(rd, json_array_get(a, i), &ret->file[ret->n_files++]);
}

static void camera_from_json(struct cb_json_reader *rd, struct cb_evidence *ret)
{
    struct cb_json_reader in = cb_json_object(rd, "camera", false);
    char id[CB_CAMERA_ID_LEN];
    cb_json_get_text(&in, "id", id, sizeof id);
    cb_json_get_text(&in, "name", ret->camera_name, sizeof ret->camera_name);
    cb_json_get_text(&in, "road", ret->road, sizeof ret->road);
    cb_json_get_text(&in, "district", ret->district, sizeof ret->district);
    cb_json_get_real(&in, "lat_deg", &ret->lat_deg);
    cb_json_get_real(&in, "lon_deg", &ret->lon_deg);
    cb_json_get_real(&in, "bearing_deg", &ret->bearing_deg);
    cb_json_get_text(&in, "certificate", ret->certificate, sizeof ret->certificate);
    cb_json_get_text(&in, "calibrated_on", ret->calibrated_on, sizeof ret->calibrated_on);
    cb_json_get_text(&in, "microphone_calibrated_on", ret->microphone_calibrated_on,
                     sizeof ret->microphone_calibrated_on);
    cb_json_close(rd, &in);
    struct cb_json_reader v = cb_json_object(rd, "violation", false);
    cb_violation_from_json(&v, &ret->violation);
    cb_json_close(rd, &v);
    if (rd->r == 0 && strcmp(id, ret->violation.camera))
        cb_json_refuse(rd, "camera.id", "the violation's camera");
}

static void head_from_json(struct cb_json_reader *rd, struct cb_evidence *ret)
{
    int64_t version = 0, sequence = 0;
    cb_json_get_int(rd, "version", RECORD_VERSION, RECORD_VERSION, &version);
    cb_json_get_text(rd, "id", ret->id, sizeof ret->id);
    if (rd->r == 0 && !cb_uuid_is_valid(ret->id))
        cb_json_refuse(rd, "id", "a UUID in lower case");
    cb_json_get_text(rd, "node", ret->node, sizeof ret->node);
    cb_json_get_int(rd, "sequence", 1, INT64_MAX, &sequence);
    get_hex(rd, "prev_sha256", ret->prev_sha256, CB_SHA256_LEN - 1);
    get_hex(rd, "public_key", ret->public_key, CB_KEY_LEN - 1);
    get_hex(rd, "config_sha256", ret->config_sha256, CB_SHA256_LEN - 1);
    /* Years 1970 to 2262: what an int64_t of ns holds and PostgreSQL and strftime print. */
    cb_json_get_int(rd, "occurred_utc_ns", 0, INT64_MAX, &ret->occurred_utc_ns);
    cb_json_get_int(rd, "sealed_utc_ns", 0, INT64_MAX, &ret->sealed_utc_ns);
    cb_json_get_real(rd, "clock_offset_s", &ret->clock_offset_s);
    cb_json_get_real(rd, "clock_age_s", &ret->clock_age_s);
    cb_json_get_text(rd, "software", ret->software, sizeof ret->software);
    ret->sequence = (uint64_t) sequence;
}

int cb_evidence_parse(const char *json, size_t n, struct cb_evidence *ret, struct cb_error *reterr)
{
    json_t *root;
    struct cb_evidence e = {0};
    struct cb_json_reader rd = cb_json_open(json, n, reterr, &root);
    head_from_json(&rd, &e);
    camera_from_json(&rd, &e);
    files_from_json(&rd, &e);
    json_decref(root);
    if (rd.r < 0) {
        cb_evidence_deinit(&e);
        return rd.r;
    }
    *ret = e;
    return 0;
}

void cb_evidence_deinit(struct cb_evidence *e)
{
    cb_violation_deinit(&e->violation);
}
