#ifndef SIM_SYNTH_H
#define SIM_SYNTH_H

#include "motion.h"
#include "rng.h"

/**
 * What a source gives off: pressure at 1 m, Pa, at a steady rate over its own time.
 * Sample i left the source at t0_s + i / rate_hz.
 */
struct sim_signal {
    int rate_hz;
    double t0_s;
    size_t n;
    float *pa;
};

int sim_signal_init(struct sim_signal *s, int rate_hz, double t0_s, double t1_s);
void sim_signal_deinit(struct sim_signal *s);

/** All add to what is in the signal. level_db: A-weighted at 7.5 m, while it sounds. */
int sim_synth_tyres(struct sim_signal *s, const struct sim_vehicle *v, struct sim_rng *rng);
int sim_synth_engine(struct sim_signal *s, const struct sim_vehicle *v, struct sim_rng *rng);
int sim_synth_exhaust(struct sim_signal *s, const struct sim_vehicle *v, double level_db,
                      struct sim_rng *rng);
void sim_synth_pops(struct sim_signal *s, const struct sim_vehicle *v, double level_db,
                    struct sim_rng *rng);
/** One sounding of a horn, siren, tune, bang or tone. */
int sim_synth_burst(struct sim_signal *s, int type, double t_s, double length_s, double level_db,
                    double frequency_hz, struct sim_rng *rng);

/** Turns of the crank in a minute: scripted, or by speed and gear. */
double sim_engine_rpm(const struct sim_vehicle *v, double t_s);
/** Amplitude at 1 m, Pa rms, of what has a level at 7.5 m. */
double sim_pa_at_1m(double level_db);

#endif
