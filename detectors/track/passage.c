#include "passage.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "across.h"
#include "base/mem.h"
#include "flank.h"
#include "foot.h"
#include "mirror.h"
#include "speed/numeric.h"

#define SHARED_MAX   0.5 /* of the points: more and the result is ambiguous */
#define SPAN_SHARE   0.5 /* of the zone that a passage covers at least, and */
#define SPAN_ENOUGH_M 15.0
#define BROAD_M      2.25 /* no car is */
#define NARROW_M     1.2  /* two wheels, or on foot */
#define SHORT_M      2.7  /* … and seen from the side */
#define HIGH_CAR_M   2.3  /* no car is */
#define LONG_CAR_M   7.0  /* what is longer … */
#define LOW_LORRY_M  2.0  /* … is higher; if not, its size was misread, … */
#define PATCHY_SHARE 0.5 /* of the pictures between its first and its last place, */
#define PATCHY_MANY  10  /* … if those are as many at least, else */
#define PATCHY_FEW_SHARE 0.66
#define LENGTH_MAX_M 20.0 /* … as it was beyond this */
#define SOLID_SHARE  0.6  /* of the width is body, whatever looks like shadow */
#define HIGH_M       4.0  /* a camera lower than this does not tell heights apart */
#define OWN_MIN      6    /* sightings apart from others that make a road user */
#define DARK_EDGE_U_M 0.12 /* of the edge that is followed by lamplight, at either end */
#define DARK_FOOT_U_M 0.14 /* high: by night the lowest part of a body may be as dark as the road, or a lamp's
                            * image be taken for it before the road is known to be wet */
#define DARK_MANY    16   /* sightings; of fewer it is not known whether a spot is a lamp or its image: */
#define DARK_SPOT_U_M 0.25
#define DARK_FOOT_U  0.02 /* … of the speed, where the camera's height is not known */
#define DARK_COVER   0.6  /* of the zone: lamps are seen from afar, what appears later is another's, */
#define DARK_DRIFT_M 1.2  /* … and so is what drifts across, over a passage; a body may do both: */
#define LATE_DRIFT   0.05 /* across by metre along, of a body that appears late; one that goes on more
                           * aslant is to be seen over most of the zone: */
#define DARK_COVER_ASLANT 0.8
#define DARK_COVER_BODY 0.5 /* … and a body over half of it, however it goes */
#define LAMP_MAX_M   1.3  /* no lamp is higher */
#define LAMP_OFF     0.02
#define BODY_MIN_M   1.3  /* as broad as a car, */
#define BODY_MAX_M   3.5
#define BODY_SHARE   0.9  /* and of its sightings so many were in a patch of its own */
#define OWN_SHARE    0.2 /* of all its sightings at least */
#define PART_U       0.01 /* of the speed */
#define OWN_ENOUGH   10  /* in the zone, to do without the others … */
#define OWN_ENOUGH_M 10.0 /* … over so much of it */
#define WIDTHS_MAX   64
#define STEPS_MAX    64
#define EXTENT_MAX_M 80.0
#define SLOPE_MIN    0.02 /* what is so flat has its top hidden */
#define EXTENT_U_M   0.4  /* of what a patch covers along: farther off, it is torn */
#define EXTENT_ROUNDS 6
#define EXTENTS_MAX  128
#define SIDE_U95_MPS 1.4    /* seen from the side: with the line and the ends in it, 5 km/h … */
#define SIDE_U95_SHARE 0.08 /* … or this share */

struct size {
    double width_m, length_m, height_m; /* NaN: not known */
};

/* extent = at + slope · distance, by weights that leave torn patches out. */
struct extents {
    double at, slope;
    size_t n; /* sightings; 0: they do not tell */
};

static bool has_extent(const struct cb_track_point *p)
{
    return p->is_whole && p->patch == CB_PATCH_OWN && isfinite(p->extent_m) &&
           p->extent_m < EXTENT_MAX_M;
}

/* Of a queue's hours a hundred sightings tell as much as all. */
static size_t stride_of(const struct cb_track *t)
{
    return t->n / EXTENTS_MAX + 1;
}

