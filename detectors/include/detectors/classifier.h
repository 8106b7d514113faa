#ifndef DETECTORS_CLASSIFIER_H
#define DETECTORS_CLASSIFIER_H

#include <stdint.h>

#include "base/err.h"
#include "schema/camera.h"
#include "schema/passage.h"

struct cb_picture;

/**
 * Tells the class of followed road users by a detector network, from a few pictures of each: kept
 * small as they pass, looked at once when asked. One camera, one thread.
 */
struct cb_classifier;

/**
 * Reads the model and runs it once on nothing.
 * @return 0; -ENOENT, -EINVAL: reterr names the file and what was expected of it; -ENOMEM
 */
int cb_classifier_create(struct cb_classifier **ret, const struct cb_classifier_conf *conf,
                         struct cb_error *reterr);
/** Takes NULL. */
void cb_classifier_destroy(struct cb_classifier **c);

/**
 * Shows a road user as it is in p; keeps the three largest views, apart in time. A box at the
 * picture's rim or of fewer than 24 px is passed over. Cheap. @return 0; -ENOMEM
 */
int cb_classifier_show(struct cb_classifier *c, int64_t track, const struct cb_picture *p,
                       const struct cb_box *box);
/**
 * Asks the network about all views kept, at most three runs; forgets them.
 * @return what most of them surely show; by_size when they do not agree, or none is kept
 */
enum cb_road_user cb_classifier_tell(struct cb_classifier *c, int64_t track,
                                     enum cb_road_user by_size);
/** The road user left without being asked about. */
void cb_classifier_forget(struct cb_classifier *c, int64_t track);

#endif
