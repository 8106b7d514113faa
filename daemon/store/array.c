/* PostgreSQL's text form of an array: {"one","two",NULL}; quotes and backslashes are escaped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db.h"

static void put(struct cb_db_array *a, char c)
{
    a->text[a->n++] = c;
}

int cb_db_array_add(struct cb_db_array *a, const char *value)
{
    /* each byte twice, quotes, and what goes before and after */
    size_t most = 2 * (value ? strlen(value) : 4) + 8;
    if (cb_grow((void **) &a->text, &a->cap, a->n + most, 1) < 0)
        return -ENOMEM;
    put(a, a->n ? ',' : '{');
    if (!value) {
        memcpy(a->text + a->n, "NULL", 4);
        a->n += 4;
        return 0;
    }
    put(a, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            put(a, '\\');
        put(a, *value);
    }
    put(a, '"');
    return 0;
}

const char *cb_db_array_end(struct cb_db_array *a)
{
    if (cb_grow((void **) &a->text, &a->cap, a->n + 3, 1) < 0)
        return NULL;
    if (a->n == 0)
        put(a, '{');
    put(a, '}');
    put(a, '\0');
    return a->text;
}

void cb_db_array_deinit(struct cb_db_array *a)
{
    free(a->text);
    *a = (struct cb_db_array) {0};
}
