#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/frame.h"
#include "registry.h"
#include "rules/speeding.h"
#include "scene.h"
#include "schema/violation.h"
#include "track/passage.h"
#include "track/shadow.h"
#include "track/tracker.h"
#include "vision/vision.h"

/* Pictures → passages, and speeding from them. */
struct traffic {
    struct cb_vision *vision; /* made with the first picture of a calibrated camera */
    struct cb_tracker tracker;
    const struct cb_road *road; /* that vision was made for */
    int width, height;
    int64_t utc_offset_ns;      /* of the latest picture */
    enum cb_time_source time_source;
};

static int judge(struct cb_detector *d, struct cb_track *t)
{
    struct traffic *s = d->priv;
    struct cb_passage p = {0};
    t->is_judged = true;
    if (cb_track_is_shadow(&s->tracker, t))
        return 0;
    int r = cb_track_passage(t, d->road, d->conf, cb_vision_region(s->vision), &p);
    if (r < 0)
        return r == -ENODATA ? 0 : r;
    memcpy(p.camera, d->conf->id, sizeof p.camera);
    p.utc_offset_ns = s->utc_offset_ns;
    p.time_source = s->time_source;
    cb_speeding_judge(d->conf, &p);
    if (d->sink->on_passage)
        d->sink->on_passage(d->sink->self, &p);
    if (p.violation && d->sink->on_violation) {
        struct cb_violation v;
        cb_speeding_violation(&p, &v);
        d->sink->on_violation(d->sink->self, &v);
    }
    cb_passage_deinit(&p);
    return 0;
}

static int tell_scene(struct cb_detector *d, const struct cb_track *t, int64_t t_ns)
{
    if (!t->id || !t->n || t->point[t->n - 1].t_ns != t_ns)
        return 0;
    const struct cb_track_point *p = &t->point[t->n - 1];
    struct cb_fix fix = {.t_ns = t_ns, .x_m = p->x_m, .y_m = p->y_m,
                         .x_px = (float) p->sample.x_px, .y_px = (float) p->sample.y_px,
                         .box = p->sample.box};
    return cb_scene_add(d->scene, t->id, cb_track_road_user(t, d->road), &fix);
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
        cb_track_note_shadows(&s->tracker, t);
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
    int r = cb_tracker_add(&s->tracker, &sight);
    for (size_t i = 0; i < s->tracker.n && r == 0; i++)
        r = tell_scene(d, &s->tracker.track[i], t_ns);
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
    cb_tracker_clear(&s->tracker);
    cb_vision_destroy(&s->vision);
    s->road = d->road;
    s->width = p->width;
    s->height = p->height;
    if (!d->road)
        return 0;
    int r = cb_vision_create(&s->vision, d->road, d->conf, p->width, p->height,
                             p->is_full_range);
    return r == -EDOM ? 0 : r; /* the zone is not in the picture: nothing to measure */
}

static int on_frame(struct cb_detector *d, const struct cb_frame *f)
{
    struct traffic *s = d->priv;
    const struct cb_picture *p = cb_frame_picture(f);
    int r = fit_view(d, p);
    if (r == 0 && p->is_discontinuity)
        r = end_of_view(d);
    s->utc_offset_ns = p->utc_offset_ns;
    s->time_source = p->time_source;
    return r < 0 || !s->vision ? r : cb_vision_add(s->vision, f, on_seen, d);
}

static void deinit(struct cb_detector *d)
{
    struct traffic *s = d->priv;
    cb_tracker_deinit(&s->tracker);
    cb_vision_destroy(&s->vision);
}

const struct cb_detector_info cb_detector_traffic = {
    .name = "traffic",
    .priv_size = sizeof(struct traffic),
    .on_frame = on_frame,
    .flush = end_of_view,
    .deinit = deinit,
};
