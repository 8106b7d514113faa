#include "announce.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "schema/alert.h"

#define ALERTS_A_TURN 100  /* then replay and delivery have their turn */
#define REPLAY_MAX 500     /* alerts of one answer; the asker asks on */
#define REQUEST_BYTES_MAX 1024
#define ALERTS_HIGH_WATER 10000

static int open_server(struct cb_announcer *a, int type, const char *endpoint, const char *name,
                       char domain[64], void **ret, struct cb_error *reterr)
{
    struct cb_bus_socket_opts o = {
        .type = type,
        .endpoint = endpoint,
        .is_server = true,
        .domain = domain,
        .curve = a->opts->curve,
        .high_water = ALERTS_HIGH_WATER,
        .n_bytes_max = REQUEST_BYTES_MAX, /* all that comes in are subscriptions and requests */
    };
    snprintf(domain, 64, "%s-%p", name, (void *) a);
    int r = o.curve ? cb_bus_context_allow(a->ctx, domain, o.curve) : 0;
    if (r < 0)
        return cb_error_set(reterr, r, endpoint, "no room for its list of keys");
    return cb_bus_socket_open(a->ctx, &o, ret, reterr);
}

int cb_announcer_open(struct cb_announcer *a, struct cb_error *reterr)
{
    const struct cb_bus_opts *o = a->opts;
    int r = 0;
    if (o->alerts_endpoint)
        r = open_server(a, ZMQ_XPUB, o->alerts_endpoint, "alerts", a->alerts_domain, &a->alerts,
                        reterr);
    if (r == 0 && o->replay_endpoint)
        r = open_server(a, ZMQ_ROUTER, o->replay_endpoint, "replay", a->replay_domain, &a->replay,
                        reterr);
    if (r < 0) {
        cb_announcer_close(a);
        return r;
    }
    if (a->source->last)
        a->last = a->source->last(a->source->self);
    return 0;
}

void cb_announcer_close(struct cb_announcer *a)
{
    cb_bus_socket_close(&a->alerts);
    cb_bus_socket_close(&a->replay);
    cb_bus_context_forget(a->ctx, a->alerts_domain);
    cb_bus_context_forget(a->ctx, a->replay_domain);
}

static void topic_of(const char *json, char *ret, size_t size)
{
    struct cb_alert alert;
    if (cb_alert_parse(json, strlen(json), &alert) == 0)
        cb_alert_topic(&alert, ret, size);
    else
        snprintf(ret, size, "alert.unknown.unknown.unknown");
}

static int send_alert(void *socket, uint64_t sequence, const char *json, bool more)
{
    char topic[CB_NAME_LEN + 64];
    uint8_t be[8];
    int r;
    topic_of(json, topic, sizeof topic);
    cb_bus_u64_print(sequence, be);
    if ((r = cb_bus_send(socket, topic, strlen(topic), true)) < 0 ||
        (r = cb_bus_send(socket, be, sizeof be, true)) < 0)
        return r;
    return cb_bus_send(socket, json, strlen(json), more);
}

/* @return true when the outbox may hold more */
static bool publish(struct cb_announcer *a)
{
    for (int i = 0; i < ALERTS_A_TURN; i++) {
        CB_AUTO_FREE char *json = NULL;
        uint64_t sequence;
        if (a->source->next_alert(a->source->self, &sequence, &json) < 0)
            return false;
        int r = send_alert(a->alerts, sequence, json, false);
        if (r == 0)
            r = a->source->announced(a->source->self, sequence);
        if (r < 0) { /* announced twice rather than never */
            cb_err(a, "an alert cannot be announced, trying again: sequence=%" PRIu64 " error=%s",
                   sequence, strerror(-r));
            return false;
        }
        a->last = sequence;
        a->n_alerts++;
    }
    return true;
}

/* Tells a listener which sequence it should have by now. */
static void beat(struct cb_announcer *a)
{
    char json[160], at[CB_UTC_LEN], topic[CB_CAMERA_ID_LEN + 16];
    uint8_t be[8];
    if (a->opts->heartbeat_ms < 0 || cb_clock_mono_ns() < a->heartbeat_ns)
        return;
    a->heartbeat_ns = cb_clock_mono_ns() + a->opts->heartbeat_ms * CB_NS_PER_MS;
    cb_utc_print(cb_clock_now_ns(), at);
    snprintf(topic, sizeof topic, "heartbeat.%s", a->opts->node);
    snprintf(json, sizeof json, "{\"type\":\"heartbeat\",\"sequence\":%" PRIu64 ",\"at\":\"%s\"}",
             a->last, at);
    cb_bus_u64_print(a->last, be);
    cb_bus_send(a->alerts, topic, strlen(topic), true);
    cb_bus_send(a->alerts, be, sizeof be, true);
    cb_bus_send(a->alerts, json, strlen(json), false);
}

