#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdint.h>

/** Deterministic on every machine: splitmix64, integers only until the last step. */
struct sim_rng {
    uint64_t state;
};

/** Streams of one seed are independent: each frame, vehicle and channel has its own. */
struct sim_rng sim_rng_make(uint64_t seed, uint64_t stream);
uint64_t sim_rng_next(struct sim_rng *r);
/** [0, 1) */
double sim_rng_unit(struct sim_rng *r);
double sim_rng_range(struct sim_rng *r, double lo, double hi);
/** Mean 0, standard deviation 1. */
double sim_rng_normal(struct sim_rng *r);

/** [0, 1) at an integer lattice point. */
double sim_hash2(int64_t x, int64_t y, uint64_t seed);
/** Smooth value noise, [0, 1), lattice of 1. */
double sim_noise2(double x, double y, uint64_t seed);

#endif
