#include "candidate.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "scene.h"

#define BEYOND_NS  (6 * CB_NS_PER_S)
#define SPEED_U    0.05 /* of a speed that goes on unseen, and what may come to it a second */
#define CHANGE_U   1.5  /* m/s² */
#define END_NS     (800 * CB_NS_PER_MS) /* of a track's end, by which its last speed is told */
#define STANDS_MPS 0.7                  /* slower is no motion: the box trembles */
#define HEADING_M  1.5                  /* moved less, it tells no heading */
#define SEEN_SHARE 0.5                  /* of the moments: less, and a track can't be weighed */
#define FIX_U_M    0.4                  /* of the point followed, standard */
#define TURN_RAD   0.03 /* of the array against the road: 1.7°, standard, surveyed by eye */

/* The pipe's place behind the point followed: the axle nearer to the camera. Wheel base and
 * overhang of the class; the spread takes in half a tenth of a second between sound and picture. */
static const struct {
    double wheel_base_m, overhang_m, spread_m;
} sizes[CB_ROAD_USER_COUNT] = {
    [CB_CAR] = {2.7, 0.6, 1.1},        [CB_TRUCK] = {4.5, 0, 2.5},     [CB_BUS] = {5.5, 2.0, 2.0},
    [CB_MOTORCYCLE] = {1.3, 0.2, 0.8}, [CB_UNKNOWN] = {2.7, 0.6, 1.5},
};

/* Each of what is not known in steps of its standard deviation. Along the way they are close:
 * under the microphone a metre is twenty degrees. */
#define N_ALONG    9
#define N_ASIDE    7
#define N_TURNS    5
#define ALONG_STEP 0.5
#define ASIDE_STEP 0.7
#define TURN_STEP  1.0
#define ASIDE_U_M  0.5 /* of the track, and of the pipe across the vehicle */

/* Where a track begins or ends, and its speed there: the middles of the two halves of that end. */
struct end {
    int64_t t_ns;
    double at_m[2], v_mps[2];
};

static void mean_fix(const struct cb_fix *f, size_t n, int64_t t0_ns, double ret[3])
{
    ret[0] = ret[1] = ret[2] = 0;
    for (size_t i = 0; i < n; i++) {
        ret[0] += cb_s_from_ns(f[i].t_ns - t0_ns) / (double) n;
        ret[1] += f[i].x_m / (double) n;
        ret[2] += f[i].y_m / (double) n;
    }
}

static void end_of(const struct cb_scene_track *t, bool at_start, struct end *ret)
{
    size_t a = 0, b = t->n;
    const struct cb_fix *end = &t->fix[at_start ? 0 : t->n - 1];
    *ret = (struct end){.t_ns = end->t_ns, .at_m = {end->x_m, end->y_m}};
    while (at_start && b > 2 && t->fix[b - 1].t_ns > end->t_ns + END_NS)
        b--;
    while (!at_start && a + 2 < b && t->fix[a].t_ns < end->t_ns - END_NS)
        a++;
    size_t half = (b - a) / 2;
    double first[3], second[3];
    if (!half)
        return;
    mean_fix(&t->fix[a], half, end->t_ns, first);
    mean_fix(&t->fix[b - half], half, end->t_ns, second);
    for (int k = 0; k < 2; k++) {
        ret->v_mps[k] = (second[k + 1] - first[k + 1]) / fmax(1e-3, second[0] - first[0]);
        ret->at_m[k] = (first[k + 1] + second[k + 1] - ret->v_mps[k] * (first[0] + second[0])) / 2;
    }
}

static bool beyond(const struct cb_scene_track *t, int64_t t_ns, double *ret_x_m, double *ret_y_m)
{
    struct end e;
    end_of(t, t_ns < t->fix[0].t_ns, &e);
    bool stands = hypot(e.v_mps[0], e.v_mps[1]) < STANDS_MPS;
    double dt = stands ? 0 : cb_s_from_ns(t_ns - e.t_ns);
    *ret_x_m = e.at_m[0] + dt * e.v_mps[0];
    *ret_y_m = e.at_m[1] + dt * e.v_mps[1];
    return stands || fabs(dt) <= cb_s_from_ns(BEYOND_NS);
}

