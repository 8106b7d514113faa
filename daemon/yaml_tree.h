#ifndef DAEMON_YAML_TREE_H
#define DAEMON_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/opt.h"

/* libyaml's document tree with line numbers. Why not libcyaml: its messages know lines only while
 * it loads, so that a value out of range, a duplicate id or a degenerate calibration, found after,
 * could not say where; and its schema has no ranges and units. One table (base/opt.h) has all. */

struct cb_yaml;

/** A node with the path that led to it, for messages: "city.yaml:14 cameras[2].url". */
struct cb_yaml_node {
    struct cb_yaml *yaml;
    int index; /* libyaml's, from 1 */
    char path[96];
};

/** Reads a whole file of at most 4 MiB, yours to free. @return -ENOENT, -EFBIG … with words */
int cb_yaml_read_file(const char *file, char **ret, size_t *ret_n, struct cb_error *reterr);
/** One document; name is what messages call it. */
int cb_yaml_parse(struct cb_yaml **ret, const char *name, const char *text, size_t n,
                  struct cb_error *reterr);
void cb_yaml_close(struct cb_yaml **y);
struct cb_yaml_node cb_yaml_root(struct cb_yaml *y);

int cb_yaml_line(const struct cb_yaml_node *n);
/** Words an error at this node and returns code. */
int cb_yaml_refuse(const struct cb_yaml_node *n, struct cb_error *reterr, int code,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define CB_YAML_DIGEST_LEN 32
/** Equal for what is written alike but for places, comments and the order of keys. */
void cb_yaml_digest(const struct cb_yaml_node *n, unsigned char ret[CB_YAML_DIGEST_LEN]);

/** The text of a scalar, valid as long as the document. @return NULL: not a scalar */
const char *cb_yaml_text(const struct cb_yaml_node *n);
/** Items of a sequence. @return -EINVAL with words when it is none */
int cb_yaml_count(const struct cb_yaml_node *n, struct cb_error *reterr);
struct cb_yaml_node cb_yaml_item(const struct cb_yaml_node *n, int i);
/** A sequence of exactly n finite numbers. */
int cb_yaml_numbers(const struct cb_yaml_node *node, double *ret, int n, struct cb_error *reterr);

/** A key that is not in the table: reads it, or -ENOENT when it is unknown. */
typedef int cb_yaml_key_fn(void *self, const char *key, const struct cb_yaml_node *value,
                           struct cb_error *reterr);
/**
 * Reads a mapping into obj: scalars by the table, other keys by on_other (may be NULL). Unknown
 * and double keys are refused, with the keys that are known; others: NULL-ended names of the keys
 * that on_other takes.
 */
int cb_yaml_read(const struct cb_yaml_node *n, const struct cb_opt *table, void *obj,
                 cb_yaml_key_fn *on_other, void *self, const char *const *others,
                 struct cb_error *reterr);

#endif
