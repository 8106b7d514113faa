#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sound.h"
#include "detectors/calibration.h"
#include "registry.h"
#include "rules/exhaust.h"
#include "rules/level.h"
#include "scene.h"
#include "sound/attribute.h"
#include "sound/classify.h"
#include "sound/classify_seen.h"
#include "sound/ear.h"
#include "sound/turbulence.h"

#define AFTER_NS         (1 * CB_NS_PER_S)  /* pictures up to here after the end tell who it was */
#define WIND_BEFORE_NS   (5 * CB_NS_PER_S)
#define NO_PICTURES_NS   (3 * CB_NS_PER_S)  /* of sound after the end, when none has ever come */
#define LATE_PICTURES_NS (10 * CB_NS_PER_S) /* of sound, when they have stopped coming */
#define PASSAGE_NS       (8 * CB_NS_PER_S)  /* of the stream, for the vehicle's passage to end */
#define K95              2.0
#define DIRECTIVITY_U_DB 1.5  /* a pipe's level to the side, where ISO 362 has it, and elsewhere */
#define MOUNTING_U_RAD   0.03 /* of the array's axes against the road's */
#define LOUD_DB          12.0 /* moments so far under the peak are not the culprit's alone */
#define OVER_DB          3.0  /* nor are those so near to the background */

/* An event that waits for the pictures of its time. */
struct pending {
    struct cb_noise noise;
    struct cb_heard heard[CB_HEARD_MAX];
    size_t n_heard;
};

struct exhaust {
    struct cb_ear *ear; /* NULL: no calibrated microphone, nothing to say */
    struct cb_turbulence *turbulence; /* NULL: no two microphones near to each other */
    struct pending *pending;
    size_t n, cap;
    struct cb_noise *guilty; /* told as noises; the violations wait for passages */
    size_t n_guilty, guilty_cap;
};

static void on_level(void *self, const struct cb_noise_level *l)
{
    const struct cb_sink *sink = ((struct cb_detector *) self)->sink;
    if (sink->on_level)
        sink->on_level(sink->self, l);
}

static void note_features(const double f[CB_F_COUNT], struct cb_noise *n)
{
    _Static_assert(CB_F_COUNT <= CB_NOISE_FEATURES_MAX, "features must fit into the record");
    n->n_features = CB_F_COUNT;
    for (int i = 0; i < CB_F_COUNT; i++) {
        n->feature[i].value = f[i];
        snprintf(n->feature[i].name, sizeof n->feature[i].name, "%s",
                 cb_feature_name((enum cb_feature) i));
    }
}

/* The level without the background's share; −HUGE_VAL: too near to it to be told. */
static double own_level_db(double level_db, double background_db)
{
    if (isnan(background_db))
        return level_db;
    if (level_db < background_db + OVER_DB)
        return -HUGE_VAL;
    return 10 * log10(pow(10, level_db / 10) - pow(10, background_db / 10));
}

/* The loud moments. */
static void note_heard(const struct cb_sound_event *e, struct pending *p)
{
    double top_db = -HUGE_VAL;
    for (size_t i = 0; i < e->n_heard; i++)
        top_db = fmax(top_db, e->heard[i].level_db);
    for (size_t i = 0; i < e->n_heard && p->n_heard < CB_HEARD_MAX; i++) {
        struct cb_heard h = e->heard[i];
        h.level_db = own_level_db(h.level_db, e->background_db);
        if (h.level_db >= top_db - LOUD_DB)
            p->heard[p->n_heard++] = h;
    }
}

/* The firing rate between two spectra, straight; NaN where one of them has none. */
static double rate_at(const struct cb_sound_event *e, const double *ln_hz, int64_t t_ns, size_t *at)
{
    while (*at + 2 < e->n_rows && e->row[*at + 1]->t_ns <= t_ns)
        ++*at;
    if (*at + 1 >= e->n_rows)
        return NAN;
    int64_t t0 = e->row[*at]->t_ns, t1 = e->row[*at + 1]->t_ns;
    double u = (double) (t_ns - t0) / (double) (t1 - t0);
    return u < 0 || u > 1 ? NAN : ln_hz[*at] + u * (ln_hz[*at + 1] - ln_hz[*at]);
}

static int note_rate(const struct cb_sound_event *e, struct pending *p)
{
    CB_AUTO_FREE double *ln_hz = calloc(e->n_rows + 1, sizeof *ln_hz);
    size_t at = 0;
    int r = ln_hz ? cb_firing_follow(e->row, e->n_rows, e->n_bins, e->bin_hz, ln_hz) : -ENOMEM;
    for (size_t i = 0; i < p->n_heard && r == 0; i++)
        p->heard[i].ln_hz = rate_at(e, ln_hz, p->heard[i].t_ns, &at);
    return r;
}

