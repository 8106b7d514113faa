#include "detectors/pipeline.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "base/mem.h"
#include "detectors/calibration.h"
#include "rules/speeding.h"
#include "scene.h"
#include "speed/speed.h"

struct cb_pipeline {
    const struct cb_camera_conf *conf;
    struct cb_sink sink;
    struct cb_scene scene;
    struct cb_road *road; /* made with the first picture, whose size it refers to */
    int width, height;
    struct cb_weather weather;
    struct cb_detector *detector;
    size_t n_detectors;
};

static int init_detectors(struct cb_pipeline *p, struct cb_error *reterr)
{
    size_t n = 0;
    while (cb_detectors[n])
        n++;
    p->detector = calloc(n + 1, sizeof *p->detector);
    if (!p->detector)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct cb_detector_info *info = cb_detectors[i];
        struct cb_detector *d = &p->detector[i];
        *d = (struct cb_detector){.info = info, .conf = p->conf, .scene = &p->scene,
                                  .sink = &p->sink, .weather = &p->weather, .pipeline = p,
                                  .err = reterr};
        d->priv = calloc(1, info->priv_size ? info->priv_size : 1);
        if (!d->priv)
            return -ENOMEM;
        p->n_detectors = i + 1; /* from here on deinit is due, also after a failed init */
        int r = info->init ? info->init(d) : 0;
        d->err = NULL;
        if (r < 0)
            return r;
    }
    return 0;
}

int cb_pipeline_create(struct cb_pipeline **ret, const struct cb_camera_conf *conf,
                       const struct cb_sink *sink, struct cb_error *reterr)
{
    struct cb_pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->conf = conf;
    p->sink = *sink;
    p->weather = conf->weather.fixed;
    if (conf->weather.file[0]) /* it is the file's to say */
        p->weather = (struct cb_weather){NAN, NAN, NAN};
    cb_scene_init(&p->scene);
    int r = init_detectors(p, reterr);
    if (r < 0) {
        cb_pipeline_destroy(&p);
        return r;
    }
    *ret = p;
    return 0;
}

void cb_pipeline_destroy(struct cb_pipeline **pipeline)
{
    struct cb_pipeline *p = *pipeline;
    if (!p)
        return;
    *pipeline = NULL;
    for (size_t i = 0; i < p->n_detectors; i++) {
        if (p->detector[i].info->deinit)
            p->detector[i].info->deinit(&p->detector[i]);
        free(p->detector[i].priv);
    }
    free(p->detector);
    cb_scene_deinit(&p->scene);
    cb_road_destroy(&p->road);
    free(p);
}

/* The calibration's pixels are those of the full picture, whose size only the stream tells: a
 * camera that changes its resolution is not calibrated for the new one. */
static int fit_road(struct cb_pipeline *p, int width, int height)
{
    if (!p->conf->has_calibration || (p->width == width && p->height == height))
        return 0;
    cb_road_destroy(&p->road);
    bool is_first = !p->width;
    p->width = width;
    p->height = height;
    int r = is_first ? cb_road_create(&p->road, &p->conf->calibration, width, height, NULL) : 0;
    for (size_t i = 0; i < p->n_detectors; i++)
        p->detector[i].road = p->road;
    return r;
}

int cb_pipeline_on_frame(struct cb_pipeline *p, const struct cb_frame *f)
{
    const struct cb_picture *pic = cb_frame_picture(f);
    int r = fit_road(p, pic->width, pic->height);
    if (r < 0)
        return r;
    if (pic->is_discontinuity)
        cb_scene_clear(&p->scene);
    cb_scene_advance(&p->scene, pic->t_ns);
    for (size_t i = 0; i < p->n_detectors; i++) {
        struct cb_detector *d = &p->detector[i];
        if (d->info->on_frame && (r = d->info->on_frame(d, f)) < 0)
            return r;
    }
    return 0;
}

int cb_pipeline_on_sound(struct cb_pipeline *p, const struct cb_sound *s)
{
    for (size_t i = 0; i < p->n_detectors; i++) {
        struct cb_detector *d = &p->detector[i];
        int r = d->info->on_sound ? d->info->on_sound(d, s) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

void cb_pipeline_on_weather(struct cb_pipeline *p, const struct cb_weather *w)
{
    p->weather = *w;
}

void cb_detector_accuse(struct cb_detector *d, struct cb_violation *v)
{
    struct cb_pipeline *p = d->pipeline;
    for (size_t i = 0; p && i < p->n_detectors; i++)
        if (p->detector[i].info->on_violation)
            p->detector[i].info->on_violation(&p->detector[i], v);
    if (d->sink->on_violation)
        d->sink->on_violation(d->sink->self, v);
}

int cb_pipeline_flush(struct cb_pipeline *p)
{
    for (size_t i = 0; i < p->n_detectors; i++) {
        struct cb_detector *d = &p->detector[i];
        int r = d->info->flush ? d->info->flush(d) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int cb_pipeline_on_track(struct cb_pipeline *p, int64_t track, const struct cb_track_sample *s,
                         size_t n)
{
    if (!p->road) {
        int r = cb_road_create(&p->road, &p->conf->calibration, 0, 0, NULL);
        if (r < 0)
            return r;
    }
    CB_AUTO_FREE struct cb_speed_sample *sample = calloc(n ? n : 1, sizeof *sample);
    if (!sample)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        sample[i] = (struct cb_speed_sample){.t_ns = s[i].t_ns, .x_px = s[i].x_px,
                                             .y_px = s[i].y_px};
    struct cb_passage passage = {0};
    int r = cb_speed_measure(p->road, p->conf, sample, n, &passage);
    if (r < 0)
        return r == -ENODATA ? 0 : r;
    memcpy(passage.camera, p->conf->id, sizeof passage.camera);
    passage.track = track;
    cb_speeding_judge(p->conf, &passage);
    cb_speeding_emit(&p->detector[0], &passage);
    cb_passage_deinit(&passage);
    return 0;
}
