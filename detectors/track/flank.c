#include "flank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "across.h"
#include "base/clock.h"
#include "speed/numeric.h"

#define SLIM_WIDTH_M 0.7
#define SHORT_M      2.7
#define CAR_WIDTH_M  1.8
#define BIG_WIDTH_M  2.5
#define BIG_LENGTH_M 6.5
#define CORNER_M     0.1 /* bumpers' corners are rounded: an end is seen so far behind the side */
#define ROOF_SHARE   0.8 /* of the width: where the roof ends that hides what is behind it */
#define ODD_M        0.5 /* another length than before: an end is hidden, or another's */
#define ODD_MIN      5   /* so many sightings in a row of one other length: the first was wrong */
#define ACROSS_M     1.0 /* a patch's near line is farther off: it is another's */
#define LONG_M       2.0 /* so much longer holds two */
#define SEEN_MIN     4   /* sightings before a length is believed */
#define YOUNG_SEEN   10  /* sightings after which its motion is known */
#define COURSE_MIN   3   /* sightings of an end that tell how it goes */
#define COURSE_U_M   0.1 /* an end's scatter about its course, standard, at least */
#define MOST_SHARE   0.7 /* of an end's sightings tell … */
#define SMOOTH_M     0.1 /* … the scatter of one that goes well; of others … */
#define SMOOTH_RATIO 2   /* … it is so much more, where a shadow comes and goes before it */
#define STRANGE_MPS  1.0 /* ends of one vehicle differ by no more in speed … */
#define STRANGE_SHARE 0.2 /* … than this and such a share */
#define AGREE_M      0.6 /* an end is where it is expected */
#define GATE         4.0 /* standard deviations, and … */
#define GATE_M       1.0 /* … metres, of a track whose speed is not known yet */
#define REACH_MAX_M  2.5
#define LENGTH_MIN_M 0.3
#define STRADDLE_MIN 3 /* sightings abeam of the camera that tell the length */
#define POINTS_MAX   512
#define ONE_END_U    0.015 /* of the speed, standard, where the other end says nothing of it */
#define SLIDE_SHARE  0.5  /* of what a length strays from its median is the followed end's */
#define LINE_U_M     0.15 /* of the line that the near wheels run on, standard: a sill, a rim, shade; */
#define YAW_SHARE    0.1  /* … of what it drifts: who changes lanes stands aslant on its line, … */
#define YAW_LENGTH   0.5  /* … by so much of its length at either end */
#define STRAY_M      0.4  /* sightings farther from the smooth line say nothing of its leaps; */
#define LEAP_N       5    /* … so many others before and after a leap have another line each */
#define ENDS_MIN     6   /* sightings of an end that tell its speed */
#define APART_MPS    0.5  /* two ends' speeds differ by so much, and … */
#define APART_SHARE  0.04 /* … such a share: a far corner's width is not known better; */
#define SHADOW_SHARE 0.22 /* … or this, where a shadow comes and goes before one: shadows did 0.18, two vehicles 0.31 */

static double width_of(double length_m)
{
    return length_m > BIG_LENGTH_M ? BIG_WIDTH_M : length_m < SHORT_M ? SLIM_WIDTH_M : CAR_WIDTH_M;
}

/* Lorries and buses have sharp corners. */
static double corner_of(double length_m)
{
    return length_m > BIG_LENGTH_M ? 0 : CORNER_M;
}

/*
 * An end that lies beyond the camera's abeam is seen by its near corner, at the wheels' line; one
 * that turns its face to the camera by its far corner.
 */
static double end_y(const struct cb_side_view *v, const struct cb_side *s, int end, double x_m,
                    double length_m)
{
    double corner = corner_of(length_m), across = width_of(length_m) - 2 * corner;
    double x = x_m + v->sign * corner, y = cb_side_y(v, s->slope[end], x);
    bool is_far_corner = end == 0 ? y > v->y_m : y < v->y_m;
    return is_far_corner ? cb_side_y(v, s->slope[end], x + v->sign * across) : y;
}

