#ifndef DAEMON_STORE_ROWS_H
#define DAEMON_STORE_ROWS_H

#include "db.h"
#include "proof.h"
#include "schema/minute.h"

/** Private to the store: records as rows, inside the caller's transaction. Results: cb_db_exec's. */

/** Claims the id. *ret_is_new false: it was stored before, and *ret_is_same tells if as this. */
int cb_rows_claim(struct cb_db *db, const struct cb_proven *p, bool *ret_is_new, bool *ret_is_same,
                  struct cb_error *reterr);
int cb_rows_add_violation(struct cb_db *db, const struct cb_proven *p, const char *record_json,
                          struct cb_error *reterr);
int cb_rows_add_media(struct cb_db *db, const struct cb_proven *p, struct cb_error *reterr);
/** A minute that is there stays as it is. */
int cb_rows_add_minute(struct cb_db *db, const struct cb_minute *m, struct cb_error *reterr);

#endif
