#include "lane.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/sound.h"
#include "config.h"
#include "detectors/pipeline.h"
#include "host_clock.h"
#include "ingest/ingest.h"
#include "ingest/packet_ring.h"
#include "schema/camera_state.h"

/* What may wait for a worker: some seconds of pictures, for a busy moment (other programs, many
 * cameras that start at once) should cost latency, not vehicles; then the oldest picture goes. All
 * live cameras have a bound in common, too. A recording waits for its worker, and needs little. */
#define QUEUE_ITEMS 1024
#define QUEUE_BYTES ((size_t) 256 << 20)
#define RECORDING_BYTES ((size_t) 16 << 20)

enum { ITEM_FRAME, ITEM_SOUND };

struct cb_lane {
    /* set at create */
    struct cb_log log;
    const struct cb_camera_conf *conf;
    const struct cb_config *config;
    sem_t *wake;
    struct cb_queue *queue;
    struct cb_packet_ring *ring;
    struct cb_ingest *ingest;

    struct cb_pipeline *pipeline; /* the worker's alone */
    bool is_broken;               /* the worker's: its pipeline refused the last item */

    pthread_mutex_t lock; /* leaf */
    struct cb_weather weather; /* lock */
    bool is_weather_new;       /* lock: the pipeline has not been told of it */

    /* atomic */
    bool has_ended;
    bool is_flushed; /* the stream's end has been worked */
    int n_held;      /* violations that wait for their evidence */
    int64_t utc_offset_ns; /* 0: no picture or sound yet */
    uint64_t n_frames_worked, n_lost;
    int64_t t_worked_ns;
    int64_t difference_ns; /* the camera's clock less ours; NOT_KNOWN */
    bool is_difference_settled;

    struct cb_clock_pair clocks; /* the ingest thread's */
};

#define NOT_KNOWN INT64_MIN

static void release_item(struct cb_item *item)
{
    if (item->kind == ITEM_FRAME) {
        struct cb_frame *f = item->ptr;
        cb_frame_unref(&f);
    } else {
        struct cb_sound *s = item->ptr;
        cb_sound_unref(&s);
    }
}

static int give(struct cb_lane *l, struct cb_item *item)
{
    int r = cb_queue_push(l->queue, item);
    if (r < 0)
        release_item(item);
    sem_post(l->wake);
    return r;
}

