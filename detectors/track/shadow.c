#include "shadow.h"

#include <math.h>

#include "mirror.h"
#include "passage.h"
#include "upper.h"

#define BODY_SHARE   0.5  /* of its sightings, as a body of its own: more, and it is somebody */
#define COMMON_SHARE 0.6  /* of its sightings while the other was seen too */
#define REACH_M      9.0  /* that far a low sun throws the shadow of a bus */
#define RIGID_M      0.7  /* standard deviation of the distance between the two, along; */
#define RIGID_SHADE_M 2.0 /* of what looks like shadow, whose edge jumps with the road's own; */
#define ACROSS_SHADE_M 2.0 /* … and into which its vehicle grows as that comes near */
#define PLACE_ALONG_M  3.0 /* near ends this near: a gap of a metre between motorcycles, */
#define PLACE_ACROSS_M 0.7 /* and less than motorcycles ride abreast, */
#define PLACE_RIGID_M  0.4 /* all the time … */
#define TOUCH_M        0.7 /* no two drive so near behind each other */
#define LAMPS_ALONG_M  8.5 /* by night lamps and their light, one lamp beside the other, are … */
#define LAMPS_ACROSS_M 2.6 /* … so far apart; vehicles that follow each other are farther */
#define LAMPS_SHARE    0.4 /* of its sightings show its lamp and that of the other */
#define PLACE_MIN      8   /* … of so many common sightings are of one road user */
#define PLACE_LAST     6   /* … or so many, the last of them, … */
#define LAST_ALONG_M   1.0 /* … so near along */
#define LONG_M       14.0 /* a lorry or bus, */
#define SHORT_M      6.0  /* or any other */
#define BESIDE_MIN   6
#define BESIDE_M     2.0
#define RIGID_ACROSS_M 0.8 /* and across, where near ends jump as sides come and go */

struct spread {
    double n, sum, sum2;
};

static void add(struct spread *s, double v)
{
    s->n++;
    s->sum += v;
    s->sum2 += v * v;
}

static double mean(const struct spread *s)
{
    return s->n > 0 ? s->sum / s->n : 0;
}

static double deviation(const struct spread *s)
{
    return s->n < 1 ? 0 : sqrt(fmax(0, s->sum2 / s->n - mean(s) * mean(s)));
}

static size_t n_as_body(const struct cb_track *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->point[i].patch == CB_PATCH_OWN && !t->point[i].is_shade;
    return n;
}

static bool is_mostly_shade(const struct cb_track *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->point[i].is_shade;
    return 2 * n > t->n;
}

/* A picture that shows both, by its points of either. */
struct both {
    const struct cb_track_point *t, *with;
    size_t i, j; /* where to go on */
};

static bool next_both(const struct cb_track *t, const struct cb_track *with, struct both *b)
{
    for (; b->i < t->n; b->i++) {
        while (b->j < with->n && with->point[b->j].t_ns < t->point[b->i].t_ns)
            b->j++;
        if (b->j >= with->n)
            return false;
        if (with->point[b->j].t_ns != t->point[b->i].t_ns)
            continue;
        b->t = &t->point[b->i++];
        b->with = &with->point[b->j];
        return true;
    }
    return false;
}

/* From one track to another while both were seen, from t's point first on. */
struct apart {
    struct spread along, across;
};

static struct apart apart_from(const struct cb_track *t, const struct cb_track *with, size_t first)
{
    struct apart d = {0};
    for (struct both b = {.i = first}; next_both(t, with, &b);) {
        add(&d.along, b.t->y_m - b.with->y_m);
        if (b.t->patch == CB_PATCH_OWN) /* across, others are predicted, not seen */
            add(&d.across, b.t->x_m - b.with->x_m);
    }
    return d;
}

/* The same by their lamps on a wet road, which stand where the vehicle does, whatever is followed of it. */
static struct apart lamps_apart(const struct cb_track *t, const struct cb_track *with,
                                const struct cb_road *road)
{
    struct apart d = {0};
    for (struct both b = {0}; next_both(t, with, &b);) {
        double along = cb_mirror_lamp_y_m(b.t, road) - cb_mirror_lamp_y_m(b.with, road);
        if (isnan(along))
            continue;
        add(&d.along, along);
        add(&d.across, b.t->x_m - b.with->x_m);
    }
    return d;
}