static double sign_of(int end)
{
    return end == 0 ? -1 : 1;
}

/* @return false when neither end is seen, or one of a road user of unknown length */
static bool middle_of(const struct cb_side_view *v, const struct cb_side *s, double x_m,
                      double length_m, double *ret_y)
{
    double y[2];
    for (int end = 0; end < 2; end++)
        y[end] = end_y(v, s, end, x_m, length_m);
    if (s->has_end[0] && s->has_end[1])
        *ret_y = 0.5 * (y[0] + y[1]);
    else if (length_m > 0 && (s->has_end[0] || s->has_end[1]))
        *ret_y = s->has_end[0] ? y[0] + 0.5 * length_m : y[1] - 0.5 * length_m;
    else
        return false;
    return true;
}

/* How far an end of the patch is from where that of t is expected; infinite where none is seen. */
static double miss_of(const struct cb_track *t, const struct cb_side_view *v,
                      const struct cb_side *s, int end)
{
    double want = t->y.x + 0.5 * sign_of(end) * t->length_m;
    double y = end_y(v, s, end, t->x.x, t->length_m);
    return s->has_end[end] ? fabs(y - want) : HUGE_VAL;
}

static double reach_of(const struct cb_track *t)
{
    double sigma = sqrt(t->y.pxx);
    return t->n_seen < SEEN_MIN ? GATE_M + GATE * sigma : fmin(AGREE_M + 2 * sigma, REACH_MAX_M);
}

/* The ends of o that are where t's are expected; the rest is others'. @return false: none */
static bool keep_own_ends(const struct cb_track *t, const struct cb_side_view *v,
                          struct cb_side *io)
{
    double miss[2] = {miss_of(t, v, io, 0), miss_of(t, v, io, 1)};
    int own = miss[0] <= miss[1] ? 0 : 1;
    io->has_end[1 - own] = false;
    io->has_end[own] = miss[own] < reach_of(t);
    return io->has_end[own];
}

double cb_flank_miss(const struct cb_track *t, const struct cb_side_view *v,
                     const struct cb_observation *o)
{
    double miss = fmin(miss_of(t, v, &o->side, 0), miss_of(t, v, &o->side, 1));
    return fmax(miss / reach_of(t), 0.5 * fabs(o->x_m - t->x.x) / ACROSS_M);
}

int cb_flank_measure_shared(struct cb_track *t, const struct cb_sight *s,
                            const struct cb_observation *o)
{
    const struct cb_side_view *v = &s->region->side;
    struct cb_observation own = *o;
    double y;
    if (t->n_seen < SEEN_MIN || !keep_own_ends(t, v, &own.side) ||
        !middle_of(v, &own.side, t->x.x, t->length_m, &y))
        return 0;
    own.side.x_m = t->x.x;
    own.is_cut = true;
    return cb_track_extend(t, s, &own, t->x.x, y, true, CB_PATCH_ANOTHERS);
}

/* How an end goes: a straight line through its last places, by weights that leave leaps out. */
struct course {
    double y_m, v_mps; /* at the last sighting */
    double miss_m;     /* mean distance of the places from it; infinite: not known */
    double v_u_mps;
};

static struct course course_of(const struct cb_track *t, const struct cb_side_view *v, int end,
                               double x_m, size_t n_last)
{
    struct course c = {.miss_m = HUGE_VAL};
    for (int round = 0; round < 6; round++) {
        double n = 0, st = 0, sy = 0, stt = 0, sty = 0, miss = 0;
        size_t count = 0;
        for (size_t i = t->n > n_last ? t->n - n_last : 0; i < t->n; i++) {
            const struct cb_track_point *p = &t->point[i];
            if (!p->side.has_end[end] || p->patch == CB_PATCH_ANOTHERS)
                continue;
            double s = cb_s_from_ns(p->t_ns - t->point[t->n - 1].t_ns);
            double y = end_y(v, &p->side, end, x_m, t->length_m);
            double e = round ? (y - c.y_m - c.v_mps * s) / COURSE_U_M : 0, w = 1 / (1 + e * e);
            count++;
            miss += fabs(e) * COURSE_U_M;
            n += w;
            st += w * s;
            sy += w * y;
            stt += w * s * s;
            sty += w * s * y;
        }
        double var = stt - st * st / fmax(n, 1e-9);
        if (count < COURSE_MIN || !(var > 1e-9))
            return (struct course){.miss_m = HUGE_VAL};
        double v_mps = (sty - st * sy / n) / var;
        c = (struct course){.v_mps = v_mps, .y_m = (sy - v_mps * st) / n,
                            .miss_m = miss / (double) count};
        c.v_u_mps = fmax(COURSE_U_M, c.miss_m) / sqrt(var);
    }
    return c;
}