/* @return false: it has not moved, and may point anywhere */
static bool heading(const struct cb_scene_track *t, double ret[2])
{
    ret[0] = t->fix[t->n - 1].x_m - t->fix[0].x_m;
    ret[1] = t->fix[t->n - 1].y_m - t->fix[0].y_m;
    double length = hypot(ret[0], ret[1]);
    ret[0] /= fmax(length, 1e-9);
    ret[1] /= fmax(length, 1e-9);
    return length >= HEADING_M;
}

bool cb_pipe_at(const void *self, int64_t t_ns, double *ret_x_m, double *ret_y_m)
{
    const struct cb_pipe *p = self;
    const struct cb_scene_track *t = p->track;
    double ahead[2];
    bool is_known = cb_scene_position(t, t_ns, ret_x_m, ret_y_m) == 0;
    if (!is_known && !(is_known = beyond(t, t_ns, ret_x_m, ret_y_m)))
        return false;
    if (!heading(t, ahead)) {
        ahead[0] = 0; /* as if it drove away: behind_m has both signs then */
        ahead[1] = 1;
    }
    *ret_x_m += p->aside_m * ahead[1] - p->behind_m * ahead[0];
    *ret_y_m -= p->aside_m * ahead[0] + p->behind_m * ahead[1];
    return true;
}

/* Along its way, of a track that has not been seen for so long. */
static double beyond_u_m(const struct cb_scene_track *t, int64_t t_ns)
{
    struct end e;
    bool at_start = t_ns < t->fix[0].t_ns;
    if (!at_start && t_ns <= t->fix[t->n - 1].t_ns)
        return 0;
    end_of(t, at_start, &e);
    double v = hypot(e.v_mps[0], e.v_mps[1]), dt = fabs(cb_s_from_ns(t_ns - e.t_ns));
    return v < STANDS_MPS ? 0 : hypot(SPEED_U * v * dt, CHANGE_U * dt * dt / 2);
}

void cb_pipe_places(const struct cb_hearing *h, const struct cb_pipe *p, struct cb_place *ret)
{
    double ahead[2];
    bool moves = heading(p->track, ahead);
    for (size_t i = 0; i < h->n; i++) {
        struct cb_place *at = &ret[i];
        *at = (struct cb_place){NAN, NAN, 0, 0};
        if (!cb_way_emitted(h, &(struct cb_way){cb_pipe_at, p}, h->heard[i].t_ns, &at->x_m,
                            &at->y_m)) {
            at->x_m = NAN;
        } else if (moves) {
            double u_m = beyond_u_m(p->track, h->heard[i].t_ns);
            at->u_x_m = u_m * ahead[0];
            at->u_y_m = u_m * ahead[1];
        }
    }
}

static bool may_have_engine(enum cb_road_user u)
{
    return u != CB_PEDESTRIAN && u != CB_BICYCLE;
}

bool cb_candidate_is(const struct cb_hearing *h, const struct cb_scene_track *t)
{
    size_t n = 0;
    double x, y;
    if (!t->n || !may_have_engine(t->road_user))
        return false;
    struct cb_pipe pipe = {.track = t};
    struct cb_way way = {cb_pipe_at, &pipe};
    for (size_t i = 0; i < h->n; i++)
        n += cb_way_emitted(h, &way, h->heard[i].t_ns, &x, &y);
    return n && (double) n >= SEEN_SHARE * (double) h->n;
}

/* Driving away the rear axle is followed, coming the front one: the camera looks along +Y. */
static void pipe_room(const struct cb_scene_track *t, double *ret_mean_m, double *ret_spread_m)
{
    double ahead[2];
    bool moves = heading(t, ahead);
    *ret_spread_m = sizes[t->road_user].spread_m;
    *ret_mean_m = sizes[t->road_user].overhang_m;
    if (moves && ahead[1] < 0)
        *ret_mean_m += sizes[t->road_user].wheel_base_m;
    if (!moves) { /* away: a little nearer than the point; coming: beyond it by the wheel base */
        *ret_mean_m = -sizes[t->road_user].wheel_base_m / 2;
        *ret_spread_m = hypot(*ret_spread_m, sizes[t->road_user].wheel_base_m / 2);
    }
}

/** Running sums over the pipes: Σ e^evidence, and of the distance at the peak. */
struct total {
    double top, sum, db, db2, known;
};

