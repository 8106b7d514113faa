#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli.h"
#include "evidence/key.h"
#include "evidence/verify.h"

#define KEYS_MAX  16
#define DEPTH_MAX 4 /* folders below PATH */

static const char help[] =
    "usage: citybrain verify PATH... [--key KEY]... [--chain] [--json]\n"
    "\n"
    "Proves sealed evidence whole, offline, or names what was altered. PATH is a package's folder\n"
    "or a folder of packages (a node's data folder). Each file is compared with the hash that the\n"
    "signed record has of it; a file that is missing, altered or extra is named.\n"
    "\n"
    "  --key KEY   a public key that may have signed: 64 hex digits, or a file that holds them;\n"
    "              may be given several times. Without it the key that each record names is\n"
    "              used: then the package is proven unaltered, but not by whom it was sealed.\n"
    "  --chain     also proves that the records of each node follow each other: none removed,\n"
    "              exchanged or inserted\n"
    "  --json      one JSON object a line: packages, chains, a summary\n"
    "\n"
    "Exit codes: 0 all whole; 1 something is not, or there is no package; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain verify var/edge-1/sealed/000000000042-0193b3a0-0000-7000-8000-000000000000\n"
    "  citybrain verify var/edge-1 --chain --key edge-1.pub\n";

struct verification {
    bool has_chain, is_json, has_bar;
    char key[KEYS_MAX][CB_KEY_LEN];
    struct cb_verify_keys keys;
    struct cb_verify_link *link; /* of every record that could be read */
    size_t n_links, cap;
    uint64_t n_packages, n_whole, n_delivered, n_chain_faults;
};

static json_t *fault_to_json(const struct cb_fault *f)
{
    return json_pack("{s:s, s:s, s:s}", "kind", cb_fault_kind_name(f->kind), "name", f->name,
                     "text", f->text);
}

/* Steals o. */
static void print_json(json_t *o)
{
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (text)
        puts(text);
    free(text);
}

static void print_package_json(const char *dir, const struct cb_verify_report *v)
{
    json_t *faults = json_array();
    for (size_t i = 0; i < v->n_faults; i++)
        json_array_append_new(faults, fault_to_json(&v->fault[i]));
    json_t *o =
        json_pack("{s:s, s:s, s:b, s:b, s:o}", "type", "package", "path", dir, "whole",
                  (int) (v->n_faults == 0), "delivered", (int) v->is_delivered, "faults", faults);
    if (o && v->is_readable) {
        json_object_set_new(o, "id", json_string(v->link.id));
        json_object_set_new(o, "node", json_string(v->link.node));
        json_object_set_new(o, "sequence", json_integer((json_int_t) v->link.sequence));
        json_object_set_new(o, "sha256", json_string(v->link.sha256));
        json_object_set_new(o, "public_key", json_string(v->link.public_key));
    }
    print_json(o);
}

static void print_package(const char *dir, const struct cb_verify_report *v)
{
    if (v->n_faults == 0)
        printf("whole    %s  %s sequence %" PRIu64 ", %zu files%s\n", dir, v->link.node,
               v->link.sequence, v->n_files,
               v->is_delivered ? ", media removed after delivery: record and signature alone" : "");
    else
        printf("NOT WHOLE %s\n", dir);
    for (size_t i = 0; i < v->n_faults; i++)
        printf("  %-9s %s %s\n", cb_fault_kind_name(v->fault[i].kind), v->fault[i].name,
               v->fault[i].text);
    if (v->n_faults == CB_FAULTS_MAX)
        printf("  … perhaps more: only the first %d are named\n", CB_FAULTS_MAX);
}

static void show_progress(const struct verification *vf)
{
    if (vf->has_bar && vf->n_packages % 16 == 0)
        fprintf(stderr, "\r%" PRIu64 " packages, %" PRIu64 " whole\033[K", vf->n_packages,
                vf->n_whole);
}

/* Counts and prints what one package proved, wherever it is kept. */
static int take_report(struct verification *vf, const char *where, const struct cb_verify_report *v)
{
    vf->n_packages++;
    vf->n_whole += v->n_faults == 0;
    vf->n_delivered += v->is_delivered;
    show_progress(vf);
    if (vf->is_json)
        print_package_json(where, v);
    else
        print_package(where, v);
    if (!v->is_readable)
        return 0;
    if (cb_grow((void **) &vf->link, &vf->cap, vf->n_links + 1, sizeof *vf->link) < 0)
        return -ENOMEM;
    vf->link[vf->n_links++] = v->link;
    return 0;
}

static int verify_folder(struct verification *vf, const char *dir)
{
    struct cb_verify_report v;
    struct cb_error e = {0};
    int r = cb_verify_package(dir, &vf->keys, &v, &e);
    if (r == 0)
        return take_report(vf, dir, &v);
    fprintf(stderr, "%s: %s\n", e.where, e.text);
    return r;
}

