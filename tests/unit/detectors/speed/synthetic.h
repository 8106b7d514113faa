#ifndef TESTS_SPEED_SYNTHETIC_H
#define TESTS_SPEED_SYNTHETIC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "detectors/calibration.h"
#include "schema/camera.h"
#include "speed/speed.h"
#include "unit/test.h"

#ifndef CB_NEAR
/* Written so that NaN fails; shows both values. */
#define CB_NEAR(got, want, tol)                                                                    \
    do {                                                                                           \
        double g_ = (got), w_ = (want);                                                            \
        if (!(fabs(g_ - w_) <= (tol)))                                                             \
            fail_msg("%s:%d: %s = %.9g, want %.9g ± %g", __FILE__, __LINE__, #got, g_, w_,         \
                     (double) (tol));                                                              \
    } while (0)
#endif

/* An exact pinhole over a plane, written out apart from the code under test. */
struct synthetic {
    int width, height;
    double f_px, height_m, tilt_rad, roll_rad, pan_rad; /* pan: of the road against the view */
    double k1, k2;
};

static const struct synthetic hd_view = {1920, 1080, 2200, 8.5, 0.36, 0.03, 0.25, 0, 0};

/* Row i of the rotation that takes road axes (X across, Y away, Z up) into camera axes. */
static inline struct cb_vec2 synthetic_px(const struct synthetic *c, double x, double y, double z)
{
    double cp = cos(c->pan_rad), sp = sin(c->pan_rad), ct = cos(c->tilt_rad), st = sin(c->tilt_rad),
           cr = cos(c->roll_rad), sr = sin(c->roll_rad);
    double ahead = cp * y - sp * x, aside = sp * y + cp * x, below = c->height_m - z;
    double depth = ct * ahead + st * below, low = ct * below - st * ahead;
    double right = cr * aside + sr * low, down = -sr * aside + cr * low;
    double half = hypot(c->width, c->height) / 2, u = c->f_px * right / depth,
           v = c->f_px * down / depth, r2 = (u * u + v * v) / (half * half);
    double k = 1 + r2 * (c->k1 + r2 * c->k2);
    return (struct cb_vec2){c->width / 2.0 + k * u, c->height / 2.0 + k * v};
}

/* xorshift64*: the same numbers on every machine. */
static inline double uniform(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return ((double) ((*seed * 2685821657736338717ull) >> 11) + 0.5) / 9007199254740992.0;
}

static inline double normal(uint64_t *seed)
{
    double r = sqrt(-2 * log(uniform(seed)));
    return r * cos(6.283185307179586 * uniform(seed));
}

#define GRID_N 12

/* Twelve surveyed points, 12 to 42 m away, read off with an error of sigma_px. */
static inline void survey(const struct synthetic *c, double sigma_px, uint64_t *seed,
                          struct cb_calibration_point *p)
{
    for (int i = 0; i < GRID_N; i++) {
        double x = -4 + 4 * (i % 3), y = 12 + 10 * (i / 3);
        struct cb_vec2 px = synthetic_px(c, x, y, 0);
        p[i] = (struct cb_calibration_point){px.x, px.y, x, y, 10 + i};
        if (sigma_px > 0) {
            p[i].x_px += sigma_px * normal(seed);
            p[i].y_px += sigma_px * normal(seed);
        }
    }
}

#define TAPED_N 7

/* Lengths as a technician tapes them: two lane marks in pieces along, two across. */
static inline void tape(const struct synthetic *c, double sigma_px, double sigma_m, uint64_t *seed,
                        struct cb_calibration_distance *d)
{
    static const double ends[TAPED_N][4] = {
        {-4, 12, -4, 19}, {-4, 19, -4, 26}, {-4, 26, -4, 33}, {-4, 33, -4, 40},
        {4, 12, 4, 40},   {-4, 12, 4, 12},  {-4, 40, 4, 40},
    };
    struct cb_vec2 px[TAPED_N][2];
    for (int i = 0; i < TAPED_N; i++)
        for (int e = 0; e < 2; e++) {
            const double *m = ends[i] + 2 * e;
            px[i][e] = synthetic_px(c, m[0], m[1], 0);
            if (sigma_px > 0) {
                px[i][e].x += sigma_px * normal(seed);
                px[i][e].y += sigma_px * normal(seed);
            }
            for (int j = 0; j < i; j++) /* a mark is read off once */
                for (int g = 0; g < 2; g++)
                    if (ends[j][2 * g] == m[0] && ends[j][2 * g + 1] == m[1])
                        px[i][e] = px[j][g];
        }
    for (int i = 0; i < TAPED_N; i++) {
        const double *m = ends[i];
        double length = hypot(m[2] - m[0], m[3] - m[1]);
        d[i] = (struct cb_calibration_distance){px[i][0].x,
                                                px[i][0].y,
                                                px[i][1].x,
                                                px[i][1].y,
                                                length + (sigma_m > 0 ? sigma_m * normal(seed) : 0),
                                                i < 5,
                                                20 + i,
                                                0};
    }
}

/* Twenty-five pictures a second of where a vehicle touches the road, or of a point z_m above it;
 * a negative speed is towards the camera. */
static inline size_t drive(const struct synthetic *c, double x_m, double z_m, double speed_mps,
                           double acceleration_mps2, double sigma_px, uint64_t *seed,
                           struct cb_speed_sample *s, size_t max)
{
    size_t n = 0;
    double y0 = speed_mps > 0 ? 10 : 44;
    for (; n < max; n++) {
        double t = 0.04 * (double) n;
        double y = y0 + speed_mps * t + acceleration_mps2 * t * t / 2;
        if (y > 44.01 || y < 9.99)
            break;
        struct cb_vec2 px = synthetic_px(c, x_m, y, z_m);
        s[n] = (struct cb_speed_sample){.t_ns = 5000000000 + (int64_t) n * 40000000,
                                        .x_px = px.x,
                                        .y_px = px.y,
                                        .box = {0, 0, 9, 9}};
        if (sigma_px > 0) {
            s[n].x_px += sigma_px * normal(seed);
            s[n].y_px += sigma_px * normal(seed);
        }
    }
    return n;
}

#endif
