#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge.h"
#include "motion.h"
#include "road.h"
#include "speed.h"

/* A localisation is never better than these: of the point in the picture when the tracker does not
 * say, and of "the" point on a vehicle whose look changes. */
#define POINT_U_PX 1.0
#define POINT_U_M  0.03
/* Parts no averaging takes away, standard uncertainties. */
#define LOW_DRIFT_U_M     0.08   /* of the followed point along the vehicle, at either end … */
#define CONTACT_DRIFT_U_M 0.03   /* … and of the near edge, which is one place on it */
#define TIMING_U_S        0.0005 /* of a capture time, at either end */

#define N_MIN         5
#define SECONDS_MIN   0.2
#define COVER_MIN_M   8.0 /* of the zone must be seen, or this share of a shorter one */
#define COVER_SHARE   0.3
#define STANDING_M    1.5
#define STANDING_MPS  0.7
#define FOLLOWERS_MIN 0.55 /* of the samples in the zone */
#define WANDER_MAX_M  0.6  /* noise on the road beyond which it is no vehicle's motion */
#define U95_MAX_MPS   1.4  /* 5 km/h … */
#define U95_MAX_SHARE 0.15 /* … or this share, whatever is larger */

/* The samples in the zone. */
struct look {
    struct cb_motion_point *p;
    const struct cb_speed_sample **from;
    size_t n;
    double zone_m;     /* its length along the road */
    bool has_contacts; /* seen where the vehicle touches the road, else some low point of it */
};

/* Inverse of J Σ Jᵀ + floor: what a place on the road is worth, from the pixel it was seen in. */
static int weigh(const struct cb_road *road, const struct cb_speed_sample *s,
                 struct cb_motion_point *p)
{
    double j[4], u = s->sigma_px > 0 && isfinite(s->sigma_px) ? s->sigma_px : POINT_U_PX;
    int err = cb_road_jacobian(road, (struct cb_vec2){s->x_px, s->y_px}, j);
    if (err < 0)
        return err;
    double floor2 = POINT_U_M * POINT_U_M;
    double xx = u * u * (j[0] * j[0] + j[1] * j[1]) + floor2;
    double yy = u * u * (j[2] * j[2] + j[3] * j[3]) + floor2;
    double xy = u * u * (j[0] * j[2] + j[1] * j[3]);
    double det = xx * yy - xy * xy;
    if (!(det > 0) || !isfinite(det))
        return -EDOM;
    p->w_xx = yy / det;
    p->w_xy = -xy / det;
    p->w_yy = xx / det;
    return 0;
}

static double seconds_between(int64_t from_ns, int64_t to_ns) /* from ≤ to */
{
    return (double) ((uint64_t) to_ns - (uint64_t) from_ns) * 1e-9;
}

static void look_at(const struct cb_road *road, const struct cb_camera_conf *conf,
                    const struct cb_speed_sample *s, size_t n, struct look *l)
{
    double y_min, y_max;
    const struct cb_speed_sample *before = NULL;
    cb_road_covered(road, &y_min, &y_max);
    if (conf->has_zone) {
        y_min = conf->zone_y_min_m;
        y_max = conf->zone_y_max_m;
    }
    l->zone_m = y_max - y_min;
    for (size_t i = 0; i < n; i++) {
        struct cb_vec2 m;
        if (before && s[i].t_ns <= before->t_ns)
            continue; /* time only goes on */
        if (cb_road_from_px(road, (struct cb_vec2){s[i].x_px, s[i].y_px}, &m) < 0 ||
            !(m.y >= y_min && m.y <= y_max) || weigh(road, &s[i], &l->p[l->n]) < 0)
            continue;
        before = &s[i];
        l->has_contacts |= s[i].box.w > 0;
        l->p[l->n].t_s = seconds_between(l->n ? l->from[0]->t_ns : s[i].t_ns, s[i].t_ns);
        l->p[l->n].x_m = m.x;
        l->p[l->n].y_m = m.y;
        l->p[l->n].weight = 1;
        l->from[l->n++] = before;
    }
}

