#include "base/opt.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const struct cb_opt *cb_opt_find(const struct cb_opt *table, const char *key)
{
    for (; table->key; table++)
        if (!strcmp(table->key, key))
            return table;
    return NULL;
}

static void print_names(const struct cb_opt *o, char *ret, size_t size)
{
    size_t at = (size_t) snprintf(ret, size, "one of");
    for (const char *const *n = o->names; *n && at < size; n++)
        at += (size_t) snprintf(ret + at, size - at, "%s %s", n == o->names ? "" : ",", *n);
}

void cb_opt_print_expected(const struct cb_opt *o, char *ret, size_t size)
{
    const char *space = o->unit ? " " : "", *unit = o->unit ? o->unit : "";
    switch (o->type) {
    case CB_OPT_DOUBLE:
        snprintf(ret, size, "a number from %g to %g%s%s", o->min, o->max, space, unit);
        return;
    case CB_OPT_INT:
        snprintf(ret, size, "a whole number from %g to %g%s%s", o->min, o->max, space, unit);
        return;
    case CB_OPT_BOOL:
        snprintf(ret, size, "true or false");
        return;
    case CB_OPT_STRING:
        snprintf(ret, size, "text of %g to %zu bytes", o->min, o->size - 1);
        return;
    case CB_OPT_ENUM:
        print_names(o, ret, size);
        return;
    }
}

static int refuse(const struct cb_opt *o, int code, const char *text, struct cb_error *reterr)
{
    char expected[128];
    cb_opt_print_expected(o, expected, sizeof expected);
    return cb_error_set(reterr, code, reterr ? reterr->where : NULL, "is '%.60s', expected %s",
                        text, expected);
}

/* Library code leaves the process's locale alone: numbers are read in the C locale wherever the
 * program runs, so that 1.5 is never 1 in a country of decimal commas. */
static bool parse_double(const char *text, double *ret)
{
    locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t) 0);
    if (!c)
        return false;
    char *end;
    double v = strtod_l(text, &end, c);
    freelocale(c);
    if (end == text || *end || !isfinite(v))
        return false;
    *ret = v;
    return true;
}

static int set_number(const struct cb_opt *o, void *field, const char *text, struct cb_error *e)
{
    double v;
    if (!parse_double(text, &v) || (o->type == CB_OPT_INT && v != floor(v)))
        return refuse(o, -EINVAL, text, e);
    if (!(v >= o->min && v <= o->max))
        return refuse(o, -ERANGE, text, e);
    if (o->type == CB_OPT_INT)
        *(int *) field = (int) v;
    else
        *(double *) field = v;
    return 0;
}

static int set_enum(const struct cb_opt *o, void *field, const char *text, struct cb_error *e)
{
    for (int i = 0; o->names[i]; i++)
        if (!strcmp(o->names[i], text)) {
            *(int *) field = i;
            return 0;
        }
    return refuse(o, -EINVAL, text, e);
}

int cb_opt_set(const struct cb_opt *o, void *obj, const char *text, struct cb_error *reterr)
{
    void *field = (char *) obj + o->offset;
    size_t n = strlen(text);
    switch (o->type) {
    case CB_OPT_DOUBLE:
    case CB_OPT_INT:
        return set_number(o, field, text, reterr);
    case CB_OPT_BOOL:
        if (strcmp(text, "true") && strcmp(text, "false"))
            return refuse(o, -EINVAL, text, reterr);
        *(bool *) field = !strcmp(text, "true");
        return 0;
    case CB_OPT_STRING:
        if (n >= o->size || n < (size_t) o->min)
            return refuse(o, -ERANGE, text, reterr);
        memcpy(field, text, n + 1);
        return 0;
    case CB_OPT_ENUM:
        return set_enum(o, field, text, reterr);
    }
    return -EINVAL;
}

void cb_opt_print_help(const struct cb_opt *table, FILE *out)
{
    for (; table->key; table++) {
        char expected[128];
        cb_opt_print_expected(table, expected, sizeof expected);
        fprintf(out, "  %-28s %s (%s)\n", table->key, table->help, expected);
    }
}
