#include "edge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "config.h"
#include "curve_keys.h"
#include "edge_outbox.h"
#include "evidence/evidence.h"
#include "lane.h"
#include "minutes.h"
#include "outbox/outbox.h"
#include "schema/violation.h"
#include "sealing.h"
#include "weather.h"
#include "worker.h"

#define DRAIN_POLL_NS  (50 * CB_NS_PER_MS)
#define MINUTES_ALL_NS (300 * CB_NS_PER_S)
#define WEATHER_NS     (10 * CB_NS_PER_S)
#define BUSY_MAX_NS    (60 * CB_NS_PER_S) /* a frame takes ms, a seal seconds */

/* What the sink of one camera's pipeline knows; called on the camera's worker. */
struct camera {
    struct cb_edge *edge;
    size_t i;
    struct cb_lane *lane;
    bool is_weather_lost; /* the evidence thread's: said so in the log */
    /* atomic */
    int drift_mpx; /* thousandths of a pixel that the scene has moved against its calibration */
    bool is_suspended;
};

struct cb_edge {
    struct cb_log log;
    const struct cb_config *config;
    struct camera *camera;
    size_t n_cameras;
    struct cb_worker *worker;
    size_t n_workers;
    struct cb_evidence_sealer *sealer;
    struct cb_sealing *sealing;
    struct cb_outbox *outbox;
    struct cb_minutes *minutes;
    int64_t weather_mono_ns; /* the evidence thread's: when the stations were last read */
    struct cb_bus_curve curve;
    struct cb_bus *bus;
    bool is_started;                            /* atomic: all cameras are made */
    uint64_t n_passages, n_noise, n_violations; /* atomic */
};

/* A recording played as a camera has no UTC of its own: its lane's anchor gives one. */
static int64_t offset_of(const struct camera *c, int time_source, int64_t utc_offset_ns)
{
    return time_source == CB_TIME_FILE ? cb_lane_utc_offset_ns(c->lane) : utc_offset_ns;
}

static void on_passage(void *self, const struct cb_passage *p)
{
    struct camera *c = self;
    int64_t offset_ns = offset_of(c, p->time_source, p->utc_offset_ns);
    __atomic_add_fetch(&c->edge->n_passages, 1, __ATOMIC_RELAXED);
    cb_minutes_add_passage(c->edge->minutes, c->i, p->t_last_ns + offset_ns, p);
}

static void on_noise(void *self, const struct cb_noise *n)
{
    struct camera *c = self;
    (void) n;
    __atomic_add_fetch(&c->edge->n_noise, 1, __ATOMIC_RELAXED);
}

static void on_level(void *self, const struct cb_noise_level *l)
{
    struct camera *c = self;
    cb_minutes_add_level(c->edge->minutes, c->i, l->t_ns + cb_lane_utc_offset_ns(c->lane), l);
}

static void on_violation(void *self, const struct cb_violation *v)
{
    struct camera *c = self;
    struct cb_violation anchored = *v;
    anchored.utc_offset_ns = offset_of(c, v->time_source, v->utc_offset_ns);
    anchored.passage.utc_offset_ns = anchored.utc_offset_ns;
    anchored.noise.utc_offset_ns = anchored.utc_offset_ns;
    anchored.incident.utc_ns += anchored.utc_offset_ns - v->utc_offset_ns;
    __atomic_add_fetch(&c->edge->n_violations, 1, __ATOMIC_RELAXED);
    cb_sealing_push(c->edge->sealing, c->lane, &anchored);
}

/* A suspended camera is the technician's: alerts on the bus are of violations alone. */
static void on_condition(void *self, const struct cb_condition *n)
{
    struct camera *c = self;
    struct {
        struct cb_log log;
    } camera = {{"camera", cb_lane_conf(c->lane)->id}};
    __atomic_store_n(&c->drift_mpx, (int) (n->drift_px * 1000), __ATOMIC_RELAXED);
    __atomic_store_n(&c->is_suspended, n->is_suspended, __ATOMIC_RELAXED);
    if (n->is_news && n->is_suspended)
        cb_err(&camera, "%s", n->text);
    else if (n->is_news)
        cb_info(&camera, "%s", n->text);
}

static void print_condition(const struct camera *c, FILE *out)
{
    const char *id = cb_lane_conf(c->lane)->id;
    fprintf(out, "citybrain_camera_drift_px{camera=\"%s\"} %.2f\n", id,
            __atomic_load_n(&c->drift_mpx, __ATOMIC_RELAXED) / 1000.0);
    fprintf(out, "citybrain_camera_suspended{camera=\"%s\"} %d\n", id,
            __atomic_load_n(&c->is_suspended, __ATOMIC_RELAXED));
}

/* On the evidence thread. */
static int on_sealed(void *self, const struct cb_sealed *s)
{
    struct cb_edge *e = self;
    struct cb_error err = {0};
    int r = cb_outbox_put(e->outbox, s->id, s->dir, s->sequence, NULL, &err);
    if (r < 0)
        cb_err(e, "outbox: %s: %s", err.where, err.text);
    else
        cb_bus_wake(e->bus);
    return r;
}