static struct cb_fix fix_of(const struct look *l, size_t i)
{
    const struct cb_speed_sample *s = l->from[i];
    return (struct cb_fix){.t_ns = s->t_ns,
                           .x_m = l->p[i].x_m,
                           .y_m = l->p[i].y_m,
                           .x_px = (float) s->x_px,
                           .y_px = (float) s->y_px,
                           .box = s->box,
                           .sigma_px = (float) s->sigma_px};
}

static void describe(const struct look *l, struct cb_passage *p)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->p[i].weight > 0)
            p->path[p->n_path++] = fix_of(l, i);
    for (size_t i = 0; i < l->n; i++)
        if (!(l->p[i].weight > 0))
            p->path[p->n_path + p->n_left_out++] = fix_of(l, i);
    p->t_first_ns = p->path[0].t_ns;
    p->t_last_ns = p->path[p->n_path - 1].t_ns;
}

/* Whoever hardly moves while it is watched: between the middles of its first and last fifth. */
static bool is_standing(const struct look *l)
{
    size_t fifth = l->n / 5 + 1;
    double x[2] = {0}, y[2] = {0}, t[2] = {0};
    for (size_t i = 0; i < fifth; i++) {
        const struct cb_motion_point *p[2] = {&l->p[i], &l->p[l->n - 1 - i]};
        for (int e = 0; e < 2; e++) {
            x[e] += p[e]->x_m / (double) fifth;
            y[e] += p[e]->y_m / (double) fifth;
            t[e] += p[e]->t_s / (double) fifth;
        }
    }
    double moved = hypot(x[1] - x[0], y[1] - y[0]), seconds = t[1] - t[0];
    return seconds > 0.8 && (moved < STANDING_M || moved < STANDING_MPS * seconds);
}

static struct cb_edge_creep creep_of(const struct cb_road *road, const struct look *l,
                                     const struct cb_motion *m)
{
    return cb_edge_creep(road, l->has_contacts, m->y0_m, m->y0_m + m->dy_m);
}

/* What a speed on the road plane is multiplied by, and how sure that is: relative, shared by all
 * passages of a camera. */
struct scale {
    double factor, u;
};

/* The calibration and the followed edge say 1 − share ± u; reference drives, if there were any,
 * say more of the same, and count by what they know. */
static struct scale scale_of(const struct cb_road *road, const struct cb_camera_conf *conf,
                             const struct look *l, const struct cb_motion *m)
{
    double length = m->speed_mps * (m->t1_s - m->t0_s);
    double x = m->x0_m + m->dx_m / 2, y1 = m->y0_m + m->dy_m;
    double u = fabs(m->dy_m) > 0.1 * length ? cb_road_scale_u(road, x, m->y0_m, y1)
                                            : cb_road_scale_u(road, x, m->y0_m, m->y0_m + length);
    struct cb_edge_creep creep = creep_of(road, l, m);
    struct scale s = {1 - creep.share, hypot(u, creep.u)};
    double ref_u = conf->calibration.reference_u;
    if (ref_u > 0 && isfinite(s.u)) {
        double w = s.u * s.u / (s.u * s.u + ref_u * ref_u);
        s.factor *= 1 + w * (conf->calibration.reference_factor - 1);
        s.u = ref_u * sqrt(w);
    }
    return s;
}

/* Relative standard uncertainty that no averaging over a track takes away. */
static double systematic_u(const struct cb_road *road, const struct cb_camera_conf *conf,
                           const struct look *l, const struct cb_motion *m)
{
    double seconds = m->t1_s - m->t0_s, scale = scale_of(road, conf, l, m).u;
    double own = creep_of(road, l, m).own_u;
    double drift =
        sqrt(2) * (l->has_contacts ? CONTACT_DRIFT_U_M : LOW_DRIFT_U_M) / (m->speed_mps * seconds);
    double timing = sqrt(2) * TIMING_U_S / seconds;
    return sqrt(scale * scale + own * own + drift * drift + timing * timing);
}

