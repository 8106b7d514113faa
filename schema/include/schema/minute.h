#ifndef SCHEMA_MINUTE_H
#define SCHEMA_MINUTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "schema/camera.h"

/** Speeds of fewer vehicles than this are not told: a mean would be one vehicle's speed. */
#define CB_MINUTE_VEHICLES_MIN 3
/** Rows of one message. */
#define CB_MINUTES_MAX 1000

/** What is kept of one camera's traffic in one minute of UTC. Absent numbers are NaN. */
struct cb_minute {
    char camera[CB_CAMERA_ID_LEN];
    int64_t minute_utc_ns; /* its start, a whole minute */
    int from_s;            /* [0, 59]: counting began here; 0 but after a start */
    int n_passages, n_measured, n_violations;
    double mean_mps, p85_mps; /* of the n_measured */
    double laeq_db, lafmax_db;
};

/**
 * A JSON array of one object a row, yours to free. Speeds of fewer than CB_MINUTE_VEHICLES_MIN
 * vehicles are printed as null. @return 0; -ENOMEM; -EINVAL: a row out of range
 */
int cb_minutes_print(const struct cb_minute *m, size_t n, char **ret_json);
/** The inverse; *ret is yours to free. @return 0; -EINVAL: reterr names row and key; -ENOMEM */
int cb_minutes_parse(const char *json, size_t n, struct cb_minute **ret, size_t *ret_n,
                     struct cb_error *reterr);

#endif