static double mean_distance(const struct cb_track *t, double cam_y_m)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < t->n; i += stride_of(t))
        if (has_extent(&t->point[i])) {
            sum += fabs(t->point[i].y_m - cam_y_m);
            n++;
        }
    return sum / fmax(n, 1);
}

/* Begins with the nearer half: of far ones the border of the picture may hide the top. */
static struct extents line_of(const struct cb_track *t, double cam_y_m)
{
    struct extents e = {0};
    double near_m = mean_distance(t, cam_y_m);
    for (int round = 0; round < EXTENT_ROUNDS; round++) {
        double n = 0, sd = 0, se = 0, sdd = 0, sde = 0;
        size_t count = 0;
        for (size_t i = 0; i < t->n; i += stride_of(t)) {
            const struct cb_track_point *p = &t->point[i];
            double d = fabs(p->y_m - cam_y_m);
            if (!has_extent(p) || (round == 0 && d > near_m))
                continue;
            double miss = round ? (p->extent_m - e.at - e.slope * d) / EXTENT_U_M : 0;
            double w = 1 / (1 + miss * miss);
            count++;
            n += w;
            sd += w * d;
            se += w * p->extent_m;
            sdd += w * d * d;
            sde += w * d * p->extent_m;
        }
        double spread2 = sdd - sd * sd / fmax(n, 1e-9);
        if (count < 5 || !(spread2 > n)) /* spread over less than a metre */
            return (struct extents){0};
        double slope = (sde - sd * se / n) / spread2;
        e = (struct extents){(se - slope * sd) / n, slope, count};
    }
    return e;
}

/*
 * The ray over the top of a box of length L and height h, seen from height H, meets the road
 * (L + d) · H / (H − h) − d behind its near edge, d the distance from below the camera: a line in
 * d, whose slope gives h and whose height gives L.
 */
static void length_and_height(const struct cb_track *t, const struct cb_pose *pose,
                              struct size *ret)
{
    struct extents e = line_of(t, pose->position_m[1]);
    if (e.n == 0 || e.slope < SLOPE_MIN)
        return;
    double slope = fmin(e.slope, 0.95 / 0.05), h = pose->position_m[2];
    struct size s = {ret->width_m, e.at / (1 + slope), h * (1 - 1 / (1 + slope))};
    if (s.length_m > 0 && s.length_m < LENGTH_MAX_M &&
        !(s.length_m > LONG_CAR_M && s.height_m < LOW_LORRY_M))
        *ret = s;
}

/* The median of the last sightings that could tell body from shadow; else of all width. */
static double own_width(const struct cb_track *t)
{
    double w[WIDTHS_MAX];
    size_t n = 0;
    for (size_t i = t->n; i-- > 0 && n < WIDTHS_MAX;)
        if (t->point[i].patch == CB_PATCH_OWN && t->point[i].solid_m > 0.2)
            w[n++] = t->point[i].solid_m;
    if (n < 3)
        return t->width_m;
    qsort(w, n, sizeof *w, cb_by_value);
    return fmax(w[n / 2], SOLID_SHARE * t->width_m);
}

static bool can_tell_heights(const struct cb_road *road)
{
    const struct cb_pose *pose = cb_road_pose(road);
    return pose && pose->position_m[2] > HIGH_M;
}

static struct size size_of(const struct cb_track *t, const struct cb_road *road,
                           const struct cb_region *g)
{
    if (g->is_side)
        return (struct size){NAN, t->length_m, cb_flank_height_m(t, &g->side)};
    struct size s = {own_width(t), NAN, NAN};
    if (can_tell_heights(road))
        length_and_height(t, cb_road_pose(road), &s);
    return s;
}

static enum cb_road_user of_narrow(const struct size *s, double v_mps)
{
    if (v_mps < 2.2 || (v_mps < 3.5 && !(s->length_m > 1.3)))
        return CB_PEDESTRIAN;
    return v_mps < 8.5 ? CB_BICYCLE : CB_MOTORCYCLE;
}

