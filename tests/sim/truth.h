#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include <stdint.h>

#include "motion.h"
#include "sound.h"

/** What a right measurement of the clip would say, as truth.json. sound may be NULL. */
int sim_truth_write(const struct sim_scene *s, const struct sim_sound *sound, const int64_t *pts,
                    int n, int ticks, const char *path, struct cb_error *reterr);
/** The camera's entry, as a whole city.yaml: its calibration surveyed with the scene's errors. */
int sim_city_write(const struct sim_scene *s, const char *url, const char *path,
                   struct cb_error *reterr);

/** What is deducted before a speed counts: 3 km/h up to 100, 3 % above. */
double sim_charged_kmh(double speed_kmh);

#endif
