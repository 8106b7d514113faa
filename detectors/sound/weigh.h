#ifndef DETECTORS_SOUND_WEIGH_H
#define DETECTORS_SOUND_WEIGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doppler.h"

struct cb_doa;

#define CB_HEARD_S       0.04 /* from one moment to the next */
#define CB_SOURCE_HIGH_M 0.4  /* a tail pipe's height */

/** What was heard of an event at one moment. */
struct cb_heard {
    int64_t t_ns;
    double level_db;    /* the background's power taken off */
    double azimuth_rad; /* as the array tells it (see cb_doa_find); NaN: not known */
    double u_rad;       /* its standard uncertainty */
    double ln_hz;       /* log of the firing rate as heard; NaN: not known */
};

/** All that was heard of an event, and where. */
struct cb_hearing {
    double microphone_m[3];
    double sound_mps;
    const struct cb_doa *doa; /* NULL: one microphone */
    const struct cb_heard *heard;
    size_t n;        /* at most CB_HEARD_MAX */
    double moment_s; /* from one to the next */
    double blur_rad; /* added to each direction's uncertainty: for a first rough search */
    double turn_rad; /* the array is mounted so far off its configured axes */
    struct cb_doppler_basis basis;
};

/** A way that a source may have gone. */
struct cb_way {
    /** @return false: not known then */
    bool (*at)(const void *self, int64_t t_ns, double *ret_x_m, double *ret_y_m);
    const void *self;
};

/** Where a source was when it gave off what is heard at one moment. */
struct cb_place {
    double x_m, y_m;     /* NaN: not known */
    double u_x_m, u_y_m; /* a standard uncertainty of its own, with its direction: a track's that
                          * is carried on along its way */
};

/** How a way agrees with what was heard. */
struct cb_agreement {
    size_t n_directions; /* heard, while it was loud and the way is known well */
    size_t n_agree;      /* of those, within what can be expected */
    size_t n_run;        /* the longest row of them, one moment after the other */
    double source_db;    /* at 7.5 m, that fits best; NaN: the way is nowhere known */
};

/** Distance from the microphone to a source on the road. */
double cb_hearing_distance_m(const struct cb_hearing *h, double x_m, double y_m);
/** Where the source was when it emitted what is heard at t_ns. @return false: not known */
bool cb_way_emitted(const struct cb_hearing *h, const struct cb_way *w, int64_t t_ns,
                    double *ret_x_m, double *ret_y_m);
/**
 * −ln of the likelihood of all that was heard, had the source been at those places: directions of
 * arrival, level over 1 / distance, Doppler shift of the firing orders. Moments near each other say
 * much the same, and count accordingly.
 *
 * @param place of each of the h->n moments
 */
double cb_weigh(const struct cb_hearing *h, const struct cb_place *place, struct cb_agreement *ret);

/** ln(eᵃ + eᵇ) */
double cb_log_add(double a, double b);

#endif
