#include <locale.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli.h"

static const struct verb {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"measure", "measure a recorded clip, a live camera or tracks: one JSON object a line",
     cb_cli_measure},
    {"check", "check a configuration", cb_cli_check},
    {"calibrate", "fit a camera's calibration, draw it over a frame, say what it can measure",
     cb_cli_calibrate},
    {"migrate", "make or update the database's schema", cb_cli_migrate},
    {"tail", "live alerts, as a table or as JSON", cb_cli_tail},
    {"query", "the history of violations: table, CSV or JSON", cb_cli_query},
    {"verify", "prove evidence whole, or name what was altered", cb_cli_verify},
    {"retain", "erase evidence whose time is over, and media nobody refers to", cb_cli_retain},
    {"outbox", "what a node has not delivered yet, and why", cb_cli_outbox},
    {"user", "who may log in at the gateway", cb_cli_user},
    {"keygen", "make signing keys and CURVE keys", cb_cli_keygen},
};

static void print_help(FILE *out)
{
    fprintf(out, "usage: citybrain VERB [options]\n\nVerbs:\n");
    for (size_t i = 0; i < CB_LEN(verbs); i++)
        fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].help);
    fprintf(out, "\n`citybrain VERB --help` has options and examples.\n"
                 "Exit codes: 0 done; 1 the work failed or what was examined is not in order;\n"
                 "2 wrong usage or configuration.\n");
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* widths of Chinese in tables; numbers stay those of C */
    signal(SIGPIPE, SIG_IGN);       /* `| head` ends us by a failed write, not by a signal */
    if (sodium_init() < 0) {
        fprintf(stderr, "citybrain: libsodium does not start\n");
        return CB_EXIT_FAILED;
    }
    if (argc < 2) {
        print_help(stderr);
        return CB_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return CB_EXIT_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("citybrain " CB_VERSION);
        return CB_EXIT_OK;
    }
    for (size_t i = 0; i < CB_LEN(verbs); i++)
        if (!strcmp(argv[1], verbs[i].name))
            return verbs[i].run(argc - 1, argv + 1);
    fprintf(stderr, "citybrain: unknown verb '%s'\n\n", argv[1]);
    print_help(stderr);
    return CB_EXIT_USAGE;
}
