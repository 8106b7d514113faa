#ifndef DETECTORS_SOUND_CUTTER_H
#define DETECTORS_SOUND_CUTTER_H

#include <stdbool.h>
#include <stdint.h>

#define CB_CUTTER_PAST 10 /* levels: a tenth of a second */

/** A maximum of the level. */
struct cb_peak {
    int64_t t_ns;
    double db;
};

/** Cuts events out of the run of levels. Plain value; one stream. */
struct cb_cutter {
    double limit_db; /* NaN: none; a level above it always is an event */
    bool is_open, is_armed;
    bool is_next; /* the next event begins where the last ended */
    bool is_broken_into; /* the event that CB_CUT_END tells of ended because another sound began */
    int64_t t_start_ns, t_low_ns; /* low: since when the level is under the end's */
    int64_t t_end_ns;             /* of the event that CB_CUT_END tells of */
    int64_t t_valley_ns;          /* when the level was lowest since the peak */
    double valley_db;
    struct cb_peak peak;
    struct {
        double db;
        struct cb_peak peak; /* as it was known then */
    } past[CB_CUTTER_PAST];
    int i_past;
    double trough_db; /* the lowest since the last event ended */
};

enum cb_cut { CB_CUT_NONE, CB_CUT_START, CB_CUT_END };

void cb_cutter_init(struct cb_cutter *c, double limit_db);
/**
 * @param laf_db the maximum since the call before
 * @param background_db NaN: not known
 * @return CB_CUT_END: the event is t_start_ns … t_end_ns with its peak; that is t_ns, or before it
 *         where the level fell and has risen again (one vehicle went and the next comes), and where
 *         another sound broke in: what that did to the level belongs to the next event
 */
enum cb_cut cb_cutter_add(struct cb_cutter *c, int64_t t_ns, double laf_db, double background_db);
/** The level from which a sound is an event. */
double cb_cutter_trigger_db(const struct cb_cutter *c, double background_db);

#endif
