/* The edge's side: one thread that owns the sockets and turns delivery and announcements. */

#include "bus/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "announce.h"
#include "base/clock.h"
#include "base/thread.h"
#include "deliver.h"

#define POLL_MAX_MS 1000

struct cb_bus {
    /* set at create, then immutable */
    struct cb_bus_context *ctx;
    struct cb_bus_source source;
    struct cb_bus_opts opts; /* its strings are ours */
    struct cb_bus_curve curve;
    struct cb_log log;
    int wake_fd;
    atomic_bool is_hurried; /* set once, by any thread */

    struct cb_thread thread;
    struct cb_delivery delivery;   /* the thread's alone */
    struct cb_announcer announcer; /* the thread's alone */

    pthread_mutex_t lock; /* leaf */
    struct cb_bus_stats stats; /* lock */
    struct cb_bus_curve *allow; /* lock: the list to come; NULL: none */
    struct cb_health *health;   /* lock: what is to be told; NULL: nothing new */
    size_t n_health;            /* lock */
    char *cameras;              /* lock: as they are now; NULL: nothing new */
};

static int copy_text(const char *from, const char **to)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? -ENOMEM : 0;
}

static void default_to(int *v, int otherwise)
{
    if (*v == 0)
        *v = otherwise;
}

static int copy_opts(struct cb_bus *b, const struct cb_bus_opts *o)
{
    b->opts = *o;
    b->opts.node = b->opts.store_endpoint = b->opts.alerts_endpoint = b->opts.replay_endpoint = NULL;
    b->opts.curve = NULL;
    int r;
    if ((r = copy_text(o->node ? o->node : "edge", &b->opts.node)) < 0 ||
        (r = copy_text(o->store_endpoint, &b->opts.store_endpoint)) < 0 ||
        (r = copy_text(o->alerts_endpoint, &b->opts.alerts_endpoint)) < 0 ||
        (r = copy_text(o->replay_endpoint, &b->opts.replay_endpoint)) < 0)
        return r;
    if (o->curve) {
        if ((r = cb_bus_curve_copy(o->curve, &b->curve)) < 0)
            return r;
        b->opts.curve = &b->curve;
    }
    default_to(&b->opts.ack_timeout_ms, 30000);
    default_to(&b->opts.retry_min_ms, 500);
    default_to(&b->opts.retry_max_ms, 30000);
    default_to(&b->opts.heartbeat_ms, 5000);
    return 0;
}

static int open_sockets(struct cb_bus *b, struct cb_error *reterr)
{
    b->delivery.ctx = b->announcer.ctx = b->ctx;
    b->delivery.source = b->announcer.source = &b->source;
    b->delivery.opts = b->announcer.opts = &b->opts;
    b->delivery.log = b->announcer.log = b->log;
    int r = cb_announcer_open(&b->announcer, reterr);
    if (r == 0 && b->opts.store_endpoint)
        r = cb_delivery_open(&b->delivery, reterr);
    return r;
}

static void show_stats(struct cb_bus *b)
{
    struct cb_bus_stats s = b->delivery.stats;
    s.n_alerts = b->announcer.n_alerts;
    s.n_health = b->announcer.health.n_said;
    s.n_replays = b->announcer.n_replays;
    s.n_cut_off = b->announcer.n_cut_off;
    pthread_mutex_lock(&b->lock);
    b->stats = s;
    pthread_mutex_unlock(&b->lock);
}

static long ms_until(int64_t due_ns)
{
    int64_t left_ns = due_ns - cb_clock_mono_ns();
    if (left_ns <= 0)
        return 0;
    int64_t ms = left_ns / CB_NS_PER_MS + 1;
    return ms < POLL_MAX_MS ? (long) ms : POLL_MAX_MS;
}

