#include "attribute.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bearing.h"
#include "candidate.h"
#include "scene.h"

#define WEIGHED_MAX    64 /* moments: they overlap, more would say nothing new */
#define DIRECTIONS_MIN 5  /* in a row, along the vehicle's way: a fifth of a second */
#define SHIFTS         8  /* steps each way, of SHIFT_M */
#define SHIFT_M        0.2
#define SHIFT_U_M      0.5 /* of a place that all of the event tells, at one moment of it */
#define FOLLOW_MIN     0.6 /* of the directions: with two sources half would go with either */

/* A copy with fewer moments when there are many, and what belongs to them. */
struct weighed {
    struct cb_hearing h;
    struct cb_heard heard[WEIGHED_MAX];
};

static void thin_out(const struct cb_hearing *h, struct weighed *ret)
{
    size_t step = (h->n + WEIGHED_MAX - 1) / WEIGHED_MAX;
    double t_s[WEIGHED_MAX], ln_hz[WEIGHED_MAX];
    ret->h = *h;
    ret->h.heard = ret->heard;
    ret->h.n = 0;
    ret->h.moment_s = CB_HEARD_S * (double) step;
    for (size_t i = 0; i < h->n; i += step) {
        t_s[ret->h.n] = cb_s_from_ns(h->heard[i].t_ns - h->heard[0].t_ns);
        ln_hz[ret->h.n] = h->heard[i].ln_hz;
        ret->heard[ret->h.n++] = h->heard[i];
    }
    cb_doppler_basis_init(&ret->h.basis, t_s, ln_hz, ret->h.n);
}

struct ranking {
    struct cb_candidate best;
    int64_t second;
    double second_evidence, others; /* others: ln of the sum of all but the best */
    double seen, unseen; /* ln: of all vehicles, each as likely before; of somebody else */
    size_t n;
};

static void rank(struct ranking *k, const struct cb_candidate *c)
{
    const struct cb_candidate *behind = c;
    struct cb_candidate was;
    if (!k->n++) {
        k->best = *c;
        return;
    }
    if (c->evidence > k->best.evidence) {
        was = k->best;
        k->best = *c;
        behind = &was;
    }
    k->others = cb_log_add(k->others, behind->evidence);
    if (behind->evidence > k->second_evidence) {
        k->second_evidence = behind->evidence;
        k->second = behind->pipe.track->id;
    }
}

/* Where a vehicle was in the event's middle, and its speed along the road. */
static void hint_at(const struct cb_hearing *h, const struct cb_scene_track *t,
                    struct cb_straight *hints, size_t *n)
{
    struct cb_pipe pipe = {.track = t};
    int64_t middle_ns = h->heard[0].t_ns + (h->heard[h->n - 1].t_ns - h->heard[0].t_ns) / 2;
    double x, y, x1, y1;
    if (*n == CB_UNSEEN_HINTS_MAX || !cb_pipe_at(&pipe, middle_ns, &x, &y) ||
        !cb_pipe_at(&pipe, middle_ns + CB_NS_PER_S / 4, &x1, &y1))
        return;
    hints[(*n)++] =
        (struct cb_straight){.t_ns = middle_ns, .x_m = x, .y_m = y, .v_mps = 4 * (y1 - y)};
}

static void rank_all(const struct cb_scene *scene, const struct weighed *w, int64_t t_peak_ns,
                     struct ranking *k)
{
    struct cb_straight hints[CB_UNSEEN_HINTS_MAX];
    size_t n_hints = 0;
    *k = (struct ranking){
        .second = -1, .second_evidence = -HUGE_VAL, .others = -HUGE_VAL, .seen = -HUGE_VAL};
    for (size_t i = 0; i < scene->n; i++) {
        struct cb_candidate c;
        if (!cb_candidate_is(&w->h, &scene->track[i]))
            continue;
        cb_candidate_weigh(&w->h, &scene->track[i], t_peak_ns, &c);
        rank(k, &c);
        k->seen = cb_log_add(k->seen, c.evidence);
        hint_at(&w->h, &scene->track[i], hints, &n_hints);
    }
    if (!k->n)
        return;
    k->seen -= log((double) k->n);
    k->unseen = cb_unseen_evidence(&w->h, hints, n_hints);
    double unseen = log(CB_UNSEEN_PRIOR) + k->unseen;
    k->others = cb_log_add(k->others, unseen);
    if (unseen > k->second_evidence) {
        k->second_evidence = unseen;
        k->second = -1;
    }
}

