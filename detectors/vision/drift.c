#include "drift.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/mem.h"
#include "dsp/dsp_picture.h"
#include "patch.h"
#include "region.h"
#include "speed/numeric.h"

#define WIDTH_MAX_PX 640  /* looked at in a picture reduced to this */
#define LOOK_NS      (180 * CB_NS_PER_MS)
#define N_LEARN      20   /* looks whose median is the standing scene: four seconds */
#define N_WINDOW     25   /* looks: five seconds */
#define N_JUST_NOW   5    /* looks: one second */
#define N_PATCHES    48
#define N_MIN        8    /* patches found again, below which nothing is said */
#define SHARE_MIN    0.25
#define CELL_PX      24   /* at most one patch in each */
#define HOLD_MIN     6.0  /* levels² a pixel: well above sensor noise in a median of pictures */
#define ROAD_SHARE   0.1  /* of its hold is a patch on the road worth, where traffic covers it */
#define MARGIN_PX    12   /* from the picture's edge: patches may leave by as much */
#define MATCH_MIN    0.7  /* correlation of a patch that is found again */
#define REACH_PX     10
#define AGREE_PX     3.0  /* found marks lie so near to what they share; look-alikes do not */
#define NEAR_PX      3
#define LIMIT_PX     2.0  /* at 720 lines */
#define DOUBT        1.25 /* of the limit: moved within the last second */
#define BACK         0.6  /* of the limit: is back */
#define STAY_LOOKS   12   /* the five seconds' mean stays over the limit, or under it again */
#define LOST_LOOKS   50   /* nothing found again: ten seconds */
#define RECUT_LOOKS  300  /* a patch not found for a minute is cut anew where the others are */

enum { WHOLE, N_GROUPS = 5 }; /* and the four quarters of the picture */

struct shift {
    double x, y; /* reduced px; NaN: not known */
};

struct mark {
    struct cb_patch patch;
    struct shift at_cut, now; /* how far the scene had moved when it was cut; moves now */
    int group, n_missed;
    bool is_found;
};

struct cb_drift {
    int factor, w, h;
    const struct cb_region *traffic;
    uint8_t *img, *learn[N_LEARN];
    size_t n_learnt;
    struct mark mark[N_PATCHES];
    size_t n_marks;
    struct shift window[N_WINDOW][N_GROUPS]; /* a ring */
    size_t n_window;
    struct shift zero; /* where the first five seconds were in the mean: shake blurs what is learnt */
    bool has_zero;
    struct shift last; /* of the whole picture, where it is looked for next */
    int64_t t_look_ns;
    bool has_look;
    int n_over, n_under, n_lost;
    struct cb_drift_state state;
};

int cb_drift_create(struct cb_drift **ret, const struct cb_region *traffic, int width, int height)
{
    struct cb_drift *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->factor = (width + WIDTH_MAX_PX - 1) / WIDTH_MAX_PX;
    d->w = width / d->factor;
    d->h = height / d->factor;
    d->traffic = traffic;
    d->state.limit_px = fmax(1, LIMIT_PX * height / 720);
    d->img = malloc((size_t) d->w * (size_t) d->h + 1);
    if (!d->img) {
        cb_drift_destroy(&d);
        return -ENOMEM;
    }
    *ret = d;
    return 0;
}

static void drop_learning(struct cb_drift *d)
{
    for (size_t i = 0; i < N_LEARN; i++) {
        free(d->learn[i]);
        d->learn[i] = NULL;
    }
    d->n_learnt = 0;
}

void cb_drift_destroy(struct cb_drift **drift)
{
    struct cb_drift *d = *drift;
    if (!d)
        return;
    *drift = NULL;
    drop_learning(d);
    free(d->img);
    free(d);
}

void cb_drift_break(struct cb_drift *d)
{
    d->n_window = 0;
    d->n_over = d->n_under = d->n_lost = 0;
    d->has_look = false;
    if (!d->n_marks)
        drop_learning(d);
}

struct cb_drift_state cb_drift_state(const struct cb_drift *d)
{
    return d->state;
}

