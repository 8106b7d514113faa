#include "clip.h"

#include <errno.h>
#include <libavutil/frame.h>
#include <stdio.h>
#include <stdlib.h>

#include "parallel.h"
#include "rng.h"
#include "sensor.h"

#define WORKERS_MAX 16

/** Frames that are rendered side by side, each by its own painter. */
struct batch {
    struct sim_painter *painter[WORKERS_MAX];
    AVFrame *frame[WORKERS_MAX];
    struct sim_sensor *sensor;
    const int64_t *pts;
    int ticks, first, n;
};

int sim_clip_pts(const struct sim_scene *s, int64_t **ret_pts, int *ret_n)
{
    int n = (int) (s->seconds * s->video.fps + 0.5), ticks = sim_writer_ticks(s);
    struct sim_rng rng = sim_rng_make(s->seed, 21);
    double jitter = fmin(s->video.pts_jitter_ms / 1000, 0.45 / s->video.fps);
    int64_t *pts = calloc((size_t) n + 1, sizeof *pts);
    if (!pts)
        return -ENOMEM;
    for (int i = 1; i < n; i++) {
        double t = i / s->video.fps + sim_rng_range(&rng, -jitter, jitter);
        pts[i] = (int64_t) floor(t * ticks + 0.5);
    }
    *ret_pts = pts;
    *ret_n = n;
    return 0;
}

static void render_one(void *arg, int i)
{
    struct batch *b = arg;
    AVFrame *f = b->frame[i];
    double t_s = (double) b->pts[b->first + i] / b->ticks;
    sim_painter_draw(b->painter[i], t_s, b->first + i);
    sim_sensor_expose(b->sensor, b->painter[i]->rgb, t_s, b->first + i, f->data, f->linesize);
}

static void batch_deinit(struct batch *b)
{
    for (int i = 0; i < WORKERS_MAX; i++) {
        sim_painter_destroy(&b->painter[i]);
        av_frame_free(&b->frame[i]);
    }
    sim_sensor_destroy(&b->sensor);
}

static int batch_init(struct batch *b, const struct sim_stage *stage, int n)
{
    const struct sim_video_conf *v = &stage->scene->video;
    *b = (struct batch){.n = n, .ticks = sim_writer_ticks(stage->scene)};
    int r = sim_sensor_create(&b->sensor, stage->scene);
    for (int i = 0; i < n && r == 0; i++) {
        b->frame[i] = av_frame_alloc();
        r = b->frame[i] ? sim_painter_create(&b->painter[i], stage) : -ENOMEM;
        if (r < 0)
            break;
        b->frame[i]->format = v->codec == SIM_MJPEG ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
        b->frame[i]->width = v->width;
        b->frame[i]->height = v->height;
        r = av_frame_get_buffer(b->frame[i], 0) < 0 ? -ENOMEM : 0;
    }
    if (r < 0)
        batch_deinit(b);
    return r;
}

static int write_frames(struct batch *b, struct sim_writer *w, int n, bool is_quiet)
{
    int r = 0, size = b->n;
    for (b->first = 0; b->first < n && r == 0; b->first += size) {
        int here = n - b->first < size ? n - b->first : size;
        for (int i = 0; i < here && r == 0; i++)
            r = av_frame_make_writable(b->frame[i]) < 0 ? -ENOMEM : 0;
        if (r == 0)
            r = sim_parallel(here, size, render_one, b);
        for (int i = 0; i < here && r == 0; i++)
            r = sim_writer_add(w, b->frame[i], b->pts[b->first + i]);
        if (!is_quiet && b->first / 25 != (b->first + here) / 25)
            fprintf(stderr, "\r%d of %d frames", b->first + here, n);
    }
    if (!is_quiet)
        fprintf(stderr, "\n");
    return r;
}

int sim_clip_write(const struct sim_stage *stage, const struct sim_sound *sound, const int64_t *pts,
                   int n, const char *path, int n_threads, bool is_quiet, struct cb_error *reterr)
{
    struct batch b;
    struct sim_writer *w = NULL;
    int r = sim_writer_create(&w, stage->scene, sound, path, reterr);
    if (r < 0)
        return r;
    r = batch_init(&b, stage, n_threads < WORKERS_MAX ? n_threads : WORKERS_MAX);
    if (r == 0) {
        b.pts = pts;
        r = write_frames(&b, w, n, is_quiet);
        batch_deinit(&b);
    }
    if (r == 0)
        r = sim_writer_finish(w);
    sim_writer_destroy(&w);
    return r < 0 ? cb_error_set(reterr, r, path, "could not be written to its end") : 0;
}