static struct apart apart(const struct cb_track *t, const struct cb_track *with)
{
    return apart_from(t, with, 0);
}

static bool is_rigid(const struct cb_track *t, const struct cb_track *with, bool is_shade)
{
    struct apart d = apart(t, with);
    return d.along.n > 1 && d.along.n >= COMMON_SHARE * (double) t->n &&
           hypot(mean(&d.along), mean(&d.across)) < REACH_M &&
           deviation(&d.along) < (is_shade ? RIGID_SHADE_M : RIGID_M) &&
           deviation(&d.across) < (is_shade ? ACROSS_SHADE_M : RIGID_ACROSS_M);
}

/* From the side lengths are known: two in one lane do not touch, and all but touch only as parts of
 * one, the front and the rear of a motorcycle say. */
static bool touches(const struct cb_track *t, const struct cb_track *other)
{
    double reach_m = 0.5 * (t->length_m + other->length_m) + TOUCH_M, n = 0;
    for (struct both b = {0}; next_both(t, other, &b);)
        n += fabs(b.t->y_m - b.with->y_m) < reach_m && fabs(b.t->x_m - b.with->x_m) < PLACE_ACROSS_M;
    return t->length_m > 0 && other->length_m > 0 && n >= PLACE_MIN &&
           n >= COMMON_SHARE * (double) t->n;
}

/* No two stand in one place: a headlight's pool beside its motorcycle, say, is the shorter of the
 * two tracks. A handful of sightings may be of two that pass. */
static bool is_one_place(const struct apart *d, bool is_dark)
{
    double along_m = is_dark ? LAMPS_ALONG_M : PLACE_ALONG_M;
    double across_m = is_dark ? LAMPS_ACROSS_M : PLACE_ACROSS_M;
    return fabs(mean(&d->along)) < along_m && fabs(mean(&d->across)) < across_m &&
           d->across.n > 0 && deviation(&d->along) < PLACE_RIGID_M &&
           deviation(&d->across) < RIGID_ACROSS_M;
}

static bool is_shorter(const struct cb_track *t, const struct cb_track *other)
{
    return other->id && other != t && (t->n < other->n || (t->n == other->n && t->id > other->id));
}

/* Or have come to stand in it: what was torn off as it came out from behind a post. */
static bool is_in_its_place(const struct cb_track *t, const struct cb_track *other)
{
    if (!is_shorter(t, other))
        return false;
    if (touches(t, other))
        return true;
    bool is_dark = cb_track_is_dark(t);
    struct apart d = apart(t, other);
    if (d.along.n < PLACE_MIN || d.along.n < COMMON_SHARE * (double) t->n)
        return false;
    struct apart last = apart_from(t, other, t->n - PLACE_LAST);
    return is_one_place(&d, is_dark) ||
           (!is_dark && last.along.n == PLACE_LAST && fabs(mean(&last.along)) < LAST_ALONG_M &&
            is_one_place(&last, false));
}

/* The other lamp of the same vehicle, or the same lamp once more. */
static bool has_its_lamps(const struct cb_track *t, const struct cb_track *other, const struct cb_road *road)
{
    size_t n_own = n_as_body(t), n_others = n_as_body(other);
    bool is_lesser = n_own < n_others || (n_own == n_others && is_shorter(t, other));
    if (!other->id || other == t || !is_lesser || !cb_track_is_dark(t) || !road || !cb_road_pose(road))
        return false;
    struct apart d = lamps_apart(t, other, road);
    return d.along.n >= PLACE_MIN && d.along.n >= LAMPS_SHARE * (double) t->n &&
           fabs(mean(&d.along)) < LAST_ALONG_M && deviation(&d.along) < PLACE_RIGID_M &&
           fabs(mean(&d.across)) < LAMPS_ACROSS_M;
}

static bool is_somebody(const struct cb_track *t)
{
    return (double) n_as_body(t) > BODY_SHARE * (double) t->n;
}

