#include "deliver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define IDLE_MS 1000 /* the outbox is asked at least this often, should a wake be lost */
#define TIMEOUT_MAX_MS 600000
#define SOON_MAX_MS 500

static int64_t in_ms(int64_t ms)
{
    return cb_clock_mono_ns() + ms * CB_NS_PER_MS;
}

/* Before the socket connects: no event may be missed. */
static int open_monitor(void *self, void *socket)
{
    struct cb_delivery *d = self;
    const int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    char name[64];
    snprintf(name, sizeof name, "inproc://bus-monitor-%p-%u", (void *) d, d->n_opened++);
    if (zmq_socket_monitor(socket, name, events) != 0)
        return -errno;
    d->monitor = zmq_socket(cb_bus_context_zmq(d->ctx), ZMQ_PAIR);
    return d->monitor && zmq_connect(d->monitor, name) == 0 ? 0 : -errno;
}

int cb_delivery_open(struct cb_delivery *d, struct cb_error *reterr)
{
    struct cb_bus_socket_opts o = {
        .type = ZMQ_DEALER,
        .endpoint = d->opts->store_endpoint,
        .curve = d->opts->curve,
        .high_water = 1,
        .n_bytes_max = 4096,
        .before = open_monitor,
        .arg = d,
    };
    int r = cb_bus_socket_open(d->ctx, &o, &d->socket, reterr);
    if (r < 0) {
        cb_delivery_close(d);
        return r;
    }
    if (!d->backoff_ms)
        d->backoff_ms = d->opts->retry_min_ms;
    if (!d->timeout_ms)
        d->timeout_ms = d->opts->ack_timeout_ms;
    d->stats.is_connected = strncmp(o.endpoint, "inproc:", 7) == 0;
    return 0;
}

void cb_delivery_close(struct cb_delivery *d)
{
    if (d->socket)
        zmq_socket_monitor(d->socket, NULL, 0);
    cb_bus_socket_close(&d->monitor);
    cb_bus_socket_close(&d->socket);
}

/* Nothing is sent for a while: doubles, ±25 %, so that a city's edges do not come all at once. */
static void back_off(struct cb_delivery *d)
{
    int64_t jitter = d->backoff_ms / 4;
    d->not_before_ns = in_ms(d->backoff_ms - jitter + rand() % (2 * jitter + 1));
    if (!d->is_hurried)
        d->backoff_ms *= 2;
    if (d->backoff_ms > d->opts->retry_max_ms)
        d->backoff_ms = d->opts->retry_max_ms;
    d->stats.n_retried++;
}

/* Within half a second, so that a city's edges do not come all at once. The back-off stays as
 * grown as it is, should this not help. */
static void try_soon(struct cb_delivery *d)
{
    int64_t soon_ns = in_ms(rand() % (SOON_MAX_MS + 1));
    if (d->not_before_ns > soon_ns)
        d->not_before_ns = soon_ns;
}

static void on_link(struct cb_delivery *d, uint16_t event)
{
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        d->stats.is_connected = true;
        d->in_flight = CB_NOTHING; /* what went into the connection before is lost with it */
        d->is_refused_told = false;
        try_soon(d); /* it may be another store, or this one with another mind */
        cb_info(d, "connected to the store: endpoint=%s", d->opts->store_endpoint);
        return;
    }
    if (event != ZMQ_EVENT_DISCONNECTED) {
        d->stats.n_refused++;
        if (!d->is_refused_told)
            cb_err(d, "the store refuses the connection, are both sides' keys configured? endpoint=%s",
                   d->opts->store_endpoint);
        d->is_refused_told = true;
        return;
    }
    if (d->stats.is_connected)
        cb_warn(d, "the store is gone, reconnecting: endpoint=%s", d->opts->store_endpoint);
    d->stats.is_connected = false;
    d->in_flight = CB_NOTHING; /* unanswered: sent again once it is back */
}

static void read_monitor(struct cb_delivery *d)
{
    struct cb_bus_message m;
    while (cb_bus_message_recv(d->monitor, &m) == 0) {
        uint16_t event = 0;
        if (m.frame[0].n >= sizeof event)
            memcpy(&event, m.frame[0].data, sizeof event);
        cb_bus_message_close(&m);
        on_link(d, event);
    }
}

