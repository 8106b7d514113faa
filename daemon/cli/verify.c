#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli.h"
#include "evidence/key.h"
#include "evidence/verify.h"
#include "verify.h"

#define DEPTH_MAX 4 /* folders below PATH */

static const char help[] =
    "usage: citybrain verify PATH... [--key KEY]... [--chain] [--json]\n"
    "       citybrain verify --db CONNINFO --media DIR [--key KEY]... [--camera ID] [--from TIME]\n"
    "                        [--to TIME] [--json]\n"
    "\n"
    "Proves sealed evidence whole, or names what was altered: each file is compared with the hash\n"
    "that the signed record has of it; a file that is missing, altered or extra is named.\n"
    "\n"
    "PATH is a package's folder or a folder of packages (a node's data folder); this works "
    "offline.\n"
    "With --db it is the store: each record in the database with its signature, its media in the\n"
    "media folder, each column beside the signed record, ids whose record is gone, and the chain\n"
    "of each node. The login needs the rights of citybrain_reviewer; access_log notes the "
    "reading.\n"
    "\n"
    "  --key KEY     a public key that may have signed: 64 hex digits, or a file that holds them;\n"
    "                may be given several times. Without it the key that each record names is\n"
    "                used: then the package is proven unaltered, but not by whom it was sealed\n"
    "  --chain       also proves that the records of each node follow each other: none removed,\n"
    "                exchanged or inserted. Always so for a whole store; impossible for a part\n"
    "  --db CONNINFO libpq's connection string or URI of the store\n"
    "  --media DIR   the store's media folder\n"
    "  --camera ID   only what this camera saw\n"
    "  --from TIME   only what occurred at TIME or later: 2026-11-23, 2026-11-23T10:00:00Z\n"
    "  --to TIME     only what occurred before TIME\n"
    "  --json        one JSON object a line: packages, chains, a summary\n"
    "\n"
    "Exit codes: 0 all whole; 1 something is not, or there is no package; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain verify var/edge-1/sealed/000000000042-0193b3a0-0000-7000-8000-000000000000\n"
    "  citybrain verify var/edge-1 --chain --key edge-1.pub\n"
    "  citybrain verify --db dbname=citybrain --media /srv/citybrain/media --key edge-1.pub\n";

static int verify_folder(struct verification *vf, const char *dir)
{
    struct cb_verify_report v;
    struct cb_error e = {0};
    int r = cb_verify_package(dir, &vf->keys, &v, &e);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", e.where, e.text);
        return r;
    }
    cb_cli_take_report(vf, dir, &v);
    if (!v.is_readable)
        return 0;
    if (cb_grow((void **) &vf->link, &vf->cap, vf->n_links + 1, sizeof *vf->link) < 0)
        return -ENOMEM;
    vf->link[vf->n_links++] = v.link;
    return 0;
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

static void verify_chains(struct verification *vf)
{
    if (vf->n_links)
        qsort(vf->link, vf->n_links, sizeof *vf->link, by_node_and_sequence);
    for (size_t i = 0; i < vf->n_links; i++)
        cb_cli_chain_add(vf, &vf->link[i]);
    cb_cli_chain_end(vf);
}

static int verify_paths(struct verification *vf, int n, char **path)
{
    int first_r = 0;
    for (int i = 0; i < n; i++) {
        uint64_t n_before = vf->n_packages;
        int r = walk(vf, path[i], 0);
        if (r == 0 && vf->n_packages == n_before) {
            fprintf(stderr, "%s: holds no package, expected a record.json in it or below it\n",
                    path[i]);
            r = -ENOENT;
        }
        first_r = first_r ? first_r : r;
    }
    if (vf->has_chain)
        verify_chains(vf);
    return first_r;
}

static const struct option options[] = {
    {"key", required_argument, NULL, 'k'},    {"chain", no_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},         {"help", no_argument, NULL, 'h'},
    {"db", required_argument, NULL, 'b'},     {"media", required_argument, NULL, 'm'},
    {"camera", required_argument, NULL, 'C'}, {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},     {0}};

#define GO_ON (-1)

