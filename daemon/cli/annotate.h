#ifndef DAEMON_CLI_ANNOTATE_H
#define DAEMON_CLI_ANNOTATE_H

#include "schema/passage.h"

/** The passages of a measurement, kept to be drawn. */
struct cb_cli_passages {
    struct cb_passage *item;
    size_t n, cap;
};

int cb_cli_passages_add(struct cb_cli_passages *l, const struct cb_passage *p);
void cb_cli_passages_deinit(struct cb_cli_passages *l);

/**
 * Reads conf's recording once more and writes it to file with what was measured drawn over it.
 * Says on stderr what went wrong. @return an enum cb_exit
 */
int cb_cli_annotate(const struct cb_camera_conf *conf, const struct cb_cli_passages *l,
                    const char *file);

#endif
