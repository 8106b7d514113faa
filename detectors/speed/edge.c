#include "edge.h"

#include <math.h>

#include "road.h"

#define CAMERA_HEIGHT_M 6.0 /* assumed where the calibration knows none */

/* Passenger cars: the lip of a bumper 0.15 to 0.25 m above the road, and an approach angle of 13
 * to 18 degrees (SAE J1100, H106), which is the slope from the tyre up to that lip. */
#define LIP_M     0.20
#define LIP_U_M   0.04
#define SETBACK_M 0.75 /* lip to where the tyre touches the road, along */
#define SETBACK_U 0.10

/* How much of the body's creep a point shares: 1 where only the body counts as vehicle, 0 where
 * the dark road beneath it does, too. Detectors that other programs use box bodies, or take the
 * background away and suppress shadows: more body than shadow. The contact finder takes the first
 * edge against the empty road, which is nearly always the shadow's. */
#define BODY_SHARE      0.67
#define BODY_SHARE_U    0.25
#define CONTACT_SHARE_U 0.15

/* Behind the lip's own place on the road plane, away from the camera; at the middle of what
 * vehicles there are and one standard deviation to either side. */
static double setback(double distance_m, double height_m, double lip_m, double tyre_m)
{
    return copysign(fmin(lip_m * fabs(distance_m) / height_m, tyre_m), distance_m);
}

struct creep {
    double mean, var;
};

static struct creep of_bodies(double y0, double y1, double height_m)
{
    struct creep c = {0};
    double square = 0;
    for (int i = -1; i <= 1; i++)
        for (int k = -1; k <= 1; k++) {
            /* ±√(3/2) of these three equally likely values have the variance 1 */
            double lip = LIP_M + 1.2247 * i * LIP_U_M, tyre = SETBACK_M + 1.2247 * k * SETBACK_U;
            double s =
                (setback(y1, height_m, lip, tyre) - setback(y0, height_m, lip, tyre)) / (y1 - y0);
            c.mean += s / 9;
            square += s * s / 9;
        }
    c.var = fmax(0, square - c.mean * c.mean);
    return c;
}

struct cb_edge_creep cb_edge_creep(const struct cb_road *road, bool is_contact, double y0_m,
                                   double y1_m)
{
    const struct cb_pose *pose = cb_road_pose(road);
    double share = is_contact ? 0 : BODY_SHARE;
    double u = is_contact ? CONTACT_SHARE_U : BODY_SHARE_U;
    double height = isnan(road->height_m) ? CAMERA_HEIGHT_M : road->height_m;
    struct creep c = {LIP_M / height, pow(LIP_U_M / height, 2)};
    if (pose && fabs(y1_m - y0_m) > 0.1)
        c = of_bodies(y0_m - pose->position_m[1], y1_m - pose->position_m[1], height);
    double mean = share * c.mean;
    double own_u = sqrt((share * share + u * u) * c.var);
    if (pose)
        return (struct cb_edge_creep){mean, u * c.mean, own_u};
    return (struct cb_edge_creep){0, hypot(u, share) * c.mean, own_u};
}
