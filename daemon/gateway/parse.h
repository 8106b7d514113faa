#ifndef DAEMON_GATEWAY_PARSE_H
#define DAEMON_GATEWAY_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/desk.h"

/** Private to the gateway: what strangers send, before anything is done with it. Pure (tests/fuzz). */

enum cb_param_type {
    CB_PARAM_TEXT,  /* valid UTF-8 without controls; min, max: bytes */
    CB_PARAM_INT,
    CB_PARAM_REAL,
    CB_PARAM_TIME,  /* RFC 3339 */
    CB_PARAM_ENUM,  /* one of names */
    CB_PARAM_BOOL,
    CB_PARAM_UUID,
    CB_PARAM_TEXTS, /* of a body: an array of at most `max` texts; its value is JSON */
    CB_PARAM_MAP,   /* of a body: an object of at most `max` texts; its value is JSON */
};

/** One parameter of the path, the query or the body. Tables of these end in a row of zeros. */
struct cb_param {
    const char *name;
    enum cb_param_type type;
    double min, max;
    const char *const *names;
    const char *value; /* when it is not said; NULL: none */
    bool is_required;
};

/** The values of a table's rows in their order, as text; NULL: not said. Zeroed: none. */
struct cb_values {
    const char *v[CB_QUESTION_VALUES_MAX];
    char *own[CB_QUESTION_VALUES_MAX];
};
void cb_values_deinit(struct cb_values *v);

/**
 * One value, as it came: n bytes, a byte of zero among them is refused. @return 0; -EINVAL: reterr->where
 * names the parameter and reterr->text says what was expected; -ENOMEM
 */
int cb_values_set(struct cb_values *v, const struct cb_param *table, size_t offset,
                  const char *name, const char *text, size_t n, struct cb_error *reterr);
/** What was not said gets its default. @return 0; -EINVAL: one that is required is not there */
int cb_values_finish(struct cb_values *v, const struct cb_param *table, size_t offset,
                     struct cb_error *reterr);
/** A JSON object's keys. @return 0; -EBADMSG: it is none; -EINVAL as above; -ENOMEM */
int cb_values_set_body(struct cb_values *v, const struct cb_param *table, size_t offset,
                       const char *json, size_t n, struct cb_error *reterr);

/**
 * "/api/v1/violations/{id}/files/{name}": each {…} stands for one part of the path that is not empty.
 * @return whether it fits; then up to n_max parts are in ret, lent from path
 */
struct cb_part {
    const char *at;
    size_t n;
};
bool cb_path_match(const char *pattern, const char *path, struct cb_part *ret, size_t n_max);
/** The path of a file below a folder: no empty, hidden or ".." part. "" is the folder itself. */
bool cb_path_is_plain(const char *path);

/**
 * "bytes=0-99", "bytes=100-", "bytes=-100": one range of n bytes. @return 0: *ret_first and *ret_n;
 * -ENOENT: no range, all is to be sent (also of several ranges, or of another unit); -ERANGE
 */
int cb_range_parse(const char *text, uint64_t n, uint64_t *ret_first, uint64_t *ret_n);
/** A non-negative number to the text's end. @return -1: it is none */
int64_t cb_number_parse(const char *text);
/** Whether If-None-Match names the tag (without quotes). */
bool cb_etag_matches(const char *header, const char *tag);
/** Whether Accept-Encoding takes gzip. */
bool cb_takes_gzip(const char *header);
/** Whether Origin is of that Host, whatever the scheme. */
bool cb_origin_is_own(const char *origin, const char *host);

#endif
