/* The store's side: one thread that owns the ROUTER and gives the handler what waits together. */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "bus/bus.h"
#include "context.h"
#include "message.h"

#define POLL_MS 200
#define REOPEN_MS 50
/* Packages of one edge that may wait in memory: an edge sends one and waits for its answer. */
#define HIGH_WATER 2

/* Beyond this no more packages are taken to those in hand. */
#define BATCH_BYTES_MAX (64u << 20)

/* Packages in hand, with the messages they look into. */
struct batch {
    struct cb_bus_message message[CB_BUS_BATCH_MAX];
    struct cb_bus_names names[CB_BUS_BATCH_MAX];
    struct cb_package package[CB_BUS_BATCH_MAX];
    size_t n, n_bytes;
};

/* Edges that were told "not now": bounded, for they come by themselves too. */
#define WAITING_MAX 1024
#define ID_LEN_MAX  255 /* ZMTP's routing ids */
/* After a "ready" that did not hold (a full disk, say) the next one waits longer, up to the last. */
#define READY_MIN_MS 500
#define READY_MAX_MS 30000

struct waiting {
    uint8_t n, id[ID_LEN_MAX];
};

struct cb_bus_receiver {
    /* set at create, then immutable */
    struct cb_bus_context *ctx;
    struct cb_bus_handler handler;
    struct cb_log log;
    char domain[64];
    char *endpoint;
    bool has_curve;

    struct cb_thread thread;
    /* the thread's alone once it runs */
    void *socket; /* NULL: shut, to be opened again */
    struct cb_bus_curve curve;
    struct batch batch;
    struct waiting waiting[WAITING_MAX];
    size_t n_waiting;
    int64_t ready_ns, ready_wait_ms; /* monotonic: when it is asked whether it is ready again */

    pthread_mutex_t lock; /* leaf */
    struct cb_bus_receiver_stats stats; /* lock */
    struct cb_bus_curve *allow; /* lock: the list to come; NULL: none */
};

static void count(struct cb_bus_receiver *v, uint64_t *counter)
{
    pthread_mutex_lock(&v->lock);
    (*counter)++;
    pthread_mutex_unlock(&v->lock);
}

static void reply(struct cb_bus_receiver *v, const struct cb_bus_message *m,
                  enum cb_bus_kind kind, const char *reason)
{
    const struct cb_bus_frame *to = &m->frame[0], *id = &m->frame[2];
    if (cb_bus_send(v->socket, to->data, to->n, true) < 0 ||
        cb_bus_send_head(v->socket, kind) < 0 ||
        cb_bus_send(v->socket, id->data, id->n, reason != NULL) < 0)
        return; /* it is gone; what was not answered is sent again */
    if (reason)
        cb_bus_send(v->socket, reason, strlen(reason), false);
}

static void note_waiting(struct cb_bus_receiver *v, const struct cb_bus_frame *id)
{
    if (id->n > ID_LEN_MAX || v->n_waiting == WAITING_MAX)
        return;
    for (size_t i = 0; i < v->n_waiting; i++)
        if (v->waiting[i].n == id->n && memcmp(v->waiting[i].id, id->data, id->n) == 0)
            return;
    if (v->n_waiting == 0) {
        v->ready_wait_ms = v->ready_wait_ms ? v->ready_wait_ms : READY_MIN_MS;
        v->ready_ns = cb_clock_mono_ns() + v->ready_wait_ms * CB_NS_PER_MS;
    }
    struct waiting *w = &v->waiting[v->n_waiting++];
    w->n = (uint8_t) id->n;
    memcpy(w->id, id->data, id->n);
}

/* Their back-off may have grown to half a minute: they are told as soon as there is no reason for it. */
static void call_waiting(struct cb_bus_receiver *v)
{
    uint8_t head[CB_BUS_HEAD_LEN];
    if (v->n_waiting == 0 || !v->handler.is_ready || cb_clock_mono_ns() < v->ready_ns)
        return;
    if (v->handler.is_ready(v->handler.self) < 0) {
        v->ready_ns = cb_clock_mono_ns() + READY_MIN_MS * CB_NS_PER_MS;
        return;
    }
    cb_bus_head_print(CB_BUS_READY, head);
    for (size_t i = 0; i < v->n_waiting; i++)
        if (cb_bus_send(v->socket, v->waiting[i].id, v->waiting[i].n, true) == 0)
            cb_bus_send(v->socket, head, sizeof head, false);
    cb_info(v, "ready again, %zu edges that waited are told", v->n_waiting);
    v->n_waiting = 0;
    v->ready_wait_ms *= 2;
    if (v->ready_wait_ms > READY_MAX_MS)
        v->ready_wait_ms = READY_MAX_MS;
}

