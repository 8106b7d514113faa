#ifndef DETECTORS_TRACK_SHADOW_H
#define DETECTORS_TRACK_SHADOW_H

#include "tracker.h"

/**
 * True of a track that is the shadow, or another part, of one that is followed beside it: it has
 * hardly been seen as a body in a patch of its own, and moves rigidly with somebody who has. What
 * lies flat on the road keeps its place beside the vehicle that casts it, from first to last. Where
 * the camera's pose is known also true of what moves as the upper part of another would; and of
 * what is seen in the very place of another that was seen longer; and of what goes with somebody
 * beside the surveyed road.
 * road NULL: no pose is known; g NULL then: nor what was surveyed.
 */
bool cb_track_is_shadow(const struct cb_tracker *k, const struct cb_track *t,
                        const struct cb_road *road, const struct cb_region *g);
/** It may be the upper part of another, or somebody who follows that one and comes nearer. */
bool cb_track_is_doubtful(const struct cb_tracker *k, const struct cb_track *t, const struct cb_road *road,
                          const struct cb_region *g);
/** To be called before of is forgotten: its shadow, or its roof, may be seen longer than it, and outlive it. */
void cb_track_note_shadows(struct cb_tracker *k, const struct cb_track *of,
                           const struct cb_road *road, const struct cb_region *g);

#endif
