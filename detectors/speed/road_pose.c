#include <errno.h>
#include <math.h>
#include <string.h>

#include "numeric.h"
#include "road.h"

/* Beyond these the two columns of the homography are no rotation of any square-pixel camera. */
#define NORM_RATIO_MAX 1.15
#define COSINE_MAX     0.12

/* 1/f² that makes the plane's axes orthogonal and equally long in camera space: two equations,
 * each weighted by how much it says. */
static int focal_of(const double h[9], double *ret_f)
{
    double a1 = h[6] * h[7], b1 = h[0] * h[1] + h[3] * h[4];
    double a2 = h[6] * h[6] - h[7] * h[7];
    double b2 = h[0] * h[0] + h[3] * h[3] - h[1] * h[1] - h[4] * h[4];
    double inverse_f2 = -(a1 * b1 + a2 * b2) / (b1 * b1 + b2 * b2);
    if (!(inverse_f2 > 0) || !isfinite(inverse_f2))
        return -EDOM;
    *ret_f = 1 / sqrt(inverse_f2);
    return 0;
}

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double *a, const double *b, double *ret)
{
    ret[0] = a[1] * b[2] - a[2] * b[1];
    ret[1] = a[2] * b[0] - a[0] * b[2];
    ret[2] = a[0] * b[1] - a[1] * b[0];
}

/* The plane's columns in camera space, metres: r1, r2, t. */
static int split(const double h[9], double f_px, double r1[3], double r2[3], double t[3])
{
    for (int i = 0; i < 3; i++) {
        double k = i < 2 ? 1 / f_px : 1;
        r1[i] = h[3 * i] * k;
        r2[i] = h[3 * i + 1] * k;
        t[i] = h[3 * i + 2] * k;
    }
    double n1 = sqrt(dot(r1, r1)), n2 = sqrt(dot(r2, r2)), scale = sqrt(n1 * n2);
    if (!(n1 / n2 < NORM_RATIO_MAX) || !(n2 / n1 < NORM_RATIO_MAX) ||
        !(fabs(dot(r1, r2)) < COSINE_MAX * n1 * n2))
        return -EDOM;
    for (int i = 0; i < 3; i++) {
        r1[i] /= scale;
        r2[i] /= scale;
        t[i] /= scale;
    }
    return 0;
}

int cb_road_find_pose(const double to_px[9], const struct cb_lens *lens, struct cb_pose *ret)
{
    /* pixels from the principal point */
    double c[9] = {1, 0, -lens->centre_px.x, 0, 1, -lens->centre_px.y, 0, 0, 1}, h[9];
    double f, r1[3], r2[3], r3[3], t[3];
    cb_mat3_multiply(c, to_px, h);
    if (focal_of(h, &f) < 0 || split(h, f, r1, r2, t) < 0)
        return -EDOM;
    cross(r1, r2, r3);
    /* the camera's centre solves r1 X + r2 Y + r3 Z + t = 0, also where r1, r2 are only nearly
     * orthogonal, so that P keeps the plane exactly */
    double m[9] = {r1[0], r2[0], r3[0], r1[1], r2[1], r3[1], r1[2], r2[2], r3[2]}, inverse[9];
    if (cb_mat3_invert(m, inverse) < 0)
        return -EDOM;
    struct cb_pose pose = {.f_px = f};
    for (int i = 0; i < 3; i++)
        pose.position_m[i] = -dot(inverse + 3 * i, t);
    if (pose.position_m[2] < 0) { /* X, Y, Z up is left-handed in this survey */
        pose.position_m[2] = -pose.position_m[2];
        for (int i = 0; i < 3; i++)
            r3[i] = -r3[i];
    }
    const double *column[4] = {r1, r2, r3, t};
    for (int j = 0; j < 4; j++) {
        pose.p[j] = f * column[j][0] + lens->centre_px.x * column[j][2];
        pose.p[4 + j] = f * column[j][1] + lens->centre_px.y * column[j][2];
        pose.p[8 + j] = column[j][2];
    }
    if (!(pose.position_m[2] > 0.1))
        return -EDOM;
    *ret = pose;
    return 0;
}
