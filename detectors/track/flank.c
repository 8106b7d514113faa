#include "flank.h"

#include <math.h>

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
#define AGREE_M      0.6 /* an end is where it is expected */
#define GATE         4.0 /* standard deviations, and … */
#define GATE_M       1.0 /* … metres, of a track whose speed is not known yet */
#define REACH_MAX_M  2.5
#define LENGTH_MIN_M 0.3
#define STRADDLE_MIN 3 /* sightings abeam of the camera that tell the length */
#define POINTS_MAX   512
#define LINE_U_M     0.2 /* of the line that the near wheels run on, standard: a sill, a rim, shade */
#define ENDS_MIN     6   /* sightings of an end that tell its speed */
#define APART_MPS    0.5  /* two ends' speeds differ by so much, and … */
#define APART_SHARE  0.04 /* … such a share: a far corner's width is not known better */

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

static void note_length(struct cb_track *t, double length_m)
{
    t->length_m += (t->n_seen < 8 ? 1.0 / (t->n_seen + 1) : 0.1) * (length_m - t->length_m);
    t->n_odd = 0;
}

/* A first length that was that of a fragment, or of two: another one that stays is right. */
static bool is_relearnt(struct cb_track *t, double length_m)
{
    t->n_odd = fabs(length_m - t->odd_m) < ODD_M ? t->n_odd + 1 : 1;
    t->odd_m = length_m;
    if (t->n_odd < ODD_MIN)
        return false;
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
    if (t->n_seen >= SEEN_MIN && is_whole && fabs(length - t->length_m) > ODD_M &&
        !is_relearnt(t, length))
        return measure_odd(t, s, o, length);
    if (is_whole)
        note_length(t, length);
    if (!middle_of(v, &o->side, o->x_m, t->length_m, &y))
        return 0;
    return cb_track_extend(t, s, o, o->x_m, y, true, CB_PATCH_OWN);
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

static void place(struct cb_track_point *p, const struct cb_side_view *v, double length_m)
{
    const struct cb_side *s = &p->side;
    int far = p->y_m > v->y_m ? 1 : 0;
    double y[2];
    for (int end = 0; end < 2; end++)
        y[end] = end_y(v, s, end, p->x_m, length_m);
    bool is_abeam = y[0] < v->y_m && y[1] > v->y_m;
    if (s->has_end[0] && s->has_end[1] && is_abeam)
        p->y_m = 0.5 * (y[0] + y[1]);
    else if (s->has_end[far] || s->has_end[1 - far]) {
        int end = s->has_end[far] ? far : 1 - far;
        p->y_m = y[end] - 0.5 * sign_of(end) * length_m;
    }
}

void cb_flank_settle(struct cb_track *t, const struct cb_side_view *v, const struct cb_road *road)
{
    cb_across_smooth(t);
    double length = settled_length(t, v);
    t->length_m = length;
    for (size_t i = 0; i < t->n; i++) {
        struct cb_track_point *p = &t->point[i];
        struct cb_vec2 px;
        place(p, v, length);
        p->x_m += 0.5 * v->sign * width_of(length);
        if (cb_road_to_px(road, (struct cb_vec2){p->x_m, p->y_m}, &px) < 0)
            continue;
        p->sample.x_px = px.x;
        p->sample.y_px = px.y;
    }
}

/* Metres a second by which one end moves, least squares; NaN: seen over too little. */
static double end_speed(const struct cb_track *t, const struct cb_side_view *v, int end)
{
    double n = 0, st = 0, sy = 0, stt = 0, sty = 0, half = 0.5 * v->sign * width_of(t->length_m);
    for (size_t i = 0; i < t->n; i++) {
        const struct cb_track_point *p = &t->point[i];
        if (!p->side.has_end[end] || p->patch == CB_PATCH_ANOTHERS)
            continue;
        double s = cb_s_from_ns(p->t_ns - t->point[0].t_ns);
        double y = end_y(v, &p->side, end, p->x_m - half, t->length_m);
        n++;
        st += s;
        sy += y;
        stt += s * s;
        sty += s * y;
    }
    double var = stt - st * st / fmax(n, 1);
    return n < ENDS_MIN || !(var > 0) ? NAN : (sty - st * sy / n) / var;
}

bool cb_flank_is_rigid(const struct cb_track *t, const struct cb_side_view *v)
{
    double lower = end_speed(t, v, 0), higher = end_speed(t, v, 1);
    return !(fabs(lower - higher) > APART_MPS + APART_SHARE * 0.5 * fabs(lower + higher));
}

double cb_flank_line_u(const struct cb_track *t, const struct cb_side_view *v)
{
    return LINE_U_M / fmax(fabs(t->point[t->n / 2].side.x_m - v->x_m), LINE_U_M);
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
