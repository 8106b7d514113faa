#ifndef SIM_VEC_H
#define SIM_VEC_H

#include <math.h>

/** Road frame: X across (right when looking along), Y along, Z up; metres. Colours: linear RGB. */
struct vec3 {
    double x, y, z;
};

static inline struct vec3 v3(double x, double y, double z)
{
    return (struct vec3){x, y, z};
}
static inline struct vec3 v3_add(struct vec3 a, struct vec3 b)
{
    return v3(a.x + b.x, a.y + b.y, a.z + b.z);
}
static inline struct vec3 v3_sub(struct vec3 a, struct vec3 b)
{
    return v3(a.x - b.x, a.y - b.y, a.z - b.z);
}
static inline struct vec3 v3_scale(struct vec3 a, double k)
{
    return v3(a.x * k, a.y * k, a.z * k);
}
/** Component by component: albedo times irradiance. */
static inline struct vec3 v3_mul(struct vec3 a, struct vec3 b)
{
    return v3(a.x * b.x, a.y * b.y, a.z * b.z);
}
static inline double v3_dot(struct vec3 a, struct vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
static inline struct vec3 v3_cross(struct vec3 a, struct vec3 b)
{
    return v3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static inline double v3_len(struct vec3 a)
{
    return sqrt(v3_dot(a, a));
}
static inline struct vec3 v3_unit(struct vec3 a)
{
    double n = v3_len(a);
    return n > 0 ? v3_scale(a, 1.0 / n) : a;
}
static inline struct vec3 v3_mix(struct vec3 a, struct vec3 b, double t)
{
    return v3_add(v3_scale(a, 1.0 - t), v3_scale(b, t));
}
static inline double clampd(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}
static inline double smoothstep(double a, double b, double v)
{
    double t = clampd((v - a) / (b - a), 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}

#endif
