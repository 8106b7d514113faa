#ifndef SIM_SENSOR_H
#define SIM_SENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "scene.h"

/** From radiance to the 8-bit picture: exposure, noise, tone curve, BT.709 limited range 4:2:0. */
struct sim_sensor;

int sim_sensor_create(struct sim_sensor **ret, const struct sim_scene *s);
void sim_sensor_destroy(struct sim_sensor **s);
/**
 * @param rgb   interleaved, linear, width × height of the scene
 * @param index of the frame: seeds its noise
 * Thread-safety: any number of frames at once.
 */
void sim_sensor_expose(const struct sim_sensor *s, const float *rgb, double t_s, int index,
                       uint8_t *const plane[3], const int stride[3]);

#endif
