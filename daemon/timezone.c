#include "timezone.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ZONE_DIR   "/usr/share/zoneinfo/"
#define HEADER_LEN 44
#define FILE_MAX   65536
#define FAR_S      2114380800 /* 2037-01-01: as far as tables reach before their rule takes over */

struct counts {
    uint32_t n_isut, n_isstd, n_leap, n_time, n_type, n_char;
};

static uint64_t big_endian(const uint8_t *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static int add(struct cb_timezone *z, int64_t from_s, int64_t offset_s)
{
    struct cb_utc_offset *grown = realloc(z->offset, (z->n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    z->offset = grown;
    z->offset[z->n++] = (struct cb_utc_offset){from_s, (int32_t) offset_s};
    return 0;
}

/* "+08:00", "-03:30" */
static bool is_offset(const char *s, int *ret_s)
{
    static const char form[] = "+##:##";
    if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':')
        return false;
    for (int i = 0; i < 6; i++)
        if (form[i] == '#' && !isdigit((unsigned char) s[i]))
            return false;
    int h = (s[1] - '0') * 10 + s[2] - '0', m = (s[4] - '0') * 10 + s[5] - '0';
    *ret_s = (s[0] == '-' ? -60 : 60) * (h * 60 + m);
    return h <= 14 && m <= 59;
}

/* Letters, digits, _ + - and single slashes between: no way out of the folder. */
static bool is_name(const char *s)
{
    for (const char *p = s; *p; p++)
        if (!isalnum((unsigned char) *p) && !strchr("_+-/", *p))
            return false;
    return isalpha((unsigned char) s[0]) && !strstr(s, "//");
}

static size_t block_len(const struct counts *c, size_t time_len)
{
    return c->n_time * (time_len + 1) + c->n_type * 6 + c->n_char + c->n_leap * (time_len + 4) +
           c->n_isstd + c->n_isut;
}

static bool read_header(const uint8_t *p, size_t n, struct counts *c)
{
    if (n < HEADER_LEN || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    uint32_t *count = &c->n_isut;
    for (int i = 0; i < 6; i++)
        count[i] = (uint32_t) big_endian(p + 20 + 4 * i, 4);
    return c->n_type >= 1 && c->n_type <= 256 && c->n_time < FILE_MAX && c->n_char < FILE_MAX &&
           c->n_leap < FILE_MAX && c->n_isstd < FILE_MAX && c->n_isut < FILE_MAX;
}

/* The second block of a TZif file, with times of 64 bits, and the rule for later ones. */
static int read_block(const uint8_t *p, const struct counts *c, const char *rule, size_t n_rule,
                      struct cb_timezone *z)
{
    const uint8_t *type_of = p + 8 * c->n_time, *type = type_of + c->n_time;
    int r = add(z, INT64_MIN, (int32_t) big_endian(type, 4));
    for (uint32_t i = 0; i < c->n_time && r == 0; i++) {
        if (type_of[i] >= c->n_type)
            return -EBADMSG;
        r = add(z, (int64_t) big_endian(p + 8 * i, 8), (int32_t) big_endian(type + 6 * type_of[i], 4));
    }
    /* a comma: summer time goes on by rule after the table, which has to reach far enough */
    if (r == 0 && memchr(rule, ',', n_rule) && z->offset[z->n - 1].from_s < FAR_S)
        return -ENOTSUP;
    return r;
}

static int parse(const uint8_t *p, size_t n, struct cb_timezone *z)
{
    struct counts c = {0};
    if (!read_header(p, n, &c))
        return -EBADMSG;
    size_t at = HEADER_LEN + block_len(&c, 4);
    if (at > n || !read_header(p + at, n - at, &c))
        return -EBADMSG;
    at += HEADER_LEN;
    if (block_len(&c, 8) > n - at)
        return -EBADMSG;
    size_t end = at + block_len(&c, 8);
    return read_block(p + at, &c, (const char *) p + end, n - end, z);
}

static int read_zone(const char *name, struct cb_timezone *z)
{
    char file[128];
    snprintf(file, sizeof file, ZONE_DIR "%s", name);
    FILE *f = is_name(name) ? fopen(file, "rb") : NULL;
    if (!f)
        return -ENOENT;
    CB_AUTO_FREE uint8_t *text = malloc(FILE_MAX);
    size_t n = text ? fread(text, 1, FILE_MAX, f) : 0;
    fclose(f);
    return text ? parse(text, n, z) : -ENOMEM;
}

int cb_timezone_load(const char *name, struct cb_timezone *ret, struct cb_error *reterr)
{
    struct cb_timezone z = {0};
    int offset_s;
    int r = is_offset(name, &offset_s) ? add(&z, INT64_MIN, offset_s) : read_zone(name, &z);
    if (r == 0) {
        *ret = z;
        return 0;
    }
    free(z.offset);
    if (r == -ENOTSUP)
        return cb_error_set(reterr, r, NULL, "is '%s', whose table in %s ends before 2037 and "
                            "leaves summer time to a rule, expected a full table (zic -b fat) or "
                            "an offset as \"+08:00\"", name, ZONE_DIR);
    return cb_error_set(reterr, r, NULL, "is '%s', expected an IANA time zone of %s or an offset "
                        "from UTC as \"+08:00\"", name, ZONE_DIR);
}
