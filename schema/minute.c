#include "schema/minute.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "json.h"

#define MINUTE_NS (60 * CB_NS_PER_S)

static bool is_legal(const struct cb_minute *m)
{
    return m->camera[0] && m->minute_utc_ns >= 0 && m->minute_utc_ns % MINUTE_NS == 0 &&
           m->from_s >= 0 && m->from_s <= 59 && m->n_passages >= 0 && m->n_measured >= 0 &&
           m->n_measured <= m->n_passages && m->n_violations >= 0;
}

static json_t *to_json(const struct cb_minute *m)
{
    char at[CB_UTC_LEN];
    bool may_tell = m->n_measured >= CB_MINUTE_VEHICLES_MIN;
    cb_utc_print(m->minute_utc_ns, at);
    return json_pack(
        "{s:s, s:s, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "camera", m->camera, "minute_at", at,
        "from_s", m->from_s, "n_passages", m->n_passages, "n_measured", m->n_measured,
        "n_violations", m->n_violations, "mean_speed_kmh",
        cb_json_real(may_tell ? cb_kmh_from_mps(m->mean_mps) : NAN, 2), "p85_speed_kmh",
        cb_json_real(may_tell ? cb_kmh_from_mps(m->p85_mps) : NAN, 2), "laeq_db",
        cb_json_real(m->laeq_db, 1), "lafmax_db", cb_json_real(m->lafmax_db, 1));
}

int cb_minutes_print(const struct cb_minute *m, size_t n, char **ret_json)
{
    json_t *a = json_array();
    for (size_t i = 0; a && i < n; i++) {
        if (n > CB_MINUTES_MAX || !is_legal(&m[i])) {
            json_decref(a);
            return -EINVAL;
        }
        if (json_array_append_new(a, to_json(&m[i])) < 0) {
            json_decref(a);
            return -ENOMEM;
        }
    }
    return cb_json_dump(a, false, ret_json, NULL);
}

static void get_int(struct cb_json_reader *rd, const char *key, int max, int *ret)
{
    int64_t v = 0;
    cb_json_get_int(rd, key, 0, max, &v);
    *ret = (int) v;
}

static void get_speed(struct cb_json_reader *rd, const char *key, double *ret)
{
    double v_kmh = NAN;
    cb_json_get_real(rd, key, &v_kmh);
    *ret = cb_mps_from_kmh(v_kmh);
}

static int from_json(const json_t *o, struct cb_minute *ret, struct cb_error *reterr)
{
    struct cb_json_reader rd = {o, reterr, 0};
    struct cb_minute m = {0};
    char at[40] = "";
    if (!json_is_object(o))
        cb_json_refuse(&rd, "minutes", "an array of objects");
    cb_json_get_text(&rd, "camera", m.camera, sizeof m.camera);
    cb_json_get_text(&rd, "minute_at", at, sizeof at);
    if (rd.r == 0 && cb_utc_parse(at, &m.minute_utc_ns) < 0)
        cb_json_refuse(&rd, "minute_at", "a time as 2026-11-23T10:00:00Z");
    get_int(&rd, "from_s", 59, &m.from_s);
    get_int(&rd, "n_passages", 1000000, &m.n_passages);
    get_int(&rd, "n_measured", 1000000, &m.n_measured);
    get_int(&rd, "n_violations", 1000000, &m.n_violations);
    get_speed(&rd, "mean_speed_kmh", &m.mean_mps);
    get_speed(&rd, "p85_speed_kmh", &m.p85_mps);
    cb_json_get_real(&rd, "laeq_db", &m.laeq_db);
    cb_json_get_real(&rd, "lafmax_db", &m.lafmax_db);
    bool has_speed = !isnan(m.mean_mps) || !isnan(m.p85_mps);
    if (rd.r == 0 && !is_legal(&m))
        cb_json_refuse(&rd, "minutes", "a camera, a whole minute and n_measured <= n_passages");
    if (rd.r == 0 && has_speed && m.n_measured < CB_MINUTE_VEHICLES_MIN)
        cb_json_refuse(&rd, "mean_speed_kmh", "null: too few vehicles to tell a speed");
    if (rd.r == 0)
        *ret = m;
    return rd.r;
}

int cb_minutes_parse(const char *json, size_t n, struct cb_minute **ret, size_t *ret_n,
                     struct cb_error *reterr)
{
    json_t *a = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL);
    size_t count = json_array_size(a);
    if (!json_is_array(a) || count > CB_MINUTES_MAX) {
        json_decref(a);
        return cb_error_set(reterr, -EINVAL, "minutes", "expected a JSON array of at most %d objects",
                            CB_MINUTES_MAX);
    }
    CB_AUTO_FREE struct cb_minute *m = calloc(count ? count : 1, sizeof *m);
    int r = m ? 0 : cb_error_set(reterr, -ENOMEM, "minutes", "out of memory");
    for (size_t i = 0; r == 0 && i < count; i++)
        r = from_json(json_array_get(a, i), &m[i], reterr);
    json_decref(a);
    if (r < 0)
        return r;
    *ret = m;
    *ret_n = count;
    m = NULL;
    return 0;
}
