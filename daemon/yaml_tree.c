#include "yaml_tree.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define FILE_MAX_BYTES ((size_t) 4 << 20)

struct cb_yaml {
    yaml_document_t doc;
    char *name;
};

/* A long path's end says which file it is. */
static const char *end_of(const char *path)
{
    size_t n = strlen(path);
    if (n <= 80)
        return path;
    path += n - 80;
    while ((*path & 0xc0) == 0x80) /* no character is cut */
        path++;
    return path;
}

static int parse_error(const yaml_parser_t *p, const char *name, struct cb_error *reterr)
{
    char where[160];
    snprintf(where, sizeof where, "%s:%zu", end_of(name), p->problem_mark.line + 1);
    return cb_error_set(reterr, -EINVAL, where, "is not YAML: %s%s%s",
                        p->problem ? p->problem : "unreadable", p->context ? " " : "",
                        p->context ? p->context : "");
}

int cb_yaml_parse(struct cb_yaml **ret, const char *name, const char *text, size_t n,
                  struct cb_error *reterr)
{
    struct cb_yaml *y = calloc(1, sizeof *y);
    if (!y || !(y->name = strdup(name))) {
        free(y);
        return -ENOMEM;
    }
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p)) {
        free(y->name);
        free(y);
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&p, (const unsigned char *) text, n);
    int r = yaml_parser_load(&p, &y->doc) ? 0 : parse_error(&p, name, reterr);
    yaml_parser_delete(&p);
    if (r < 0) {
        free(y->name);
        free(y);
        return r;
    }
    if (!yaml_document_get_root_node(&y->doc)) {
        cb_yaml_close(&y);
        return cb_error_set(reterr, -EINVAL, name, "is empty, expected a mapping with cameras");
    }
    *ret = y;
    return 0;
}

int cb_yaml_read_file(const char *file, char **ret, size_t *ret_n, struct cb_error *reterr)
{
    FILE *f = fopen(file, "rb");
    if (!f)
        return cb_error_set(reterr, -errno, file, "cannot be opened: %s", strerror(errno));
    char *text = malloc(FILE_MAX_BYTES + 1);
    size_t n = text ? fread(text, 1, FILE_MAX_BYTES + 1, f) : 0;
    int r = text ? 0 : -ENOMEM;
    if (r == 0 && ferror(f))
        r = cb_error_set(reterr, -EIO, file, "cannot be read, expected a configuration file");
    if (r == 0 && n > FILE_MAX_BYTES)
        r = cb_error_set(reterr, -EFBIG, file, "is larger than 4 MiB: no configuration");
    fclose(f);
    if (r < 0) {
        free(text);
        return r;
    }
    *ret = text;
    *ret_n = n;
    return 0;
}

void cb_yaml_close(struct cb_yaml **yaml)
{
    struct cb_yaml *y = *yaml;
    if (!y)
        return;
    *yaml = NULL;
    yaml_document_delete(&y->doc);
    free(y->name);
    free(y);
}

struct cb_yaml_node cb_yaml_root(struct cb_yaml *y)
{
    return (struct cb_yaml_node){.yaml = y, .index = 1};
}

static yaml_node_t *get(const struct cb_yaml_node *n)
{
    return yaml_document_get_node(&n->yaml->doc, n->index);
}

int cb_yaml_line(const struct cb_yaml_node *n)
{
    return (int) get(n)->start_mark.line + 1;
}

int cb_yaml_refuse(const struct cb_yaml_node *n, struct cb_error *reterr, int code,
                   const char *fmt, ...)
{
    char where[192], text[256];
    snprintf(where, sizeof where, "%s:%d%s%s", end_of(n->yaml->name), cb_yaml_line(n),
             n->path[0] ? " " : "", n->path);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return cb_error_set(reterr, code, where, "%s", text);
}

#define DIGEST_DEPTH_MAX 64     /* an alias may stand within what it names, */
#define DIGEST_NODES_MAX 100000 /* … and aliases of aliases of aliases are more than anybody can read */

