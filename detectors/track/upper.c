#include "upper.h"

#include <math.h>

#define N_MIN         5
#define COMMON_SHARE  0.5  /* of its sightings while the other was seen too */
#define Z_MIN_M       0.2  /* lower than that it reads right */
#define Z_APART_MIN_M 0.5 /* … and who follows somebody, and comes a little nearer, is not in doubt for it */
#define Z_MAX_M       4.3
#define MISS_M        0.35 /* standard deviation from the drawn-out places: the edges' raggedness, */
#define MISS_SHARE    0.01 /* … and of the distance, for pixels cover more there */
#define BEFORE_M      1.5  /* a foot so far before the contact, where that is a shadow's edge, */
#define BESIDE_M      0.6  /* or beside the near end */
#define LAMP_WIDE_M   1.3  /* what is broader is a body, beside its image in a wet road perhaps */
#define LAMP_HALF_M   1.1  /* by night the near end may be one lamp's: half a vehicle's breadth, at least */
#define LAMP_MISS     1.5  /* and lamps' edges are more ragged … */
#define LAMP_COMMON   0.35 /* … and seen farther off than what is below them */
#define SPREAD_M      3.0  /* driven while both were seen: less does not tell */
#define GAP_SHARE     0.3  /* of the other's breadth in the picture: its part begins no farther above it */
#define OVER_SHARE    0.5  /* of its own breadth: so much of a part, seen in its own patch, is above it */

/* Sums of a straight line through the pairs of both tracks' distances from below the camera. */
struct pairs {
    double n, u, v, uu, uv, vv; /* u: of's, v: t's */
    double dx; /* sum: how far the foot lies beside the near end */
    double gap; /* sum: from the other's top to where it begins, by the other's breadth */
    double n_own, over; /* sightings in its own patch; sum: how much of its breadth is over the other */
    double u_min, u_max;
};

static void add_pair(struct pairs *p, double u, double v)
{
    p->n++;
    p->u += u;
    p->v += v;
    p->uu += u * u;
    p->uv += u * v;
    p->vv += v * v;
    p->u_min = fmin(p->u_min, u);
    p->u_max = fmax(p->u_max, u);
}

typedef void pair_fn(struct pairs *p, const struct cb_track_point *a,
                     const struct cb_track_point *b, const double cam[2], double ratio);

static void sum_along(struct pairs *p, const struct cb_track_point *a,
                      const struct cb_track_point *b, const double cam[2], double ratio)
{
    (void) ratio;
    const struct cb_box *t = &a->sample.box, *of = &b->sample.box;
    add_pair(p, fabs(b->y_m - cam[1]), fabs(a->y_m - cam[1]));
    if (!(t->w > 0 && of->w > 0))
        return;
    p->gap += (of->y - a->sample.y_px) / of->w;
    if (a->patch != CB_PATCH_OWN)
        return;
    p->n_own++;
    p->over += fmax(0, fmin(t->x + t->w, of->x + of->w) - fmax(t->x, of->x)) / t->w;
}

static void sum_dx(struct pairs *p, const struct cb_track_point *a, const struct cb_track_point *b,
                   const double cam[2], double ratio)
{
    bool is_lamp = b->is_dark && a->width_m < LAMP_WIDE_M;
    double half_m = fmax(0.5 * b->width_m, is_lamp ? LAMP_HALF_M : 0);
    p->n++;
    p->dx += fabs(cam[0] + (a->x_m - cam[0]) / ratio - b->x_m) - half_m;
}

static struct pairs over_common(const struct cb_track *t, const struct cb_track *of,
                                const double cam[2], double ratio, pair_fn *fn)
{
    struct pairs p = {.u_min = HUGE_VAL, .u_max = -HUGE_VAL};
    for (size_t i = 0, j = 0; i < t->n; i++) {
        while (j < of->n && of->point[j].t_ns < t->point[i].t_ns)
            j++;
        if (j < of->n && of->point[j].t_ns == t->point[i].t_ns)
            fn(&p, &t->point[i], &of->point[j], cam, ratio);
    }
    return p;
}

static bool is_seen_apart(const struct pairs *p)
{
    return p->gap > GAP_SHARE * p->n || (p->n_own > 0 && p->over < OVER_SHARE * p->n_own);
}

/* Whether its places are of's drawn out, as those of a point z_min_m or more above it would be. */
static bool goes_as_upper(const struct cb_track *t, const struct cb_track *of, double h_m,
                          const double cam[2], double length_max_m, double z_min_m, bool *ret_is_apart)
{
    bool is_dark = cb_track_is_dark(t) && cb_track_is_dark(of) && t->width_m < LAMP_WIDE_M;
    double common = (is_dark ? LAMP_COMMON : COMMON_SHARE) * (double) t->n;
    struct pairs p = over_common(t, of, cam, 1, sum_along);
    if (p.n < N_MIN || p.n < common || p.u_max - p.u_min < SPREAD_M)
        return false;
    double suu = p.uu - p.u * p.u / p.n, suv = p.uv - p.u * p.v / p.n,
           svv = p.vv - p.v * p.v / p.n, ratio = suv / suu;
    if (!(ratio > h_m / (h_m - z_min_m)) || (h_m > Z_MAX_M && ratio > h_m / (h_m - Z_MAX_M)))
        return false;
    double miss_max = (MISS_M + MISS_SHARE * p.v / p.n) * (is_dark ? LAMP_MISS : 1);
    double miss = sqrt(fmax(0, svv - suv * ratio) / p.n);
    double foot_m = p.v / p.n / ratio - p.u / p.n; /* behind the contact */
    if (miss > miss_max || foot_m < -BEFORE_M || foot_m > length_max_m)
        return false;
    struct pairs across = over_common(t, of, cam, ratio, sum_dx);
    *ret_is_apart = !cb_track_is_dark(t) && is_seen_apart(&p);
    return across.dx / across.n < BESIDE_M;
}

bool cb_track_is_upper_part(const struct cb_track *t, const struct cb_track *of, double h_m,
                            double cam_x_m, double cam_y_m, double length_max_m)
{
    bool is_apart;
    return goes_as_upper(t, of, h_m, (double[2]){cam_x_m, cam_y_m}, length_max_m, Z_MIN_M, &is_apart) &&
           !is_apart;
}

bool cb_track_may_be_upper_part(const struct cb_track *t, const struct cb_track *of, double h_m,
                                double cam_x_m, double cam_y_m, double length_max_m)
{
    bool is_apart;
    return goes_as_upper(t, of, h_m, (double[2]){cam_x_m, cam_y_m}, length_max_m, Z_APART_MIN_M,
                         &is_apart);
}
