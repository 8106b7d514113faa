#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/id.h"

/** Which rows; NULL, INT64_MIN, INT64_MAX: any. */
struct cb_audit_query {
    const char *camera;
    int64_t from_utc_ns, to_utc_ns; /* [from, to) of occurred_at */
};
extern const struct cb_audit_query cb_audit_any;

/** A column that says something else than the signed record; texts are cut where too long. */
struct cb_audit_difference {
    char column[80]; /* "speed_kmh", "evidence_media still-1.jpg" */
    char row[64], record[64];
};
#define CB_AUDIT_DIFFERENCES_MAX 24

/** What the database keeps of one record; all is lent for the call. */
struct cb_audit_row {
    const char *id;
    const char *record_json; /* the bytes that were signed; NULL: only violation_id knows the id */
    size_t n_record;
    const char *signature;  /* hex; NULL with record_json */
    const char *claimed_at; /* with record_json NULL: occurred_at as violation_id has it */
    /* Not NULL: retention erased the evidence then. What is left is its place in the chain: */
    const char *erased_at;
    const char *node, *record_sha256, *prev_sha256, *public_key;
    uint64_t sequence;
    const struct cb_audit_difference *difference;
    size_t n_differences; /* 0 too when the record cannot be read: its proof says so */
};

/**
 * Calls on_row for each violation, also one that retention erased, in the order of node and
 * sequence, then for each id whose violation is gone (not when q names a camera: an id alone has
 * none). Rows stream: one is in memory at a time, all of one snapshot. That evidence was read is
 * noted in access_log. conninfo: a login with the rights of citybrain_reviewer; unless q names a
 * camera also of citybrain_all_districts, for what a login may not see looks lost.
 * @return 0; -EIO: reterr has PostgreSQL's words; -EACCES: of some districts only; -ENOMEM; or the
 * first value < 0 of on_row
 */
int cb_audit_read(const char *conninfo, const struct cb_audit_query *q,
                  int (*on_row)(void *arg, const struct cb_audit_row *row), void *arg,
                  struct cb_error *reterr);

/** A file of the media folder. @return a file descriptor, yours; -ENOENT; -EINVAL: no file; -errno
 */
int cb_audit_open_media(int media_dir_fd, const char sha256[CB_SHA256_LEN]);

#endif