enum cb_road_user cb_track_road_user(const struct cb_track *t, const struct cb_road *road,
                                     const struct cb_region *g)
{
    struct size s = size_of(t, road, g);
    if (t->n_seen < CB_TRACK_CLASS_SEEN)
        return CB_UNKNOWN;
    if ((s.width_m < NARROW_M && !(s.length_m > 6)) || (g->is_side && s.length_m < SHORT_M)) {
        enum cb_road_user u = of_narrow(&s, fabs(t->y.v));
        /* half hidden all along, else its top would have been seen */
        bool is_part = isnan(s.length_m) && can_tell_heights(road) && !g->is_side;
        return u == CB_MOTORCYCLE && is_part ? CB_UNKNOWN : u;
    }
    if (s.length_m > 9.5)
        return s.length_m < 14 && s.height_m > 2.6 ? CB_BUS : CB_TRUCK;
    bool is_broad = isnan(s.height_m) && s.width_m > BROAD_M; /* higher than the picture */
    return s.height_m > HIGH_CAR_M || is_broad ? CB_TRUCK : CB_CAR;
}

static bool crossed_middle(const struct cb_track *t, const struct cb_region *g)
{
    double mid = 0.5 * (g->zone_min_m + g->zone_max_m), lo = HUGE_VAL, hi = -HUGE_VAL;
    for (size_t i = 0; i < t->n; i++) {
        lo = fmin(lo, t->point[i].y_m);
        hi = fmax(hi, t->point[i].y_m);
    }
    double need = fmin(SPAN_ENOUGH_M, SPAN_SHARE * (g->zone_max_m - g->zone_min_m));
    return lo < mid && hi > mid && hi - lo > need;
}

/* Who comes into view is seen to roll back for some pictures, when its near edge was hidden at first:
 * nobody has left who has not been in the middle. */
bool cb_track_has_left(const struct cb_track *t, const struct cb_region *g)
{
    double y = t->y.x;
    bool is_beyond =
        (y > g->zone_max_m + 0.5 && t->y.v > 0.5) || (y < g->zone_min_m - 0.5 && t->y.v < -0.5);
    return is_beyond && crossed_middle(t, g);
}

/*
 * Where a vehicle's own light ends before it keeps its place, as its foot does, but they are half a
 * metre apart: only those of the kind that was seen more often stay. @return how many
 */
static size_t of_one_edge(const struct cb_track *t, struct cb_speed_sample *s)
{
    size_t n_lit = 0, n = 0;
    for (size_t i = 0; i < t->n; i++)
        n_lit += t->point[i].is_lit;
    bool is_lit = 2 * n_lit > t->n;
    for (size_t i = 0; i < t->n; i++)
        if (t->point[i].is_lit == is_lit)
            s[n++] = s[i];
    return n;
}

/* What was seen of it in another's patch may be the other's: left out where its own tells enough. */
static size_t without_others(const struct cb_track *t, const struct cb_region *g,
                             struct cb_speed_sample *s)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    size_t n_own = 0, n = 0;
    for (size_t i = 0; i < t->n; i++) {
        double y = t->point[i].y_m;
        if (t->point[i].patch == CB_PATCH_ANOTHERS || y < g->zone_min_m || y > g->zone_max_m)
            continue;
        n_own++;
        lo = fmin(lo, y);
        hi = fmax(hi, y);
    }
    bool is_enough = n_own >= OWN_ENOUGH && hi - lo > OWN_ENOUGH_M;
    for (size_t i = 0; i < t->n; i++)
        if (!is_enough || t->point[i].patch != CB_PATCH_ANOTHERS)
            s[n++] = s[i];
    return n;
}

/* What there is to judge a passage by. */
struct evidence {
    const struct cb_track *t;
    const struct cb_region *g;
    const struct cb_passage *p;
    size_t n_own; /* sightings in a patch of its own */
    bool is_dark;
    bool is_mirrored; /* its image in a wet road was followed, and where it stands is not known */
    bool is_by_lamps; /* measured by its lamps and their images in a wet road, … */
    bool is_torn;     /* … which do not go as its edge does */
    double off_mps;   /* or what it would be by them; 0, NaN: they do not tell */
    double mirror_u;  /* relative, where that is known */
};

