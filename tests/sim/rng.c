#include "rng.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct sim_rng sim_rng_make(uint64_t seed, uint64_t stream)
{
    return (struct sim_rng){mix(seed + UINT64_C(0x632be59bd9b4e019)) ^
                            mix(stream * UINT64_C(0x9e3779b97f4a7c15) + 1)};
}

uint64_t sim_rng_next(struct sim_rng *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(r->state);
}

double sim_rng_unit(struct sim_rng *r)
{
    return (double) (sim_rng_next(r) >> 11) * 0x1p-53;
}

double sim_rng_range(struct sim_rng *r, double lo, double hi)
{
    return lo + (hi - lo) * sim_rng_unit(r);
}

double sim_rng_normal(struct sim_rng *r)
{
    double u = 1.0 - sim_rng_unit(r), v = sim_rng_unit(r);
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

double sim_hash2(int64_t x, int64_t y, uint64_t seed)
{
    uint64_t h = (uint64_t) x * UINT64_C(0x8da6b343) ^ (uint64_t) y * UINT64_C(0xd8163841) ^
                 seed * UINT64_C(0xcb1ab31f);
    return (double) (mix(h) >> 11) * 0x1p-53;
}

double sim_noise2(double x, double y, uint64_t seed)
{
    double fx = floor(x), fy = floor(y);
    int64_t ix = (int64_t) fx, iy = (int64_t) fy;
    double u = x - fx, v = y - fy;
    u = u * u * (3.0 - 2.0 * u);
    v = v * v * (3.0 - 2.0 * v);
    double a = sim_hash2(ix, iy, seed), b = sim_hash2(ix + 1, iy, seed);
    double c = sim_hash2(ix, iy + 1, seed), d = sim_hash2(ix + 1, iy + 1, seed);
    return (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v;
}