/* How far it may still go. */
struct walk {
    yaml_document_t *doc;
    int depth, n_nodes;
};

static void digest_of(struct walk *w, int index, unsigned char ret[CB_YAML_DIGEST_LEN]);

/* A sum of the pairs' digests, so that their order does not matter; no key stands there twice. */
static void digest_of_pairs(struct walk *w, const yaml_node_t *n,
                            unsigned char ret[CB_YAML_DIGEST_LEN])
{
    unsigned char pair[2][CB_YAML_DIGEST_LEN], one[CB_YAML_DIGEST_LEN];
    memset(ret, 0, CB_YAML_DIGEST_LEN);
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
        digest_of(w, p->key, pair[0]);
        digest_of(w, p->value, pair[1]);
        crypto_hash_sha256(one, pair[0], sizeof pair);
        sodium_add(ret, one, CB_YAML_DIGEST_LEN);
    }
}

static void digest_of(struct walk *w, int index, unsigned char ret[CB_YAML_DIGEST_LEN])
{
    const yaml_node_t *n = yaml_document_get_node(w->doc, index);
    bool goes_on = w->depth < DIGEST_DEPTH_MAX && w->n_nodes++ < DIGEST_NODES_MAX;
    unsigned char item[CB_YAML_DIGEST_LEN], kind = (unsigned char) n->type;
    crypto_hash_sha256_state s;
    crypto_hash_sha256_init(&s);
    crypto_hash_sha256_update(&s, &kind, 1);
    if (n->type == YAML_SCALAR_NODE)
        crypto_hash_sha256_update(&s, n->data.scalar.value, n->data.scalar.length);
    w->depth++;
    if (n->type == YAML_MAPPING_NODE && goes_on) {
        digest_of_pairs(w, n, item);
        crypto_hash_sha256_update(&s, item, sizeof item);
    }
    if (n->type == YAML_SEQUENCE_NODE && goes_on)
        for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top;
             i++) {
            digest_of(w, *i, item);
            crypto_hash_sha256_update(&s, item, sizeof item);
        }
    w->depth--;
    crypto_hash_sha256_final(&s, ret);
}

void cb_yaml_digest(const struct cb_yaml_node *n, unsigned char ret[CB_YAML_DIGEST_LEN])
{
    struct walk w = {.doc = &n->yaml->doc};
    digest_of(&w, n->index, ret);
}

const char *cb_yaml_text(const struct cb_yaml_node *n)
{
    yaml_node_t *node = get(n);
    return node->type == YAML_SCALAR_NODE ? (const char *) node->data.scalar.value : NULL;
}

int cb_yaml_count(const struct cb_yaml_node *n, struct cb_error *reterr)
{
    yaml_node_t *node = get(n);
    if (node->type != YAML_SEQUENCE_NODE)
        return cb_yaml_refuse(n, reterr, -EINVAL, "expected a list");
    return (int) (node->data.sequence.items.top - node->data.sequence.items.start);
}

struct cb_yaml_node cb_yaml_item(const struct cb_yaml_node *n, int i)
{
    struct cb_yaml_node item = {.yaml = n->yaml, .index = get(n)->data.sequence.items.start[i]};
    snprintf(item.path, sizeof item.path, "%.80s[%d]", n->path, i);
    return item;
}

int cb_yaml_numbers(const struct cb_yaml_node *node, double *ret, int n, struct cb_error *reterr)
{
    static const struct cb_opt number = {"", CB_OPT_DOUBLE, 0, sizeof(double), -1e9, 1e9,
                                         NULL, "", NULL};
    if (get(node)->type != YAML_SEQUENCE_NODE || cb_yaml_count(node, NULL) != n)
        return cb_yaml_refuse(node, reterr, -EINVAL, "expected a list of %d numbers", n);
    for (int i = 0; i < n; i++) {
        struct cb_yaml_node item = cb_yaml_item(node, i);
        const char *text = cb_yaml_text(&item);
        if (!text || cb_opt_set(&number, &ret[i], text, NULL) < 0)
            return cb_yaml_refuse(&item, reterr, -EINVAL, "is '%.40s', expected a number",
                                  text ? text : "a list or mapping");
    }
    return 0;
}

