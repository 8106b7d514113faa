#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "schema/id.h"

void cb_values_deinit(struct cb_values *v)
{
    for (size_t i = 0; i < CB_QUESTION_VALUES_MAX; i++)
        free(v->own[i]);
    memset(v, 0, sizeof *v);
}

static int refuse(struct cb_error *reterr, const char *name, const char *expected)
{
    char where[80];
    /* a name that we do not know comes from a stranger */
    snprintf(where, sizeof where, "%.60s", name);
    for (char *s = where; *s; s++)
        if ((unsigned char) *s < 0x20 || (unsigned char) *s > 0x7e || *s == '"' || *s == '\\')
            *s = '?';
    return cb_error_set(reterr, -EINVAL, where, "%s", expected);
}

/* The length of one character that starts with c, 0: it cannot start one. */
static int utf8_length(unsigned char c)
{
    return c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

static bool is_utf8_text(const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char) text[i];
        int k = utf8_length(c);
        if (!k || (size_t) k > n - i || (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
            return false;
        for (int j = 1; j < k; j++)
            if (((unsigned char) text[i + (size_t) j] & 0xc0) != 0x80)
                return false;
        unsigned char d = k > 1 ? (unsigned char) text[i + 1] : 0;
        if ((c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) || (c == 0xf0 && d < 0x90) ||
            (c == 0xf4 && d > 0x8f))
            return false;
        i += (size_t) k;
    }
    return true;
}

static bool is_real(const char *text, double *ret)
{
    char *end = NULL;
    if (!text[0] || strspn(text, "+-0123456789.eE") != strlen(text))
        return false;
    *ret = strtod(text, &end);
    return !*end && isfinite(*ret);
}

static bool is_integer(const char *text, double *ret)
{
    size_t n = strlen(text), digits = strspn(text, "0123456789");
    if (!n || n != digits || n > 18)
        return false;
    *ret = (double) strtoll(text, NULL, 10);
    return true;
}

static int check_number(const struct cb_param *p, const char *text, struct cb_error *reterr)
{
    double v = 0;
    bool is_one = p->type == CB_PARAM_INT ? is_integer(text, &v) : is_real(text, &v);
    char expected[96];
    if (is_one && v >= p->min && v <= p->max)
        return 0;
    snprintf(expected, sizeof expected, "expected %s from %.15g to %.15g",
             p->type == CB_PARAM_INT ? "a whole number" : "a number", p->min, p->max);
    return refuse(reterr, p->name, expected);
}

static int check_enum(const struct cb_param *p, const char *text, struct cb_error *reterr)
{
    char expected[200] = "expected one of:";
    for (size_t i = 0; p->names[i]; i++) {
        if (!strcmp(text, p->names[i]))
            return 0;
        size_t n = strlen(expected);
        snprintf(expected + n, sizeof expected - n, " %s", p->names[i]);
    }
    return refuse(reterr, p->name, expected);
}

static int check(const struct cb_param *p, const char *text, size_t n, struct cb_error *reterr)
{
    char expected[96];
    int64_t at;
    if (memchr(text, '\0', n) || !is_utf8_text(text, n))
        return refuse(reterr, p->name, "expected text in UTF-8 without control characters");
    switch (p->type) {
    case CB_PARAM_INT:
    case CB_PARAM_REAL: return check_number(p, text, reterr);
    case CB_PARAM_ENUM: return check_enum(p, text, reterr);
    case CB_PARAM_TIME:
        return cb_utc_parse(text, &at) == 0
                   ? 0 : refuse(reterr, p->name, "expected a time as 2026-11-26T08:00:00Z");
    case CB_PARAM_UUID:
        return cb_uuid_is_valid(text) ? 0 : refuse(reterr, p->name, "expected a UUID");
    case CB_PARAM_BOOL:
        return !strcmp(text, "true") || !strcmp(text, "false")
                   ? 0 : refuse(reterr, p->name, "expected true or false");
    case CB_PARAM_TEXT:
        if ((double) n >= p->min && (double) n <= p->max)
            return 0;
        snprintf(expected, sizeof expected, "expected %.0f to %.0f bytes", p->min, p->max);
        return refuse(reterr, p->name, expected);
    case CB_PARAM_TEXTS:
    case CB_PARAM_MAP: break;
    }
    return refuse(reterr, p->name, "does not stand in a path or a query");
}

static long find(const struct cb_param *table, const char *name)
{
    for (long i = 0; table && table[i].name; i++)
        if (!strcmp(table[i].name, name))
            return i;
    return -1;
}

static int keep(struct cb_values *v, size_t at, const char *text, size_t n)
{
    char *copy = strndup(text, n);
    if (!copy)
        return -ENOMEM;
    free(v->own[at]);
    v->v[at] = v->own[at] = copy;
    return 0;
}

int cb_values_set(struct cb_values *v, const struct cb_param *table, size_t offset,
                  const char *name, const char *text, size_t n, struct cb_error *reterr)
{
    long i = find(table, name);
    if (i < 0)
        return refuse(reterr, name, "there is no such parameter");
    if (v->v[offset + (size_t) i])
        return refuse(reterr, name, "is said twice");
    if (memchr(text, '\0', n))
        return refuse(reterr, name, "expected text in UTF-8 without control characters");
    char *copy = strndup(text, n); /* with an end, for what reads to it */
    if (!copy)
        return -ENOMEM;
    int r = check(&table[i], copy, n, reterr);
    if (r < 0) {
        free(copy);
        return r;
    }
    v->v[offset + (size_t) i] = v->own[offset + (size_t) i] = copy;
    return 0;
}

int cb_values_finish(struct cb_values *v, const struct cb_param *table, size_t offset,
                     struct cb_error *reterr)
{
    for (size_t i = 0; table && table[i].name; i++) {
        if (v->v[offset + i])
            continue;
        if (table[i].is_required)
            return refuse(reterr, table[i].name, "is missing");
        v->v[offset + i] = table[i].value;
    }
    return 0;
}

static bool is_text(const json_t *item, size_t max)
{
    return json_is_string(item) && json_string_length(item) <= max &&
           is_utf8_text(json_string_value(item), json_string_length(item));
}

static int set_json(struct cb_values *v, size_t at, const json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    int r = text ? keep(v, at, text, strlen(text)) : -ENOMEM;
    free(text);
    return r;
}

static int set_texts(struct cb_values *v, size_t at, const struct cb_param *p, const json_t *j,
                     struct cb_error *reterr)
{
    if (!json_is_array(j) || (double) json_array_size(j) > p->max)
        return refuse(reterr, p->name, "expected an array of texts, not too many");
    for (size_t i = 0; i < json_array_size(j); i++)
        if (!is_text(json_array_get(j, i), 200))
            return refuse(reterr, p->name, "expected texts of at most 200 bytes");
    return set_json(v, at, j);
}

static int set_map(struct cb_values *v, size_t at, const struct cb_param *p, json_t *j,
                   struct cb_error *reterr)
{
    const char *key;
    json_t *item;
    if (!json_is_object(j) || (double) json_object_size(j) > p->max)
        return refuse(reterr, p->name, "expected an object of texts, not too many");
    json_object_foreach(j, key, item)
        if (!is_text(item, 200) || strlen(key) > 64 || !is_utf8_text(key, strlen(key)))
            return refuse(reterr, p->name, "expected texts of at most 200 bytes");
    return set_json(v, at, j);
}

static int set_scalar(struct cb_values *v, size_t at, const struct cb_param *p, const json_t *j,
                      struct cb_error *reterr)
{
    char number[40];
    bool is_number = p->type == CB_PARAM_INT || p->type == CB_PARAM_REAL;
    if (is_number && json_is_number(j)) {
        snprintf(number, sizeof number, "%.17g", json_number_value(j));
        int r = check(p, number, strlen(number), reterr);
        return r < 0 ? r : keep(v, at, number, strlen(number));
    }
    if (is_number || !json_is_string(j))
        return refuse(reterr, p->name, is_number ? "expected a number" : "expected a text");
    int r = check(p, json_string_value(j), json_string_length(j), reterr);
    return r < 0 ? r : keep(v, at, json_string_value(j), json_string_length(j));
}

static int set_keys(struct cb_values *v, const struct cb_param *table, size_t offset, json_t *body,
                    struct cb_error *reterr)
{
    const char *key;
    json_t *item;
    json_object_foreach(body, key, item) {
        long i = find(table, key);
        if (i < 0)
            return refuse(reterr, key, "there is no such key");
        const struct cb_param *p = &table[i];
        size_t at = offset + (size_t) i;
        int r = p->type == CB_PARAM_TEXTS ? set_texts(v, at, p, item, reterr)
                : p->type == CB_PARAM_MAP ? set_map(v, at, p, item, reterr)
                                          : set_scalar(v, at, p, item, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

int cb_values_set_body(struct cb_values *v, const struct cb_param *table, size_t offset,
                       const char *json, size_t n, struct cb_error *reterr)
{
    json_error_t e;
    json_t *body = json_loadb(json, n, JSON_REJECT_DUPLICATES, &e);
    int r = json_is_object(body) ? set_keys(v, table, offset, body, reterr)
                                 : cb_error_set(reterr, -EBADMSG, "", "the body is no JSON object");
    json_decref(body);
    return r;
}

bool cb_path_match(const char *pattern, const char *path, struct cb_part *ret, size_t n_max)
{
    size_t n = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t part = strcspn(path, "/");
        if (!part || n == n_max)
            return false;
        ret[n++] = (struct cb_part) {path, part};
        path += part;
        pattern += strcspn(pattern, "}") + 1;
    }
    return !*path;
}

bool cb_path_is_plain(const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 0 || path[0] == '.')
            return false;
        for (size_t i = 0; i < n; i++)
            if (!isalnum((unsigned char) path[i]) && !strchr("._-", path[i]))
                return false;
        path += n;
        if (*path == '/' && !*++path)
            return false;
    }
    return true;
}

int64_t cb_number_parse(const char *text)
{
    double v;
    return text && is_integer(text, &v) ? strtoll(text, NULL, 10) : -1;
}

int cb_range_parse(const char *text, uint64_t n, uint64_t *ret_first, uint64_t *ret_n)
{
    char from[24], to[24];
    if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
        return -ENOENT;
    const char *dash = strchr(text += 6, '-');
    if (!dash || (size_t) (dash - text) >= sizeof from || strlen(dash + 1) >= sizeof to)
        return -ENOENT;
    snprintf(from, sizeof from, "%.*s", (int) (dash - text), text);
    snprintf(to, sizeof to, "%s", dash + 1);
    int64_t a = cb_number_parse(from), b = cb_number_parse(to);
    if ((from[0] && a < 0) || (to[0] && b < 0) || (!from[0] && !to[0]))
        return -ENOENT;
    if (!from[0]) { /* the last b bytes */
        if (b == 0 || n == 0)
            return -ERANGE;
        *ret_n = (uint64_t) b < n ? (uint64_t) b : n;
        *ret_first = n - *ret_n;
        return 0;
    }
    if (to[0] && b < a)
        return -ENOENT;
    if ((uint64_t) a >= n)
        return -ERANGE;
    uint64_t last = to[0] && (uint64_t) b < n ? (uint64_t) b : n - 1;
    *ret_first = (uint64_t) a;
    *ret_n = last - (uint64_t) a + 1;
    return 0;
}

bool cb_etag_matches(const char *header, const char *tag)
{
    size_t n = strlen(tag);
    if (header && !strcmp(header, "*"))
        return true;
    for (const char *s = header; s && (s = strchr(s, '"')); s++) {
        const char *end = strchr(s + 1, '"');
        if (!end)
            return false;
        if ((size_t) (end - s - 1) == n && memcmp(s + 1, tag, n) == 0)
            return true;
        s = end;
    }
    return false;
}

bool cb_takes_gzip(const char *header)
{
    const char *s = header ? strstr(header, "gzip") : NULL;
    if (!s)
        return false;
    s += 4;
    s += strspn(s, " ");
    return strncmp(s, ";q=", 3) != 0 || strtod(s + 3, NULL) > 0;
}

bool cb_origin_is_own(const char *origin, const char *host)
{
    const char *s = strstr(origin, "://");
    return s && host && strcasecmp(s + 3, host) == 0;
}