static void conclude(struct cb_bus_receiver *v, const struct cb_bus_message *m, int r,
                     const struct cb_error *e)
{
    char reason[CB_BUS_REASON_LEN];
    if (r == 0) {
        count(v, &v->stats.n_acked);
        v->ready_wait_ms = READY_MIN_MS;
        reply(v, m, CB_BUS_ACK, NULL);
        return;
    }
    snprintf(reason, sizeof reason, "%.100s%s%.150s", e->where, e->where[0] ? ": " : "",
             e->text[0] ? e->text : strerror(-r));
    if (r == -EBADMSG) {
        cb_err(v, "rejected: %s", reason);
        count(v, &v->stats.n_rejected);
        reply(v, m, CB_BUS_REJECT, reason);
    } else {
        count(v, &v->stats.n_deferred);
        reply(v, m, CB_BUS_RETRY, reason);
        note_waiting(v, &m->frame[0]);
    }
}

/* Takes the message on 0. */
static int batch_add(struct cb_bus_receiver *v, struct cb_bus_message *m)
{
    struct batch *b = &v->batch;
    struct cb_error e = {0};
    int r = m->is_too_long
                ? cb_error_set(&e, -EBADMSG, "package", "more than %d frames", CB_BUS_FRAMES_MAX)
                : cb_bus_package_parse(&m->frame[1], m->n - 1, &b->names[b->n], &b->package[b->n],
                                       &e);
    if (r < 0) {
        count(v, &v->stats.n_malformed);
        conclude(v, m, r, &e);
        return r;
    }
    for (size_t i = 0; i < m->n; i++)
        b->n_bytes += m->frame[i].n;
    b->n++;
    return 0;
}

static void note_duration(struct cb_bus_receiver *v, double took_s)
{
    pthread_mutex_lock(&v->lock);
    v->stats.n_batches++;
    v->stats.store_s_sum += took_s;
    v->stats.store_s_max = took_s > v->stats.store_s_max ? took_s : v->stats.store_s_max;
    pthread_mutex_unlock(&v->lock);
}

static void batch_store(struct cb_bus_receiver *v)
{
    struct batch *b = &v->batch;
    const struct cb_package *p[CB_BUS_BATCH_MAX];
    struct cb_package_verdict verdict[CB_BUS_BATCH_MAX] = {0};
    if (b->n == 0)
        return;
    for (size_t i = 0; i < b->n; i++)
        p[i] = &b->package[i];
    int64_t start_ns = cb_clock_mono_ns();
    v->handler.store(v->handler.self, p, b->n, verdict);
    note_duration(v, cb_s_from_ns(cb_clock_mono_ns() - start_ns));
    for (size_t i = 0; i < b->n; i++) {
        conclude(v, &b->message[i], verdict[i].r, &verdict[i].error);
        cb_bus_message_close(&b->message[i]);
    }
    b->n = b->n_bytes = 0;
}

static void on_minutes(struct cb_bus_receiver *v, const struct cb_bus_message *m)
{
    struct cb_error e = {0};
    int r = -EBADMSG;
    if (m->n != 4 || m->frame[2].n != 8 || m->frame[3].n > CB_BUS_MINUTES_BYTES_MAX)
        cb_error_set(&e, r, "minutes", "expected a number of 8 bytes and at most %u bytes of JSON",
                     CB_BUS_MINUTES_BYTES_MAX);
    else if (!v->handler.minutes)
        cb_error_set(&e, r, "minutes", "this store takes none");
    else
        r = v->handler.minutes(v->handler.self, m->frame[3].data, m->frame[3].n, &e);
    conclude(v, m, r, &e);
}

