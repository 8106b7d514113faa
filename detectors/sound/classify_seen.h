#ifndef DETECTORS_SOUND_CLASSIFY_SEEN_H
#define DETECTORS_SOUND_CLASSIFY_SEEN_H

#include "schema/noise.h"
#include "schema/road_user.h"

struct cb_origin;

/**
 * Whether it was a modified exhaust, once more, now that it is known who can have made it. An exhaust
 * is on a vehicle: when pictures were there and none that is seen fits, a saw or a bass has become
 * likelier; when one fits, an exhaust has, by Bayes' rule on the confidence. And who is named must
 * have been louder, surely (one side of 95 %), than a vehicle as approved may be: at 7.5 m,
 * accelerating, 80 dB (UN R41, GB 16169: motorcycles), 84 dB of trucks and buses (GB 1495). Sets
 * class, confidence and why_class; horns, sirens and impulses stay what they are.
 *
 * @param n lafmax_7m5_db and its uncertainty are filled, where they are known
 * @param named what the vehicle named is; CB_UNKNOWN: none is
 */
void cb_classify_seen(const struct cb_origin *o, enum cb_road_user named, struct cb_noise *n);

#endif