static int on_event(void *self, const struct cb_sound_event *e)
{
    struct cb_detector *d = self;
    struct exhaust *x = d->priv;
    if (cb_grow((void **) &x->pending, &x->cap, x->n + 1, sizeof *x->pending) < 0)
        return -ENOMEM;
    struct pending *p = &x->pending[x->n];
    double f[CB_F_COUNT];
    cb_features_of(e, f);
    struct cb_noise_verdict v = cb_classify(f);
    *p = (struct pending){0};
    struct cb_noise *n = &p->noise;
    cb_noise_init(n);
    n->t_start_ns = e->t_start_ns;
    n->t_peak_ns = e->t_peak_ns;
    n->t_end_ns = e->t_end_ns;
    n->utc_offset_ns = e->utc_offset_ns;
    n->time_source = e->time_source;
    n->lafmax_db = e->lafmax_db;
    n->background_db = e->background_db;
    n->class_ = v.class_;
    n->confidence = v.confidence;
    n->lae_db = e->levels.lae_db;
    n->laeq_db = e->levels.laeq_db;
    n->lcpeak_db = e->levels.lcpeak_db;
    _Static_assert(CB_BANDS == CB_THIRD_OCTAVES, "the record's bands must be the meter's");
    memcpy(n->third_octave_db, e->levels.band_db, sizeof n->third_octave_db);
    n->has_third_octaves = true;
    n->is_overload = e->is_overload;
    n->is_under_range = e->is_under_range;
    memcpy(p->noise.camera, d->conf->id, sizeof p->noise.camera);
    memcpy(p->noise.why_class, v.why, sizeof p->noise.why_class);
    note_features(f, &p->noise);
    note_heard(e, p);
    x->n++;
    return note_rate(e, p);
}

/* One microphone and no position: it is at the camera, if the calibration tells where that is. */
static void microphone_at(const struct cb_detector *d, double ret_m[3])
{
    const struct cb_pose *pose = d->road ? cb_road_pose(d->road) : NULL;
    ret_m[0] = ret_m[1] = ret_m[2] = NAN;
    if (d->conf->microphone.n_positions > 0)
        memcpy(ret_m, d->conf->microphone.position_m[0], 3 * sizeof *ret_m);
    else if (pose)
        memcpy(ret_m, pose->position_m, 3 * sizeof *ret_m);
}

/* At 7.5 m: with the level's own uncertainty, the distance's, and what a pipe gives off to one side
 * more than to another. */
static void normalise(const struct cb_origin *o, struct cb_noise *n)
{
    double background_db = isnan(n->background_correction_db) ? 0 : n->background_correction_db;
    n->lafmax_7m5_db = n->lafmax_db - background_db + o->distance_db;
    n->lafmax_7m5_u95_db =
        K95 * sqrt(pow(n->lafmax_u95_db / K95, 2) + pow(o->distance_u_db, 2) +
                   DIRECTIVITY_U_DB * DIRECTIVITY_U_DB);
}

static int name_origin(const struct cb_detector *d, struct pending *p, struct cb_origin *ret)
{
    const struct exhaust *x = d->priv;
    struct cb_hearing h = {.doa = cb_ear_doa(x->ear),
                           .sound_mps = cb_ear_sound_mps(x->ear),
                           .heard = p->heard,
                           .n = p->n_heard};
    struct cb_noise *n = &p->noise;
    microphone_at(d, h.microphone_m);
    int r = cb_attribute(d->scene, &h, n->t_peak_ns, CB_ODDS_MIN, ret);
    if (r < 0)
        return r;
    n->track = ret->track;
    n->second_track = ret->second;
    n->attribution_odds = ret->odds;
    n->n_directions = (int) ret->n_directions;
    n->azimuth_deg = ret->azimuth_rad * 180 / M_PI;
    n->azimuth_u95_deg = K95 * hypot(ret->azimuth_u_rad, MOUNTING_U_RAD) * 180 / M_PI;
    snprintf(n->why_no_track, sizeof n->why_no_track, "%s", ret->why);
    return 0;
}

/* A gust shortly before says as much as one during the event, which may drown it. */
static void note_wind(const struct exhaust *x, struct cb_noise *n)
{
    if (x->turbulence && cb_turbulence_was_windy(x->turbulence, n->t_start_ns - WIND_BEFORE_NS,
                                                 n->t_end_ns, n->background_db))
        n->voids |= 1u << CB_VOID_WIND_HEARD;
}

/* Tells the noise; the violation, if it is one, waits for the passage of the vehicle named. */
static int tell(struct cb_detector *d, struct pending *p)
{
    struct exhaust *x = d->priv;
    struct cb_origin o;
    int r = name_origin(d, p, &o);
    if (r < 0)
        return r;
    note_wind(x, &p->noise);
    cb_level_weigh(d->conf, d->weather, &p->noise);
    normalise(&o, &p->noise);
    const struct cb_scene_track *named = o.track >= 0 ? cb_scene_find(d->scene, o.track) : NULL;
    cb_classify_seen(&o, named ? named->road_user : CB_UNKNOWN, &p->noise);
    cb_exhaust_judge(d->conf, &p->noise);
    if (d->sink->on_noise)
        d->sink->on_noise(d->sink->self, &p->noise);
    if (p->noise.violation == CB_VIOLATION_NONE)
        return 0;
    if (cb_grow((void **) &x->guilty, &x->guilty_cap, x->n_guilty + 1, sizeof *x->guilty) < 0)
        return -ENOMEM;
    x->guilty[x->n_guilty++] = p->noise;
    return 0;
}

