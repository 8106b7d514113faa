/* What strangers send to the gateway. The input is lines: the method and the path, a query's name and
 * value, a Range, an If-None-Match, an Origin, then a body. What is accepted keeps what it promises. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_private.h"
#include "target.h"

enum { LINES = 8 };

static void want(bool is_true, const char *what)
{
    if (is_true)
        return;
    fprintf(stderr, "was accepted although not: %s\n", what);
    abort();
}

struct line {
    char *text;
    size_t n;
};

static void split(const uint8_t *data, size_t size, struct line ret[LINES])
{
    for (int i = 0; i < LINES; i++) {
        const uint8_t *end = i + 1 < LINES && size ? memchr(data, '\n', size) : NULL;
        size_t n = end ? (size_t) (end - data) : size;
        if (!(ret[i].text = malloc(n + 1)))
            abort();
        memcpy(ret[i].text, data, n);
        ret[i].text[n] = '\0';
        ret[i].n = n;
        data += n + (end ? 1 : 0);
        size -= n + (end ? 1 : 0);
    }
}

/* As a worker finds them. */
static void check_values(const struct cb_values *v, const struct cb_param *table, size_t offset)
{
    for (size_t i = 0; table && table[i].name; i++) {
        const char *s = v->v[offset + i];
        want(offset + i < CB_QUESTION_VALUES_MAX, "there is room for it");
        want(s || !table[i].is_required, "what is required is there");
        if (s && table[i].type == CB_PARAM_TEXT)
            want(strlen(s) <= table[i].max && strlen(s) >= table[i].min, "a text is as long as it may be");
        if (s && table[i].type == CB_PARAM_UUID)
            want(cb_uuid_is_valid(s), "an id is one");
        if (s && table[i].type == CB_PARAM_INT)
            want(atoll(s) >= (long long) table[i].min && (double) atoll(s) <= table[i].max, "a number is in its range");
        if (s && table[i].type == CB_PARAM_REAL)
            want(atof(s) >= table[i].min && atof(s) <= table[i].max, "a number is in its range");
    }
}

static void try_route(const struct cb_route *r, const struct cb_part part[2], const struct line *line)
{
    struct cb_values v = {0};
    struct cb_error e = {0};
    size_t n = 0;
    int ok = 0;
    for (; ok == 0 && r->in_path && r->in_path[n].name; n++)
        ok = cb_values_set(&v, r->in_path, 0, r->in_path[n].name, part[n].at, part[n].n, &e);
    if (ok == 0 && r->in_query && line[2].n)
        ok = cb_values_set(&v, r->in_query, n, line[2].text, line[3].text, line[3].n, &e);
    if (ok == 0 && r->in_query)
        ok = cb_values_finish(&v, r->in_query, n, &e);
    if (ok == 0 && r->in_body) {
        ok = cb_values_set_body(&v, r->in_body, n, line[7].text, line[7].n, &e);
        if (ok == 0)
            ok = cb_values_finish(&v, r->in_body, n, &e);
    }
    want(ok == 0 || e.text[0], "it was refused without a word");
    if (ok == 0) {
        check_values(&v, r->in_path, 0);
        check_values(&v, r->in_query ? r->in_query : r->in_body, n);
    }
    cb_values_deinit(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line line[LINES];
    struct cb_part part[2] = {{0}};
    char allow[64];
    unsigned status;
    uint64_t first, n;
    split(data, size, line);
    const struct cb_route *r = cb_route_find(line[0].text, line[1].text, part, &status, allow);
    want(r || status == 404 || (status == 405 && allow[0]), "a path that is none is 404 or 405");
    if (r)
        try_route(r, part, line);
    if (cb_range_parse(line[4].text, 1000, &first, &n) == 0)
        want(n > 0 && first < 1000 && n <= 1000 - first, "a range lies within the file");
    cb_etag_matches(line[5].text, "0123");
    cb_takes_gzip(line[5].text);
    if (cb_origin_is_own(line[6].text, "city.example"))
        want(strstr(line[6].text, "://") != NULL, "an origin has a scheme");
    if (cb_path_is_plain(line[1].text))
        want(!strstr(line[1].text, "..") || line[1].text[0] != '.', "a page lies below its folder");
    if (cb_path_is_plain(line[1].text))
        want(!strstr(line[1].text, "/.") && line[1].text[0] != '/', "a page lies below its folder");
    for (int i = 0; i < LINES; i++)
        free(line[i].text);
    return 0;
}
