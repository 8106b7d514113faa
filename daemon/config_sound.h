#ifndef DAEMON_CONFIG_SOUND_H
#define DAEMON_CONFIG_SOUND_H

#include "schema/camera.h"
#include "yaml_tree.h"

#define CB_ROAD_CLASSES_MAX 16

/** Limits of sound of the roads of a class. */
struct cb_road_class {
    char name[32];
    struct cb_noise_limits limit;
};

/** `microphone` of a camera. */
int cb_config_read_microphone(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                              struct cb_error *reterr);
/** `weather`, of all cameras or of one. */
int cb_config_read_weather(const struct cb_yaml_node *n, struct cb_weather_conf *ret,
                           struct cb_error *reterr);
/** The top level's `noise_limits`: up to CB_ROAD_CLASSES_MAX. */
int cb_config_read_noise_classes(const struct cb_yaml_node *n, struct cb_road_class *ret,
                                 size_t *ret_n, struct cb_error *reterr);

#endif
