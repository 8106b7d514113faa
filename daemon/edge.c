#include "edge.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "cameras.h"
#include "config.h"
#include "curve_keys.h"
#include "edge_outbox.h"
#include "evidence/evidence.h"
#include "health_watch.h"
#include "host_clock.h"
#include "lane.h"
#include "minutes.h"
#include "outbox/outbox.h"
#include "sealing.h"

#define DRAIN_POLL_NS  (50 * CB_NS_PER_MS)
#define MINUTES_ALL_NS (300 * CB_NS_PER_S)
#define CAMERAS_EVERY_NS (5 * CB_NS_PER_S)
#define BUSY_MAX_NS    (60 * CB_NS_PER_S) /* a frame takes ms, a seal seconds */

struct cb_edge {
    struct cb_log log;
    const struct cb_config *config;
    struct cb_cameras *cameras;
    struct cb_evidence_sealer *sealer;
    struct cb_sealing *sealing;
    struct cb_outbox *outbox;
    struct cb_minutes *minutes;
    struct cb_bus_curve curve;
    struct cb_bus *bus;
    double recovery_s; /* what chain and outbox took at the start */
    bool is_started; /* atomic: all cameras are made */

    struct cb_host_clock clock; /* the evidence thread's */
    bool is_clock_told;         /* the evidence thread's: that it is not held to UTC, in the log */
    struct cb_health_watch health; /* the main thread's */
    bool is_health_new;            /* the main thread's: the bus has not been told */
    int64_t cameras_ns;            /* the main thread's, monotonic: when the cameras are told of again */
    pthread_mutex_t lock;       /* leaf */
    struct cb_host_clock clock_shown; /* lock */
};

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

/* A camera's own clock that is off by more than its pictures' way explains counts as well. */
static bool check_clock(void *self, struct cb_lane *l, struct cb_clock_check *ret)
{
    struct cb_edge *e = self;
    double camera_s = cb_lane_clock_difference_s(l);
    *ret = (struct cb_clock_check){e->clock.offset_s, e->clock.age_s};
    if (cb_lane_is_clock_off(l))
        ret->offset_s = camera_s + (isnan(ret->offset_s) ? 0 : ret->offset_s);
    return !isnan(ret->offset_s) || !isnan(ret->age_s);
}

static void tell_clock(struct cb_edge *e, bool was_beyond)
{
    bool is_beyond = cb_host_clock_is_beyond(&e->clock);
    if (is_beyond && !was_beyond)
        cb_err(e, "the host's clock is %.3f s (± %.3f s) from UTC, expected at most %.0f s: evidence "
                  "is marked", e->clock.offset_s, e->clock.error_s, CB_CLOCK_MAX_S);
    else if (was_beyond && !is_beyond)
        cb_info(e, "the host's clock is within %.0f s of UTC again", CB_CLOCK_MAX_S);
    if (!e->clock.is_synchronised && !e->is_clock_told)
        cb_warn(e, "the host's clock is not held to UTC (no chrony, ntpd or timesyncd): how far "
                   "evidence is from UTC is not known");
    e->is_clock_told = !e->clock.is_synchronised;
}

static void read_clock(struct cb_edge *e)
{
    bool was_beyond = cb_host_clock_is_beyond(&e->clock);
    cb_host_clock_read(&e->clock, cb_clock_mono_ns());
    tell_clock(e, was_beyond);
    pthread_mutex_lock(&e->lock);
    e->clock_shown = e->clock;
    pthread_mutex_unlock(&e->lock);
}