static bool is_traffic(const struct cb_drift *d, int x, int y)
{
    const struct cb_region *g = d->traffic;
    if (!g || !g->span)
        return false;
    double middle = 0.5 * CB_PATCH_SIDE;
    struct cb_vec2 full = {(x + middle) * d->factor, (y + middle) * d->factor};
    struct cb_vec2 p = cb_region_from_full(g, full);
    int row = (int) p.y;
    return p.y >= 0 && row < g->h && p.x >= g->span[2 * row] && p.x < g->span[2 * row + 1];
}

struct choice {
    double hold;
    int x, y;
};

static int by_hold(const void *a, const void *b)
{
    const struct choice *p = a, *q = b;
    return p->hold != q->hold ? (p->hold < q->hold) - (p->hold > q->hold)
           : p->y != q->y     ? (p->y > q->y) - (p->y < q->y)
                              : (p->x > q->x) - (p->x < q->x);
}

/* The best place of a cell whose left upper corner is (x, y). */
static struct choice choose_in_cell(const struct cb_drift *d, const struct cb_grey *g, int x, int y)
{
    struct choice best = {0, x, y};
    for (int j = 0; j <= CELL_PX - CB_PATCH_SIDE; j += 4)
        for (int i = 0; i <= CELL_PX - CB_PATCH_SIDE; i += 4) {
            double hold = cb_patch_hold(g, x + i, y + j);
            if (hold > best.hold)
                best = (struct choice){hold, x + i, y + j};
        }
    if (best.hold > HOLD_MIN && is_traffic(d, best.x, best.y))
        best.hold = fmax(HOLD_MIN, best.hold * ROAD_SHARE);
    return best;
}

/* The places that hold best, best first. ret: room for one a cell. @return how many */
static size_t choose(const struct cb_drift *d, const struct cb_grey *g, struct choice *ret)
{
    size_t n = 0;
    for (int y = MARGIN_PX; y + CELL_PX + MARGIN_PX <= g->h; y += CELL_PX)
        for (int x = MARGIN_PX; x + CELL_PX + MARGIN_PX <= g->w; x += CELL_PX) {
            struct choice c = choose_in_cell(d, g, x, y);
            if (c.hold >= HOLD_MIN)
                ret[n++] = c;
        }
    qsort(ret, n, sizeof *ret, by_hold);
    return n < N_PATCHES ? n : N_PATCHES;
}

static int count_places(const struct cb_drift *d, const struct cb_grey *g, struct choice **ret,
                        size_t *ret_n)
{
    size_t cells = (size_t) (g->w / CELL_PX + 1) * (size_t) (g->h / CELL_PX + 1);
    struct choice *c = malloc(cells * sizeof *c);
    if (!c)
        return -ENOMEM;
    *ret_n = choose(d, g, c);
    *ret = c;
    return 0;
}

static int cut_marks(struct cb_drift *d, const struct cb_grey *g)
{
    CB_AUTO_FREE struct choice *c = NULL;
    int r = count_places(d, g, &c, &d->n_marks);
    if (r < 0)
        return r;
    for (size_t i = 0; i < d->n_marks; i++) {
        struct mark *m = &d->mark[i];
        *m = (struct mark){.group = 1 + (2 * c[i].x > g->w) + 2 * (2 * c[i].y > g->h)};
        cb_patch_cut(&m->patch, g, c[i].x, c[i].y);
    }
    if (d->n_marks < N_MIN)
        d->n_marks = 0; /* nothing to hold on to, yet: is learnt again */
    return 0;
}

/* The median of the first looks is the scene without its traffic. */
static int learn(struct cb_drift *d)
{
    size_t n = (size_t) d->w * (size_t) d->h;
    uint8_t *copy = malloc(n + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, d->img, n);
    d->learn[d->n_learnt++] = copy;
    if (d->n_learnt < N_LEARN)
        return 0;
    CB_AUTO_FREE uint16_t *median = malloc(n * sizeof *median + 1);
    if (!median)
        return -ENOMEM;
    const uint8_t *img[N_LEARN];
    memcpy(img, d->learn, sizeof img);
    cb_dsp_median_picture(median, img, N_LEARN, n);
    for (size_t i = 0; i < n; i++)
        d->learn[0][i] = (uint8_t) (median[i] >> 8);
    int r = cut_marks(d, &(struct cb_grey){d->learn[0], d->w, d->h});
    drop_learning(d);
    return r;
}

