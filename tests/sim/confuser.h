#ifndef SIM_CONFUSER_H
#define SIM_CONFUSER_H

#include "rng.h"
#include "scene.h"

/**
 * What is heard beside a road and is no exhaust: voices, weather, fireworks, tools, trains,
 * aircraft. Each call draws its own pitch, timbre and pace, so that no two sound alike.
 *
 * @param type SIM_SOURCE_SPEECH and after it
 * @param y n samples, zeroed: filled with the sound at any amplitude (the caller sets the level)
 */
void sim_synth_confuser(float *y, size_t n, int rate_hz, int type, struct sim_rng *rng);

#endif
