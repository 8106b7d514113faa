#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "detectors/classifier.h"
#include "registry.h"
#include "rules/speeding.h"
#include "scene.h"
#include "track/foot.h"
#include "track/mirror.h"
#include "track/passage.h"
#include "track/shadow.h"
#include "track/tracker.h"
#include "vision/drift.h"
#include "vision/vision.h"

/* Pictures → passages, and speeding from them. */
struct traffic {
    struct cb_vision *vision; /* made with the first picture of a calibrated camera */
    struct cb_tracker tracker;
    struct cb_feet feet;
    struct cb_mirrors mirrors;
    struct cb_drift *drift;   /* with vision */
    int64_t t_seen_ns;        /* the last picture whose road users the scene has */
    int64_t t_told_ns;        /* when the drift was last told of */
    bool has_told;
    struct cb_classifier *classifier; /* NULL: class by size */
    const struct cb_road *road; /* that vision was made for */
    int width, height;
    const struct cb_picture *picture; /* the one on_frame was called with, while it runs */
    int64_t utc_offset_ns;      /* of the latest picture */
    enum cb_time_source time_source;
};

#define TELL_EVERY_NS (5 * CB_NS_PER_S)

static void suspend(const struct traffic *s, struct cb_passage *p)
{
    if (!cb_drift_state(s->drift).is_in_doubt)
        return;
    p->speed_mps = p->u95_mps = NAN;
    p->reason = CB_REASON_SUSPENDED;
}

/* Pure of logs: what the state means is worded here, who must know it is the sink's. */
static void tell_condition(struct cb_detector *d, int64_t t_ns, bool is_news)
{
    struct traffic *s = d->priv;
    bool is_due = !s->has_told || t_ns < s->t_told_ns || t_ns - s->t_told_ns >= TELL_EVERY_NS;
    if (!d->sink->on_condition || !(is_news || is_due))
        return;
    struct cb_drift_state now = cb_drift_state(s->drift);
    char text[200];
    if (now.is_lost)
        snprintf(text, sizeof text, "the scene is not where it was calibrated: no speeds until it "
                 "is back; look at the mounting and calibrate again");
    else if (now.is_suspended)
        snprintf(text, sizeof text, "the picture has moved %.1f px against its calibration (%.1f "
                 "are borne): no speeds until it is back; look at the mounting and calibrate again",
                 now.shift_px, now.limit_px);
    else
        snprintf(text, sizeof text, "the picture is within %.1f px of its calibration: speeds are "
                 "given", now.limit_px);
    s->has_told = true;
    s->t_told_ns = t_ns;
    d->sink->on_condition(d->sink->self,
                          &(struct cb_condition){.t_ns = t_ns, .text = text,
                                                 .drift_px = now.shift_px,
                                                 .is_suspended = now.is_suspended,
                                                 .is_news = is_news});
}

static int watch_drift(struct cb_detector *d, const struct cb_picture *p)
{
    struct traffic *s = d->priv;
    int r = cb_drift_add(s->drift, p);
    if (r >= 0)
        tell_condition(d, p->t_ns, r > 0);
    return r < 0 ? r : 0;
}

static int judge(struct cb_detector *d, struct cb_track *t)
{
    struct traffic *s = d->priv;
    struct cb_passage p = {0};
    t->is_judged = true;
    t->is_on_wet_road = cb_mirrors_show_wet(&s->mirrors);
    cb_mirrors_note(&s->mirrors, t, d->road); /* whose lamp it is does not matter to the road */
    if (cb_track_is_shadow(&s->tracker, t, d->road, cb_vision_region(s->vision)))
        return 0;
    const struct cb_region *g = cb_vision_region(s->vision);
    t->is_on_dry_road = cb_feet_are_dry(&s->feet);
    t->is_doubtful = cb_track_is_doubtful(&s->tracker, t, d->road, g);
    int r = cb_track_passage(t, d->road, d->conf, g, &p);
    if (r < 0)
        return r == -ENODATA ? 0 : r;
    cb_feet_note(&s->feet, t);
    enum cb_road_user by_size = p.road_user;
    if (s->classifier)
        p.road_user = cb_classifier_tell(s->classifier, t->id, p.road_user);
    memcpy(p.camera, d->conf->id, sizeof p.camera);
    p.utc_offset_ns = s->utc_offset_ns;
    p.time_source = s->time_source;
    suspend(s, &p);
    cb_speeding_judge_in_doubt(d->conf, &p, by_size);
    cb_speeding_emit(d, &p);
    r = cb_scene_add_passage(d->scene, p.track, &p);
    cb_passage_deinit(&p);
    return r;
}

/* Pictures that vision held back have lost their colours by now: those tracks have fewer views. */
static int show_classifier(struct traffic *s, const struct cb_track *t, int64_t t_ns)
{
    if (!s->classifier || !s->picture || s->picture->t_ns != t_ns || !t->id || t->is_judged ||
        !t->n || t->point[t->n - 1].t_ns != t_ns || t->point[t->n - 1].patch != CB_PATCH_OWN)
        return 0;
    return cb_classifier_show(s->classifier, t->id, s->picture, &t->point[t->n - 1].sample.box);
}