static void on_acknowledged(struct cb_delivery *d)
{
    int r = d->in_flight == CB_MINUTES ? d->source->minutes_done(d->source->self, d->number)
                                       : d->source->ack(d->source->self, d->id);
    if (r < 0) {
        /* it is stored; it will be sent and acknowledged again, which changes nothing */
        cb_err(d, "the outbox cannot note an acknowledgement, trying again: id=%s error=%s", d->id,
               strerror(-r));
        back_off(d);
        return;
    }
    d->backoff_ms = d->opts->retry_min_ms;
    d->timeout_ms = d->opts->ack_timeout_ms;
    if (d->in_flight == CB_MINUTES) {
        d->stats.n_minutes++;
        return;
    }
    double took_s = cb_s_from_ns(cb_clock_mono_ns() - d->sent_ns);
    d->stats.n_acked++;
    d->stats.ack_s_sum += took_s;
    d->stats.ack_s_max = took_s > d->stats.ack_s_max ? took_s : d->stats.ack_s_max;
}

static void set_aside(struct cb_delivery *d, const char *id, const char *reason)
{
    cb_err(d, "a package can never be stored and is set aside: id=%s reason=%s", id, reason);
    int r = d->source->set_aside(d->source->self, id, reason);
    if (r < 0) {
        cb_err(d, "the outbox cannot set a package aside: id=%s error=%s", id, strerror(-r));
        back_off(d);
        return;
    }
    d->stats.n_set_aside++;
}

static void on_rejected(struct cb_delivery *d, const char *reason)
{
    if (d->in_flight == CB_A_PACKAGE) {
        set_aside(d, d->id, reason);
        return;
    }
    cb_err(d, "minutes of traffic are refused and dropped: number=%llu reason=%s",
           (unsigned long long) d->number, reason);
    d->source->minutes_done(d->source->self, d->number);
}

static void on_reply(struct cb_delivery *d, const struct cb_bus_reply *y)
{
    if (y->kind == CB_BUS_READY) {
        try_soon(d);
        return;
    }
    bool is_ours = d->in_flight == CB_A_PACKAGE  ? strcmp(y->id, d->id) == 0
                   : d->in_flight == CB_MINUTES ? !y->id[0] && y->number == d->number
                                                 : false;
    if (!is_ours)
        return; /* an answer to what was given up and is, or will be, sent again */
    if (y->kind == CB_BUS_ACK)
        on_acknowledged(d);
    else if (y->kind == CB_BUS_REJECT)
        on_rejected(d, y->reason);
    else {
        cb_warn(d, "the store cannot take it now, trying again: id=%s reason=%s", d->id, y->reason);
        back_off(d);
    }
    d->in_flight = CB_NOTHING;
}

static void read_replies(struct cb_delivery *d)
{
    struct cb_bus_message m;
    struct cb_bus_reply y;
    while (cb_bus_message_recv(d->socket, &m) == 0) {
        if (!m.is_too_long && cb_bus_reply_parse(m.frame, m.n, &y) == 0)
            on_reply(d, &y);
        cb_bus_message_close(&m);
    }
}

/* No answer in time: what may still lie in the socket is dropped with it, so that a store which
 * comes back does not find the same package many times over. */
static void start_over(struct cb_delivery *d)
{
    struct cb_error e;
    d->in_flight = CB_NOTHING;
    back_off(d);
    cb_delivery_close(d);
    if (cb_delivery_open(d, &e) < 0)
        cb_err(d, "%s: %s, trying again", e.where, e.text);
}

static void give_up(struct cb_delivery *d)
{
    cb_warn(d, "no answer from the store in %lld ms, sending again: id=%s",
            (long long) d->timeout_ms, d->id);
    d->timeout_ms = d->timeout_ms * 2 > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : d->timeout_ms * 2;
    start_over(d);
}

static bool can_send(struct cb_delivery *d)
{
    int events = 0;
    size_t n = sizeof events;
    return zmq_getsockopt(d->socket, ZMQ_EVENTS, &events, &n) == 0 && (events & ZMQ_POLLOUT);
}

static void sent(struct cb_delivery *d, int kind)
{
    d->in_flight = kind;
    d->sent_ns = cb_clock_mono_ns();
    d->deadline_ns = in_ms(d->timeout_ms);
    d->stats.n_sent += kind == CB_A_PACKAGE;
}