static double path_m(const struct cb_passage *p)
{
    const struct cb_fix *a = p->path, *b = p->path + p->n_path - 1;
    return hypot(b->x_m - a->x_m, b->y_m - a->y_m);
}

static bool is_shared(const struct evidence *e)
{
    return (double) e->n_own < (1 - SHARED_MAX) * (double) e->t->n;
}

static bool has_loose_ends(const struct evidence *e)
{
    return e->g->is_side && !cb_flank_is_rigid(e->t, &e->g->side);
}

static bool is_vague_from_beside(const struct evidence *e)
{
    return e->g->is_side &&
           e->p->u95_mps > fmax(SIDE_U95_MPS, SIDE_U95_SHARE * e->p->speed_mps);
}

/* What is left of a lamp, of its pool and of its image in a wet road is narrow or runs into others. */
static bool is_body(const struct evidence *e)
{
    return e->t->width_m > BODY_MIN_M && e->t->width_m < BODY_MAX_M &&
           (double) e->n_own >= BODY_SHARE * (double) e->t->n;
}

static double drift_m(const struct cb_passage *p)
{
    return fabs(p->path[p->n_path - 1].x_m - p->path[0].x_m);
}

/* The pool beside a car appears late, too, may be as broad, and slides along a kerb or a wall. */
static bool is_late_in_the_dark(const struct evidence *e)
{
    double along_m = path_m(e->p), zone_m = e->g->zone_max_m - e->g->zone_min_m;
    bool is_a_body = is_body(e) && along_m > DARK_COVER_BODY * zone_m;
    double cover = is_a_body ? DARK_COVER_ASLANT : DARK_COVER;
    return e->is_dark && !(is_a_body && drift_m(e->p) < LATE_DRIFT * along_m) &&
           along_m < cover * zone_m;
}

/* By lamplight what is followed beside the surveyed road is a lit wall, a kerb, or the upper part
 * of a body whose lower part is as bright as the road. */
static bool is_dark_off_road(const struct evidence *e)
{
    double sum = 0;
    for (size_t i = 0; i < e->p->n_path; i++)
        sum += e->p->path[i].x_m;
    double x = sum / (double) e->p->n_path;
    return e->is_dark &&
           (x < e->g->x_min_m + CB_REGION_SIDE_M || x > e->g->x_max_m - CB_REGION_SIDE_M);
}

/* From one lamp to the other, or to its image in a wet road. */
static bool drifts_in_the_dark(const struct evidence *e)
{
    double most_m = e->p->road_user == CB_UNKNOWN ? fmin(DARK_DRIFT_M, LATE_DRIFT * path_m(e->p)) : DARK_DRIFT_M;
    return e->is_dark && !is_body(e) && drift_m(e->p) > most_m;
}

static bool is_mirrored(const struct evidence *e)
{
    return e->is_mirrored;
}

/* What was followed of it may be a lamp, its foot or the lamp's image: up to 20 % apart. */
static bool is_on_dark_wet_road(const struct evidence *e)
{
    return e->is_dark && e->t->is_on_wet_road && !e->is_by_lamps && !e->g->is_side;
}

static bool is_doubtful(const struct evidence *e)
{
    return e->t->is_doubtful && !e->g->is_side;
}

/* From one picture to the next, by most of its sightings. */
static double picture_ns(const struct cb_track *t)
{
    double step[STEPS_MAX];
    size_t n = 0;
    for (size_t i = 1; i < t->n && n < STEPS_MAX; i++)
        step[n++] = (double) (t->point[i].t_ns - t->point[i - 1].t_ns);
    return n ? fmax(cb_median(step, n), 1) : HUGE_VAL;
}

/* Placed in few of the pictures of its passage: what was followed was now this, now that. */
static bool is_patchy(const struct evidence *e)
{
    const struct cb_fix *a = e->p->path, *b = e->p->path + e->p->n_path - 1;
    double n_pictures = (double) (b->t_ns - a->t_ns) / picture_ns(e->t) + 1;
    double share = e->p->n_path < PATCHY_MANY ? PATCHY_FEW_SHARE : PATCHY_SHARE;
    return (!e->is_dark || e->is_by_lamps) && (double) e->p->n_path < share * n_pictures;
}