static void drop_all(void *socket)
{
    struct cb_bus_message m;
    while (cb_bus_message_recv(socket, &m) == 0)
        cb_bus_message_close(&m);
}

/* Replay */

struct page {
    uint64_t sequence[REPLAY_MAX];
    char *json[REPLAY_MAX];
    size_t n;
    bool has_more;
};

static int add_to_page(void *arg, uint64_t sequence, const char *json)
{
    struct page *p = arg;
    if (p->n == REPLAY_MAX) {
        p->has_more = true;
        return 1;
    }
    if (!(p->json[p->n] = strdup(json)))
        return -ENOMEM;
    p->sequence[p->n++] = sequence;
    return 0;
}

static int read_u64(json_t *o, const char *key, uint64_t absent, uint64_t *ret)
{
    json_t *v = json_object_get(o, key);
    if (v && (!json_is_integer(v) || json_integer_value(v) < 0))
        return -EINVAL;
    *ret = v ? (uint64_t) json_integer_value(v) : absent;
    return 0;
}

/* {"from": N} or {"from": N, "to": M}, or N alone as 8 bytes big-endian */
static int parse_request(const struct cb_bus_frame *f, uint64_t *ret_from, uint64_t *ret_to)
{
    if (f->n == 8) {
        *ret_from = cb_bus_u64_parse(f->data);
        *ret_to = INT64_MAX;
        return 0;
    }
    json_t *o = json_loadb(f->data, f->n, JSON_REJECT_DUPLICATES, NULL);
    int r = json_is_object(o) && json_object_get(o, "from") ? 0 : -EINVAL;
    if (r == 0 && (r = read_u64(o, "from", 0, ret_from)) == 0)
        r = read_u64(o, "to", INT64_MAX, ret_to);
    json_decref(o);
    return r;
}

static void send_page(struct cb_announcer *a, const struct page *p, uint64_t from)
{
    char head[160];
    uint64_t next = p->n ? p->sequence[p->n - 1] + 1 : from;
    snprintf(head, sizeof head,
             "{\"from\":%" PRIu64 ",\"count\":%zu,\"more\":%s,\"next\":%" PRIu64 "}", from, p->n,
             p->has_more ? "true" : "false", next);
    cb_bus_send(a->replay, head, strlen(head), p->n > 0);
    for (size_t i = 0; i < p->n; i++)
        send_alert(a->replay, p->sequence[i], p->json[i], i + 1 < p->n);
}

static void answer(struct cb_announcer *a, const struct cb_bus_frame *asker,
                   const struct cb_bus_frame *request)
{
    static const char *const bad = "{\"error\":\"expected {\\\"from\\\": N, \\\"to\\\": M} or 8 "
                                   "bytes big-endian\"}";
    static const char *const broken = "{\"error\":\"the outbox cannot be read now\"}";
    struct page *p = calloc(1, sizeof *p);
    uint64_t from = 0, to = 0;
    int r = p ? parse_request(request, &from, &to) : -ENOMEM;
    const char *error = r == -EINVAL ? bad : NULL;
    if (r == 0)
        r = a->source->replay(a->source->self, from, to, add_to_page, p);
    if (r < 0 && !error)
        error = broken;
    cb_bus_send(a->replay, asker->data, asker->n, true);
    cb_bus_send(a->replay, "", 0, true);
    if (error)
        cb_bus_send(a->replay, error, strlen(error), false);
    else
        send_page(a, p, from);
    for (size_t i = 0; p && i < p->n; i++)
        free(p->json[i]);
    free(p);
    a->n_replays++;
}

/* One asker a turn: a long catch-up does not hold up the live alerts. */
static bool answer_one(struct cb_announcer *a)
{
    struct cb_bus_message m;
    if (cb_bus_message_recv(a->replay, &m) < 0)
        return false;
    if (m.n == 3 && m.frame[1].n == 0)
        answer(a, &m.frame[0], &m.frame[2]);
    cb_bus_message_close(&m);
    return true;
}

bool cb_announcer_turn(struct cb_announcer *a)
{
    bool has_more = false;
    if (a->alerts) {
        drop_all(a->alerts);
        has_more = publish(a);
        beat(a);
    }
    if (a->replay)
        has_more = answer_one(a) || has_more;
    return has_more;
}

int64_t cb_announcer_due_ns(const struct cb_announcer *a)
{
    return a->alerts && a->opts->heartbeat_ms >= 0 ? a->heartbeat_ns : INT64_MAX;
}