/* @return 1: tried; 0: there is none */
static int send_package(struct cb_delivery *d)
{
    struct cb_bus_loaded l;
    struct cb_error e;
    char id[CB_UUID_LEN];
    CB_AUTO_FREE char *dir = NULL;
    if (d->source->next(d->source->self, id, &dir) < 0)
        return 0;
    int r = cb_bus_load(id, dir, &l, &e);
    if (r == -EBADMSG) {
        set_aside(d, id, e.text);
        return 1;
    }
    if (r < 0) {
        cb_warn(d, "a package cannot be read, trying again: id=%s reason=%s", id, e.text);
        back_off(d);
        return 1;
    }
    memcpy(d->id, id, sizeof d->id);
    if (cb_bus_loaded_send(d->socket, &l) == 0)
        sent(d, CB_A_PACKAGE);
    else
        start_over(d);
    cb_bus_loaded_deinit(&l);
    return 1;
}

static int send_minutes(struct cb_delivery *d)
{
    CB_AUTO_FREE char *json = NULL;
    uint8_t number[8];
    if (!d->source->next_minutes ||
        d->source->next_minutes(d->source->self, &d->number, &json) < 0)
        return 0;
    cb_bus_u64_print(d->number, number);
    if (cb_bus_send_head(d->socket, CB_BUS_MINUTES) == 0 &&
        cb_bus_send(d->socket, number, sizeof number, true) == 0 &&
        cb_bus_send(d->socket, json, strlen(json), false) == 0)
        sent(d, CB_MINUTES);
    else
        start_over(d);
    return 1;
}

void cb_delivery_tell_cameras(struct cb_delivery *d, const char *json)
{
    static const uint8_t nothing[8];
    if (!d->socket || !d->stats.is_connected || !can_send(d))
        return;
    if (cb_bus_send_head(d->socket, CB_BUS_CAMERAS) < 0 ||
        cb_bus_send(d->socket, nothing, sizeof nothing, true) < 0 ||
        cb_bus_send(d->socket, json, strlen(json), false) < 0)
        start_over(d);
}

static void send_due(struct cb_delivery *d)
{
    d->wants_out = false;
    int64_t now_ns = cb_clock_mono_ns();
    if (d->in_flight != CB_NOTHING || now_ns < d->not_before_ns || now_ns < d->idle_until_ns)
        return;
    if (!d->stats.is_connected) /* the monitor will tell */
        return;
    if (!can_send(d)) {
        d->wants_out = true;
        return;
    }
    d->was_minutes = !d->was_minutes;
    int r = d->was_minutes ? send_minutes(d) : send_package(d);
    if (r == 0)
        r = d->was_minutes ? send_package(d) : send_minutes(d);
    if (r == 0)
        d->idle_until_ns = in_ms(IDLE_MS);
}

void cb_delivery_wake(struct cb_delivery *d)
{
    d->idle_until_ns = 0;
}

void cb_delivery_hurry(struct cb_delivery *d)
{
    if (d->is_hurried)
        return;
    d->is_hurried = true;
    d->backoff_ms = d->opts->retry_min_ms;
    d->not_before_ns = 0;
}

void cb_delivery_turn(struct cb_delivery *d)
{
    if (!d->socket) { /* reopening failed before */
        struct cb_error e;
        if (cb_clock_mono_ns() < d->not_before_ns)
            return;
        if (cb_delivery_open(d, &e) < 0) {
            back_off(d);
            return;
        }
    }
    read_replies(d); /* first: an answer that came just before the link broke still counts */
    read_monitor(d);
    if (d->in_flight != CB_NOTHING && cb_clock_mono_ns() > d->deadline_ns)
        give_up(d);
    if (d->socket)
        send_due(d);
}

int64_t cb_delivery_due_ns(const struct cb_delivery *d)
{
    if (d->in_flight != CB_NOTHING)
        return d->deadline_ns;
    if (d->wants_out || !d->stats.is_connected) /* polled for */
        return in_ms(IDLE_MS);
    return d->not_before_ns > d->idle_until_ns ? d->not_before_ns : d->idle_until_ns;
}