/* Half-width of the 95 % interval; the factor of the random part is Student's, to 2 %. */
static double u95_of(const struct cb_road *road, const struct cb_camera_conf *conf,
                     const struct look *l, const struct cb_motion *m)
{
    double t = 1.96 + 2.7 / m->dof + 3 / (m->dof * m->dof);
    if (m->dof < 2)
        t = 12.7;
    return hypot(t * m->u_speed_mps, 1.96 * m->speed_mps * systematic_u(road, conf, l, m));
}

static double wander_m(const struct look *l, const struct cb_motion *m)
{
    double sum = 0;
    for (size_t i = 0; i < l->n; i++)
        sum += sqrt(1 / fmax(l->p[i].w_yy, 1e-12));
    return m->noise * sum / (double) l->n;
}

static enum cb_reason judge(const struct cb_road *road, const struct cb_camera_conf *conf,
                            const struct look *l, struct cb_motion *ret_m, double *ret_u95)
{
    if (l->n < N_MIN || l->p[l->n - 1].t_s < SECONDS_MIN)
        return CB_REASON_TOO_FEW_SAMPLES;
    if (is_standing(l))
        return CB_REASON_STANDING;
    if (cb_motion_fit(l->p, l->n, ret_m) < 0 ||
        (double) ret_m->n_followers < FOLLOWERS_MIN * (double) l->n ||
        wander_m(l, ret_m) > WANDER_MAX_M)
        return CB_REASON_INCONSISTENT;
    double seconds = ret_m->t1_s - ret_m->t0_s, length = ret_m->speed_mps * seconds;
    if (ret_m->n_followers < N_MIN || seconds < SECONDS_MIN ||
        length < fmin(COVER_MIN_M, COVER_SHARE * l->zone_m))
        return CB_REASON_TOO_FEW_SAMPLES;
    if (length < STANDING_M)
        return CB_REASON_STANDING;
    *ret_u95 = u95_of(road, conf, l, ret_m);
    bool is_sure = *ret_u95 <= fmax(U95_MAX_MPS, U95_MAX_SHARE * ret_m->speed_mps);
    return is_sure ? CB_REASON_NONE : CB_REASON_TOO_UNCERTAIN;
}

static void conclude(const struct cb_road *road, const struct cb_camera_conf *conf, struct look *l,
                     struct cb_passage *p)
{
    struct cb_motion m = {0};
    double u95 = NAN;
    p->reason = judge(road, conf, l, &m, &u95);
    if (p->reason == CB_REASON_NONE) {
        p->speed_mps = m.speed_mps * scale_of(road, conf, l, &m).factor;
        p->u95_mps = u95;
    } else {
        for (size_t i = 0; i < l->n; i++)
            l->p[i].weight = 1; /* nothing was left out of a result that is none */
        m.dy_m = l->p[l->n - 1].y_m - l->p[0].y_m;
    }
    p->direction = m.dy_m * cb_road_away_sign(road) >= 0 ? CB_AWAY : CB_TOWARD;
    describe(l, p);
}

int cb_speed_measure(const struct cb_road *road, const struct cb_camera_conf *conf,
                     const struct cb_speed_sample *s, size_t n, struct cb_passage *ret)
{
    if (n == 0)
        return -ENODATA;
    struct cb_passage p = {.speed_mps = NAN, .u95_mps = NAN, .limit_mps = NAN, .charged_mps = NAN};
    CB_AUTO_FREE struct cb_motion_point *point = calloc(n, sizeof *point);
    CB_AUTO_FREE const struct cb_speed_sample **from = calloc(n, sizeof *from);
    p.path = calloc(n, sizeof *p.path);
    struct look l = {.p = point, .from = from};
    if (!point || !from || !p.path) {
        free(p.path);
        return -ENOMEM;
    }
    look_at(road, conf, s, n, &l);
    if (l.n == 0) {
        free(p.path);
        return -ENODATA;
    }
    conclude(road, conf, &l, &p);
    *ret = p;
    return 0;
}