static int has_room(void *self, struct cb_error *reterr)
{
    struct cb_edge *e = self;
    return cb_outbox_check_room(e->outbox, reterr);
}

/* Rows of closed minutes into the outbox. @return 0; < 0: there is none, or it did not go */
static int keep_minutes(struct cb_edge *e)
{
    uint64_t number;
    CB_AUTO_FREE char *json = NULL;
    int r = cb_minutes_next(e->minutes, &number, &json);
    if (r < 0 || (r = cb_outbox_put_minutes(e->outbox, json)) < 0)
        return r;
    cb_minutes_done(e->minutes, number);
    cb_bus_wake(e->bus);
    return 0;
}

static void read_weather(struct camera *c)
{
    const struct cb_camera_conf *conf = cb_lane_conf(c->lane);
    struct {
        struct cb_log log;
    } camera = {{"camera", conf->id}};
    struct cb_weather w;
    struct cb_error err = {0};
    if (!conf->weather.file[0])
        return;
    int r = cb_weather_read(&conf->weather, cb_clock_now_ns(), &w, &err);
    cb_lane_set_weather(c->lane, &w);
    if (r < 0 && !c->is_weather_lost)
        cb_warn(&camera, "weather is not known, no sound is judged: %s: %s", err.where, err.text);
    else if (r == 0 && c->is_weather_lost)
        cb_info(&camera, "weather is known again");
    c->is_weather_lost = r < 0;
}

static void on_tick(void *self)
{
    struct cb_edge *e = self;
    int64_t now_ns = cb_clock_mono_ns();
    if (!__atomic_load_n(&e->is_started, __ATOMIC_ACQUIRE))
        return; /* the cameras are still being made */
    if (!e->weather_mono_ns || now_ns - e->weather_mono_ns >= WEATHER_NS) {
        for (size_t i = 0; i < e->n_cameras; i++)
            read_weather(&e->camera[i]);
        e->weather_mono_ns = now_ns;
    }
    cb_minutes_tick(e->minutes, cb_clock_now_ns());
    keep_minutes(e);
}

static int create_evidence(struct cb_edge *e, struct cb_error *reterr)
{
    const struct cb_node_conf *node = &e->config->node;
    CB_AUTO_FREE char *default_key = NULL;
    int r = cb_path_join(node->data_dir, "node.key", &default_key);
    if (r < 0)
        return r;
    struct cb_evidence_opts opts = {
        .node = node->id,
        .data_dir = node->data_dir,
        .key_file = node->signing_key[0] ? node->signing_key : default_key,
        .software = "citybrain " CB_VERSION,
        .config_sha256 = e->config->sha256,
    };
    if ((r = cb_evidence_sealer_create(&e->sealer, &opts, reterr)) < 0 ||
        (r = cb_edge_open_outbox(&e->outbox, node, reterr)) < 0)
        return r;
    struct cb_sealing_opts sealing = {e->sealer, e, has_room, on_sealed, on_tick};
    return cb_sealing_create(&e->sealing, &sealing);
}

static int create_bus(struct cb_edge *e, struct cb_bus_context *ctx, struct cb_error *reterr)
{
    const struct cb_bus_conf *b = &e->config->bus;
    int r = cb_curve_keys_load(b, &e->curve, reterr);
    if (r < 0)
        return r;
    struct cb_bus_source source;
    cb_edge_bus_source(e->outbox, &source);
    struct cb_bus_opts opts = {.node = e->config->node.id,
                               .store_endpoint = b->evidence,
                               .alerts_endpoint = b->alerts,
                               .replay_endpoint = b->replay,
                               .curve = b->curve_key[0] ? &e->curve : NULL};
    return cb_bus_create(&e->bus, ctx, &source, &opts, reterr);
}