static void wait_for_work(struct cb_bus *b)
{
    int64_t due_ns = cb_announcer_due_ns(&b->announcer);
    zmq_pollitem_t item[5] = {{.fd = b->wake_fd, .events = ZMQ_POLLIN}};
    int n = 1;
    if (b->opts.store_endpoint) {
        int64_t d_ns = cb_delivery_due_ns(&b->delivery);
        due_ns = d_ns < due_ns ? d_ns : due_ns;
    }
    if (b->delivery.socket) {
        short events = b->delivery.wants_out ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN;
        item[n++] = (zmq_pollitem_t) {.socket = b->delivery.socket, .events = events};
        item[n++] = (zmq_pollitem_t) {.socket = b->delivery.monitor, .events = ZMQ_POLLIN};
    }
    if (b->announcer.alerts)
        item[n++] = (zmq_pollitem_t) {.socket = b->announcer.alerts, .events = ZMQ_POLLIN};
    if (b->announcer.replay)
        item[n++] = (zmq_pollitem_t) {.socket = b->announcer.replay, .events = ZMQ_POLLIN};
    if (zmq_poll(item, n, ms_until(due_ns)) > 0 && item[0].revents) {
        uint64_t count;
        if (read(b->wake_fd, &count, sizeof count) == (ssize_t) sizeof count)
            cb_delivery_wake(&b->delivery);
    }
}

static void take_allowed(struct cb_bus *b)
{
    pthread_mutex_lock(&b->lock);
    struct cb_bus_curve *next = b->allow;
    b->allow = NULL;
    pthread_mutex_unlock(&b->lock);
    if (!next)
        return;
    bool are_rights_kept = cb_bus_curve_keeps(&b->curve, next);
    cb_bus_curve_exchange_allowed(&b->curve, next);
    cb_announcer_allow(&b->announcer, are_rights_kept);
    cb_bus_curve_deinit(next);
    free(next);
}

static void take_health(struct cb_bus *b)
{
    pthread_mutex_lock(&b->lock);
    struct cb_health *next = b->health;
    size_t n = b->n_health;
    b->health = NULL;
    pthread_mutex_unlock(&b->lock);
    if (next)
        cb_announcer_tell_health(&b->announcer, next, n);
}

static void take_cameras(struct cb_bus *b)
{
    pthread_mutex_lock(&b->lock);
    char *json = b->cameras;
    b->cameras = NULL;
    pthread_mutex_unlock(&b->lock);
    if (json && b->opts.store_endpoint)
        cb_delivery_tell_cameras(&b->delivery, json);
    free(json);
}

static void *run(void *self)
{
    struct cb_bus *b = self;
    bool has_more = true;
    while (!cb_thread_should_stop(&b->thread)) {
        if (!has_more)
            wait_for_work(b);
        take_allowed(b);
        take_health(b);
        take_cameras(b);
        has_more = cb_announcer_turn(&b->announcer);
        if (atomic_load(&b->is_hurried))
            cb_delivery_hurry(&b->delivery);
        if (b->opts.store_endpoint)
            cb_delivery_turn(&b->delivery);
        show_stats(b);
    }
    return NULL;
}

int cb_bus_create(struct cb_bus **ret, struct cb_bus_context *ctx,
                  const struct cb_bus_source *source, const struct cb_bus_opts *opts,
                  struct cb_error *reterr)
{
    struct cb_bus *b = calloc(1, sizeof *b);
    if (!b)
        return cb_error_set(reterr, -ENOMEM, "bus", "out of memory");
    pthread_mutex_init(&b->lock, NULL);
    b->ctx = ctx;
    b->source = *source;
    b->log = (struct cb_log) {"bus", NULL};
    b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = b->wake_fd < 0 ? -errno : copy_opts(b, opts);
    if (r < 0) {
        cb_error_set(reterr, r, "bus", "%s", strerror(-r));
        goto fail;
    }
    if ((r = open_sockets(b, reterr)) < 0)
        goto fail;
    show_stats(b);
    if ((r = cb_thread_start(&b->thread, "cb-bus", run, b)) < 0) {
        cb_error_set(reterr, r, "bus", "no thread: %s", strerror(-r));
        goto fail;
    }
    *ret = b;
    return 0;
fail:
    cb_bus_destroy(&b);
    return r;
}

void cb_bus_wake(struct cb_bus *b)
{
    uint64_t one = 1;
    /* a counter that is full wakes just as well */
    if (write(b->wake_fd, &one, sizeof one) < 0)
        return;
}

int cb_bus_allow(struct cb_bus *b, const struct cb_bus_curve *curve)
{
    struct cb_bus_curve *next = calloc(1, sizeof *next);
    int r = next ? cb_bus_curve_copy(curve, next) : -ENOMEM;
    if (r < 0) {
        free(next);
        return r;
    }
    pthread_mutex_lock(&b->lock);
    struct cb_bus_curve *old = b->allow;
    b->allow = next;
    pthread_mutex_unlock(&b->lock);
    if (old)
        cb_bus_curve_deinit(old);
    free(old);
    cb_bus_wake(b);
    return 0;
}

