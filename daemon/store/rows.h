#ifndef DAEMON_STORE_ROWS_H
#define DAEMON_STORE_ROWS_H

#include "db.h"
#include "proof.h"
#include "schema/minute.h"

/** Private to the store: records as rows, inside the caller's transaction. Results: cb_db_exec's. */

/** Values as PostgreSQL takes them, in the order they were added; NULL: SQL NULL. Some are lent. */
struct cb_row {
    const char *v[40];
    char text[40][CB_INCIDENT_ID_LEN];
    int n;
};

/** The columns of `violation` that a record gives. */
#define CB_ROW_COLUMN_COUNT 39
enum cb_row_type { CB_ROW_TEXT, CB_ROW_REAL, CB_ROW_TIME };
struct cb_row_column {
    const char *name;
    enum cb_row_type type;
};
extern const struct cb_row_column cb_row_columns[CB_ROW_COLUMN_COUNT];

/** The row that a record makes; lends p's strings and record_json. */
void cb_rows_fill(struct cb_row *ret, const struct cb_proven *p, const char *record_json);

/** A package on its way into the database, one of several in the caller's transaction. */
struct cb_rows_item {
    const struct cb_proven *proven;
    const char *record_json;
    /* by cb_rows_claim: */
    bool is_new;
    bool is_same; /* not new: it was stored before with this record, not with another */
};

/** Claims the ids; the same one may come twice. */
int cb_rows_claim(struct cb_db *db, struct cb_rows_item *item, size_t n, struct cb_error *reterr);
/** The violations and media of those that are new. */
int cb_rows_add(struct cb_db *db, const struct cb_rows_item *item, size_t n,
                struct cb_error *reterr);
/** A minute that is there stays as it is. */
int cb_rows_add_minute(struct cb_db *db, const struct cb_minute *m, struct cb_error *reterr);

#endif
