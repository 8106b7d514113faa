#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "base/err.h"

struct cb_migrate_result {
    int n_applied;    /* now */
    int n_before;     /* had been applied before */
    int n_partitions; /* months made */
};

/**
 * Applies the files NNNN_name.sql of dir that the database lacks, in order, each in a transaction
 * of its own, then makes the partitions of the months ahead. Two at once wait for each other.
 * dir NULL: the partitions alone, for which the rights of citybrain_admin are enough.
 * on_file (or NULL) is told of each file when it is applied.
 * @return 0; -EBADMSG: an applied file was edited or is gone, or files are misnumbered; -ENOENT: no
 * files; -EIO: PostgreSQL refuses: reterr->where names the file, reterr->text is its message
 */
int cb_store_migrate(const char *conninfo, const char *dir,
                     void (*on_file)(void *arg, const char *name), void *arg,
                     struct cb_migrate_result *ret, struct cb_error *reterr);

#endif