/* Frame 0 is the edge's routing id. @return whether the message was taken into the batch */
static bool on_message(struct cb_bus_receiver *v, struct cb_bus_message *m)
{
    int kind = m->n >= 3 ? cb_bus_head_parse(&m->frame[1]) : -EPROTO;
    count(v, &v->stats.n_received);
    bool has_id = m->n >= 3 && (m->frame[2].n == 8 || m->frame[2].n == CB_UUID_LEN - 1);
    if (kind == -EPROTONOSUPPORT && has_id) {
        /* not poison: an older or newer edge keeps its evidence until both sides agree */
        struct cb_error e = {"bus", "the two sides speak different versions of the protocol"};
        conclude(v, m, -EPROTONOSUPPORT, &e);
    } else if (kind == CB_BUS_PACKAGE && has_id) {
        return batch_add(v, m) == 0;
    } else if (kind == CB_BUS_MINUTES && has_id) {
        on_minutes(v, m);
    } else if (kind == CB_BUS_CAMERAS && m->n == 4 && m->frame[3].n <= CB_BUS_MINUTES_BYTES_MAX) {
        if (v->handler.cameras)
            v->handler.cameras(v->handler.self, m->frame[3].data, m->frame[3].n);
    } else {
        count(v, &v->stats.n_malformed);
        cb_warn(v, "a message of %zu frames that is none of this protocol, ignoring", m->n);
    }
    return false;
}

/* What has come by now, and no waiting for more: who is alone is not held up. */
static void take_waiting(struct cb_bus_receiver *v)
{
    struct batch *b = &v->batch;
    for (int i = 0; i < CB_BUS_BATCH_MAX && b->n_bytes < BATCH_BYTES_MAX; i++) {
        struct cb_bus_message *m = &b->message[b->n];
        if (cb_bus_message_recv(v->socket, m) < 0)
            return;
        if (!on_message(v, m))
            cb_bus_message_close(m);
    }
}

static int open_socket(struct cb_bus_receiver *v, struct cb_error *reterr)
{
    struct cb_bus_socket_opts o = {
        .type = ZMQ_ROUTER,
        .endpoint = v->endpoint,
        .is_server = true,
        .domain = v->domain,
        .curve = v->has_curve ? &v->curve : NULL,
        .high_water = HIGH_WATER,
        .n_bytes_max = CB_BUS_FILE_BYTES_MAX,
    };
    return cb_bus_socket_open(v->ctx, &o, &v->socket, reterr);
}

/* Who lost the right is parted, and all others with it, for a moment: what they sent they send again. */
static void take_allowed(struct cb_bus_receiver *v)
{
    pthread_mutex_lock(&v->lock);
    struct cb_bus_curve *next = v->allow;
    v->allow = NULL;
    pthread_mutex_unlock(&v->lock);
    if (!next)
        return;
    bool are_rights_kept = cb_bus_curve_keeps(&v->curve, next);
    cb_bus_curve_exchange_allowed(&v->curve, next);
    cb_bus_curve_deinit(next);
    free(next);
    if (cb_bus_context_allow(v->ctx, v->domain, &v->curve) < 0)
        cb_err(v, "out of memory, some edges may be refused");
    if (!are_rights_kept)
        cb_bus_socket_close(&v->socket);
}

static void reopen(struct cb_bus_receiver *v)
{
    struct cb_error e = {0};
    int r = open_socket(v, &e);
    if (r < 0 && r != -EADDRINUSE) /* that is our own old socket, for a moment */
        cb_err(v, "%s: %s, trying again", e.where, e.text);
    if (r < 0)
        cb_clock_sleep_ns(REOPEN_MS * CB_NS_PER_MS);
}

static void *run(void *self)
{
    struct cb_bus_receiver *v = self;
    while (!cb_thread_should_stop(&v->thread)) {
        take_allowed(v);
        if (!v->socket) {
            reopen(v);
            continue;
        }
        call_waiting(v);
        zmq_pollitem_t item = {.socket = v->socket, .events = ZMQ_POLLIN};
        if (zmq_poll(&item, 1, POLL_MS) <= 0)
            continue;
        take_waiting(v);
        batch_store(v);
    }
    return NULL;
}