static struct cb_yaml_node child(const struct cb_yaml_node *n, int index, const char *key)
{
    struct cb_yaml_node c = {.yaml = n->yaml, .index = index};
    snprintf(c.path, sizeof c.path, "%.60s%s%.30s", n->path, n->path[0] ? "." : "", key);
    return c;
}

static int refuse_unknown(const struct cb_yaml_node *at, const struct cb_opt *table,
                          const char *const *others, struct cb_error *reterr)
{
    char known[200] = "";
    size_t n = 0;
    for (; table && table->key && n < sizeof known; table++)
        n += (size_t) snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", table->key);
    for (; others && *others && n < sizeof known; others++)
        n += (size_t) snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", *others);
    return cb_yaml_refuse(at, reterr, -EINVAL, "unknown key, expected one of: %s", known);
}

static int read_scalar(const struct cb_opt *o, void *obj, const struct cb_yaml_node *value,
                       struct cb_error *reterr)
{
    const char *text = cb_yaml_text(value);
    char expected[128];
    cb_opt_print_expected(o, expected, sizeof expected);
    if (!text)
        return cb_yaml_refuse(value, reterr, -EINVAL, "is a list or mapping, expected %s",
                              expected);
    struct cb_error e = {0};
    int r = cb_opt_set(o, obj, text, &e);
    return r < 0 ? cb_yaml_refuse(value, reterr, r, "%s", e.text) : 0;
}

/* Quadratic in the keys of one mapping, which are a handful. */
static bool is_repeated(const struct cb_yaml_node *n, const yaml_node_pair_t *pair,
                        const char *key)
{
    for (const yaml_node_pair_t *q = get(n)->data.mapping.pairs.start; q < pair; q++) {
        struct cb_yaml_node k = {.yaml = n->yaml, .index = q->key};
        const char *text = cb_yaml_text(&k);
        if (text && !strcmp(text, key))
            return true;
    }
    return false;
}

static int read_pair(const struct cb_yaml_node *n, const yaml_node_pair_t *pair,
                     const struct cb_opt *table, void *obj, cb_yaml_key_fn *on_other, void *self,
                     const char *const *others, struct cb_error *reterr)
{
    struct cb_yaml_node k = {.yaml = n->yaml, .index = pair->key};
    const char *key = cb_yaml_text(&k);
    if (!key)
        return cb_yaml_refuse(n, reterr, -EINVAL, "expected plain words as keys");
    struct cb_yaml_node value = child(n, pair->value, key);
    struct cb_yaml_node key_at = child(n, pair->key, key);
    if (is_repeated(n, pair, key))
        return cb_yaml_refuse(&key_at, reterr, -EINVAL, "is given twice");
    const struct cb_opt *o = table ? cb_opt_find(table, key) : NULL;
    if (o)
        return read_scalar(o, obj, &value, reterr);
    int r = on_other ? on_other(self, key, &value, reterr) : -ENOENT;
    return r == -ENOENT ? refuse_unknown(&key_at, table, others, reterr) : r;
}

int cb_yaml_read(const struct cb_yaml_node *n, const struct cb_opt *table, void *obj,
                 cb_yaml_key_fn *on_other, void *self, const char *const *others,
                 struct cb_error *reterr)
{
    yaml_node_t *node = get(n);
    if (node->type != YAML_MAPPING_NODE)
        return cb_yaml_refuse(n, reterr, -EINVAL, "expected a mapping of keys to values");
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
         p++) {
        int r = read_pair(n, p, table, obj, on_other, self, others, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}
