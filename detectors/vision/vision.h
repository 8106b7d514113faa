#ifndef DETECTORS_VISION_VISION_H
#define DETECTORS_VISION_VISION_H

#include "contact.h"

struct cb_frame;

/** What stands on the road in each picture. One camera, one resolution. */
struct cb_vision;

/** One picture's result, lent for the call. @return 0, or -errno, which ends cb_vision_add too */
typedef int cb_vision_fn(void *self, int64_t t_ns, const struct cb_observation *o, size_t n,
                         const struct cb_foreground *fg);

/** @return 0; -EDOM when the zone is not in the picture; -ENOMEM */
int cb_vision_create(struct cb_vision **ret, const struct cb_road *road,
                     const struct cb_camera_conf *conf, int width, int height, bool is_full_range);
void cb_vision_destroy(struct cb_vision **v);
const struct cb_region *cb_vision_region(const struct cb_vision *v);
/**
 * Calls fn for each picture, in order. The first four seconds are held back until the empty road
 * is known from them, then given at once: nothing that drives by in them is missed.
 */
int cb_vision_add(struct cb_vision *v, const struct cb_frame *f, cb_vision_fn *fn, void *self);
/** The stream ends or breaks: what is held back is given, and the road is learnt anew. */
int cb_vision_flush(struct cb_vision *v, cb_vision_fn *fn, void *self);

#endif
