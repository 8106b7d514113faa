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
#include "scene.h"
#include "sound/attribute.h"
#include "sound/classify.h"
#include "sound/doa.h"
#include "sound/ear.h"

#define HEARD_MAX        256                /* moments of an event: one each 50 ms */
#define AFTER_NS         (1 * CB_NS_PER_S)  /* pictures up to here after the end tell who it was */
#define NO_PICTURES_NS   (3 * CB_NS_PER_S)  /* of sound after the end, when none has ever come */
#define LATE_PICTURES_NS (10 * CB_NS_PER_S) /* of sound, when they have stopped coming */
#define LOUD_DB          12.0 /* moments so far under the peak are not the culprit's alone */
#define PEAK_NS          (120 * CB_NS_PER_MS)
#define COHERENCE_MIN    0.08 /* of noise that has no direction: 0.02 to 0.05 */

/* An event that waits for the pictures of its time. */
struct pending {
    struct cb_noise noise;
    struct cb_heard heard[HEARD_MAX];
    size_t n_heard;
};

struct exhaust {
    struct cb_ear *ear; /* NULL: no calibrated microphone, nothing to say */
    struct pending *pending;
    size_t n, cap;
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

/* The loud moments, and the mean direction about the peak, which Fast shows a little late. */
static void note_heard(const struct cb_sound_event *e, struct pending *p)
{
    double top_db = -HUGE_VAL, sx = 0, sy = 0;
    for (size_t i = 0; i < e->n_rows; i++)
        top_db = fmax(top_db, e->row[i]->level_db);
    for (size_t i = 0; i < e->n_rows && p->n_heard < HEARD_MAX; i++) {
        const struct cb_row *r = e->row[i];
        if (r->level_db < top_db - LOUD_DB)
            continue;
        bool has_azimuth = !isnan(r->azimuth_rad) && r->coherence >= COHERENCE_MIN;
        p->heard[p->n_heard++] =
            (struct cb_heard){.t_ns = r->t_ns,
                              .level_db = r->level_db,
                              .azimuth_rad = has_azimuth ? r->azimuth_rad : NAN};
        int64_t before_ns = e->t_peak_ns - r->t_ns;
        if (!has_azimuth || before_ns < -PEAK_NS / 2 || before_ns > PEAK_NS)
            continue;
        sx += r->coherence * sin(r->azimuth_rad);
        sy += r->coherence * cos(r->azimuth_rad);
    }
    if (sx != 0 || sy != 0)
        p->noise.azimuth_deg = atan2(sx, sy) * 180 / M_PI;
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
    n->is_overload = e->is_overload;
    memcpy(p->noise.camera, d->conf->id, sizeof p->noise.camera);
    note_features(f, &p->noise);
    note_heard(e, p);
    x->n++;
    return 0;
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

/* Microphones heard the direction as if the source were level with them; the vehicle's place tells
 * what that does, and on which side of a line of microphones it was. */
static double true_azimuth_deg(const struct cb_doa *doa, double heard_deg,
                               const double microphone_m[3], const struct cb_origin *o)
{
    if (!doa || isnan(heard_deg) || isnan(o->distance_m))
        return heard_deg;
    double flat_m =
        sqrt(fmax(0, o->distance_m * o->distance_m - microphone_m[2] * microphone_m[2]));
    double x = microphone_m[0] + flat_m * sin(o->azimuth_rad);
    double y = microphone_m[1] + flat_m * cos(o->azimuth_rad);
    double off = remainder(heard_deg * M_PI / 180 - cb_doa_apparent_rad(doa, x, y, 0), 2 * M_PI);
    return remainder(o->azimuth_rad + off, 2 * M_PI) * 180 / M_PI;
}

static const struct cb_scene_track *track_of(const struct cb_scene *s, int64_t id)
{
    for (size_t i = 0; i < s->n && id >= 0; i++)
        if (s->track[i].id == id)
            return &s->track[i];
    return NULL;
}

static void name_origin(const struct cb_detector *d, struct pending *p)
{
    const struct exhaust *x = d->priv;
    const struct cb_doa *doa = cb_ear_doa(x->ear);
    double microphone_m[3];
    struct cb_origin o;
    microphone_at(d, microphone_m);
    cb_attribute(d->scene, microphone_m, doa, p->heard, p->n_heard, p->noise.t_peak_ns, &o);
    struct cb_noise *n = &p->noise;
    n->track = o.track;
    snprintf(n->why_no_track, sizeof n->why_no_track, "%s", o.why);
    if (o.track < 0)
        return;
    n->azimuth_deg = true_azimuth_deg(doa, n->azimuth_deg, microphone_m, &o);
    if (!isnan(o.distance_m))
        n->lafmax_7m5_db = n->lafmax_db + 20 * log10(o.distance_m / 7.5);
}

static void tell(struct cb_detector *d, struct pending *p)
{
    name_origin(d, p);
    cb_exhaust_judge(d->conf, d->weather, &p->noise);
    if (d->sink->on_noise)
        d->sink->on_noise(d->sink->self, &p->noise);
    if (p->noise.violation == CB_VIOLATION_NONE)
        return;
    struct cb_violation v;
    cb_exhaust_violation(&p->noise, track_of(d->scene, p->noise.track), &v);
    cb_detector_accuse(d, &v);
}

static bool is_ripe(const struct cb_detector *d, const struct cb_noise *n)
{
    const struct exhaust *x = d->priv;
    int64_t pictures_ns = d->scene->t_ns, heard_ns = cb_ear_t_ns(x->ear);
    if (pictures_ns == INT64_MIN)
        return heard_ns >= n->t_end_ns + NO_PICTURES_NS;
    return pictures_ns >= n->t_end_ns + AFTER_NS || heard_ns >= n->t_end_ns + LATE_PICTURES_NS;
}

static void tell_ripe(struct cb_detector *d, bool all)
{
    struct exhaust *x = d->priv;
    size_t done = 0;
    while (done < x->n && (all || is_ripe(d, &x->pending[done].noise)))
        tell(d, &x->pending[done++]);
    x->n -= done;
    if (done && x->n)
        memmove(x->pending, x->pending + done, x->n * sizeof *x->pending);
}

static int init(struct cb_detector *d)
{
    struct exhaust *x = d->priv;
    struct cb_ear_listener l = {.self = d, .on_level = on_level, .on_event = on_event};
    if (!d->conf->has_microphone || isnan(d->conf->microphone.sensitivity_dbfs_at_94db))
        return 0;
    return cb_ear_create(&x->ear, &d->conf->microphone, &l);
}

static int on_frame(struct cb_detector *d, const struct cb_frame *f)
{
    (void) f; /* the scene has it already */
    tell_ripe(d, false);
    return 0;
}

static int on_sound(struct cb_detector *d, const struct cb_sound *s)
{
    struct exhaust *x = d->priv;
    int r = x->ear ? cb_ear_add(x->ear, cb_sound_samples(s)) : 0;
    tell_ripe(d, false);
    return r;
}

static int flush(struct cb_detector *d)
{
    struct exhaust *x = d->priv;
    int r = x->ear ? cb_ear_flush(x->ear) : 0;
    tell_ripe(d, true);
    return r;
}

static void deinit(struct cb_detector *d)
{
    struct exhaust *x = d->priv;
    cb_ear_destroy(&x->ear);
    free(x->pending);
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