static int set_up(struct cb_bus_receiver *v, const struct cb_bus_receiver_opts *opts,
                  struct cb_error *reterr)
{
    int r = 0;
    v->has_curve = opts->curve;
    if (!(v->endpoint = strdup(opts->endpoint)) ||
        (opts->curve && cb_bus_curve_copy(opts->curve, &v->curve) < 0))
        return cb_error_set(reterr, -ENOMEM, "bus", "out of memory");
    snprintf(v->domain, sizeof v->domain, "store-%p", (void *) v);
    if (opts->curve && (r = cb_bus_context_allow(v->ctx, v->domain, opts->curve)) < 0)
        return cb_error_set(reterr, r, opts->endpoint, "no room for its list of keys");
    return open_socket(v, reterr);
}

int cb_bus_receiver_create(struct cb_bus_receiver **ret, struct cb_bus_context *ctx,
                           const struct cb_bus_handler *handler,
                           const struct cb_bus_receiver_opts *opts, struct cb_error *reterr)
{
    struct cb_bus_receiver *v = calloc(1, sizeof *v);
    if (!v)
        return cb_error_set(reterr, -ENOMEM, "bus", "out of memory");
    pthread_mutex_init(&v->lock, NULL);
    v->ctx = ctx;
    v->handler = *handler;
    v->log = (struct cb_log) {"bus", "store"};
    int r = set_up(v, opts, reterr);
    if (r == 0 && (r = cb_thread_start(&v->thread, "cb-receiver", run, v)) < 0)
        cb_error_set(reterr, r, "bus", "no thread: %s", strerror(-r));
    if (r < 0) {
        cb_bus_receiver_destroy(&v);
        return r;
    }
    *ret = v;
    return 0;
}

int cb_bus_receiver_allow(struct cb_bus_receiver *v, const struct cb_bus_curve *curve)
{
    struct cb_bus_curve *next = calloc(1, sizeof *next);
    int r = next ? cb_bus_curve_copy(curve, next) : -ENOMEM;
    if (r < 0) {
        free(next);
        return r;
    }
    pthread_mutex_lock(&v->lock);
    struct cb_bus_curve *old = v->allow;
    v->allow = next;
    pthread_mutex_unlock(&v->lock);
    if (old)
        cb_bus_curve_deinit(old);
    free(old);
    return 0;
}

void cb_bus_receiver_destroy(struct cb_bus_receiver **receiver)
{
    struct cb_bus_receiver *v = *receiver;
    if (!v)
        return;
    *receiver = NULL;
    cb_thread_stop_and_join(&v->thread);
    cb_bus_socket_close(&v->socket);
    cb_bus_context_forget(v->ctx, v->domain);
    cb_bus_curve_deinit(&v->curve);
    if (v->allow)
        cb_bus_curve_deinit(v->allow);
    free(v->allow);
    free(v->endpoint);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

struct cb_bus_receiver_stats cb_bus_receiver_stats(struct cb_bus_receiver *v)
{
    pthread_mutex_lock(&v->lock);
    struct cb_bus_receiver_stats s = v->stats;
    pthread_mutex_unlock(&v->lock);
    return s;
}

void cb_bus_receiver_print_metrics(void *self, FILE *out)
{
    struct cb_bus_receiver_stats s = cb_bus_receiver_stats(self);
    const struct {
        const char *what;
        uint64_t n;
    } rows[] = {{"acked", s.n_acked}, {"rejected", s.n_rejected}, {"deferred", s.n_deferred}};
    fputs("# HELP citybrain_receiver_answers_total Packages and minutes by the store's answer\n"
          "# TYPE citybrain_receiver_answers_total counter\n", out);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fprintf(out, "citybrain_receiver_answers_total{answer=\"%s\"} %" PRIu64 "\n", rows[i].what,
                rows[i].n);
    fprintf(out, "# HELP citybrain_store_seconds What storing took that waited together, commit and fsync "
                 "with it\n# TYPE citybrain_store_seconds summary\n"
                 "citybrain_store_seconds_sum %.6f\ncitybrain_store_seconds_count %" PRIu64 "\n"
                 "# TYPE citybrain_store_seconds_max gauge\ncitybrain_store_seconds_max %.6f\n",
            s.store_s_sum, s.n_batches, s.store_s_max);
    fprintf(out, "# HELP citybrain_receiver_malformed_total Messages that broke the protocol\n"
                 "# TYPE citybrain_receiver_malformed_total counter\n"
                 "citybrain_receiver_malformed_total %" PRIu64 "\n", s.n_malformed);
}