/* Who drives abreast of another is seen in one patch with it half the time; where cast shadow has
 * been taken out, what has been seen alone beside it is nobody's shadow. */
static bool drives_beside(const struct cb_track *t, const struct cb_track *with)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->point[i].is_cast_out && t->point[i].patch == CB_PATCH_OWN;
    struct apart d = apart(t, with);
    return n >= BESIDE_MIN && fabs(mean(&d.across)) > BESIDE_M;
}

static bool goes_with(const struct cb_track *t, const struct cb_track *with)
{
    return with != t && with->id && n_as_body(with) > 2 * n_as_body(t) &&
           !drives_beside(t, with) && is_rigid(t, with, is_mostly_shade(t));
}

static double length_max_m(const struct cb_track *t, const struct cb_road *road,
                           const struct cb_region *g)
{
    enum cb_road_user u = cb_track_road_user(t, road, g);
    return u == CB_TRUCK || u == CB_BUS ? LONG_M : SHORT_M;
}

typedef bool upper_fn(const struct cb_track *t, const struct cb_track *of, double h_m, double cam_x_m,
                      double cam_y_m, double length_max_m);

/* However much of a body it looks: only a known pose tells what stands where. */
static bool is_upper(const struct cb_track *t, const struct cb_track *of, const struct cb_road *road,
                     const struct cb_region *g, upper_fn *fn)
{
    const struct cb_pose *pose = road ? cb_road_pose(road) : NULL;
    return pose && of != t && of->id &&
           fn(t, of, pose->position_m[2], pose->position_m[0], pose->position_m[1],
              length_max_m(of, road, g));
}

static bool is_beside_road(const struct cb_track *t, const struct cb_region *g)
{
    double x = 0;
    for (size_t i = 0; i < t->n; i++)
        x += t->point[i].x_m / (double) t->n;
    return x < g->x_min_m + CB_REGION_SIDE_M || x > g->x_max_m - CB_REGION_SIDE_M;
}

/* Who drives is on the surveyed road: what goes beside it, and rigidly with him, is what he casts
 * onto the pavement, however much of a body it looks from afar. */
static bool is_cast_aside(const struct cb_track *t, const struct cb_track *with,
                          const struct cb_region *g)
{
    return with != t && with->id && n_as_body(with) >= BESIDE_MIN && is_beside_road(t, g) &&
           !is_beside_road(with, g) && is_rigid(t, with, false);
}

static bool is_of(const struct cb_track *t, const struct cb_track *of, const struct cb_road *road,
                  const struct cb_region *g)
{
    return (!is_somebody(t) && goes_with(t, of)) || is_in_its_place(t, of) || has_its_lamps(t, of, road) ||
           is_upper(t, of, road, g, cb_track_is_upper_part) || (g && is_cast_aside(t, of, g));
}

bool cb_track_is_shadow(const struct cb_tracker *k, const struct cb_track *t,
                        const struct cb_road *road, const struct cb_region *g)
{
    bool is_shadow = t->went_with;
    for (size_t i = 0; i < k->n && !is_shadow; i++)
        is_shadow = is_of(t, &k->track[i], road, g);
    return is_shadow;
}

bool cb_track_is_doubtful(const struct cb_tracker *k, const struct cb_track *t, const struct cb_road *road,
                          const struct cb_region *g)
{
    bool is_doubtful = t->may_be_upper;
    for (size_t i = 0; i < k->n && !is_doubtful; i++)
        is_doubtful = is_upper(t, &k->track[i], road, g, cb_track_may_be_upper_part);
    return is_doubtful;
}

void cb_track_note_shadows(struct cb_tracker *k, const struct cb_track *of,
                           const struct cb_road *road, const struct cb_region *g)
{
    for (size_t i = 0; i < k->n; i++) {
        struct cb_track *t = &k->track[i];
        if (!t->id || t->is_judged)
            continue;
        t->went_with |= is_of(t, of, road, g);
        t->may_be_upper |= is_upper(t, of, road, g, cb_track_may_be_upper_part);
    }
}