static void find_mark(struct cb_drift *d, struct mark *m, const struct cb_grey *g)
{
    double x = 0, y = 0;
    int dx = (int) lround(d->last.x - m->at_cut.x), dy = (int) lround(d->last.y - m->at_cut.y);
    double c = cb_patch_find(&m->patch, g, dx, dy, NEAR_PX, &x, &y);
    if (c < MATCH_MIN)
        c = cb_patch_find(&m->patch, g, 0, 0, REACH_PX, &x, &y);
    m->is_found = c >= MATCH_MIN;
    m->n_missed = m->is_found ? 0 : m->n_missed + 1;
    m->now = (struct shift){m->at_cut.x + x, m->at_cut.y + y};
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, cb_by_value);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

static bool is_seen_in(const struct mark *m, int group)
{
    return m->is_found && (group == WHOLE || m->group == group);
}

static size_t count_agreeing(const struct cb_drift *d, int group, struct shift s)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_marks; i++) {
        const struct mark *m = &d->mark[i];
        n += is_seen_in(m, group) && hypot(m->now.x - s.x, m->now.y - s.y) <= AGREE_PX;
    }
    return n;
}

/* What the found marks of a group share; NaN: too few, or they do not. */
static struct shift common_shift(const struct cb_drift *d, int group)
{
    double x[N_PATCHES], y[N_PATCHES];
    size_t n = 0, least = group == WHOLE ? N_MIN : N_MIN / 2 + 1;
    for (size_t i = 0; i < d->n_marks; i++)
        if (is_seen_in(&d->mark[i], group)) {
            x[n] = d->mark[i].now.x;
            y[n++] = d->mark[i].now.y;
        }
    if (n < least)
        return (struct shift){NAN, NAN};
    struct shift s = {median(x, n), median(y, n)};
    size_t agreeing = count_agreeing(d, group, s);
    bool is_enough = agreeing >= least && 2 * agreeing >= n &&
                     (group != WHOLE || (double) agreeing >= SHARE_MIN * (double) d->n_marks);
    return is_enough ? s : (struct shift){NAN, NAN};
}

/* The mean of the middle three fifths: shake goes, and so does a look that went wrong. */
static double middle_mean(double *x, size_t n)
{
    size_t cut = n / 5;
    double sum = 0;
    qsort(x, n, sizeof *x, cb_by_value);
    for (size_t i = cut; i < n - cut; i++)
        sum += x[i];
    return sum / (double) (n - 2 * cut);
}

/* A group's shift over the last n looks; NaN: seen in too few. */
static struct shift mean_shift(const struct cb_drift *d, int group, size_t n)
{
    double x[N_WINDOW], y[N_WINDOW];
    size_t seen = 0, have = d->n_window < n ? d->n_window : n;
    for (size_t k = 1; k <= have; k++) {
        const struct shift *s = &d->window[(d->n_window - k) % N_WINDOW][group];
        if (isnan(s->x))
            continue;
        x[seen] = s->x;
        y[seen++] = s->y;
    }
    if (2 * seen < n)
        return (struct shift){NAN, NAN};
    return (struct shift){middle_mean(x, seen), middle_mean(y, seen)};
}

/* Its length, full px. */
static double shift_over(const struct cb_drift *d, int group, size_t n)
{
    struct shift s = mean_shift(d, group, n);
    return d->factor * hypot(s.x - d->zero.x, s.y - d->zero.y);
}

/* A turned or zoomed camera leaves the middle in place: then the second largest of the quarters
 * speaks, so that one tree in the wind does not. */
static double drift_over(const struct cb_drift *d, size_t n)
{
    double whole = shift_over(d, WHOLE, n), first = 0, second = 0;
    for (int g = 1; g < N_GROUPS; g++) {
        double s = shift_over(d, g, n);
        if (s > first) {
            second = first;
            first = s;
        } else if (s > second) {
            second = s;
        }
    }
    return isnan(whole) ? NAN : fmax(whole, second);
}

