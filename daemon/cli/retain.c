#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "store/retain.h"

static const char help[] =
    "usage: citybrain retain --db CONNINFO [--media DIR] [--dry-run]\n"
    "\n"
    "Erases the evidence whose time is over (table retention: how long each kind is kept, and how\n"
    "long what a reviewer rejected), but for what table legal_hold holds; then the media that no\n"
    "violation refers to any more. Of an erased violation its id stays, its place in its node's\n"
    "chain and a line in access_log. Run it daily, on the store's host; stores may go on writing.\n"
    "\n"
    "  --db CONNINFO   libpq's connection string or URI; default: $CITYBRAIN_DB. The login needs\n"
    "                  the rights of citybrain_admin\n"
    "  --media DIR     the store's media folder; without it no file is removed\n"
    "  --dry-run       say what would go, change nothing\n"
    "\n"
    "Exit codes: 0 done; 1 it failed, and what was done stays done; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain retain --db 'host=/var/run/postgresql dbname=citybrain' --dry-run\n"
    "  citybrain retain --db service=citybrain --media /var/lib/citybrain/media\n";

int cb_cli_retain(int argc, char **argv)
{
    static const struct option options[] = {{"db", required_argument, NULL, 'b'},
                                            {"media", required_argument, NULL, 'm'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct cb_retain_opts opts = {.conninfo = getenv("CITYBRAIN_DB")};
    for (int o; (o = getopt_long(argc, argv, "nh", options, NULL)) != -1;) {
        if (o == 'b')
            opts.conninfo = optarg;
        else if (o == 'm')
            opts.media_dir = optarg;
        else if (o == 'n')
            opts.is_dry = true;
        else
            return fputs(help, o == 'h' ? stdout : stderr), o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
    }
    if (!opts.conninfo || optind < argc) {
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    struct cb_retain_result res;
    struct cb_error e = {0};
    int r = cb_retain_run(&opts, &res, &e);
    printf("%s%" PRIu64 " violations erased, %" PRIu64 " media files (%.1f MB), %" PRIu64
           " left over by a crash\n",
           opts.is_dry ? "dry run, would be: " : "", res.n_erased, res.n_files,
           (double) res.n_bytes / 1e6, res.n_left_over);
    if (r < 0)
        fprintf(stderr, "citybrain retain: %s: %s\n", e.where, e.text);
    return r < 0 ? CB_EXIT_FAILED : CB_EXIT_OK;
}
