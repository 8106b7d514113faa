#ifndef DAEMON_CONFIG_LIMITS_H
#define DAEMON_CONFIG_LIMITS_H

#include "schema/camera.h"
#include "yaml_tree.h"

/** `speed_limit_kmh`: a number, or a mapping with lanes, classes and a schedule. */
int cb_config_read_limits(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                          struct cb_error *reterr);
/** `limit_dba`: a number, or a mapping with a schedule. */
int cb_config_read_noise_limits(const struct cb_yaml_node *n, struct cb_noise_limits *ret,
                                struct cb_error *reterr);
/** `timezone`: an IANA name or an offset from UTC. */
int cb_config_read_timezone(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                            struct cb_error *reterr);
/** `recording_utc`: YYYY-MM-DDTHH:MM:SSZ. */
int cb_config_read_recording_utc(const struct cb_yaml_node *n, struct cb_camera_conf *ret,
                                 struct cb_error *reterr);
/** The top level's `severity`: tiers by rising excess. */
int cb_config_read_severity(const struct cb_yaml_node *n, struct cb_severity_table *ret,
                            struct cb_error *reterr);

#endif
