#ifndef SCHEMA_JSON_H
#define SCHEMA_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Printing: NaN becomes null, reals are rounded to the decimals that mean something. */
json_t *cb_json_real(double v, int decimals);
json_t *cb_json_text_or_null(const char *text);
/** As 2026-11-23T10:00:00.123Z. */
json_t *cb_json_utc(int64_t utc_ns);
/** Compact, keys in the order they were set (sorted when is_canonical); steals obj. */
int cb_json_dump(json_t *obj, bool is_canonical, char **ret_json, size_t *ret_n);

/**
 * Reading: the first thing wrong is remembered, the rest is skipped, and the caller asks once at
 * the end. Results are untouched where the key is wrong.
 */
struct cb_json_reader {
    const json_t *obj;
    struct cb_error *reterr; /* may be NULL */
    int r;                   /* 0, -EINVAL or -ENOMEM */
};

/** A text that is not one JSON object gives a reader whose r is -EINVAL. *ret_root to json_decref. */
struct cb_json_reader cb_json_open(const char *json, size_t n, struct cb_error *reterr,
                                   json_t **ret_root);
void cb_json_refuse(struct cb_json_reader *rd, const char *key, const char *expected);
/** The object under key; a missing one is an error unless is_optional (then obj NULL, r 0). */
struct cb_json_reader cb_json_object(struct cb_json_reader *rd, const char *key, bool is_optional);
/** Back to the outer reader: its error is the inner's. */
void cb_json_close(struct cb_json_reader *rd, const struct cb_json_reader *inner);

void cb_json_get_text(struct cb_json_reader *rd, const char *key, char *ret, size_t size);
/** A number, of at most 1e30 either way. @return false when it is not that */
bool cb_json_number(const json_t *v, double *ret);
/** null and a missing key are NaN. */
void cb_json_get_real(struct cb_json_reader *rd, const char *key, double *ret);
void cb_json_get_int(struct cb_json_reader *rd, const char *key, int64_t min, int64_t max,
                     int64_t *ret);
void cb_json_get_bool(struct cb_json_reader *rd, const char *key, bool *ret);
/** Index of the text in the names [0, n); null gives 0 when names(0) is NULL. */
void cb_json_get_enum(struct cb_json_reader *rd, const char *key, const char *(*name)(int i),
                      int n, int *ret);
/** Seconds in the text, ns in ret; null and a missing key are refused. */
void cb_json_get_time(struct cb_json_reader *rd, const char *key, int64_t *ret_ns);
/** A text as cb_json_utc makes it. */
void cb_json_get_utc(struct cb_json_reader *rd, const char *key, int64_t *ret_ns);
/** Array of at most max items, or NULL (refused). */
const json_t *cb_json_get_array(struct cb_json_reader *rd, const char *key, size_t max);
/** n numbers in an array. @return false when it is not that */
bool cb_json_numbers(const json_t *array, double *ret, size_t n);

#endif
