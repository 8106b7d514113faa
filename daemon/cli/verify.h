#ifndef DAEMON_CLI_VERIFY_H
#define DAEMON_CLI_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/verify.h"
#include "store/audit.h"

/** What the parts of `citybrain verify` share. */

#define CB_VERIFY_KEYS_MAX 16

/** The records of one node, as they come in the order of their sequence. */
struct chain {
    bool is_begun;
    struct cb_verify_link first, last;
    uint64_t n_faults;
};

struct verification {
    /* as asked */
    bool has_chain, is_json, has_bar;
    bool is_store; /* of a database and its media folder, not of folders */
    const char *db, *media_dir;
    struct cb_audit_query query;
    char key[CB_VERIFY_KEYS_MAX][CB_KEY_LEN];
    struct cb_verify_keys keys;

    struct cb_verify_link *link; /* folders: of every record that could be read, in any order */
    size_t n_links, cap;
    struct chain chain;
    uint64_t n_packages, n_whole, n_delivered, n_chain_faults;
    uint64_t n_erased; /* by retention: no package any more */
};

/** Counts and prints what one package proved, wherever it is kept. */
void cb_cli_take_report(struct verification *vf, const char *where,
                        const struct cb_verify_report *v);
/** The next record in the order of node and sequence; after the last, end. */
void cb_cli_chain_add(struct verification *vf, const struct cb_verify_link *b);
void cb_cli_chain_end(struct verification *vf);
void cb_cli_report_summary(const struct verification *vf);

/** All that vf->db and vf->media_dir keep. @return 0; < 0: it could not be read, stderr says why */
int cb_cli_verify_store(struct verification *vf);

#endif
