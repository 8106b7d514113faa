#ifndef SIM_PROPAGATE_H
#define SIM_PROPAGATE_H

#include "synth.h"

#define SIM_SOUND_MPS 343.0

/** A source on its way: on a vehicle, or fixed when vehicle is NULL. */
struct sim_path {
    const struct sim_vehicle *vehicle;
    struct vec3 place;    /* in the vehicle's axes, or in the road frame */
    struct vec3 velocity; /* m/s, of what is on no vehicle; place is that of t = 0 */
};

struct vec3 sim_path_at(const struct sim_path *p, double t_s);
/** When the sound that reaches mic at t_s left the source. */
double sim_path_emitted_s(const struct sim_path *p, struct vec3 mic, double t_s);
/**
 * Adds what the microphone hears: 1/r, the delay at the speed of sound (so Doppler is there),
 * the air's loss of high tones, and the road's reflection of that amplitude.
 *
 * @param out n samples from t = 0 at the signal's rate, Pa
 * @return 0 or -ENOMEM
 */
int sim_propagate(const struct sim_signal *s, const struct sim_path *p, struct vec3 mic,
                  double reflection, float *out, size_t n);

#endif
