#ifndef DETECTORS_SOUND_ATTRIBUTE_H
#define DETECTORS_SOUND_ATTRIBUTE_H

#include "weigh.h"

struct cb_scene;

/*
 * A vehicle is named when it is so many times likelier than all others that are seen and anybody
 * who is not, together. The name that just passes is wrong once in a hundred times if the
 * likelihoods are right; most pass by far, so that of all names less than one in two hundred is
 * (what is asked of the whole; docs/accuracy.md has the figures). Less would accuse too many, more
 * name too few.
 */
#define CB_ODDS_MIN 100.0
/** Of fifty vehicles that roar past, the tracker follows all but one. */
#define CB_UNSEEN_PRIOR 0.02

/** Who made an event. */
struct cb_origin {
    int64_t track;       /* −1: none is named */
    const char *why;     /* when none; static: see cb_attribute */
    double odds;         /* of the likeliest vehicle against all else; 0: there is none */
    double seen_ln_odds; /* ln of what was heard had a vehicle that is seen made it, whichever, over had
                          * somebody unseen; −HUGE_VAL: none is there; NaN: nobody could look */
    int64_t second;      /* the next likely vehicle; −1: somebody who is not seen */
    size_t n_directions; /* of arrival that follow the likeliest vehicle along its way */
    double distance_m;   /* from the microphone, when the peak was emitted; NaN */
    double distance_db;  /* 20 lg of it over 7.5 m, and its standard uncertainty; NaN */
    double distance_u_db;
    double azimuth_rad; /* of arrival at the peak, clockwise from +Y; NaN: one microphone */
    double azimuth_u_rad;
};

/**
 * Weighs the vehicles of the scene, and somebody outside the picture, against what was heard.
 *
 * @param h microphone_m NaN: unknown, and none is named. moment_s and basis need not be filled
 * @param t_peak_ns for which distance and azimuth are told
 * @param ret why none is named:
 *        "no_pictures"        nothing is seen at all
 *        "microphone_unplaced" where it was heard is not known
 *        "no_vehicle"         no vehicle fits, or somebody unseen fits better
 *        "several_vehicles"   the best of them is not sure enough against the second
 *        "maybe_unseen"       nor against somebody who is not seen
 *        "not_followed"       the directions do not follow the vehicle along its way
 *        "peak_elsewhere"     they do, but not at the peak: the level is another's
 * @return 0 or -ENOMEM
 */
int cb_attribute(const struct cb_scene *scene, const struct cb_hearing *h, int64_t t_peak_ns,
                 double odds_min, struct cb_origin *ret);

#endif