static const char *why_not(const struct ranking *k, const struct cb_hearing *h, double odds_min,
                           double odds)
{
    const struct cb_agreement *a = &k->best.agreement;
    if (!k->n || (k->second < 0 && odds < 1))
        return "no_vehicle";
    if (odds < odds_min)
        return k->second < 0 ? "maybe_unseen" : "several_vehicles";
    if (h->doa &&
        (a->n_run < DIRECTIONS_MIN || (double) a->n_agree < FOLLOW_MIN * (double) a->n_directions))
        return "not_followed";
    return "";
}

/* The vehicle as the directions about the peak place it: under the array half a metre is ten
 * degrees. */
static struct cb_pipe place_by_ear(const struct cb_hearing *h, const struct ranking *k,
                                   int64_t t_peak_ns)
{
    struct cb_pipe best = k->best.pipe;
    double least = HUGE_VAL;
    for (int i = -SHIFTS; i <= SHIFTS && h->doa; i++) {
        for (int j = -SHIFTS; j <= SHIFTS; j++) {
            struct cb_pipe p = k->best.pipe;
            p.behind_m += i * SHIFT_M;
            p.aside_m += j * SHIFT_M;
            double misfit = cb_bearing_misfit(h, &(struct cb_way){cb_pipe_at, &p}, t_peak_ns) +
                            (i * i + j * j) * pow(SHIFT_M / SHIFT_U_M, 2);
            if (misfit < least) {
                least = misfit;
                best = p;
            }
        }
    }
    return best;
}

/* The peak must come from where the vehicle is: else the level is somebody else's. */
static void tell_place(const struct cb_hearing *h, const struct ranking *k, int64_t t_peak_ns,
                       struct cb_origin *ret)
{
    struct cb_pipe pipe = ret->track >= 0 ? place_by_ear(h, k, t_peak_ns) : k->best.pipe;
    struct cb_way way = {cb_pipe_at, &pipe};
    if (ret->track >= 0 && h->doa &&
        !cb_bearing_along(h, &way, t_peak_ns, &ret->azimuth_rad, &ret->azimuth_u_rad)) {
        ret->track = -1;
        ret->why = "peak_elsewhere";
    }
    if (ret->track < 0) {
        cb_bearing_alone(h, t_peak_ns, &ret->azimuth_rad, &ret->azimuth_u_rad);
        return;
    }
    ret->distance_db = k->best.distance_db;
    ret->distance_u_db = k->best.distance_u_db;
    ret->distance_m = 7.5 * pow(10, k->best.distance_db / 20);
}

int cb_attribute(const struct cb_scene *scene, const struct cb_hearing *h, int64_t t_peak_ns,
                 double odds_min, struct cb_origin *ret)
{
    struct ranking k = {.second = -1};
    *ret = (struct cb_origin){.track = -1,
                              .second = -1,
                              .why = "",
                              .seen_ln_odds = NAN,
                              .distance_m = NAN,
                              .distance_db = NAN,
                              .distance_u_db = NAN,
                              .azimuth_rad = NAN,
                              .azimuth_u_rad = NAN};
    if (scene->t_ns == INT64_MIN)
        ret->why = "no_pictures";
    else if (isnan(h->microphone_m[0]))
        ret->why = "microphone_unplaced";
    else if (!h->n)
        ret->why = "no_vehicle";
    if (!ret->why[0]) {
        CB_AUTO_FREE struct weighed *w = malloc(sizeof *w);
        if (!w)
            return -ENOMEM;
        thin_out(h, w);
        rank_all(scene, w, t_peak_ns, &k);
        ret->odds = k.n ? exp(fmin(50, k.best.evidence - k.others)) : 0;
        ret->second = k.second;
        ret->seen_ln_odds = k.n ? k.seen - k.unseen : -HUGE_VAL;
        if (k.n) { /* once more, with all the moments */
            struct cb_hearing all = *h;
            all.turn_rad = k.best.turn_rad;
            all.moment_s = CB_HEARD_S;
            all.basis.n = 0; /* the rate has had its say */
            struct cb_place place[CB_HEARD_MAX];
            cb_pipe_places(&all, &k.best.pipe, place);
            cb_weigh(&all, place, &k.best.agreement);
            ret->n_directions = k.best.agreement.n_agree;
        }
        ret->why = why_not(&k, h, odds_min, ret->odds);
    }
    if (!ret->why[0])
        ret->track = k.best.pipe.track->id;
    tell_place(h, &k, t_peak_ns, ret);
    return 0;
}
