#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdint.h>

#include "base/err.h"

/** What is asked of violation_history; NULL, NaN and INT64_MIN/MAX mean: any. */
struct cb_history_query {
    const char *kind, *camera, *district, *road, *severity, *review;
    const char *road_user;
    const char *direction;
    const char *plate;              /* in any spelling; what a reviewer has read */
    const char *incident;
    int64_t from_utc_ns, to_utc_ns; /* [from, to) of occurred_at; INT64_MIN, INT64_MAX: open */
    double min_speed_kmh, max_speed_kmh; /* measured, [min, max); NaN: any */
    double min_level_db, max_level_db;   /* LAFmax, [min, max); NaN: any */
    /* Page by page: the last row of the page before; what is older follows. Both or none. */
    int64_t before_utc_ns; /* INT64_MAX: the first page */
    const char *before_id;
    int limit; /* rows, the newest; [1, 1000000] */
};
extern const struct cb_history_query cb_history_any;

/** The columns of a row, as text; NULL: no value. Times are UTC, RFC 3339. */
enum cb_history_column {
    CB_HISTORY_OCCURRED_AT,
    CB_HISTORY_CAMERA,
    CB_HISTORY_CAMERA_NAME,
    CB_HISTORY_DISTRICT,
    CB_HISTORY_ROAD,
    CB_HISTORY_KIND,
    CB_HISTORY_SEVERITY,
    CB_HISTORY_CLASS,
    CB_HISTORY_DIRECTION,
    CB_HISTORY_TRACK,
    CB_HISTORY_SPEED_KMH,
    CB_HISTORY_UNCERTAINTY_KMH,
    CB_HISTORY_CHARGED_KMH,
    CB_HISTORY_LIMIT_KMH,
    CB_HISTORY_LAFMAX_DB,
    CB_HISTORY_LIMIT_DB,
    CB_HISTORY_REVIEW,
    CB_HISTORY_PLATE,
    CB_HISTORY_INCIDENT,
    CB_HISTORY_N_MEDIA,
    CB_HISTORY_ID,
    CB_HISTORY_COLUMN_COUNT
};
extern const char *const cb_history_names[CB_HISTORY_COLUMN_COUNT];
/** Whether the column holds numbers: aligned to the right, bare in JSON. */
int cb_history_is_number(enum cb_history_column c);

/**
 * Calls on_row for each row, the newest first; a row is lent. What was asked is written to
 * access_log in the same transaction: without the log there are no rows.
 * @return 0; -EIO: reterr has PostgreSQL's words; or the first value < 0 of on_row
 */
int cb_history_read(const char *conninfo, const struct cb_history_query *q,
                    int (*on_row)(void *arg, const char *const row[CB_HISTORY_COLUMN_COUNT]),
                    void *arg, struct cb_error *reterr);

#endif