/* Two ends that both go steadily, but each in its own way, are of two vehicles in one patch. */
static bool are_anothers(const struct course *a, const struct course *b)
{
    double apart = fabs(a->v_mps - b->v_mps), mean = 0.5 * fabs(a->v_mps + b->v_mps);
    return a->miss_m < COURSE_U_M && b->miss_m < COURSE_U_M &&
           apart > 2 * hypot(a->v_u_mps, b->v_u_mps) + STRANGE_MPS + STRANGE_SHARE * mean;
}

/*
 * While little is known of a vehicle, a shadow that comes loose from one of its ends would throw it
 * off its way: then it goes as that end which goes steadily.
 */
static void follow_steady_end(struct cb_track *t, const struct cb_side_view *v)
{
    struct course c[2];
    for (int end = 0; end < 2; end++)
        c[end] = course_of(t, v, end, t->x.x, YOUNG_SEEN);
    if (are_anothers(&c[0], &c[1])) { /* whose track begins when their patches part */
        t->id = 0;
        t->n = 0;
        t->n_seen = 0;
        return;
    }
    int end = c[0].miss_m <= c[1].miss_m ? 0 : 1;
    if (!isfinite(c[end].miss_m))
        return;
    double u = fmax(COURSE_U_M, c[end].miss_m);
    t->y = (struct cb_kalman){.x = c[end].y_m - 0.5 * sign_of(end) * t->length_m,
                              .v = c[end].v_mps, .pxx = u * u,
                              .pvv = c[end].v_u_mps * c[end].v_u_mps};
}

/* The median of its first sightings, in some of which another vehicle or a shadow hangs on. */
static void note_length(struct cb_track *t, const struct cb_side_view *v, double length_m)
{
    double first[YOUNG_SEEN] = {length_m};
    size_t n = 1;
    t->n_odd = 0;
    if (t->n_seen >= YOUNG_SEEN) {
        t->length_m += 0.1 * (length_m - t->length_m);
        return;
    }
    for (size_t i = 0; i < t->n && n < YOUNG_SEEN; i++) {
        const struct cb_track_point *p = &t->point[i];
        if (p->is_whole)
            first[n++] = end_y(v, &p->side, 1, t->x.x, length_m) -
                         end_y(v, &p->side, 0, t->x.x, length_m);
    }
    t->length_m = cb_median(first, n);
}

/* A first length that was that of a fragment, or of two: another one that stays is right. The end
 * that went on meanwhile stays where it is. */
static bool is_relearnt(struct cb_track *t, const struct cb_side_view *v, const struct cb_side *s,
                        double length_m)
{
    t->n_odd = fabs(length_m - t->odd_m) < ODD_M ? t->n_odd + 1 : 1;
    t->odd_m = length_m;
    if (t->n_odd < ODD_MIN)
        return false;
    int end = miss_of(t, v, s, 0) <= miss_of(t, v, s, 1) ? 0 : 1;
    t->y.x += 0.5 * sign_of(end) * (t->length_m - length_m);
    t->length_m = length_m;
    return true;
}

