#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Beyond this a time in seconds no longer fits ns in an int64_t with room for sums. */
#define TIME_MAX_S 4e9

/* No quantity of a record is larger, odds (up to e^50) neither; one that is might not come back from a
 * float, nor from a double when it was rounded for printing. */
#define NUMBER_MAX 1e30

json_t *cb_json_real(double v, int decimals)
{
    if (!isfinite(v))
        return json_null();
    double unit = pow(10, decimals);
    double rounded = fabs(v) < 1e15 / unit ? round(v * unit) / unit : v;
    return json_real(rounded + 0.0); /* + 0.0: no negative zero */
}

json_t *cb_json_text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

json_t *cb_json_utc(int64_t utc_ns)
{
    char text[CB_UTC_LEN];
    cb_utc_print(utc_ns, text);
    return json_string(text);
}

int cb_json_dump(json_t *obj, bool is_canonical, char **ret_json, size_t *ret_n)
{
    if (!obj)
        return -ENOMEM;
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15) | (is_canonical ? JSON_SORT_KEYS : 0);
    char *s = json_dumps(obj, flags);
    json_decref(obj);
    if (!s)
        return -ENOMEM;
    *ret_json = s;
    if (ret_n)
        *ret_n = strlen(s);
    return 0;
}

void cb_json_refuse(struct cb_json_reader *rd, const char *key, const char *expected)
{
    if (rd->r == 0)
        rd->r = cb_error_set(rd->reterr, -EINVAL, key, "expected %s", expected);
}

struct cb_json_reader cb_json_open(const char *json, size_t n, struct cb_error *reterr,
                                   json_t **ret_root)
{
    json_error_t e;
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &e);
    struct cb_json_reader rd = {root, reterr, 0};
    *ret_root = root;
    if (!root && (!e.text[0] || json_error_code(&e) == json_error_out_of_memory)) {
        /* jansson words every fault of the text; it is silent when memory ran out. The text may be
         * good: who stores records must not take it for a poisoned one. */
        rd.r = cb_error_set(reterr, -ENOMEM, "", "out of memory");
    } else if (!json_is_object(root)) {
        char where[64];
        snprintf(where, sizeof where, "line %d, column %d", root ? 1 : e.line, root ? 1 : e.column);
        rd.r = cb_error_set(reterr, -EINVAL, where, "expected a JSON object%s%s", root ? "" : ": ",
                            root ? "" : e.text);
    }
    return rd;
}

struct cb_json_reader cb_json_object(struct cb_json_reader *rd, const char *key, bool is_optional)
{
    struct cb_json_reader in = {NULL, rd->reterr, rd->r};
    if (rd->r < 0)
        return in;
    const json_t *v = json_object_get(rd->obj, key);
    if (json_is_object(v))
        in.obj = v;
    else if (!is_optional || (v && !json_is_null(v)))
        cb_json_refuse(&in, key, "an object");
    return in;
}

void cb_json_close(struct cb_json_reader *rd, const struct cb_json_reader *inner)
{
    if (rd->r == 0)
        rd->r = inner->r;
}

void cb_json_get_text(struct cb_json_reader *rd, const char *key, char *ret, size_t size)
{
    const char *s = rd->r < 0 ? NULL : json_string_value(json_object_get(rd->obj, key));
    if (!s || strlen(s) >= size) {
        char expected[48];
        snprintf(expected, sizeof expected, "text of at most %zu bytes", size - 1);
        cb_json_refuse(rd, key, expected);
        return;
    }
    memcpy(ret, s, strlen(s) + 1);
}

bool cb_json_number(const json_t *v, double *ret)
{
    if (!json_is_number(v) || !(fabs(json_number_value(v)) <= NUMBER_MAX))
        return false;
    *ret = json_number_value(v);
    return true;
}

void cb_json_get_real(struct cb_json_reader *rd, const char *key, double *ret)
{
    if (rd->r < 0)
        return;
    const json_t *v = json_object_get(rd->obj, key);
    if (!v || json_is_null(v))
        *ret = NAN;
    else if (!cb_json_number(v, ret))
        cb_json_refuse(rd, key, "a number of at most 1e30, or null");
}

void cb_json_get_int(struct cb_json_reader *rd, const char *key, int64_t min, int64_t max,
                     int64_t *ret)
{
    if (rd->r < 0)
        return;
    const json_t *v = json_object_get(rd->obj, key);
    if (json_is_integer(v) && json_integer_value(v) >= min && json_integer_value(v) <= max)
        *ret = json_integer_value(v);
    else
        cb_json_refuse(rd, key, "a whole number in its range");
}

void cb_json_get_bool(struct cb_json_reader *rd, const char *key, bool *ret)
{
    if (rd->r < 0)
        return;
    const json_t *v = json_object_get(rd->obj, key);
    if (json_is_boolean(v))
        *ret = json_is_true(v);
    else
        cb_json_refuse(rd, key, "true or false");
}

void cb_json_get_enum(struct cb_json_reader *rd, const char *key, const char *(*name)(int i),
                      int n, int *ret)
{
    if (rd->r < 0)
        return;
    const json_t *v = json_object_get(rd->obj, key);
    const char *s = json_string_value(v);
    for (int i = 0; i < n; i++) {
        const char *known = name(i);
        if (known ? s && !strcmp(s, known) : json_is_null(v)) {
            *ret = i;
            return;
        }
    }
    cb_json_refuse(rd, key, "one of its names");
}

void cb_json_get_time(struct cb_json_reader *rd, const char *key, int64_t *ret_ns)
{
    double s = NAN;
    cb_json_get_real(rd, key, &s);
    if (rd->r == 0 && !(fabs(s) < TIME_MAX_S))
        cb_json_refuse(rd, key, "a time in seconds");
    if (rd->r == 0)
        *ret_ns = cb_ns_from_s(s);
}

void cb_json_get_utc(struct cb_json_reader *rd, const char *key, int64_t *ret_ns)
{
    char text[40];
    cb_json_get_text(rd, key, text, sizeof text);
    if (rd->r == 0 && cb_utc_parse(text, ret_ns) < 0)
        cb_json_refuse(rd, key, "a time as 2026-11-23T10:00:00.123Z");
}

const json_t *cb_json_get_array(struct cb_json_reader *rd, const char *key, size_t max)
{
    if (rd->r < 0)
        return NULL;
    const json_t *v = json_object_get(rd->obj, key);
    if (json_is_array(v) && json_array_size(v) <= max)
        return v;
    cb_json_refuse(rd, key, "an array");
    return NULL;
}

bool cb_json_numbers(const json_t *array, double *ret, size_t n)
{
    if (!json_is_array(array) || json_array_size(array) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!cb_json_number(json_array_get(array, i), &ret[i]))
            return false;
    return true;
}