static bool is_torn(const struct evidence *e)
{
    return e->is_torn;
}

/* By day: now the foot, now the body above one that was taken for shadow. */
static bool is_unsteady(const struct evidence *e)
{
    return !e->g->is_side && cb_foot_is_unsteady(e->t);
}

/* The first that holds is the reason why a passage that was measured has no speed. */
static const struct {
    bool (*holds)(const struct evidence *e);
    enum cb_reason why;
} doubts[] = {
    {has_loose_ends, CB_REASON_INCONSISTENT},
    {is_vague_from_beside, CB_REASON_TOO_UNCERTAIN},
    {is_doubtful, CB_REASON_SEVERAL_VEHICLES},
    {is_patchy, CB_REASON_TOO_FEW_SAMPLES},
    {is_late_in_the_dark, CB_REASON_TOO_FEW_SAMPLES},
    {is_dark_off_road, CB_REASON_INCONSISTENT},
    {drifts_in_the_dark, CB_REASON_INCONSISTENT},
    {is_mirrored, CB_REASON_INCONSISTENT},
    {is_torn, CB_REASON_INCONSISTENT},
    {is_on_dark_wet_road, CB_REASON_INCONSISTENT},
    {is_unsteady, CB_REASON_INCONSISTENT},
};

/* What lamplight adds to the interval. */
static double dark_u95_mps(const struct evidence *e, const struct cb_passage *p, const struct cb_road *road)
{
    const struct cb_pose *pose = cb_road_pose(road);
    double edge_u = DARK_EDGE_U_M * sqrt(2) / fmax(path_m(p), 1);
    double foot_m = e->t->n < DARK_MANY ? DARK_SPOT_U_M : DARK_FOOT_U_M;
    double foot_u = pose ? foot_m / pose->position_m[2] : DARK_FOOT_U;
    return 1.96 * p->speed_mps * hypot(edge_u, foot_u);
}

/* Of whom another hides a part the lowest edge that shows may be above the foot. */
static bool is_mostly_part(const struct cb_track *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->point[i].is_part;
    return 2 * n > t->n;
}

static void widen(const struct evidence *e, const struct cb_road *road, struct cb_passage *p)
{
    if (!e->g->is_side && is_mostly_part(e->t))
        p->u95_mps = hypot(p->u95_mps, 1.96 * p->speed_mps * PART_U);
    if (e->g->is_side)
        p->u95_mps = hypot(p->u95_mps, 1.96 * p->speed_mps * cb_flank_u(e->t, &e->g->side));
    if (e->is_dark && !e->is_by_lamps)
        p->u95_mps = hypot(p->u95_mps, dark_u95_mps(e, p, road));
    p->u95_mps = hypot(p->u95_mps, 1.96 * p->speed_mps * e->mirror_u);
    if (isfinite(e->off_mps))
        p->u95_mps = hypot(p->u95_mps, e->off_mps);
}

static void refuse(struct cb_passage *p, enum cb_reason why)
{
    p->speed_mps = p->u95_mps = NAN;
    p->reason = why;
}

static void judge(const struct evidence *e, struct cb_passage *p)
{
    for (size_t i = 0; i < CB_LEN(doubts); i++)
        if (doubts[i].holds(e)) {
            refuse(p, doubts[i].why);
            return;
        }
}

/* Where shadows were taken out a dark foot may have gone with them, on a dry road too. */
static bool is_mirror_image(const struct cb_track *t, const struct cb_region *g)
{
    size_t n_out = 0;
    for (size_t i = 0; i < t->n; i++)
        n_out += t->point[i].is_cast_out;
    return !g->is_side && (!t->is_on_dry_road || 2 * n_out > t->n) &&
           cb_foot_is_mirrored(t);
}