static int add_key(struct verification *vf, const char *key)
{
    struct cb_error e = {0};
    if (vf->keys.n == CB_VERIFY_KEYS_MAX) {
        fprintf(stderr, "verify: more than %d keys\n", CB_VERIFY_KEYS_MAX);
        return CB_EXIT_USAGE;
    }
    if (cb_key_load_public(key, vf->key[vf->keys.n], &e) < 0) {
        fprintf(stderr, "--key %s: %s\n", e.where, e.text);
        return CB_EXIT_USAGE;
    }
    vf->keys.n++;
    return GO_ON;
}

static int set_time(const char *name, const char *text, int64_t *ret)
{
    if (cb_cli_parse_time(text, ret) == 0)
        return GO_ON;
    fprintf(stderr, "--%s %s: expected a time as 2026-11-23 or 2026-11-23T10:00:00Z\n", name, text);
    return CB_EXIT_USAGE;
}

/* @return GO_ON, or an enum cb_exit */
static int set_option(struct verification *vf, int o)
{
    switch (o) {
    case 'k':
        return add_key(vf, optarg);
    case 'c':
        vf->has_chain = true;
        return GO_ON;
    case 'j':
        vf->is_json = true;
        return GO_ON;
    case 'b':
        vf->db = optarg;
        return GO_ON;
    case 'm':
        vf->media_dir = optarg;
        return GO_ON;
    case 'C':
        vf->query.camera = optarg;
        return GO_ON;
    case 'f':
        return set_time("from", optarg, &vf->query.from_utc_ns);
    case 't':
        return set_time("to", optarg, &vf->query.to_utc_ns);
    default:
        fputs(help, o == 'h' ? stdout : stderr);
        return o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
    }
}

/* Words that fit each other: a store, or folders. */
static int check_words(struct verification *vf, int n_paths)
{
    const struct cb_audit_query *q = &vf->query;
    bool is_part = q->camera || q->from_utc_ns != INT64_MIN || q->to_utc_ns != INT64_MAX;
    const char *wrong = NULL;
    vf->is_store = vf->db != NULL;
    if (!vf->is_store && n_paths == 0 && !vf->media_dir)
        wrong = "expected PATH, or --db and --media";
    else if (!vf->is_store && (vf->media_dir || is_part))
        wrong = "--media, --camera, --from and --to belong to --db";
    else if (vf->is_store && n_paths > 0)
        wrong = "expected either PATH or --db";
    else if (vf->is_store && !vf->media_dir)
        wrong = "--db: expected --media DIR too, the store's media folder";
    else if (vf->is_store && is_part && vf->has_chain)
        wrong = "--chain: only a whole store has whole chains, leave out --camera, --from and --to";
    if (wrong) {
        fprintf(stderr, "citybrain verify: %s\n\n%s", wrong, help);
        return CB_EXIT_USAGE;
    }
    vf->has_chain = vf->is_store ? !is_part : vf->has_chain;
    return GO_ON;
}

static int parse(struct verification *vf, int argc, char **argv)
{
    int code = GO_ON;
    for (int o; code == GO_ON && (o = getopt_long(argc, argv, "k:cjh", options, NULL)) != -1;)
        code = set_option(vf, o);
    return code == GO_ON ? check_words(vf, argc - optind) : code;
}

int cb_cli_verify(int argc, char **argv)
{
    struct verification vf = {.query = cb_audit_any};
    vf.keys.key = (const char(*)[CB_KEY_LEN]) vf.key;
    int code = parse(&vf, argc, argv);
    if (code != GO_ON)
        return code;
    vf.has_bar = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
    int r =
        vf.is_store ? cb_cli_verify_store(&vf) : verify_paths(&vf, argc - optind, argv + optind);
    if (vf.has_bar)
        fputs("\r\033[K", stderr);
    cb_cli_report_summary(&vf);
    free(vf.link);
    bool is_failed = r < 0 || vf.n_whole < vf.n_packages || vf.n_chain_faults;
    return is_failed || fflush(stdout) != 0 ? CB_EXIT_FAILED : CB_EXIT_OK;
}
