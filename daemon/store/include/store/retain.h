#ifndef STORE_RETAIN_H
#define STORE_RETAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct cb_retain_opts {
    const char *conninfo;  /* a login with the rights of citybrain_admin */
    const char *media_dir; /* NULL: rows alone, no file is touched */
    bool is_dry;           /* counts what would go, changes nothing */
};

struct cb_retain_result {
    uint64_t n_erased;        /* violations */
    uint64_t n_files, n_bytes; /* media that no violation refers to any more */
    uint64_t n_left_over;     /* files of a store that was killed while it wrote, older than a day */
};

/**
 * Erases the evidence whose time is over (table retention), but for what legal_hold holds, then the
 * media that no row refers to. What was erased stays as an id with its place in its node's chain
 * and a line in access_log. May run while stores write; ended at any moment it leaves no row
 * without its media. A dry run counts as media what no row refers to now.
 * @return 0; -EIO: reterr has PostgreSQL's words; -errno of the media folder
 */
int cb_retain_run(const struct cb_retain_opts *opts, struct cb_retain_result *ret,
                  struct cb_error *reterr);

#endif