static void add_case(struct total *t, double evidence, double distance_db)
{
    if (evidence > t->top) {
        double k = exp(t->top - evidence);
        t->sum *= k;
        t->db *= k;
        t->db2 *= k;
        t->known *= k;
        t->top = evidence;
    }
    double w = exp(evidence - t->top);
    t->sum += w;
    if (isnan(distance_db))
        return;
    t->known += w;
    t->db += w * distance_db;
    t->db2 += w * distance_db * distance_db;
}

static void finish(const struct total *t, struct cb_candidate *ret)
{
    ret->evidence = t->top + log(t->sum);
    ret->distance_db = ret->distance_u_db = NAN;
    if (!(t->known > 0))
        return;
    double mean = t->db / t->known, var = fmax(0, t->db2 / t->known - mean * mean);
    double r_m = 7.5 * pow(10, mean / 20);
    ret->distance_db = mean;
    ret->distance_u_db = sqrt(var + pow(20 / log(10) * FIX_U_M / r_m, 2));
}

static double distance_db_at(const struct cb_hearing *h, const struct cb_way *w, int64_t t_ns)
{
    double x, y;
    return cb_way_emitted(h, w, t_ns, &x, &y) ? 20 * log10(cb_hearing_distance_m(h, x, y) / 7.5)
                                              : NAN;
}

/* All that is the same of a vehicle, wherever its pipe is. */
struct weighing {
    struct cb_hearing h;
    struct cb_place middle[CB_HEARD_MAX], place[CB_HEARD_MAX];
    double ahead[2];
};

/* The places with the pipe moved; what that does to the sound's time on the way is next to
 * nothing. */
static void move_pipe(struct weighing *w, double behind_m, double aside_m)
{
    double dx = aside_m * w->ahead[1] - behind_m * w->ahead[0],
           dy = -aside_m * w->ahead[0] - behind_m * w->ahead[1];
    for (size_t i = 0; i < w->h.n; i++) {
        w->place[i] = w->middle[i];
        w->place[i].x_m += dx;
        w->place[i].y_m += dy;
    }
}

static void start_weighing(struct weighing *w, const struct cb_hearing *h,
                           const struct cb_pipe *middle)
{
    w->h = *h;
    if (!heading(middle->track, w->ahead)) {
        w->ahead[0] = 0;
        w->ahead[1] = 1;
    }
    cb_pipe_places(h, middle, w->middle);
}

/* ln of a Gaussian's share of its i-th of n steps. */
static double log_step(int i, int n, double step)
{
    double at = (i - n / 2) * step;
    return -at * at / 2 + log(step / sqrt(2 * M_PI));
}

void cb_candidate_weigh(const struct cb_hearing *h, const struct cb_scene_track *t,
                        int64_t t_peak_ns, struct cb_candidate *ret)
{
    struct total total = {.top = -HUGE_VAL};
    struct weighing w;
    double mean_m, spread_m, best = -HUGE_VAL;
    int n_turns = h->doa ? N_TURNS : 1;
    pipe_room(t, &mean_m, &spread_m);
    *ret = (struct cb_candidate){.pipe = {.track = t}};
    start_weighing(&w, h, &(struct cb_pipe){.track = t, .behind_m = mean_m});
    for (int i = 0; i < N_ALONG * N_ASIDE; i++) {
        int along = i / N_ASIDE, aside = i % N_ASIDE;
        double by_m = (along - N_ALONG / 2) * ALONG_STEP * spread_m;
        struct cb_pipe pipe = {
            .track = t,
            .behind_m = mean_m + by_m,
            .aside_m = (aside - N_ASIDE / 2) * ASIDE_STEP * ASIDE_U_M,
        };
        double prior =
            log_step(along, N_ALONG, ALONG_STEP) + log_step(aside, N_ASIDE, ASIDE_STEP);
        double db = distance_db_at(h, &(struct cb_way){cb_pipe_at, &pipe}, t_peak_ns);
        move_pipe(&w, by_m, pipe.aside_m);
        for (int k = 0; k < n_turns; k++) {
            struct cb_agreement a;
            w.h.turn_rad = (k - n_turns / 2) * TURN_STEP * TURN_RAD;
            double turn = n_turns > 1 ? log_step(k, n_turns, TURN_STEP) : 0;
            double evidence = prior + turn - cb_weigh(&w.h, w.place, &a);
            add_case(&total, evidence, db);
            if (evidence <= best)
                continue;
            best = evidence;
            ret->pipe = pipe;
            ret->turn_rad = w.h.turn_rad;
            ret->agreement = a;
        }
    }
    finish(&total, ret);
}
