#ifndef DAEMON_CLI_H
#define DAEMON_CLI_H

#include <stdint.h>

/* Exit codes of `citybrain`, the same for every verb. */
enum cb_exit {
    CB_EXIT_OK = 0,
    CB_EXIT_FAILED = 1, /* the work failed, or what was examined is not in order */
    CB_EXIT_USAGE = 2,  /* wrong words on the command line, or a wrong configuration */
};

/* One file a verb; argv[0] is the verb. @return an enum cb_exit */
int cb_cli_measure(int argc, char **argv);
int cb_cli_check(int argc, char **argv);
int cb_cli_calibrate(int argc, char **argv);
int cb_cli_migrate(int argc, char **argv);
int cb_cli_tail(int argc, char **argv);
int cb_cli_query(int argc, char **argv);
int cb_cli_retain(int argc, char **argv);
int cb_cli_verify(int argc, char **argv);
int cb_cli_keygen(int argc, char **argv);
int cb_cli_outbox(int argc, char **argv);
int cb_cli_user(int argc, char **argv);

/** A time as people write it: RFC 3339, or a day alone for its midnight in UTC. @return 0; -EINVAL */
int cb_cli_parse_time(const char *text, int64_t *ret_utc_ns);

#endif