/* "000000000042-<uuid>": a package even when its record has been taken away. */
static bool is_package_name(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    size_t n = strspn(name, "0123456789");
    return n >= 12 && name[n] == '-' && strlen(name + n + 1) == CB_UUID_LEN - 1 &&
           cb_uuid_is_valid(name + n + 1);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_no_dot_file(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int walk(struct verification *vf, const char *path, int depth)
{
    if (cb_verify_is_package(path) || is_package_name(path))
        return verify_folder(vf, path);
    struct dirent **entry;
    int r = 0, n = scandir(path, &entry, is_no_dot_file, by_name);
    if (n < 0) {
        r = -errno;
        fprintf(stderr, "%s: cannot be opened as a folder: %s\n", path, strerror(-r));
        return r;
    }
    for (int i = 0; i < n; i++) {
        CB_AUTO_FREE char *below = NULL;
        if (r == 0)
            r = cb_path_join(path, entry[i]->d_name, &below);
        if (r == 0 && depth < DEPTH_MAX && is_folder(below))
            r = walk(vf, below, depth + 1);
        free(entry[i]);
    }
    free(entry);
    return r;
}

static int by_node_and_sequence(const void *a, const void *b)
{
    const struct cb_verify_link *x = a, *y = b;
    int by_node = strcmp(x->node, y->node);
    return by_node ? by_node : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static void report_chain(const struct verification *vf, const struct cb_verify_link *first,
                         const struct cb_verify_link *last, uint64_t n_faults)
{
    if (vf->is_json)
        print_json(json_pack("{s:s, s:s, s:I, s:I, s:b}", "type", "chain", "node", first->node,
                             "first", (json_int_t) first->sequence, "last",
                             (json_int_t) last->sequence, "whole", (int) (n_faults == 0)));
    else
        printf("chain    %s sequence %" PRIu64 " to %" PRIu64 ": %s%s\n", first->node,
               first->sequence, last->sequence, n_faults ? "BROKEN" : "unbroken",
               first->sequence == 1 ? "" : " (begins after the first record)");
}

static void report_break(const struct verification *vf, const char *node, const struct cb_fault *f)
{
    if (vf->is_json)
        print_json(json_pack("{s:s, s:s, s:o}", "type", "chain_break", "node", node, "fault",
                             fault_to_json(f)));
    else
        printf("BROKEN   chain of %s: %s %s\n", node, f->name, f->text);
}

static void verify_chains(struct verification *vf)
{
    size_t first = 0;
    uint64_t n_before = 0;
    if (vf->n_links)
        qsort(vf->link, vf->n_links, sizeof *vf->link, by_node_and_sequence);
    for (size_t i = 0; i < vf->n_links; i++) {
        const struct cb_verify_link *b = &vf->link[i];
        bool is_first = i == 0 || strcmp(b->node, vf->link[i - 1].node);
        struct cb_fault fault;
        if (is_first) {
            first = i;
            n_before = vf->n_chain_faults;
        }
        if (!cb_verify_follows(is_first ? NULL : b - 1, b, vf->keys.n > 0, &fault)) {
            vf->n_chain_faults++;
            report_break(vf, b->node, &fault);
        }
        if (i + 1 == vf->n_links || strcmp(b->node, b[1].node))
            report_chain(vf, &vf->link[first], b, vf->n_chain_faults - n_before);
    }
}

static void report_summary(const struct verification *vf)
{
    if (vf->is_json) {
        print_json(
            json_pack("{s:s, s:I, s:I, s:I, s:o, s:b}", "type", "summary", "packages",
                      (json_int_t) vf->n_packages, "whole", (json_int_t) vf->n_whole, "delivered",
                      (json_int_t) vf->n_delivered, "chain_breaks",
                      vf->has_chain ? json_integer((json_int_t) vf->n_chain_faults) : json_null(),
                      "key_given", (int) (vf->keys.n > 0)));
        return;
    }
    printf("%" PRIu64 " packages: %" PRIu64 " whole, %" PRIu64 " not", vf->n_packages, vf->n_whole,
           vf->n_packages - vf->n_whole);
    if (vf->has_chain)
        printf("; %" PRIu64 " breaks of the chain", vf->n_chain_faults);
    puts(vf->keys.n ? "" : "; who sealed them is not proven (--key)");
}

#define GO_ON (-1)

/* @return GO_ON, or an enum cb_exit */
static int parse(struct verification *vf, int argc, char **argv)
{
    static const struct option options[] = {{"key", required_argument, NULL, 'k'},
                                            {"chain", no_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct cb_error e = {0};
    for (int o; (o = getopt_long(argc, argv, "k:cjh", options, NULL)) != -1;) {
        if (o == 'c') {
            vf->has_chain = true;
        } else if (o == 'j') {
            vf->is_json = true;
        } else if (o != 'k') {
            fputs(help, o == 'h' ? stdout : stderr);
            return o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
        } else if (vf->keys.n == KEYS_MAX) {
            fprintf(stderr, "verify: more than %d keys\n", KEYS_MAX);
            return CB_EXIT_USAGE;
        } else if (cb_key_load_public(optarg, vf->key[vf->keys.n++], &e) < 0) {
            fprintf(stderr, "--key %s: %s\n", e.where, e.text);
            return CB_EXIT_USAGE;
        }
    }
    if (optind < argc)
        return GO_ON;
    fputs(help, stderr);
    return CB_EXIT_USAGE;
}

int cb_cli_verify(int argc, char **argv)
{
    struct verification vf = {0};
    vf.keys.key = (const char(*)[CB_KEY_LEN]) vf.key;
    int code = parse(&vf, argc, argv);
    if (code != GO_ON)
        return code;
    vf.has_bar = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
    bool is_failed = false;
    for (int i = optind; i < argc; i++) {
        uint64_t n_before = vf.n_packages;
        if (walk(&vf, argv[i], 0) < 0) {
            is_failed = true;
        } else if (vf.n_packages == n_before) {
            fprintf(stderr, "%s: holds no package, expected a record.json in it or below it\n",
                    argv[i]);
            is_failed = true;
        }
    }
    if (vf.has_bar)
        fputs("\r\033[K", stderr);
    if (vf.has_chain)
        verify_chains(&vf);
    report_summary(&vf);
    free(vf.link);
    is_failed = is_failed || vf.n_whole < vf.n_packages || vf.n_chain_faults;
    return is_failed || fflush(stdout) != 0 ? CB_EXIT_FAILED : CB_EXIT_OK;
}