/* A patch of another length than the track's: an end is hidden, or it is another's. */
static int measure_odd(struct cb_track *t, const struct cb_sight *s, const struct cb_observation *o,
                       double length_m)
{
    const struct cb_side_view *v = &s->region->side;
    struct cb_observation own = *o;
    bool is_long = length_m > t->length_m + LONG_M;
    double y;
    if (is_long || fabs(o->x_m - t->x.x) > ACROSS_M)
        own.side.x_m = t->x.x;
    if (!keep_own_ends(t, v, &own.side) || !middle_of(v, &own.side, own.side.x_m, t->length_m, &y))
        return 0;
    own.is_cut = true;
    return cb_track_extend(t, s, &own, own.side.x_m, y, true,
                           is_long ? CB_PATCH_WIDE : CB_PATCH_OWN);
}

int cb_flank_measure_own(struct cb_track *t, const struct cb_sight *s,
                         const struct cb_observation *o)
{
    const struct cb_side_view *v = &s->region->side;
    bool is_whole = o->side.has_end[0] && o->side.has_end[1];
    double about = o->extent_m, y;
    double length = end_y(v, &o->side, 1, o->x_m, about) - end_y(v, &o->side, 0, o->x_m, about);
    if (t->n_seen >= YOUNG_SEEN && is_whole && fabs(length - t->length_m) > ODD_M &&
        !is_relearnt(t, v, &o->side, length))
        return measure_odd(t, s, o, length);
    if (is_whole)
        note_length(t, v, length);
    if (!middle_of(v, &o->side, o->x_m, t->length_m, &y))
        return 0;
    int r = cb_track_extend(t, s, o, o->x_m, y, true, CB_PATCH_OWN);
    if (r == 0 && t->n_seen <= YOUNG_SEEN)
        follow_steady_end(t, v);
    return r;
}

bool cb_flank_is_new(const struct cb_tracker *k, const struct cb_observation *o)
{
    if (o->is_cut || o->is_faint || o->is_shade || o->extent_m < LENGTH_MIN_M)
        return false;
    for (size_t i = 0; i < k->n; i++) {
        const struct cb_track *t = &k->track[i];
        double apart = fabs(o->y_m - t->y.x) - 0.5 * (o->extent_m + t->length_m);
        if (t->id && apart < 0 && fabs(o->x_m - t->x.x) < BIG_WIDTH_M)
            return false;
    }
    return true;
}

/* Abeam of the camera both ends are near corners: there the length is what it is. */
static double settled_length(const struct cb_track *t, const struct cb_side_view *v)
{
    double abeam[POINTS_MAX], all[POINTS_MAX];
    size_t n_abeam = 0, n_all = 0;
    for (size_t i = 0; i < t->n && n_all < POINTS_MAX; i++) {
        const struct cb_track_point *p = &t->point[i];
        double y0 = end_y(v, &p->side, 0, p->x_m, t->length_m);
        double y1 = end_y(v, &p->side, 1, p->x_m, t->length_m);
        if (p->patch != CB_PATCH_OWN || !p->is_whole)
            continue;
        all[n_all++] = y1 - y0;
        if (y0 < v->y_m && y1 > v->y_m)
            abeam[n_abeam++] = y1 - y0;
    }
    if (n_abeam >= STRADDLE_MIN)
        return cb_median(abeam, n_abeam);
    return n_all ? cb_median(all, n_all) : t->length_m;
}

static void place(struct cb_track_point *p, const struct cb_side_view *v, double length_m,
                  const bool is_steady[2])
{
    const struct cb_side *s = &p->side;
    int end = p->y_m > v->y_m ? 1 : 0;
    double y[2];
    for (int i = 0; i < 2; i++)
        y[i] = end_y(v, s, i, p->x_m, length_m);
    bool is_abeam = y[0] < v->y_m && y[1] > v->y_m && is_steady[0] && is_steady[1];
    if (!s->has_end[end] || (!is_steady[end] && s->has_end[1 - end]))
        end = 1 - end;
    if (s->has_end[0] && s->has_end[1] && is_abeam)
        p->y_m = 0.5 * (y[0] + y[1]);
    else if (s->has_end[end])
        p->y_m = y[end] - 0.5 * sign_of(end) * length_m;
}

struct end {
    const struct cb_side_view *v;
    int end;
};

