#ifndef SCHEMA_LIMITS_H
#define SCHEMA_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/opt.h"
#include "schema/road_user.h"

#define CB_LANES_MAX    16
#define CB_PERIODS_MAX  32
#define CB_TIERS_MAX    8
#define CB_UTC_UNKNOWN  INT64_MIN

/** A lane with a limit of its own, which stands in the default's place. Road metres across. */
struct cb_limit_lane {
    double x_min_m, x_max_m, limit_kmh;
    char name[16];
};

/** A limit by local time of day. to_s <= from_s: it ends on the day after the one it begins on. */
struct cb_limit_period {
    int from_s, to_s; /* since local midnight, 0…86400 */
    unsigned days;    /* bit 0: Monday … bit 6: Sunday; the day it begins on */
    double limit;     /* in the unit of what it limits: km/h, dB(A) */
};

/** From from_s (UTC, s since 1970) on local time is UTC + offset_s. */
struct cb_utc_offset {
    int64_t from_s;
    int32_t offset_s;
};

/** A civil time zone as a table, so that the rules need neither a clock nor files. */
struct cb_timezone {
    struct cb_utc_offset *offset; /* in order; the first holds for all earlier times too */
    size_t n;                     /* 0: not known */
};

/** What `speed_limit_kmh` says beside its default. */
struct cb_limits_conf {
    struct cb_limit_lane lane[CB_LANES_MAX];
    size_t n_lanes;
    double class_kmh[CB_ROAD_USER_COUNT]; /* NaN: none of its own */
    struct cb_limit_period period[CB_PERIODS_MAX];
    size_t n_periods;
};

/** Severity of an excess above above_percent (of the limit) and up to the next tier's. */
struct cb_severity_tier {
    double above_percent;
    int severity; /* enum cb_severity */
};

struct cb_severity_table {
    struct cb_severity_tier tier[CB_TIERS_MAX]; /* rising, the first above 0 */
    size_t n;
};

void cb_limits_conf_init(struct cb_limits_conf *l);
/** ≤10, 10–20, 20–50, 50–70 and >70 %: minor, minor, moderate, serious, extreme. */
void cb_severity_table_init(struct cb_severity_table *t);

/* class_kmh is one number a road user, by name; the strings are read as text and checked after. */
extern const struct cb_opt cb_limit_opts[], cb_limit_lane_opts[], cb_limit_class_opts[],
    cb_limit_period_opts[], cb_clock_opts[], cb_severity_opts[];

/** What cb_limit_period_opts fills, before the times of day are read. */
struct cb_limit_period_text {
    char from[8], to[8];
    double limit;
};

/** What cb_clock_opts fills. */
struct cb_clock_text {
    char timezone[64], recording_utc[32];
};

#endif