static void on_tick(void *self)
{
    struct cb_edge *e = self;
    if (!__atomic_load_n(&e->is_started, __ATOMIC_ACQUIRE))
        return; /* the cameras are still being made */
    read_clock(e);
    cb_cameras_look(e->cameras);
    cb_cameras_read_weather(e->cameras);
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
    int64_t start_ns = cb_clock_mono_ns();
    if ((r = cb_evidence_sealer_create(&e->sealer, &opts, reterr)) < 0 ||
        (r = cb_edge_open_outbox(&e->outbox, node, reterr)) < 0)
        return r;
    e->recovery_s = cb_s_from_ns(cb_clock_mono_ns() - start_ns);
    struct cb_outbox_stats s = cb_outbox_stats(e->outbox);
    cb_info(e, "outbox recovered in %.3f s: waiting=%llu set_aside=%llu unannounced=%llu damaged=%llu",
            e->recovery_s, (unsigned long long) s.n_waiting, (unsigned long long) s.n_set_aside,
            (unsigned long long) s.n_unannounced, (unsigned long long) s.n_damaged);
    struct cb_sealing_opts sealing = {.sealer = e->sealer,
                                      .self = e,
                                      .has_room = has_room,
                                      .on_sealed = on_sealed,
                                      .clock = check_clock,
                                      .on_tick = on_tick};
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

int cb_edge_create(struct cb_edge **ret, const struct cb_config *config,
                   struct cb_bus_context *ctx, struct cb_error *reterr)
{
    struct cb_edge *e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    pthread_mutex_init(&e->lock, NULL);
    e->clock.offset_s = e->clock.age_s = e->clock.error_s = NAN; /* until the first tick */
    e->clock_shown = e->clock;
    e->log = (struct cb_log){"edge", config->node.id};
    e->config = config;
    e->health.node = config->node.id;
    int r;
    if ((r = cb_minutes_create(&e->minutes)) < 0 || (r = create_evidence(e, reterr)) < 0 ||
        (r = cb_cameras_create(&e->cameras, config, e->minutes, e->sealing, reterr)) < 0 ||
        (r = create_bus(e, ctx, reterr)) < 0) {
        cb_edge_destroy(&e);
        return r;
    }
    *ret = e;
    return 0;
}

int cb_edge_start(struct cb_edge *e)
{
    __atomic_store_n(&e->is_started, true, __ATOMIC_RELEASE);
    return cb_cameras_start(e->cameras);
}

int cb_edge_reload(struct cb_edge *e, struct cb_config **config, struct cb_error *reterr)
{
    return cb_cameras_exchange(e->cameras, config, reterr);
}

int cb_edge_allow(struct cb_edge *e, const struct cb_bus_curve *curve)
{
    return cb_bus_allow(e->bus, curve);
}

static void complain_of_outbox(struct cb_edge *e, cb_health_fn *fn, void *arg)
{
    struct cb_error err = {0};
    struct cb_health h = {0};
    struct cb_outbox_stats o = cb_outbox_stats(e->outbox);
    if (cb_outbox_check_room(e->outbox, &err) < 0) {
        snprintf(h.text, sizeof h.text, "outbox: %.90s: %.150s", err.where, err.text);
        h.what = CB_HEALTH_DISK, fn(arg, &h);
    }
    if (o.n_set_aside) {
        snprintf(h.text, sizeof h.text, "outbox: %llu packages are set aside, see `citybrain outbox`",
                 (unsigned long long) o.n_set_aside);
        h.what = CB_HEALTH_SET_ASIDE, fn(arg, &h);
    }
    if (o.n_damaged) {
        snprintf(h.text, sizeof h.text, "outbox: %llu sealed folders are damaged",
                 (unsigned long long) o.n_damaged);
        h.what = CB_HEALTH_DAMAGED, fn(arg, &h);
    }
}

static void find_complaints(struct cb_edge *e, cb_health_fn *fn, void *arg)
{
    if (!cb_edge_is_well(e))
        fn(arg, &(struct cb_health){.what = CB_HEALTH_HANG, .text = "edge: a thread hangs"});
    cb_cameras_complain(e->cameras, fn, arg);
    complain_of_outbox(e, fn, arg);
    if (!cb_bus_stats(e->bus).is_connected)
        fn(arg, &(struct cb_health){.what = CB_HEALTH_STORE,
                                    .text = "bus: the store is not connected"});
    pthread_mutex_lock(&e->lock);
    struct cb_host_clock clock = e->clock_shown;
    pthread_mutex_unlock(&e->lock);
    if (cb_host_clock_is_beyond(&clock)) {
        struct cb_health h = {.what = CB_HEALTH_CLOCK};
        snprintf(h.text, sizeof h.text, "clock: the host's is %+.3f s from UTC", clock.offset_s);
        fn(arg, &h);
    }
}

/* To the bus, when what is raised is something else than a second ago. */
static void look_at_health(struct cb_edge *e)
{
    struct cb_health *raised = NULL;
    size_t n = 0;
    cb_health_watch_begin(&e->health, cb_clock_mono_ns(), cb_clock_now_ns());
    find_complaints(e, cb_health_watch_add, &e->health);
    if (cb_health_watch_end(&e->health))
        e->is_health_new = true;
    if (e->is_health_new && cb_health_watch_raised(&e->health, &raised, &n) == 0)
        e->is_health_new = cb_bus_tell_health(e->bus, raised, n) < 0;
    free(raised);
}

/* How the cameras are, to the store: now and then. */
static void tell_cameras(struct cb_edge *e)
{
    char *json = NULL;
    int64_t now_ns = cb_clock_mono_ns();
    if (now_ns < e->cameras_ns)
        return;
    e->cameras_ns = now_ns + CAMERAS_EVERY_NS;
    if (cb_cameras_print_states(e->cameras, e->config->node.id, &json) == 0)
        cb_bus_tell_cameras(e->bus, &json);
}

void cb_edge_tidy(struct cb_edge *e)
{
    cb_cameras_reap(e->cameras);
    look_at_health(e);
    tell_cameras(e);
}

/* The ways in, then all that is on its way to the outbox. A second time it does nothing. */
static void finish_evidence(struct cb_edge *e)
{
    if (e->cameras)
        cb_cameras_finish(e->cameras);
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
    return cb_sealing_busy_ns(e->sealing) < BUSY_MAX_NS &&
           cb_cameras_are_well(e->cameras, BUSY_MAX_NS);
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
    cb_cameras_destroy(&e->cameras);
    cb_outbox_destroy(&e->outbox);
    cb_evidence_sealer_destroy(&e->sealer);
    cb_minutes_destroy(&e->minutes);
    cb_bus_curve_deinit(&e->curve);
    cb_health_watch_deinit(&e->health);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

void cb_edge_complain(void *self, FILE *out)
{
    find_complaints(self, cb_health_print_line, out);
}

void cb_edge_print_metrics(void *self, FILE *out)
{
    struct cb_edge *e = self;
    cb_cameras_print_metrics(e->cameras, out);
    pthread_mutex_lock(&e->lock);
    struct cb_host_clock clock = e->clock_shown;
    pthread_mutex_unlock(&e->lock);
    cb_host_clock_print_metrics(&clock, out);
    cb_sealing_print_metrics(e->sealing, out);
    cb_outbox_print_metrics(e->outbox, out);
    fprintf(out, "# HELP citybrain_outbox_recovery_seconds What the chain and the outbox took at the "
                 "start\n# TYPE citybrain_outbox_recovery_seconds gauge\n"
                 "citybrain_outbox_recovery_seconds %.3f\n", e->recovery_s);
    cb_bus_print_metrics(e->bus, out);
}