static double end_of(const struct cb_track *t, size_t i, const void *of)
{
    const struct end *e = of;
    const struct cb_track_point *p = &t->point[i];
    bool is_seen = p->side.has_end[e->end] && p->patch != CB_PATCH_ANOTHERS;
    return is_seen ? end_y(e->v, &p->side, e->end, t->x.x, t->length_m) : NAN;
}

/* How far an end's places are from its course, which may bend as the vehicle brakes: most of them (a
 * few that are far off do not count, a shadow that hangs on for half of the way does), and the mean. */
static void find_stray(const struct cb_track *t, const struct cb_side_view *v, int end,
                       double *ret_most, double *ret_mean)
{
    const struct end of = {v, end};
    double off[POINTS_MAX], c[3] = {0}, sum = 0;
    size_t n = 0;
    bool is_smooth = cb_across_fit(t, end_of, &of, COURSE_U_M, c);
    for (size_t i = 0; i < t->n && n < POINTS_MAX && is_smooth; i++) {
        off[n] = fabs(end_of(t, i, &of) - cb_across_at(t, i, c));
        sum += isnan(off[n]) ? 0 : off[n];
        n += !isnan(off[n]);
    }
    *ret_most = *ret_mean = HUGE_VAL;
    if (n <= COURSE_MIN)
        return;
    qsort(off, n, sizeof *off, cb_by_value);
    *ret_most = off[(size_t) (MOST_SHARE * (double) n)];
    *ret_mean = sum / (double) n;
}

static void compare(const double stray[2], bool ret[2])
{
    for (int end = 0; end < 2; end++)
        ret[end] = !(stray[end] > SMOOTH_M && stray[end] > SMOOTH_RATIO * stray[1 - end]);
}

/* An end before which a shadow comes and goes leaps, or bends; the other one does not. */
static void find_steady(const struct cb_track *t, const struct cb_side_view *v, bool ret[2])
{
    double most[2], mean[2], straight[2];
    for (int end = 0; end < 2; end++) {
        find_stray(t, v, end, &most[end], &mean[end]);
        straight[end] = course_of(t, v, end, t->x.x, t->n).miss_m;
    }
    compare(most, ret);
    if (ret[0] && ret[1])
        compare(mean, ret);
    if (ret[0] && ret[1])
        compare(straight, ret);
}

/* The picture's border hides one end of a patch, and what is left is longer than the vehicle: the
 * line at its foot may be another's. */
static bool is_more_than(const struct cb_track_point *p, const struct cb_side_view *v,
                         double length_m)
{
    double y0 = end_y(v, &p->side, 0, p->x_m, length_m), y1 = end_y(v, &p->side, 1, p->x_m, length_m);
    return p->patch == CB_PATCH_OWN && !p->is_whole && y1 - y0 > length_m + LONG_M;
}

void cb_flank_settle(struct cb_track *t, const struct cb_side_view *v, const struct cb_road *road)
{
    cb_across_smooth(t);
    double length = settled_length(t, v);
    t->length_m = length;
    bool is_steady[2];
    find_steady(t, v, is_steady);
    for (size_t i = 0; i < t->n; i++) {
        struct cb_track_point *p = &t->point[i];
        struct cb_vec2 px;
        if (is_more_than(p, v, length))
            p->patch = CB_PATCH_WIDE;
        place(p, v, length, is_steady);
        p->x_m += 0.5 * v->sign * width_of(length);
        if (cb_road_to_px(road, (struct cb_vec2){p->x_m, p->y_m}, &px) < 0)
            continue;
        p->sample.x_px = px.x;
        p->sample.y_px = px.y;
    }
}

/* How each end goes over the whole track; @return false when not both are known. */
static bool courses_of(const struct cb_track *t, const struct cb_side_view *v, struct course ret[2])
{
    size_t n[2] = {0};
    for (int end = 0; end < 2; end++) {
        ret[end] = course_of(t, v, end, t->x.x, t->n);
        for (size_t i = 0; i < t->n; i++)
            n[end] += t->point[i].side.has_end[end] && t->point[i].patch != CB_PATCH_ANOTHERS;
    }
    return isfinite(ret[0].miss_m) && isfinite(ret[1].miss_m) && n[0] >= ENDS_MIN &&
           n[1] >= ENDS_MIN;
}

