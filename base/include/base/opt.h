#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

enum cb_opt_type {
    CB_OPT_DOUBLE, /* double; min…max */
    CB_OPT_INT,    /* int; min…max */
    CB_OPT_BOOL,   /* bool; "true" or "false" */
    CB_OPT_STRING, /* char[size]; help says the form; min: bytes at least */
    CB_OPT_ENUM,   /* int; one of names[], its index */
};

/**
 * One setting: where it lies in its struct, what is legal, what it is for. Tables of these end in
 * a row of zeros and stand beside the struct they fill; the configuration reader, its error
 * messages and docs/config.md are made from them.
 */
struct cb_opt {
    const char *key;
    enum cb_opt_type type;
    size_t offset, size; /* CB_OPT_AT fills both */
    double min, max;
    const char *unit; /* "km/h"; NULL: none */
    const char *help;
    const char *const *names; /* CB_OPT_ENUM: ends in NULL */
};

#define CB_OPT_AT(type, field) offsetof(type, field), sizeof(((type *) 0)->field)

/** The row named key, or NULL. */
const struct cb_opt *cb_opt_find(const struct cb_opt *table, const char *key);
/**
 * Sets obj's field from text: to the end of the text, in the C locale, NaN refused.
 * @return 0; -EINVAL (type), -ERANGE (range): reterr->text says what was expected; where is kept
 */
int cb_opt_set(const struct cb_opt *o, void *obj, const char *text, struct cb_error *reterr);
/** "a number from 0 to 500 m": for messages and for docs/config.md. */
void cb_opt_print_expected(const struct cb_opt *o, char *ret, size_t size);
/** One line a row: key, what is expected, help. */
void cb_opt_print_help(const struct cb_opt *table, FILE *out);

#endif
