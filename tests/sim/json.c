#include "json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "scene.h"

static int refuse(struct cb_error *reterr, const char *where, const char *key, const char *want)
{
    char place[160];
    snprintf(place, sizeof place, "%.90s.%.60s", where, key);
    return cb_error_set(reterr, -EINVAL, place, "expected %s", want);
}

static int refuse_range(struct cb_error *reterr, const char *where, const struct sim_field *f)
{
    char want[96];
    snprintf(want, sizeof want, "a number from %g to %g", f->min, f->max);
    return refuse(reterr, where, f->key, want);
}

static int read_number(const json_t *v, const char *where, const struct sim_field *f, void *dst,
                       struct cb_error *reterr)
{
    double x = json_number_value(v);
    if (!json_is_number(v) || !(x >= f->min && x <= f->max))
        return refuse_range(reterr, where, f);
    if (f->type == SIM_FIELD_NUMBER) {
        memcpy(dst, &x, sizeof x);
        return 0;
    }
    int i = (int) x;
    if (i != x)
        return refuse(reterr, where, f->key, "a whole number");
    memcpy(dst, &i, sizeof i);
    return 0;
}

static int read_enum(const json_t *v, const char *where, const struct sim_field *f, void *dst,
                     struct cb_error *reterr)
{
    const char *text = json_string_value(v);
    for (int i = 0; text && f->names[i]; i++)
        if (strcmp(text, f->names[i]) == 0) {
            memcpy(dst, &i, sizeof i);
            return 0;
        }
    char want[128] = "one of";
    for (int i = 0; f->names[i]; i++)
        snprintf(want + strlen(want), sizeof want - strlen(want), " %s", f->names[i]);
    return refuse(reterr, where, f->key, want);
}

static int read_string(const json_t *v, const char *where, const struct sim_field *f, void *dst,
                       struct cb_error *reterr)
{
    const char *text = json_string_value(v);
    if (!text || strlen(text) >= f->size)
        return refuse(reterr, where, f->key, "a text that is short enough");
    memcpy(dst, text, strlen(text) + 1);
    return 0;
}

static int read_vec(const json_t *v, const char *where, const struct sim_field *f, void *dst,
                    struct cb_error *reterr)
{
    size_t n = f->type == SIM_FIELD_VEC3 ? 3 : 2;
    double c[3] = {0};
    if (json_array_size(v) != n)
        return refuse(reterr, where, f->key, n == 3 ? "[x, y, z]" : "[x, y]");
    for (size_t i = 0; i < n; i++) {
        const json_t *e = json_array_get(v, i);
        c[i] = json_number_value(e);
        if (!json_is_number(e) || !(c[i] >= -2000 && c[i] <= 2000))
            return refuse(reterr, where, f->key, "metres within 2000");
    }
    *(struct vec3 *) dst = v3(c[0], c[1], c[2]);
    return 0;
}

static double linear_from_srgb(unsigned byte)
{
    double v = byte / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static int read_colour(const json_t *v, const char *where, const struct sim_field *f, void *dst,
                       struct cb_error *reterr)
{
    const char *text = json_string_value(v);
    unsigned r, g, b;
    if (!text || strlen(text) != 7 || sscanf(text, "#%2x%2x%2x", &r, &g, &b) != 3)
        return refuse(reterr, where, f->key, "a colour such as \"#c01020\"");
    *(struct vec3 *) dst = v3(linear_from_srgb(r), linear_from_srgb(g), linear_from_srgb(b));
    return 0;
}

/* Both kinds of list have the same layout: pairs of numbers, then how many. */
static int read_pairs(const json_t *v, const char *where, const struct sim_field *f, void *dst,
                      struct cb_error *reterr)
{
    struct sim_curve *c = dst;
    size_t n = json_array_size(v);
    if (!json_is_array(v) || n > SIM_POINTS_MAX)
        return refuse(reterr, where, f->key, "a list of at most 32 pairs [t, value]");
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(v, i), *t = json_array_get(pair, 0),
                     *value = json_array_get(pair, 1);
        if (json_array_size(pair) != 2 || !json_is_number(t) || !json_is_number(value))
            return refuse(reterr, where, f->key, "pairs [t, value] of numbers");
        c->at[i].t_s = json_number_value(t);
        c->at[i].value = json_number_value(value);
        if (!(c->at[i].value >= f->min && c->at[i].value <= f->max))
            return refuse_range(reterr, where, f);
        if (i > 0 && !(c->at[i].t_s > c->at[i - 1].t_s))
            return refuse(reterr, where, f->key, "times that rise");
    }
    c->n = (int) n;
    return 0;
}

static int read_bool(const json_t *v, const char *where, const struct sim_field *f, void *dst,
                     struct cb_error *reterr)
{
    if (!json_is_boolean(v))
        return refuse(reterr, where, f->key, "true or false");
    *(bool *) dst = json_is_true(v);
    return 0;
}

static int read_field(const json_t *v, const char *where, const struct sim_field *f, void *dst,
                      struct cb_error *reterr)
{
    switch (f->type) {
    case SIM_FIELD_NUMBER:
    case SIM_FIELD_INT:
        return read_number(v, where, f, dst, reterr);
    case SIM_FIELD_BOOL:
        return read_bool(v, where, f, dst, reterr);
    case SIM_FIELD_STRING:
        return read_string(v, where, f, dst, reterr);
    case SIM_FIELD_ENUM:
        return read_enum(v, where, f, dst, reterr);
    case SIM_FIELD_VEC2:
    case SIM_FIELD_VEC3:
        return read_vec(v, where, f, dst, reterr);
    case SIM_FIELD_COLOUR:
        return read_colour(v, where, f, dst, reterr);
    case SIM_FIELD_PAIRS:
        return read_pairs(v, where, f, dst, reterr);
    case SIM_FIELD_OTHER:
        return 0;
    }
    return 0;
}

int sim_json_read(const json_t *json, const char *where, const struct sim_field *table, void *obj,
                  struct cb_error *reterr)
{
    const char *key;
    json_t *v;
    if (!json_is_object(json))
        return cb_error_set(reterr, -EINVAL, where, "expected an object { … }");
    json_object_foreach((json_t *) json, key, v)
    {
        const struct sim_field *f = table;
        while (f->key && strcmp(f->key, key) != 0)
            f++;
        if (!f->key)
            return refuse(reterr, where, key, "no such key: please check its spelling");
        int r = read_field(v, where, f, (char *) obj + f->offset, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}