static int create_workers(struct cb_edge *e)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = e->config->node.n_workers ? (size_t) e->config->node.n_workers
                                         : (size_t) (cores > 0 ? cores : 1);
    if (n > e->config->n_cameras)
        n = e->config->n_cameras;
    e->worker = calloc(n, sizeof *e->worker);
    if (!e->worker)
        return -ENOMEM;
    for (; e->n_workers < n; e->n_workers++) {
        int r = cb_worker_init(&e->worker[e->n_workers]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int create_camera(struct cb_edge *e, size_t i, struct cb_error *reterr)
{
    const struct cb_camera_conf *conf = &e->config->camera[i];
    struct camera *c = &e->camera[i];
    struct cb_worker *w = &e->worker[i % e->n_workers];
    struct cb_sink sink = {c, on_passage, on_noise, on_level, on_violation, on_condition};
    c->edge = e;
    c->i = i;
    cb_minutes_name(e->minutes, i, conf->id, cb_clock_now_ns());
    int r = cb_lane_create(&c->lane, conf, &e->config->node, &sink, &w->wake, reterr);
    if (r < 0)
        return r;
    e->n_cameras++;
    return cb_worker_add(w, c->lane);
}

static int create_cameras(struct cb_edge *e, struct cb_error *reterr)
{
    e->camera = calloc(e->config->n_cameras, sizeof *e->camera);
    if (!e->camera)
        return -ENOMEM;
    for (size_t i = 0; i < e->config->n_cameras; i++) {
        int r = create_camera(e, i, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

int cb_edge_create(struct cb_edge **ret, const struct cb_config *config,
                   struct cb_bus_context *ctx, struct cb_error *reterr)
{
    struct cb_edge *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    e->log = (struct cb_log){"edge", config->node.id};
    e->config = config;
    int r;
    if ((r = cb_minutes_create(&e->minutes, config->n_cameras)) < 0 ||
        (r = create_workers(e)) < 0 || (r = create_evidence(e, reterr)) < 0 ||
        (r = create_cameras(e, reterr)) < 0 || (r = create_bus(e, ctx, reterr)) < 0) {
        cb_edge_destroy(&e);
        return r;
    }
    *ret = e;
    return 0;
}

int cb_edge_start(struct cb_edge *e)
{
    int r = 0;
    __atomic_store_n(&e->is_started, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < e->n_workers && r == 0; i++)
        r = cb_worker_start(&e->worker[i]);
    for (size_t i = 0; i < e->n_cameras && r == 0; i++)
        r = cb_lane_start(e->camera[i].lane);
    return r;
}

/* The ways in, then all that is on its way to the outbox. A second time it does nothing. */
static void finish_evidence(struct cb_edge *e)
{
    for (size_t i = 0; i < e->n_cameras; i++)
        cb_lane_stop(e->camera[i].lane);
    for (size_t i = 0; i < e->n_workers; i++)
        cb_worker_finish(&e->worker[i]);
    if (e->sealing)
        cb_sealing_finish(e->sealing); /* seals what still waits, from the rings */
}

/* The minutes under way too: the next start's part of the same minute is a row of its own. */
static void finish_minutes(struct cb_edge *e)
{
    cb_minutes_tick(e->minutes, cb_clock_now_ns() + MINUTES_ALL_NS);
    while (keep_minutes(e) == 0)
        ;
}

static bool has_delivered(const struct cb_outbox_stats *s, const struct cb_bus_conf *bus)
{
    return (!bus->evidence[0] || !s->n_waiting) && (!bus->alerts[0] || !s->n_unannounced);
}

void cb_edge_drain(struct cb_edge *e, int64_t deliver_ns)
{
    finish_evidence(e);
    finish_minutes(e);
    struct cb_outbox_stats s = cb_outbox_stats(e->outbox);
    if (s.n_waiting)
        cb_info(e, "delivers what waits: %llu packages", (unsigned long long) s.n_waiting);
    cb_bus_hurry(e->bus);
    int64_t end_ns = cb_clock_mono_ns() + deliver_ns;
    while (!has_delivered(&s, &e->config->bus) && cb_clock_mono_ns() < end_ns) {
        cb_clock_sleep_ns(DRAIN_POLL_NS);
        s = cb_outbox_stats(e->outbox);
    }
    if (s.n_waiting)
        cb_warn(e, "%llu packages are not delivered, they wait for the next start",
                (unsigned long long) s.n_waiting);
}

bool cb_edge_is_well(struct cb_edge *e)
{
    bool is_well = cb_sealing_busy_ns(e->sealing) < BUSY_MAX_NS;
    for (size_t i = 0; i < e->n_workers; i++)
        is_well = is_well && cb_worker_busy_ns(&e->worker[i]) < BUSY_MAX_NS;
    return is_well;
}

void cb_edge_destroy(struct cb_edge **edge)
{
    struct cb_edge *e = *edge;
    if (!e)
        return;
    *edge = NULL;
    finish_evidence(e);
    cb_sealing_destroy(&e->sealing);
    cb_bus_destroy(&e->bus);
    for (size_t i = 0; i < e->n_cameras; i++)
        cb_lane_destroy(&e->camera[i].lane);
    for (size_t i = 0; i < e->n_workers; i++)
        cb_worker_deinit(&e->worker[i]);
    cb_outbox_destroy(&e->outbox);
    cb_evidence_sealer_destroy(&e->sealer);
    cb_minutes_destroy(&e->minutes);
    cb_bus_curve_deinit(&e->curve);
    free(e->camera);
    free(e->worker);
    free(e);
}

void cb_edge_print_metrics(void *self, FILE *out)
{
    struct cb_edge *e = self;
    fprintf(out, "citybrain_passages_total %llu\n",
            (unsigned long long) __atomic_load_n(&e->n_passages, __ATOMIC_RELAXED));
    fprintf(out, "citybrain_noise_events_total %llu\n",
            (unsigned long long) __atomic_load_n(&e->n_noise, __ATOMIC_RELAXED));
    fprintf(out, "citybrain_violations_total %llu\n",
            (unsigned long long) __atomic_load_n(&e->n_violations, __ATOMIC_RELAXED));
    for (size_t i = 0; i < e->n_cameras; i++) {
        cb_lane_print_metrics(e->camera[i].lane, out);
        print_condition(&e->camera[i], out);
    }
    cb_sealing_print_metrics(e->sealing, out);
    cb_outbox_print_metrics(e->outbox, out);
    cb_bus_print_metrics(e->bus, out);
}
