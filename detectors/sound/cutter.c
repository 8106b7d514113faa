#include "cutter.h"

#include <math.h>

#include "base/clock.h"
#include "ear.h"

#define OVER_BACKGROUND_DB 10.0 /* twice as loud to the ear: an event, not a fluctuation */
#define QUIET_DB           65.0 /* no vehicle event is softer beside a road */
#define UNKNOWN_DB         75.0 /* before the background is known: over any quiet traffic */
#define HYSTERESIS_DB      5.0
#define UNDER_PEAK_DB      10.0 /* an event is what lies within 10 dB of its peak */
#define SUDDEN_DB          10.0 /* risen so much in a tenth of a second: another sound begins */
#define SUDDEN_NS          (CB_CUTTER_PAST * 10 * CB_NS_PER_MS)
#define SUDDEN_AFTER_NS    (500 * CB_NS_PER_MS)
#define LOW_NS             (300 * CB_NS_PER_MS)
#define PRE_NS             (100 * CB_NS_PER_MS) /* Fast needs this long to rise to −2.6 dB */
#define REARM_DB           6.0
/* Two maxima with such a dip between them are two vehicles: passing by at 8 m, one that is 2 s and
 * more ahead of the next leaves it. Shifting gear takes less than DIP_AFTER_NS. */
#define DIP_DB             5.0
#define DIP_AFTER_NS       (500 * CB_NS_PER_MS)
#define EVENT_MAX_NS       ((int64_t) (CB_EVENT_MAX_S * 1e9))

void cb_cutter_init(struct cb_cutter *c, double limit_db)
{
    *c = (struct cb_cutter){.limit_db = limit_db, .is_armed = true};
}

double cb_cutter_trigger_db(const struct cb_cutter *c, double background_db)
{
    double from_db = isnan(background_db) ? UNKNOWN_DB : background_db + OVER_BACKGROUND_DB;
    return fmin(fmax(from_db, QUIET_DB), c->limit_db); /* fmin passes over a NaN */
}

static enum cb_cut open_at(struct cb_cutter *c, int64_t t_ns, double laf_db)
{
    c->is_open = true;
    c->t_start_ns = c->is_next ? c->t_valley_ns : t_ns - PRE_NS;
    c->is_next = false;
    c->is_broken_into = false;
    c->t_valley_ns = t_ns;
    c->valley_db = laf_db;
    c->t_low_ns = INT64_MAX;
    c->peak = (struct cb_peak){t_ns, laf_db};
    for (int i = 0; i < CB_CUTTER_PAST; i++) {
        c->past[i].db = laf_db;
        c->past[i].peak = c->peak;
    }
    return CB_CUT_START;
}

/*
 * A bang into music, a horn into traffic: what came before is an event of its own. It ended before
 * the new sound began to raise the level, a tenth of a second ago, and its peak is from before.
 */
static bool is_broken_into(struct cb_cutter *c, int64_t t_ns, double laf_db)
{
    double past_db = c->past[c->i_past].db;
    struct cb_peak past_peak = c->past[c->i_past].peak;
    c->past[c->i_past].db = laf_db;
    c->past[c->i_past].peak = c->peak;
    c->i_past = (c->i_past + 1) % CB_CUTTER_PAST;
    if (t_ns - c->t_start_ns < SUDDEN_AFTER_NS || laf_db <= past_db + SUDDEN_DB ||
        laf_db <= c->peak.db)
        return false;
    c->peak = past_peak;
    return true;
}

/* The dip is over: what rises now is another's. */
static bool is_past_dip(const struct cb_cutter *c, double laf_db)
{
    return c->valley_db <= c->peak.db - DIP_DB && laf_db >= c->valley_db + DIP_DB &&
           c->t_valley_ns - c->peak.t_ns >= DIP_AFTER_NS;
}

static enum cb_cut close_at(struct cb_cutter *c, int64_t t_ns, double laf_db, bool is_armed)
{
    c->is_open = false;
    c->is_armed = is_armed; /* armed: the new sound opens with the next level */
    c->t_end_ns = t_ns;
    c->trough_db = laf_db;
    return CB_CUT_END;
}

enum cb_cut cb_cutter_add(struct cb_cutter *c, int64_t t_ns, double laf_db, double background_db)
{
    double trigger_db = cb_cutter_trigger_db(c, background_db);
    if (!c->is_open) {
        c->trough_db = fmin(c->trough_db, laf_db);
        if (laf_db < trigger_db - HYSTERESIS_DB || laf_db > c->trough_db + REARM_DB)
            c->is_armed = true;
        return c->is_armed && laf_db >= trigger_db ? open_at(c, t_ns, laf_db) : CB_CUT_NONE;
    }
    if (is_broken_into(c, t_ns, laf_db)) {
        c->is_broken_into = c->is_next = true;
        c->t_valley_ns = t_ns - SUDDEN_NS;
        return close_at(c, c->t_valley_ns, laf_db, true);
    }
    if (is_past_dip(c, laf_db)) {
        c->is_next = true;
        return close_at(c, c->t_valley_ns, laf_db, true);
    }
    if (laf_db > c->peak.db) {
        c->peak = (struct cb_peak){t_ns, laf_db};
        c->valley_db = laf_db;
        c->t_valley_ns = t_ns;
    } else if (laf_db < c->valley_db) {
        c->valley_db = laf_db;
        c->t_valley_ns = t_ns;
    }
    bool is_low = laf_db < fmax(trigger_db - HYSTERESIS_DB, c->peak.db - UNDER_PEAK_DB);
    if (!is_low)
        c->t_low_ns = INT64_MAX;
    else if (c->t_low_ns == INT64_MAX)
        c->t_low_ns = t_ns;
    if ((is_low && t_ns - c->t_low_ns >= LOW_NS) || t_ns - c->t_start_ns >= EVENT_MAX_NS)
        return close_at(c, t_ns, laf_db, false);
    return CB_CUT_NONE;
}
