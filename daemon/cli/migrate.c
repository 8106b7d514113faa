#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "store/migrate.h"

static const char help[] =
    "usage: citybrain migrate --db CONNINFO [--dir DIR | --partitions]\n"
    "\n"
    "Brings a PostgreSQL database up to date: applies the numbered SQL files it lacks, each in a\n"
    "transaction, and makes the partitions of the months ahead. Running it again changes nothing;\n"
    "the timer of packaging/systemd does so daily. A file that was edited after it was applied is refused. The login needs to own\n"
    "the database and, the first time, the right to create roles.\n"
    "\n"
    "  --db CONNINFO   libpq's connection string or URI; default: $CITYBRAIN_DB\n"
    "  --dir DIR       folder of the SQL files; default: the installed one\n"
    "  --partitions    make the partitions of the months ahead and apply no file: for a timer; the\n"
    "                  rights of citybrain_admin are enough\n"
    "\n"
    "Exit codes: 0 the database is up to date; 1 it is not; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain migrate --db 'host=/var/run/postgresql dbname=citybrain'\n"
    "  citybrain migrate --db postgresql://admin@db.example/citybrain --dir schema/sql\n";

/* From a build folder the source's files are there; an installed citybrain has its own. */
static const char *default_dir(void)
{
    return access(CB_SQL_DIR, R_OK) == 0 ? CB_SQL_DIR : CB_SQL_SOURCE_DIR;
}

static void print_applied(void *arg, const char *name)
{
    (void) arg;
    printf("applied %s\n", name);
}

int cb_cli_migrate(int argc, char **argv)
{
    static const struct option options[] = {{"db", required_argument, NULL, 'b'},
                                            {"dir", required_argument, NULL, 'd'},
                                            {"partitions", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *db = getenv("CITYBRAIN_DB"), *dir = default_dir();
    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (o == 'b')
            db = optarg;
        else if (o == 'd')
            dir = optarg;
        else if (o == 'p')
            dir = NULL;
        else
            return fputs(help, o == 'h' ? stdout : stderr), o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
    }
    if (!db || optind < argc) {
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    struct cb_migrate_result res = {0};
    struct cb_error e = {0};
    if (cb_store_migrate(db, dir, print_applied, NULL, &res, &e) < 0) {
        fprintf(stderr, "citybrain migrate: %s: %s\n", e.where, e.text);
        return CB_EXIT_FAILED;
    }
    printf("%d applied, %d there before, %d month%s made\n", res.n_applied, res.n_before,
           res.n_partitions, res.n_partitions == 1 ? "" : "s");
    return CB_EXIT_OK;
}
