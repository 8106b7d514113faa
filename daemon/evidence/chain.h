#ifndef EVIDENCE_CHAIN_H
#define EVIDENCE_CHAIN_H

#include <stdint.h>

#include "base/err.h"
#include "schema/evidence.h"

#define CB_PACKAGE_NAME_LEN 64 /* of a package's folder, with the end */

/** The newest record of a node: what the next one is chained to. */
struct cb_chain_head {
    uint64_t sequence; /* 0: none yet */
    char sha256[CB_SHA256_LEN];
};

/** "<sequence, 12 digits>-<id>": sorts as the chain runs. */
void cb_package_name_print(uint64_t sequence, const char *id, char ret[CB_PACKAGE_NAME_LEN]);
/** @return false for any other name; ret_id may be NULL */
bool cb_package_name_parse(const char *name, uint64_t *ret_sequence, char ret_id[CB_UUID_LEN]);

/**
 * The head among the packages in the folder. The folders are the truth: a package is in the chain
 * from the moment its folder has its name.
 * @return 0; -EINVAL: the newest record is missing, damaged or another node's; -errno
 */
int cb_chain_find_head(int sealed_fd, const char *node, struct cb_chain_head *ret,
                       struct cb_error *reterr);
/** Removes the drafts that a crash left. @return 0; -errno */
int cb_chain_remove_drafts(int sealed_fd);

#endif
