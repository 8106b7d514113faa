#include "attribute.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "doa.h"
#include "scene.h"

#define SOUND_MPS       343.0
#define SOURCE_HEIGHT_M 0.4  /* a tail pipe's */
#define ODDS_MIN        20.0 /* one vehicle is named when it is so much likelier than any other */
#define LEVEL_SIGMA_DB  3.0  /* throttle and the pipe's directivity, over a passage */
#define BEARING_SIGMA   0.10 /* rad: the tail pipe is not where the track's point is */
#define SURPRISE_MAX    4.5  /* of one moment, in −ln: an echo is not a refutation */
#define INDEPENDENT_S   0.25 /* moments nearer than this say the same thing twice */
#define SOURCE_7M5_DB   95.0 /* what makes a noise event at 7.5 m, and its spread */
#define SOURCE_SIGMA_DB 8.0
#define UNSEEN          1.2 /* −ln a moment of "someone outside the picture": 4.6 dB off all along */
#define UNSEEN_ONCE     3.0
#define SEEN_SHARE_MIN  0.5 /* of the moments: less, and a track can't be weighed */
#define N_LIKELY_MAX    64

struct candidate {
    const struct cb_scene_track *track;
    double cost; /* −ln likelihood */
};

static double distance_m(const double microphone_m[3], double x_m, double y_m)
{
    if (isnan(microphone_m[0]))
        return 7.5; /* all are as near: the level then speaks for none */
    double h = hypot(x_m - microphone_m[0], y_m - microphone_m[1]);
    return fmax(1, hypot(h, SOURCE_HEIGHT_M - microphone_m[2]));
}

/* Where it was when it emitted what is heard at t. Tracks begin and end at the picture's edges,
 * so up to half a second is extrapolated by staying. */
static int place_at(const struct cb_scene_track *t, int64_t t_ns, double *x_m, double *y_m)
{
    const int64_t slack_ns = CB_NS_PER_S / 2;
    int64_t first_ns = t->fix[0].t_ns, last_ns = t->fix[t->n - 1].t_ns;
    if (t_ns < first_ns && t_ns >= first_ns - slack_ns)
        t_ns = first_ns;
    if (t_ns > last_ns && t_ns <= last_ns + slack_ns)
        t_ns = last_ns;
    return cb_scene_position(t, t_ns, x_m, y_m);
}

static int emitted_at(const struct cb_scene_track *t, const double microphone_m[3], int64_t t_ns,
                      double *x_m, double *y_m)
{
    int r = place_at(t, t_ns, x_m, y_m);
    if (r < 0)
        return r;
    double way_s = distance_m(microphone_m, *x_m, *y_m) / SOUND_MPS;
    return place_at(t, t_ns - (int64_t) (way_s * 1e9), x_m, y_m);
}

static double bearing_cost(const struct cb_doa *doa, double heard_rad, double x_m, double y_m)
{
    if (!doa || isnan(heard_rad))
        return 0;
    double e = remainder(cb_doa_apparent_rad(doa, x_m, y_m, SOURCE_HEIGHT_M) - heard_rad, 2 * M_PI);
    double z = e / BEARING_SIGMA;
    return fmin(SURPRISE_MAX, z * z / 2);
}

struct weighing {
    double source_db, square_db, bearing; /* sums, then what they make */
    size_t n;
};

/* First pass: the source level that fits best. Second: what is left over. */
static void weigh(const struct cb_scene_track *t, const double microphone_m[3],
                  const struct cb_doa *doa, const struct cb_heard *heard, size_t n,
                  struct weighing *w)
{
    double sum = 0, square = 0;
    *w = (struct weighing){0};
    for (size_t i = 0; i < n; i++) {
        double x, y;
        if (emitted_at(t, microphone_m, heard[i].t_ns, &x, &y) < 0)
            continue;
        double db = heard[i].level_db + 20 * log10(distance_m(microphone_m, x, y) / 7.5);
        sum += db;
        square += db * db;
        w->bearing += bearing_cost(doa, heard[i].azimuth_rad, x, y);
        w->n++;
    }
    if (!w->n)
        return;
    if (isnan(microphone_m[0]))
        sum = (double) w->n * SOURCE_7M5_DB, square = sum * SOURCE_7M5_DB;
    w->source_db = sum / (double) w->n;
    w->square_db = fmax(0, square / (double) w->n - w->source_db * w->source_db);
    w->bearing /= (double) w->n;
}

static double cost_of(const struct weighing *w, double moments)
{
    double off = (w->source_db - SOURCE_7M5_DB) / SOURCE_SIGMA_DB;
    double level = fmin(SURPRISE_MAX, w->square_db / (2 * LEVEL_SIGMA_DB * LEVEL_SIGMA_DB));
    return off * off / 2 + moments * (level + w->bearing);
}

static bool may_have_engine(enum cb_road_user u)
{
    return u != CB_PEDESTRIAN && u != CB_BICYCLE;
}

static void name_it(const struct cb_scene_track *t, const double microphone_m[3], int64_t t_peak_ns,
                    struct cb_origin *ret)
{
    double x, y;
    ret->track = t->id;
    ret->why = "";
    if (isnan(microphone_m[0]) || emitted_at(t, microphone_m, t_peak_ns, &x, &y) < 0)
        return;
    ret->distance_m = distance_m(microphone_m, x, y);
    ret->azimuth_rad = atan2(x - microphone_m[0], y - microphone_m[1]);
}

void cb_attribute(const struct cb_scene *scene, const double microphone_m[3],
                  const struct cb_doa *doa, const struct cb_heard *heard, size_t n,
                  int64_t t_peak_ns, struct cb_origin *ret)
{
    *ret = (struct cb_origin){.track = -1, .distance_m = NAN, .azimuth_rad = NAN};
    ret->why = scene->t_ns == INT64_MIN ? "no_pictures" : "no_vehicle";
    double span_s = n ? cb_s_from_ns(heard[n - 1].t_ns - heard[0].t_ns) : 0;
    double moments = fmax(1, span_s / INDEPENDENT_S);
    double best = UNSEEN_ONCE + moments * UNSEEN, second = HUGE_VAL;
    const struct cb_scene_track *who = NULL;
    for (size_t i = 0; i < scene->n; i++) {
        const struct cb_scene_track *t = &scene->track[i];
        struct weighing w;
        if (!t->n || !may_have_engine(t->road_user))
            continue;
        weigh(t, microphone_m, doa, heard, n, &w);
        if ((double) w.n < SEEN_SHARE_MIN * (double) n || !w.n)
            continue;
        double cost = cost_of(&w, moments);
        if (cost < best) {
            second = who ? best : HUGE_VAL;
            best = cost;
            who = t;
        } else {
            second = fmin(second, cost);
        }
    }
    ret->odds = exp(fmin(50, second - best));
    if (who && ret->odds >= ODDS_MIN)
        name_it(who, microphone_m, t_peak_ns, ret);
    else if (who)
        ret->why = "several_vehicles";
}