static void accuse(struct cb_detector *d, const struct cb_noise *n)
{
    const struct cb_scene_track *track = cb_scene_find(d->scene, n->track);
    struct cb_violation v;
    cb_exhaust_violation(n, track, &v);
    v.has_passage = track && track->passage;
    if (v.has_passage)
        v.passage = *track->passage; /* lent for the call */
    cb_detector_accuse(d, &v);
}

/* Class, direction and speed come with the passage, when the vehicle has left the zone. */
static bool has_all(const struct cb_detector *d, const struct cb_noise *n)
{
    const struct exhaust *x = d->priv;
    const struct cb_scene_track *track = cb_scene_find(d->scene, n->track);
    int64_t now_ns = d->scene->t_ns > cb_ear_t_ns(x->ear) ? d->scene->t_ns : cb_ear_t_ns(x->ear);
    return !track || track->passage || track->is_over || now_ns >= n->t_end_ns + PASSAGE_NS;
}

static void accuse_all(struct cb_detector *d, bool all)
{
    struct exhaust *x = d->priv;
    size_t done = 0;
    while (done < x->n_guilty && (all || has_all(d, &x->guilty[done])))
        accuse(d, &x->guilty[done++]);
    x->n_guilty -= done;
    if (done && x->n_guilty)
        memmove(x->guilty, x->guilty + done, x->n_guilty * sizeof *x->guilty);
}

static bool is_ripe(const struct cb_detector *d, const struct cb_noise *n)
{
    const struct exhaust *x = d->priv;
    int64_t pictures_ns = d->scene->t_ns, heard_ns = cb_ear_t_ns(x->ear);
    if (pictures_ns == INT64_MIN)
        return heard_ns >= n->t_end_ns + NO_PICTURES_NS;
    return pictures_ns - d->scene->behind_ns >= n->t_end_ns + AFTER_NS ||
           heard_ns >= n->t_end_ns + LATE_PICTURES_NS;
}

static int tell_ripe(struct cb_detector *d, bool all)
{
    struct exhaust *x = d->priv;
    size_t done = 0;
    int r = 0;
    while (r == 0 && done < x->n && (all || is_ripe(d, &x->pending[done].noise)))
        r = tell(d, &x->pending[done++]);
    x->n -= done;
    if (done && x->n)
        memmove(x->pending, x->pending + done, x->n * sizeof *x->pending);
    accuse_all(d, all);
    return r;
}

static int init(struct cb_detector *d)
{
    struct exhaust *x = d->priv;
    struct cb_ear_listener l = {.self = d, .on_level = on_level, .on_event = on_event};
    if (!d->conf->has_microphone || isnan(d->conf->microphone.sensitivity_dbfs_at_94db))
        return 0;
    int r = cb_turbulence_create(&x->turbulence, &d->conf->microphone);
    if (r < 0 && r != -ENOTSUP)
        return r;
    return cb_ear_create(&x->ear, &d->conf->microphone, &l);
}

static int on_frame(struct cb_detector *d, const struct cb_frame *f)
{
    (void) f; /* the scene has it already */
    return tell_ripe(d, false);
}

static int on_sound(struct cb_detector *d, const struct cb_sound *s)
{
    struct exhaust *x = d->priv;
    int r = 0;
    if (x->turbulence)
        cb_turbulence_add(x->turbulence, cb_sound_samples(s));
    if (x->ear && d->weather)
        r = cb_ear_set_temperature(x->ear, d->weather->temperature_c);
    if (x->ear && r == 0)
        r = cb_ear_add(x->ear, cb_sound_samples(s));
    return r < 0 ? r : tell_ripe(d, false);
}

static int flush(struct cb_detector *d)
{
    struct exhaust *x = d->priv;
    int r = x->ear ? cb_ear_flush(x->ear) : 0;
    return r < 0 ? r : tell_ripe(d, true);
}

static void deinit(struct cb_detector *d)
{
    struct exhaust *x = d->priv;
    cb_ear_destroy(&x->ear);
    cb_turbulence_destroy(&x->turbulence);
    free(x->pending);
    free(x->guilty);
}

const struct cb_detector_info cb_detector_exhaust = {
    .name = "exhaust",
    .priv_size = sizeof(struct exhaust),
    .init = init,
    .on_frame = on_frame,
    .on_sound = on_sound,
    .flush = flush,
    .deinit = deinit,
};