bool cb_flank_is_rigid(const struct cb_track *t, const struct cb_side_view *v)
{
    struct course c[2];
    bool is_steady[2];
    bool is_known = courses_of(t, v, c);
    double apart = fabs(c[0].v_mps - c[1].v_mps), mean = 0.5 * fabs(c[0].v_mps + c[1].v_mps);
    find_steady(t, v, is_steady);
    double share = is_steady[0] && is_steady[1] ? APART_SHARE : SHADOW_SHARE;
    return !is_known || apart <= APART_MPS + share * mean;
}

/*
 * How far the wheels' line leaps at most from where it stayed to where it stays: a shadow on the
 * road that hides the tyres of a dark car, say, or one vehicle's wheels below another's ends.
 */
static double leap_m(const struct cb_track *t, const struct cb_side_view *v)
{
    double off[POINTS_MAX], copy[LEAP_N], before, after, leap = 0;
    size_t n = 0;
    for (size_t i = 0; i < t->n && n < POINTS_MAX; i++) {
        double line = t->point[i].x_m - 0.5 * v->sign * width_of(t->length_m);
        off[n] = t->point[i].side.x_m - line;
        n += fabs(off[n]) < STRAY_M;
    }
    for (size_t i = LEAP_N; i + LEAP_N <= n; i++) {
        before = cb_median(memcpy(copy, off + i - LEAP_N, sizeof copy), LEAP_N);
        after = cb_median(memcpy(copy, off + i, sizeof copy), LEAP_N);
        leap = fmax(leap, fabs(after - before));
    }
    return leap;
}

/* How far the ends slide along the vehicle: a part of it as bright as the road, a shadow. */
static double slide_m(const struct cb_track *t, const struct cb_side_view *v)
{
    double off[POINTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < t->n && n < POINTS_MAX; i++) {
        const struct cb_track_point *p = &t->point[i];
        double line = p->x_m - 0.5 * v->sign * width_of(t->length_m);
        if (p->patch == CB_PATCH_OWN && p->is_whole)
            off[n++] = fabs(end_y(v, &p->side, 1, line, t->length_m) -
                            end_y(v, &p->side, 0, line, t->length_m) - t->length_m);
    }
    return n ? SLIDE_SHARE * cb_median(off, n) : 0;
}

double cb_flank_u(const struct cb_track *t, const struct cb_side_view *v)
{
    double way_m = fmax(fabs(t->point[t->n - 1].y_m - t->point[0].y_m), LONG_M);
    double drift_m = t->point[t->n - 1].x_m - t->point[0].x_m;
    double yaw_m = hypot(YAW_SHARE * drift_m, YAW_LENGTH * t->length_m * drift_m / way_m);
    double line_m = hypot(hypot(LINE_U_M, yaw_m), leap_m(t, v));
    double line_u = line_m / fmax(fabs(t->point[t->n / 2].side.x_m - v->x_m), LINE_U_M);
    double u = hypot(line_u, slide_m(t, v) / way_m);
    bool is_steady[2];
    find_steady(t, v, is_steady);
    return is_steady[0] && is_steady[1] ? u : hypot(u, ONE_END_U);
}

double cb_flank_height_m(const struct cb_track *t, const struct cb_side_view *v)
{
    double height[POINTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < t->n && n < POINTS_MAX; i++) {
        const struct cb_track_point *p = &t->point[i];
        if (p->patch != CB_PATCH_OWN || !isfinite(p->side.top_m))
            continue;
        double away = fabs(p->side.x_m - v->x_m), roof = ROOF_SHARE * width_of(t->length_m);
        height[n++] = v->height_m - (v->height_m - p->side.top_m) * (away + roof) / away;
    }
    return n ? cb_median(height, n) : NAN;
}
