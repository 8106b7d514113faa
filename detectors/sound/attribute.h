#ifndef DETECTORS_SOUND_ATTRIBUTE_H
#define DETECTORS_SOUND_ATTRIBUTE_H

#include <stddef.h>
#include <stdint.h>

struct cb_scene;
struct cb_doa;

/** What was heard of an event at one moment. */
struct cb_heard {
    int64_t t_ns;
    double level_db;
    double azimuth_rad; /* NaN: not known */
};

/** Who made an event. */
struct cb_origin {
    int64_t track;      /* −1: none is named */
    const char *why;    /* when none: "no_pictures", "no_vehicle", "several_vehicles"; static */
    double odds;        /* of the best over the second best, or over none of those seen */
    double distance_m;  /* from the microphone, when the peak was emitted; NaN */
    double azimuth_rad; /* the same moment's; NaN */
};

/**
 * Weighs the vehicles of the scene against what was heard: level against 1 / distance, with the
 * sound's way taken into account, and bearing against the direction of arrival.
 *
 * @param microphone_m X, Y, Z of the microphone; NaN: unknown, and only a vehicle that was alone is
 *        named
 * @param doa NULL: one microphone
 * @param t_peak_ns for which distance and azimuth are told
 */
void cb_attribute(const struct cb_scene *scene, const double microphone_m[3],
                  const struct cb_doa *doa, const struct cb_heard *heard, size_t n,
                  int64_t t_peak_ns, struct cb_origin *ret);

#endif
