#ifndef DAEMON_STORE_COMPARE_H
#define DAEMON_STORE_COMPARE_H

#include <libpq-fe.h>

#include "store/audit.h"

/** Private to the store: a row beside the record it was made of. Pure. */

/** Columns of the audit's SELECT: those of cb_row_columns first, as text, then these. */
enum cb_compare_column {
    CB_COMPARE_CLAIM_SHA256 = 39, /* of violation_id; NULL: no such id */
    CB_COMPARE_CLAIM_AT,
    CB_COMPARE_CLAIM_DISTRICT,
    CB_COMPARE_MEDIA, /* name, role, media_type, n_bytes, sha256 parted by U+001F, files by U+001E
                       */
    CB_COMPARE_COLUMN_COUNT
};

/** These columns as SQL, of `violation` v and `violation_id` i. @return the length */
size_t cb_compare_print_columns(char *ret, size_t size);
/** @return the number of differences, at most max; 0 when the record cannot be read */
size_t cb_compare_row(const PGresult *res, int row, struct cb_audit_difference *ret, size_t max);

#endif