static void anchor(struct cb_lane *l, int64_t t_ns, int64_t utc_offset_ns, enum cb_time_source s)
{
    /* A recording played as a camera gets its UTC when it is first seen, and keeps it. */
    if (s == CB_TIME_FILE && __atomic_load_n(&l->utc_offset_ns, __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&l->utc_offset_ns, s == CB_TIME_FILE ? cb_clock_now_ns() - t_ns
                                                          : utc_offset_ns, __ATOMIC_RELAXED);
}

static void compare_clocks(struct cb_lane *l, const struct cb_picture *p)
{
    int64_t known_ns = NOT_KNOWN;
    if (p->time_source == CB_TIME_RTCP)
        known_ns = cb_clock_pair_add(&l->clocks, p->t_ns + p->utc_offset_ns - cb_clock_now_ns(),
                                     cb_clock_mono_ns());
    else
        l->clocks = (struct cb_clock_pair){0};
    __atomic_store_n(&l->difference_ns, known_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&l->is_difference_settled, cb_clock_pair_is_settled(&l->clocks),
                     __ATOMIC_RELAXED);
}

static int on_frame(void *self, struct cb_frame *f)
{
    struct cb_lane *l = self;
    const struct cb_picture *p = cb_frame_picture(f);
    compare_clocks(l, p);
    anchor(l, p->t_ns, p->utc_offset_ns, p->time_source);
    struct cb_item item = {cb_frame_ref(f), ITEM_FRAME, true, cb_frame_n_bytes(f)};
    return give(l, &item);
}

static int on_sound(void *self, struct cb_sound *s)
{
    struct cb_lane *l = self;
    const struct cb_samples *x = cb_sound_samples(s);
    anchor(l, x->t_ns, x->utc_offset_ns, x->time_source);
    struct cb_item item = {cb_sound_ref(s), ITEM_SOUND, false, cb_sound_n_bytes(s)};
    return give(l, &item);
}

/* The log line is ingest's; here only what the lane itself must know. */
static void on_state(void *self, enum cb_ingest_state state, const char *reason)
{
    struct cb_lane *l = self;
    (void) reason;
    if (state == CB_DOWN && !cb_ingest_is_live_url(l->conf->url)) {
        __atomic_store_n(&l->has_ended, true, __ATOMIC_RELEASE);
        cb_queue_close(l->queue);
        sem_post(l->wake);
    }
}

static struct cb_queue_opts queue_opts(bool is_live, struct cb_budget *waiting)
{
    if (is_live)
        return (struct cb_queue_opts){QUEUE_ITEMS, QUEUE_BYTES, CB_OVERFLOW_DROP_OLDEST,
                                      release_item, waiting};
    return (struct cb_queue_opts){QUEUE_ITEMS, RECORDING_BYTES, CB_OVERFLOW_WAIT, release_item, NULL};
}

static int create_parts(struct cb_lane *l, const struct cb_node_conf *node,
                        struct cb_budget *waiting, const struct cb_sink *sink,
                        struct cb_error *reterr)
{
    struct cb_ingest_opts opts = cb_ingest_defaults(l->conf);
    struct cb_queue_opts queue = queue_opts(opts.is_live, waiting);
    struct cb_packet_ring_opts ring = {(int64_t) (node->ring_s * 1e9),
                                       (size_t) node->ring_mib << 20};
    struct cb_ingest_sink to = {l, on_frame, on_sound, on_state};
    int r;
    if ((r = cb_queue_create(&l->queue, &queue)) < 0 ||
        (r = cb_packet_ring_create(&l->ring, &ring)) < 0 ||
        (r = cb_pipeline_create(&l->pipeline, l->conf, sink, reterr)) < 0)
        return r;
    opts.ring = l->ring;
    opts.is_paced = !opts.is_live;
    return cb_ingest_create(&l->ingest, l->conf, &opts, &to);
}

int cb_lane_create(struct cb_lane **ret, const struct cb_camera_conf *conf,
                   const struct cb_config *config, struct cb_budget *waiting,
                   const struct cb_sink *sink, sem_t *wake, struct cb_error *reterr)
{
    struct cb_lane *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    l->log = (struct cb_log){"camera", conf->id};
    l->conf = conf;
    l->config = config;
    l->wake = wake;
    l->difference_ns = NOT_KNOWN;
    pthread_mutex_init(&l->lock, NULL);
    int r = create_parts(l, &config->node, waiting, sink, reterr);
    if (r < 0) {
        cb_lane_destroy(&l);
        return r;
    }
    *ret = l;
    return 0;
}

int cb_lane_start(struct cb_lane *l)
{
    return cb_ingest_start(l->ingest);
}

void cb_lane_stop(struct cb_lane *l)
{
    if (!l)
        return;
    cb_ingest_ask_stop(l->ingest);
    cb_queue_close(l->queue); /* wakes an ingest thread that waits for room */
    cb_ingest_stop(l->ingest);
    __atomic_store_n(&l->has_ended, true, __ATOMIC_RELEASE);
    sem_post(l->wake);
}

void cb_lane_destroy(struct cb_lane **lane)
{
    struct cb_lane *l = *lane;
    if (!l)
        return;
    *lane = NULL;
    if (l->ingest)
        cb_lane_stop(l);
    cb_ingest_destroy(&l->ingest);
    cb_pipeline_destroy(&l->pipeline);
    cb_packet_ring_destroy(&l->ring);
    cb_queue_destroy(&l->queue);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void cb_lane_set_weather(struct cb_lane *l, const struct cb_weather *w)
{
    pthread_mutex_lock(&l->lock);
    l->weather = *w;
    l->is_weather_new = true;
    pthread_mutex_unlock(&l->lock);
}

static void tell_weather(struct cb_lane *l)
{
    struct cb_weather w;
    pthread_mutex_lock(&l->lock);
    bool is_new = l->is_weather_new;
    w = l->weather;
    l->is_weather_new = false;
    pthread_mutex_unlock(&l->lock);
    if (is_new)
        cb_pipeline_on_weather(l->pipeline, &w);
}

static int work_on(struct cb_lane *l, const struct cb_item *item)
{
    if (item->kind == ITEM_SOUND)
        return cb_pipeline_on_sound(l->pipeline, item->ptr);
    __atomic_add_fetch(&l->n_frames_worked, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&l->t_worked_ns, cb_frame_picture(item->ptr)->t_ns, __ATOMIC_RELAXED);
    return cb_pipeline_on_frame(l->pipeline, item->ptr);
}

static void flush(struct cb_lane *l)
{
    int r = cb_pipeline_flush(l->pipeline);
    if (r < 0)
        cb_err(l, "what was pending at the end could not be measured: %s", strerror(-r));
    __atomic_store_n(&l->is_flushed, true, __ATOMIC_RELEASE);
}

bool cb_lane_work(struct cb_lane *l)
{
    struct cb_item item;
    int r = cb_queue_pop(l->queue, 0, &item);
    tell_weather(l);
    if (r == -ECANCELED && !__atomic_load_n(&l->is_flushed, __ATOMIC_RELAXED)) {
        flush(l);
        return true;
    }
    if (r < 0)
        return false;
    r = work_on(l, &item);
    if (r < 0) {
        __atomic_add_fetch(&l->n_lost, 1, __ATOMIC_RELAXED);
        if (!l->is_broken)
            cb_err(l, "a picture or sound could not be measured: %s; measuring goes on",
                   strerror(-r));
    }
    l->is_broken = r < 0;
    release_item(&item);
    return true;
}

const struct cb_camera_conf *cb_lane_conf(const struct cb_lane *l)
{
    return l->conf;
}

struct cb_packet_ring *cb_lane_ring(struct cb_lane *l)
{
    return l->ring;
}

const char *cb_lane_config_sha256(const struct cb_lane *l)
{
    return l->config->sha256;
}

void cb_lane_hold(struct cb_lane *l)
{
    __atomic_add_fetch(&l->n_held, 1, __ATOMIC_ACQ_REL);
}

void cb_lane_let_go(struct cb_lane *l)
{
    __atomic_sub_fetch(&l->n_held, 1, __ATOMIC_ACQ_REL);
}

bool cb_lane_is_done(struct cb_lane *l)
{
    return __atomic_load_n(&l->is_flushed, __ATOMIC_ACQUIRE) &&
           __atomic_load_n(&l->n_held, __ATOMIC_ACQUIRE) == 0;
}

int64_t cb_lane_utc_offset_ns(struct cb_lane *l)
{
    return __atomic_load_n(&l->utc_offset_ns, __ATOMIC_RELAXED);
}

double cb_lane_clock_difference_s(struct cb_lane *l)
{
    int64_t ns = __atomic_load_n(&l->difference_ns, __ATOMIC_RELAXED);
    return ns == NOT_KNOWN ? NAN : cb_s_from_ns(ns);
}

bool cb_lane_is_clock_off(struct cb_lane *l)
{
    return cb_clock_pair_is_off(cb_lane_clock_difference_s(l),
                                __atomic_load_n(&l->is_difference_settled, __ATOMIC_RELAXED));
}

bool cb_lane_is_live(struct cb_lane *l)
{
    return cb_ingest_stats(l->ingest).state == CB_LIVE;
}

uint64_t cb_lane_n_dropped(struct cb_lane *l)
{
    return cb_queue_stats(l->queue).n_dropped;
}

bool cb_lane_has_ended(struct cb_lane *l)
{
    return __atomic_load_n(&l->has_ended, __ATOMIC_ACQUIRE);
}

void cb_lane_get_state(struct cb_lane *l, struct cb_camera_state *ret)
{
    struct cb_ingest_stats s = cb_ingest_stats(l->ingest);
    int64_t worked_ns = __atomic_load_n(&l->t_worked_ns, __ATOMIC_RELAXED);
    int64_t offset_ns = __atomic_load_n(&l->utc_offset_ns, __ATOMIC_RELAXED);
    ret->state = cb_lane_has_ended(l) ? "ended" : s.state == CB_LIVE ? "live" : "away";
    ret->fps = s.state == CB_LIVE ? s.fps : 0;
    ret->last_frame_utc_ns = worked_ns && offset_ns ? worked_ns + offset_ns : 0;
    ret->n_dropped = cb_queue_stats(l->queue).n_dropped;
}

void cb_lane_print_metrics(struct cb_lane *l, FILE *out)
{
    const char *id = l->conf->id;
    struct cb_ingest_stats s = cb_ingest_stats(l->ingest);
    struct cb_queue_stats q = cb_queue_stats(l->queue);
    struct cb_packet_ring_stats ring = cb_packet_ring_stats(l->ring);
    for (int i = 0; i <= CB_DOWN; i++)
        fprintf(out, "citybrain_camera_state{camera=\"%s\",state=\"%s\"} %d\n", id,
                cb_ingest_state_name((enum cb_ingest_state) i), (int) s.state == i);
    fprintf(out, "citybrain_camera_fps{camera=\"%s\"} %.2f\n", id, s.fps);
    fprintf(out, "citybrain_camera_frames_total{camera=\"%s\"} %llu\n", id,
            (unsigned long long) s.n_frames);
    fprintf(out, "citybrain_camera_measured_frames_total{camera=\"%s\"} %llu\n", id,
            (unsigned long long) __atomic_load_n(&l->n_frames_worked, __ATOMIC_RELAXED));
    fprintf(out, "citybrain_camera_dropped_total{camera=\"%s\"} %llu\n", id,
            (unsigned long long) q.n_dropped);
    fprintf(out, "citybrain_camera_lost_total{camera=\"%s\"} %llu\n", id,
            (unsigned long long) __atomic_load_n(&l->n_lost, __ATOMIC_RELAXED));
    int64_t worked_ns = __atomic_load_n(&l->t_worked_ns, __ATOMIC_RELAXED);
    int64_t offset_ns = __atomic_load_n(&l->utc_offset_ns, __ATOMIC_RELAXED);
    if (worked_ns && offset_ns) /* from the exposure of the picture that was measured last until now */
        fprintf(out, "citybrain_camera_lag_seconds{camera=\"%s\"} %.3f\n", id,
                cb_s_from_ns(cb_clock_now_ns() - worked_ns - offset_ns));
    fprintf(out, "citybrain_camera_queue{camera=\"%s\"} %zu\n", id, q.n);
    fprintf(out, "citybrain_camera_queue_bytes{camera=\"%s\"} %zu\n", id, q.n_bytes);
    fprintf(out, "citybrain_camera_reconnects_total{camera=\"%s\"} %llu\n", id,
            (unsigned long long) s.n_reconnects);
    fprintf(out, "citybrain_camera_decode_errors_total{camera=\"%s\"} %llu\n", id,
            (unsigned long long) s.n_decode_errors);
    fprintf(out, "citybrain_camera_time_jumps_total{camera=\"%s\"} %llu\n", id,
            (unsigned long long) s.n_time_jumps);
    double difference_s = cb_lane_clock_difference_s(l);
    if (!isnan(difference_s))
        fprintf(out, "citybrain_camera_clock_difference_seconds{camera=\"%s\"} %.3f\n", id,
                difference_s);
    fprintf(out, "citybrain_camera_ring_bytes{camera=\"%s\"} %zu\n", id, ring.n_bytes);
}
