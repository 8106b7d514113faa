#ifndef DAEMON_CONFIG_CAMERA_H
#define DAEMON_CONFIG_CAMERA_H

#include "schema/camera.h"
#include "yaml_tree.h"

/** Reads one entry of `cameras:`. ret is initialised; the caller deinits it, also on error. */
int cb_config_read_camera(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                          struct cb_error *reterr);
/** `classifier`, of a camera or of all. */
int cb_config_read_classifier(const struct cb_yaml_node *n, struct cb_classifier_conf *ret,
                              struct cb_error *reterr);

#endif