static size_t samples_by_edge(struct evidence *e, const struct cb_road *road, struct cb_speed_sample *s)
{
    size_t n = e->is_mirrored ? cb_mirror_put_right(e->t, road, s, &e->mirror_u) : 0;
    e->is_mirrored = e->is_mirrored && n == 0;
    if (n == 0)
        n = e->is_dark || e->g->is_side ? of_one_edge(e->t, s) : without_others(e->t, e->g, s);
    return n;
}

/* How far an edge can mislead that is a lamp's, or its image's. */
static bool is_near(double by_lamps_mps, double by_edge_mps, const struct cb_road *road)
{
    double most = LAMP_MAX_M / cb_road_pose(road)->position_m[2] + LAMP_OFF;
    return fabs(by_lamps_mps / by_edge_mps - 1) < most;
}

/*
 * By its lamps and their images instead, on a road that is known to be wet. What has no edge to compare them
 * with, or one that goes quite otherwise, may have been several lamps. Where the road is not known the
 * interval takes in both.
 */
static int measure_by_lamps(struct evidence *e, const struct cb_road *road,
                            const struct cb_camera_conf *conf, struct cb_speed_sample *s,
                            struct cb_passage *ret)
{
    struct cb_passage by_lamps = {0};
    double u;
    size_t n = cb_mirror_put_lamps_right(e->t, road, s, &u);
    int r = n ? cb_speed_measure(road, conf, s, n, &by_lamps) : -ENODATA;
    if (r < 0)
        return r == -ENODATA || r == -EDOM ? 0 : r;
    if (!e->t->is_on_wet_road) {
        e->off_mps = by_lamps.speed_mps - ret->speed_mps;
        cb_passage_deinit(&by_lamps);
        return 0;
    }
    e->is_by_lamps = true;
    e->is_torn = !isnan(by_lamps.speed_mps) && !is_near(by_lamps.speed_mps, ret->speed_mps, road);
    e->mirror_u = u;
    cb_passage_deinit(ret);
    *ret = by_lamps;
    return 0;
}

static int measure(struct evidence *e, const struct cb_road *road, const struct cb_camera_conf *conf,
                   struct cb_passage *ret)
{
    CB_AUTO_FREE struct cb_speed_sample *s = calloc(2 * e->t->n, sizeof *s);
    if (!s)
        return -ENOMEM;
    struct cb_speed_sample *lit = s + e->t->n;
    cb_across_steady(e->t, road, s);
    memcpy(lit, s, e->t->n * sizeof *s);
    int r = cb_speed_measure(road, conf, s, samples_by_edge(e, road, s), ret);
    if (r == 0 && e->is_dark && !e->g->is_side)
        r = measure_by_lamps(e, road, conf, lit, ret);
    return r;
}

int cb_track_passage(struct cb_track *t, const struct cb_road *road,
                     const struct cb_camera_conf *conf, const struct cb_region *g,
                     struct cb_passage *ret)
{
    if (g->is_side)
        cb_flank_settle(t, &g->side, road);
    if (!crossed_middle(t, g))
        return -ENODATA;
    size_t n_in[CB_PATCH_COUNT] = {0};
    for (size_t i = 0; i < t->n; i++)
        n_in[t->point[i].patch]++;
    if (n_in[CB_PATCH_ANOTHERS] > t->n / 2 &&
        (n_in[CB_PATCH_OWN] < OWN_MIN || (double) n_in[CB_PATCH_OWN] < OWN_SHARE * (double) t->n))
        return -ENODATA; /* part of another, torn off for a moment */
    struct evidence e = {.t = t, .g = g, .p = ret, .n_own = n_in[CB_PATCH_OWN],
                         .is_dark = cb_track_is_dark(t), .is_mirrored = is_mirror_image(t, g)};
    int r = measure(&e, road, conf, ret);
    if (r < 0)
        return r;
    ret->track = t->id;
    ret->road_user = cb_track_road_user(t, road, g);
    if (is_shared(&e))
        refuse(ret, CB_REASON_SEVERAL_VEHICLES);
    if (isnan(ret->speed_mps))
        return 0;
    widen(&e, road, ret);
    judge(&e, ret);
    return 0;
}