/* Nothing is found again although there is as much to see as ever: it looks elsewhere. In the
 * dark or in fog there is not, and nothing is said. */
static int is_elsewhere(const struct cb_drift *d, const struct cb_grey *g)
{
    CB_AUTO_FREE struct choice *c = NULL;
    size_t n;
    int r = count_places(d, g, &c, &n);
    return r < 0 ? r : 2 * n >= d->n_marks;
}

static int follow_lost(struct cb_drift *d, const struct cb_grey *g)
{
    d->state.is_watching = false;
    d->n_over = d->n_under = 0;
    if (++d->n_lost % LOST_LOOKS)
        return 0;
    int r = is_elsewhere(d, g);
    if (r > 0)
        d->state.is_suspended = d->state.is_lost = true;
    return r < 0 ? r : 0;
}

static void follow_shift(struct cb_drift *d, double shift_px)
{
    struct cb_drift_state *s = &d->state;
    d->n_lost = 0;
    s->is_watching = true;
    s->shift_px = shift_px;
    d->n_over = shift_px >= s->limit_px ? d->n_over + 1 : 0;
    d->n_under = shift_px <= BACK * s->limit_px ? d->n_under + 1 : 0;
    if (d->n_over >= STAY_LOOKS)
        s->is_suspended = true;
    if (d->n_over >= STAY_LOOKS || d->n_under >= STAY_LOOKS)
        s->is_lost = false;
    if (d->n_under >= STAY_LOOKS)
        s->is_suspended = false;
}

/* Light, seasons and parked cars change the scene piece by piece: what is gone is learnt anew
 * while the rest still says where it is. A slow creep therefore adds up and is not learnt away. */
static void recut_missed(struct cb_drift *d, const struct cb_grey *g)
{
    for (size_t i = 0; i < d->n_marks; i++) {
        struct mark *m = &d->mark[i];
        if (m->n_missed < RECUT_LOOKS || cb_patch_hold(g, m->patch.x, m->patch.y) < HOLD_MIN)
            continue;
        cb_patch_cut(&m->patch, g, m->patch.x, m->patch.y);
        m->at_cut = d->last;
        m->n_missed = 0;
    }
}

static int find_zero(struct cb_drift *d)
{
    struct shift s = mean_shift(d, WHOLE, N_WINDOW);
    if (isnan(s.x) && d->n_window >= 2 * N_WINDOW)
        d->n_marks = d->n_window = 0; /* what was learnt has gone at once: is learnt again */
    if (d->n_window < N_WINDOW || isnan(s.x))
        return 0;
    d->zero = s;
    d->has_zero = d->state.is_watching = true;
    return 0;
}

static int look(struct cb_drift *d)
{
    const struct cb_grey g = {d->img, d->w, d->h};
    bool was = d->state.is_suspended;
    for (size_t i = 0; i < d->n_marks; i++)
        find_mark(d, &d->mark[i], &g);
    struct shift *now = d->window[d->n_window++ % N_WINDOW];
    for (int k = 0; k < N_GROUPS; k++)
        now[k] = common_shift(d, k);
    if (!isnan(now[WHOLE].x)) {
        d->last = now[WHOLE];
        recut_missed(d, &g);
    }
    if (!d->has_zero)
        return find_zero(d);
    double five = drift_over(d, N_WINDOW), one = drift_over(d, N_JUST_NOW);
    int r = 0;
    if (isnan(now[WHOLE].x))
        r = follow_lost(d, &g);
    else if (!isnan(five))
        follow_shift(d, five);
    d->state.is_in_doubt = d->state.is_suspended || one >= DOUBT * d->state.limit_px;
    return r < 0 ? r : was != d->state.is_suspended;
}

int cb_drift_add(struct cb_drift *d, const struct cb_picture *p)
{
    if (d->has_look && p->t_ns >= d->t_look_ns && p->t_ns - d->t_look_ns < LOOK_NS)
        return 0;
    d->has_look = true;
    d->t_look_ns = p->t_ns;
    cb_dsp_reduce(d->img, d->w, p->plane[0], p->stride[0], d->w, d->h, d->factor);
    return d->n_marks ? look(d) : learn(d);
}
