#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bus/curve.h"
#include "cli.h"
#include "evidence/key.h"
#include "hash/webpush.h"

static const char help[] =
    "usage: citybrain keygen --out NAME [--curve]\n"
    "       citybrain keygen --out NAME --push\n"
    "\n"
    "Makes keys. Never overwrites a file.\n"
    "\n"
    "  --out NAME  writes NAME.key, the secret key that signs a node's evidence (Ed25519; mode\n"
    "              0600, the daemon refuses it when others can read it), and NAME.pub, the public\n"
    "              key, for those who verify\n"
    "  --curve     writes NAME.curve too, a key pair for tcp endpoints (ZeroMQ CURVE; mode 0600);\n"
    "              its public key is printed: it goes into the other side's list\n"
    "  --push      writes NAME.push.pem alone, the key by which push services know this city (P-256;\n"
    "              mode 0600): gateway.push_key\n"
    "\n"
    "Exit codes: 0 made; 1 a file is there already or cannot be written; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain keygen --out keys/edge-1\n"
    "  citybrain keygen --out keys/store --curve\n"
    "  citybrain keygen --out keys/city --push\n";

/* A key that is one file, and what of it is public. */
struct key_file {
    const char *label, *suffix;
    int (*make)(const char *file, char *ret_public, struct cb_error *reterr);
};
static const struct key_file curve = {"curve", ".curve", cb_bus_keys_write};
static const struct key_file push = {"push", ".push.pem", cb_vapid_generate};

static int make_file(const char *name, const struct key_file *k)
{
    struct cb_error e = {0};
    char public_key[CB_PUSH_PUBLIC_LEN + CB_BUS_KEY_LEN];
    size_t size = strlen(name) + strlen(k->suffix) + 1;
    CB_AUTO_FREE char *file = malloc(size);
    if (!file)
        return CB_EXIT_FAILED;
    snprintf(file, size, "%s%s", name, k->suffix);
    if (k->make(file, public_key, &e) < 0) {
        fprintf(stderr, "%s: %s\n", e.where, e.text);
        return CB_EXIT_FAILED;
    }
    printf("%-7s %s  in %s\n", k->label, public_key, file);
    return CB_EXIT_OK;
}

static int make(const char *name, bool has_curve)
{
    struct cb_error e = {0};
    char public_key[CB_KEY_LEN];
    if (cb_key_generate(name, public_key, &e) < 0) {
        fprintf(stderr, "%s: %s\n", e.where, e.text);
        return CB_EXIT_FAILED;
    }
    printf("signing %s  in %s.key and %s.pub\n", public_key, name, name);
    return has_curve ? make_file(name, &curve) : CB_EXIT_OK;
}

int cb_cli_keygen(int argc, char **argv)
{
    static const struct option options[] = {{"out", required_argument, NULL, 'o'},
                                            {"curve", no_argument, NULL, 'c'},
                                            {"push", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *name = NULL;
    bool has_curve = false, is_push = false;
    for (int o; (o = getopt_long(argc, argv, "o:cph", options, NULL)) != -1;) {
        if (o == 'o')
            name = optarg;
        else if (o == 'c')
            has_curve = true;
        else if (o == 'p')
            is_push = true;
        else
            return fputs(help, o == 'h' ? stdout : stderr), o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
    }
    if (!name || !*name || optind < argc || (has_curve && is_push)) {
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    return is_push ? make_file(name, &push) : make(name, has_curve);
}