static int tell_scene(struct cb_detector *d, const struct cb_track *t, int64_t t_ns)
{
    const struct traffic *s = d->priv;
    if (!t->id || !t->n || t->point[t->n - 1].t_ns != t_ns)
        return 0;
    const struct cb_track_point *p = &t->point[t->n - 1];
    struct cb_fix fix = {.t_ns = t_ns, .x_m = p->x_m, .y_m = p->y_m,
                         .x_px = (float) p->sample.x_px, .y_px = (float) p->sample.y_px,
                         .box = p->sample.box};
    return cb_scene_add(d->scene, t->id,
                        cb_track_road_user(t, d->road, cb_vision_region(s->vision)), &fix);
}

/* Judges the tracks that have left the zone and forgets those that are lost. */
static int settle(struct cb_detector *d, int64_t t_ns, bool is_end)
{
    struct traffic *s = d->priv;
    const struct cb_region *g = cb_vision_region(s->vision);
    for (size_t i = 0; i < s->tracker.n;) {
        struct cb_track *t = &s->tracker.track[i];
        bool is_lost = is_end || cb_tracker_is_lost(t, t_ns, g);
        if (t->id && !t->is_judged && (is_lost || cb_track_has_left(t, g))) {
            int r = judge(d, t);
            if (r < 0)
                return r;
        }
        if (!is_lost) {
            i++;
            continue;
        }
        if (s->classifier)
            cb_classifier_forget(s->classifier, t->id);
        cb_scene_end(d->scene, t->id);
        cb_track_note_shadows(&s->tracker, t, d->road, g);
        cb_tracker_remove(&s->tracker, i);
    }
    return 0;
}

static int on_seen(void *self, int64_t t_ns, const struct cb_observation *o, size_t n,
                   const struct cb_foreground *fg)
{
    struct cb_detector *d = self;
    struct traffic *s = d->priv;
    struct cb_sight sight = {.t_ns = t_ns, .seen = o, .n = n, .fg = fg,
                             .region = cb_vision_region(s->vision), .road = s->road};
    s->t_seen_ns = t_ns;
    int r = cb_tracker_add(&s->tracker, &sight);
    for (size_t i = 0; i < s->tracker.n && r == 0; i++)
        if ((r = tell_scene(d, &s->tracker.track[i], t_ns)) == 0)
            r = show_classifier(s, &s->tracker.track[i], t_ns);
    return r < 0 ? r : settle(d, t_ns, false);
}

static int end_of_view(struct cb_detector *d)
{
    struct traffic *s = d->priv;
    if (!s->vision)
        return 0;
    int r = cb_vision_flush(s->vision, on_seen, d);
    return r < 0 ? r : settle(d, 0, true);
}

/* A picture of another size, or another calibration: start again. */
static int fit_view(struct cb_detector *d, const struct cb_picture *p)
{
    struct traffic *s = d->priv;
    if (s->road == d->road && s->width == p->width && s->height == p->height)
        return 0;
    for (size_t i = 0; s->classifier && i < s->tracker.n; i++)
        cb_classifier_forget(s->classifier, s->tracker.track[i].id);
    cb_tracker_clear(&s->tracker);
    cb_drift_destroy(&s->drift);
    cb_vision_destroy(&s->vision);
    s->feet = (struct cb_feet){0};
    s->mirrors = (struct cb_mirrors){0};
    s->road = d->road;
    s->width = p->width;
    s->height = p->height;
    if (!d->road)
        return 0;
    int r = cb_vision_create(&s->vision, d->road, d->conf, p->width, p->height,
                             p->is_full_range);
    s->t_seen_ns = p->t_ns;
    if (r == 0)
        r = cb_drift_create(&s->drift, cb_vision_region(s->vision), p->width, p->height);
    return r == -EDOM ? 0 : r; /* the zone is not in the picture: nothing to measure */
}

static int on_frame(struct cb_detector *d, const struct cb_frame *f)
{
    struct traffic *s = d->priv;
    const struct cb_picture *p = cb_frame_picture(f);
    int r = fit_view(d, p);
    if (r == 0 && p->is_discontinuity)
        r = end_of_view(d);
    if (r == 0 && p->is_discontinuity)
        s->t_seen_ns = p->t_ns;
    if (r == 0 && p->is_discontinuity && s->drift)
        cb_drift_break(s->drift);
    s->utc_offset_ns = p->utc_offset_ns;
    s->time_source = p->time_source;
    if (r == 0 && s->drift)
        r = watch_drift(d, p);
    if (r < 0 || !s->vision)
        return r;
    s->picture = p;
    r = cb_vision_add(s->vision, f, on_seen, d);
    s->picture = NULL;
    d->scene->behind_ns = p->t_ns - s->t_seen_ns;
    return r;
}

static int init(struct cb_detector *d)
{
    struct traffic *s = d->priv;
    return d->conf->classifier.model[0]
               ? cb_classifier_create(&s->classifier, &d->conf->classifier, d->err)
               : 0;
}

static void deinit(struct cb_detector *d)
{
    struct traffic *s = d->priv;
    cb_tracker_deinit(&s->tracker);
    cb_drift_destroy(&s->drift);
    cb_vision_destroy(&s->vision);
    cb_classifier_destroy(&s->classifier);
}

const struct cb_detector_info cb_detector_traffic = {
    .name = "traffic",
    .priv_size = sizeof(struct traffic),
    .init = init,
    .on_frame = on_frame,
    .flush = end_of_view,
    .deinit = deinit,
};