int cb_bus_tell_health(struct cb_bus *b, const struct cb_health *h, size_t n)
{
    struct cb_health *next = calloc(n ? n : 1, sizeof *next);
    if (!next)
        return -ENOMEM;
    if (n)
        memcpy(next, h, n * sizeof *next);
    pthread_mutex_lock(&b->lock);
    struct cb_health *old = b->health;
    b->health = next;
    b->n_health = n;
    pthread_mutex_unlock(&b->lock);
    free(old);
    cb_bus_wake(b);
    return 0;
}

void cb_bus_tell_cameras(struct cb_bus *b, char **json)
{
    pthread_mutex_lock(&b->lock);
    char *old = b->cameras;
    b->cameras = *json;
    pthread_mutex_unlock(&b->lock);
    *json = NULL;
    free(old);
    cb_bus_wake(b);
}

void cb_bus_hurry(struct cb_bus *b)
{
    atomic_store(&b->is_hurried, true);
    cb_bus_wake(b);
}

void cb_bus_destroy(struct cb_bus **bus)
{
    struct cb_bus *b = *bus;
    if (!b)
        return;
    *bus = NULL;
    if (b->thread.is_started) {
        cb_thread_ask_stop(&b->thread);
        cb_bus_wake(b);
        cb_thread_stop_and_join(&b->thread);
    }
    cb_delivery_close(&b->delivery);
    if (b->announcer.ctx)
        cb_announcer_close(&b->announcer);
    if (b->wake_fd >= 0)
        close(b->wake_fd);
    cb_bus_curve_deinit(&b->curve);
    if (b->allow)
        cb_bus_curve_deinit(b->allow);
    free(b->allow);
    free(b->health);
    free(b->cameras);
    free((char *) b->opts.node);
    free((char *) b->opts.store_endpoint);
    free((char *) b->opts.alerts_endpoint);
    free((char *) b->opts.replay_endpoint);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

struct cb_bus_stats cb_bus_stats(struct cb_bus *b)
{
    pthread_mutex_lock(&b->lock);
    struct cb_bus_stats s = b->stats;
    pthread_mutex_unlock(&b->lock);
    return s;
}

static void print_counter(FILE *out, const char *name, const char *help, uint64_t v)
{
    fprintf(out, "# HELP citybrain_bus_%s %s\n# TYPE citybrain_bus_%s counter\n"
                 "citybrain_bus_%s %" PRIu64 "\n", name, help, name, name, v);
}

void cb_bus_print_metrics(void *self, FILE *out)
{
    struct cb_bus_stats s = cb_bus_stats(self);
    fprintf(out, "# HELP citybrain_bus_store_connected Whether the store is connected\n"
                 "# TYPE citybrain_bus_store_connected gauge\ncitybrain_bus_store_connected %d\n",
            s.is_connected);
    print_counter(out, "packages_sent_total", "Packages sent to the store, again too", s.n_sent);
    print_counter(out, "packages_acked_total", "Packages the store has committed", s.n_acked);
    fprintf(out, "# HELP citybrain_bus_ack_seconds From sending a package to its acknowledgement\n"
                 "# TYPE citybrain_bus_ack_seconds summary\n"
                 "citybrain_bus_ack_seconds_sum %.6f\ncitybrain_bus_ack_seconds_count %" PRIu64 "\n"
                 "# TYPE citybrain_bus_ack_seconds_max gauge\ncitybrain_bus_ack_seconds_max %.6f\n",
            s.ack_s_sum, s.n_acked, s.ack_s_max);
    print_counter(out, "packages_set_aside_total", "Packages that can never be stored",
                  s.n_set_aside);
    print_counter(out, "retries_total", "Waits before trying again", s.n_retried);
    print_counter(out, "store_refusals_total", "Handshakes that the store refused", s.n_refused);
    print_counter(out, "minutes_acked_total", "Batches of traffic minutes stored", s.n_minutes);
    print_counter(out, "alerts_total", "Alerts announced", s.n_alerts);
    print_counter(out, "health_total", "Messages of health, repetitions too", s.n_health);
    print_counter(out, "readers_cut_off_total", "Times that a reader of alerts stood still until "
                  "its queue was full", s.n_cut_off);
    print_counter(out, "replays_total", "Replay requests answered", s.n_replays);
}
