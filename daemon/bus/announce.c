#include "announce.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "readers.h"
#include "schema/alert.h"

#define ALERTS_A_TURN 100  /* then replay and delivery have their turn */
#define REPLAY_MAX 500     /* alerts of one answer; the asker asks on */
#define REPLAY_LOOK_MAX 5000 /* alerts looked at for one answer to a reader of some districts */
#define REQUEST_BYTES_MAX 1024
/* What waits in memory for one reader who stands still, some 3 MiB of alerts; then it is cut off. */
#define ALERTS_HIGH_WATER 2000
/* Answers and requests that wait for or of one asker: it asks one thing after the other. */
#define REPLAY_HIGH_WATER 2
#define REOPEN_MS 50

/* An XPUB whose readers differ in what they may have asks us about each subscription; of another we
 * hear of each, not of the first of its kind alone. */
static int ask_for_each(void *arg, void *socket)
{
    const struct cb_announcer *a = arg;
    int yes = 1, option = a->alerts_curve ? ZMQ_XPUB_MANUAL : ZMQ_XPUB_VERBOSE;
    return zmq_setsockopt(socket, option, &yes, sizeof yes) == 0 ? 0 : -errno;
}

static int open_socket(struct cb_announcer *a, int type, const char *endpoint, const char *domain,
                       void **ret, struct cb_error *reterr)
{
    struct cb_bus_socket_opts o = {
        .type = type,
        .endpoint = endpoint,
        .is_server = true,
        .domain = domain,
        .curve = a->opts->curve,
        .high_water = type == ZMQ_XPUB ? ALERTS_HIGH_WATER : REPLAY_HIGH_WATER,
        .n_bytes_max = REQUEST_BYTES_MAX, /* all that comes in are subscriptions and requests */
        .before = type == ZMQ_XPUB ? ask_for_each : NULL,
        .arg = a,
    };
    return cb_bus_socket_open(a->ctx, &o, ret, reterr);
}

static int open_server(struct cb_announcer *a, int type, const char *endpoint, const char *name,
                       char domain[64], void **ret, struct cb_error *reterr)
{
    snprintf(domain, 64, "%s-%p", name, (void *) a);
    int r = a->opts->curve ? cb_bus_context_allow(a->ctx, domain, a->opts->curve) : 0;
    if (r < 0)
        return cb_error_set(reterr, r, endpoint, "no room for its list of keys");
    return open_socket(a, type, endpoint, domain, ret, reterr);
}

/* The districts of the allow-list, each once. What was announced before is not looked through: a
 * pulse may name a sequence of another district, which costs its reader one question. */
static int make_pulses(struct cb_announcer *a)
{
    const struct cb_bus_curve *c = a->opts->curve;
    size_t cap = 0;
    free(a->pulse);
    a->pulse = NULL;
    a->n_pulses = 0;
    for (size_t i = 0; c && i < c->n_allowed; i++)
        for (size_t k = 0; k < c->allowed[i].n_districts; k++) {
            const char *district = c->allowed[i].district[k];
            size_t p = 0;
            while (p < a->n_pulses && strcmp(a->pulse[p].district, district))
                p++;
            if (p < a->n_pulses)
                continue;
            if (cb_grow((void **) &a->pulse, &cap, a->n_pulses + 1, sizeof *a->pulse) < 0)
                return -ENOMEM;
            a->pulse[a->n_pulses] = (struct cb_pulse) {.sequence = a->last};
            snprintf(a->pulse[a->n_pulses++].district, CB_NAME_LEN, "%s", district);
        }
    return 0;
}

int cb_announcer_open(struct cb_announcer *a, struct cb_error *reterr)
{
    const struct cb_bus_opts *o = a->opts;
    int r = 0;
    a->alerts_curve = o->alerts_endpoint && cb_bus_has_tcp(o->alerts_endpoint) ? o->curve : NULL;
    a->replay_curve = o->replay_endpoint && cb_bus_has_tcp(o->replay_endpoint) ? o->curve : NULL;
    if (o->alerts_endpoint)
        r = open_server(a, ZMQ_XPUB, o->alerts_endpoint, "alerts", a->alerts_domain, &a->alerts,
                        reterr);
    if (r == 0 && o->replay_endpoint)
        r = open_server(a, ZMQ_ROUTER, o->replay_endpoint, "replay", a->replay_domain, &a->replay,
                        reterr);
    if (a->source->last)
        a->last = a->source->last(a->source->self);
    if (r == 0 && (r = make_pulses(a)) < 0)
        cb_error_set(reterr, r, "bus", "out of memory");
    if (r < 0)
        cb_announcer_close(a);
    return r;
}

void cb_announcer_close(struct cb_announcer *a)
{
    cb_bus_socket_close(&a->alerts);
    cb_bus_socket_close(&a->replay);
    cb_bus_context_forget(a->ctx, a->alerts_domain);
    cb_bus_context_forget(a->ctx, a->replay_domain);
    cb_health_news_deinit(&a->health);
    free(a->pulse);
    a->pulse = NULL;
    a->n_pulses = 0;
}

/* libzmq knows no way to part one reader from a socket, so all are: they are back in a moment, and
 * nothing is announced until then. */
static void shut(struct cb_announcer *a)
{
    cb_bus_socket_close(&a->alerts);
    cb_bus_socket_close(&a->replay);
    a->reopen_ns = cb_clock_mono_ns() + REOPEN_MS * CB_NS_PER_MS;
}

static void reopen(struct cb_announcer *a)
{
    struct cb_error e = {0};
    const struct cb_bus_opts *o = a->opts;
    int r = 0;
    if (cb_clock_mono_ns() < a->reopen_ns)
        return;
    if (o->alerts_endpoint && !a->alerts)
        r = open_socket(a, ZMQ_XPUB, o->alerts_endpoint, a->alerts_domain, &a->alerts, &e);
    if (r == 0 && o->replay_endpoint && !a->replay)
        r = open_socket(a, ZMQ_ROUTER, o->replay_endpoint, a->replay_domain, &a->replay, &e);
    a->reopen_ns = r < 0 ? cb_clock_mono_ns() + REOPEN_MS * CB_NS_PER_MS : 0;
    if (r < 0 && r != -EADDRINUSE) /* that is our own old socket, for a moment */
        cb_err(a, "%s: %s, trying again", e.where, e.text);
}

void cb_announcer_allow(struct cb_announcer *a, bool are_rights_kept)
{
    const struct cb_bus_curve *c = a->opts->curve;
    if (!c)
        return;
    if ((a->alerts_domain[0] && cb_bus_context_allow(a->ctx, a->alerts_domain, c) < 0) ||
        (a->replay_domain[0] && cb_bus_context_allow(a->ctx, a->replay_domain, c) < 0) ||
        make_pulses(a) < 0)
        cb_err(a, "out of memory, some readers of alerts may be refused");
    if (!are_rights_kept)
        shut(a);
}

static void topic_of(const char *json, char *ret, size_t size)
{
    struct cb_alert alert;
    if (cb_alert_parse(json, strlen(json), &alert) == 0)
        cb_alert_topic(&alert, ret, size);
    else
        snprintf(ret, size, "alert.unknown.unknown.unknown");
}

static int send_frames(void *socket, const char *topic, uint64_t sequence, const char *json,
                       bool more)
{
    uint8_t be[8];
    int r;
    cb_bus_u64_print(sequence, be);
    if ((r = cb_bus_send(socket, topic, strlen(topic), true)) < 0 ||
        (r = cb_bus_send(socket, be, sizeof be, true)) < 0)
        return r;
    return cb_bus_send(socket, json, strlen(json), more);
}

/*
 * To each reader, or to none: with XPUB_NODROP a reader whose queue is full fails the whole, and
 * that is how we learn of it, once for each time that one fills up. Then it is sent without.
 */
static int announce(struct cb_announcer *a, const char *topic, uint64_t sequence,
                    const char *json)
{
    int yes = 1, no = 0;
    zmq_setsockopt(a->alerts, ZMQ_XPUB_NODROP, &yes, sizeof yes);
    int r = send_frames(a->alerts, topic, sequence, json, false);
    zmq_setsockopt(a->alerts, ZMQ_XPUB_NODROP, &no, sizeof no);
    if (r != -EAGAIN)
        return r;
    a->n_cut_off++;
    cb_warn(a, "a reader of alerts stands still and gets no more until it has read what waits for "
               "it; it then sees by the sequence what to ask for: sequence=%" PRIu64, sequence);
    return send_frames(a->alerts, topic, sequence, json, false);
}

static void note_pulse(struct cb_announcer *a, uint64_t sequence, const char *topic)
{
    const char *district = strchr(topic, '.') + 1;
    for (size_t i = 0; i < a->n_pulses; i++) {
        size_t n = strlen(a->pulse[i].district);
        if (strncmp(district, a->pulse[i].district, n) == 0 && district[n] == '.')
            a->pulse[i].sequence = sequence;
    }
}

/* @return true when the outbox may hold more */
static bool publish(struct cb_announcer *a)
{
    for (int i = 0; i < ALERTS_A_TURN; i++) {
        CB_AUTO_FREE char *json = NULL;
        uint64_t sequence;
        if (a->source->next_alert(a->source->self, &sequence, &json) < 0)
            return false;
        char topic[CB_NAME_LEN + 64];
        topic_of(json, topic, sizeof topic);
        int r = announce(a, topic, sequence, json);
        if (r == 0)
            r = a->source->announced(a->source->self, sequence);
        if (r < 0) { /* announced twice rather than never */
            cb_err(a, "an alert cannot be announced, trying again: sequence=%" PRIu64 " error=%s",
                   sequence, strerror(-r));
            return false;
        }
        a->last = sequence;
        a->n_alerts++;
        if (a->n_pulses)
            note_pulse(a, sequence, topic);
    }
    return true;
}

/* Tells a listener which sequence it should have by now; district: of these alerts, or NULL. */
static void send_beat(struct cb_announcer *a, const char *topic, const char *type,
                      const char *district, uint64_t sequence)
{
    char at[CB_UTC_LEN];
    cb_utc_print(cb_clock_now_ns(), at);
    json_t *o = json_pack("{s:s, s:s*, s:I, s:s}", "type", type, "district", district, "sequence",
                          (json_int_t) sequence, "at", at);
    CB_AUTO_FREE char *json = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (json)
        announce(a, topic, sequence, json);
}

static void beat(struct cb_announcer *a)
{
    char topic[CB_NAME_LEN + CB_CAMERA_ID_LEN + 16];
    if (a->opts->heartbeat_ms < 0 || cb_clock_mono_ns() < a->heartbeat_ns)
        return;
    a->heartbeat_ns = cb_clock_mono_ns() + a->opts->heartbeat_ms * CB_NS_PER_MS;
    snprintf(topic, sizeof topic, "heartbeat.%s", a->opts->node);
    send_beat(a, topic, "heartbeat", NULL, a->last);
    for (size_t i = 0; i < a->n_pulses; i++) {
        const struct cb_pulse *p = &a->pulse[i];
        snprintf(topic, sizeof topic, "pulse.%s.%s", p->district, a->opts->node);
        send_beat(a, topic, "pulse", p->district, p->sequence);
    }
}

/* No alert's number goes with it: 0. */
static void say_health(void *self, const struct cb_health *h)
{
    struct cb_announcer *a = self;
    char topic[2 * CB_NAME_LEN + 64];
    CB_AUTO_FREE char *json = NULL;
    cb_health_topic(h, topic, sizeof topic);
    if (a->alerts && cb_health_print(h, &json) == 0)
        announce(a, topic, 0, json);
}

void cb_announcer_tell_health(struct cb_announcer *a, struct cb_health *h, size_t n)
{
    cb_health_news_exchange(&a->health, h, n, say_health, a);
}

/* What readers send is one frame that begins with 0 or 1. */
static bool is_subscription(const struct cb_bus_message *m)
{
    const uint8_t *data = m->frame[0].data;
    return m->n == 1 && m->frame[0].n > 0 && data[0] <= 1;
}

static void bar(struct cb_announcer *a, zmq_msg_t *m)
{
    const char *key = zmq_msg_gets(m, "User-Id");
    cb_err(a, "a reader of alerts sends what is no subscription: all are parted, its key is refused "
              "until the list is read again: key=%s", key ? key : "none");
    if (!key)
        return;
    cb_bus_context_bar(a->ctx, a->alerts_domain, key);
    cb_bus_context_bar(a->ctx, a->replay_domain, key);
}

/*
 * libzmq 4.3.4 takes a message that is no subscription for one when it counts whose turn it is (its
 * queue of pipes in manual mode is then one ahead): what comes behind would be given to another
 * reader. So from there on nobody is given anything, and all have to come anew.
 */
static void read_subscriptions(struct cb_announcer *a)
{
    struct cb_bus_message m;
    bool is_out_of_step = false;
    while (cb_bus_message_recv(a->alerts, &m) == 0) {
        cb_health_news_hurry(&a->health); /* who comes is told how things stand */
        if (a->alerts_curve && !is_subscription(&m)) {
            bar(a, &m.msg[0]);
            is_out_of_step = true;
        } else if (a->alerts_curve && !is_out_of_step) {
            cb_reader_subscribe(a->alerts, &m.msg[0], a->alerts_curve);
        }
        cb_bus_message_close(&m);
    }
    if (is_out_of_step)
        shut(a);
}

/* Replay */

struct page {
    struct cb_reader reader;
    uint64_t sequence[REPLAY_MAX];
    char *json[REPLAY_MAX];
    size_t n, n_seen;
    uint64_t seen;  /* the last one that was looked at, whosever it is */
    bool has_more;
};

static bool is_readers(const struct page *p, const char *json)
{
    char topic[CB_NAME_LEN + 64];
    if (cb_reader_has_all(&p->reader))
        return true;
    topic_of(json, topic, sizeof topic);
    return cb_reader_may(&p->reader, topic);
}

static int add_to_page(void *arg, uint64_t sequence, const char *json)
{
    struct page *p = arg;
    if (p->n == REPLAY_MAX || p->n_seen == REPLAY_LOOK_MAX) {
        p->has_more = true;
        return 1;
    }
    if (is_readers(p, json)) {
        if (!(p->json[p->n] = strdup(json)))
            return -ENOMEM;
        p->sequence[p->n++] = sequence;
    }
    p->n_seen++;
    p->seen = sequence;
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

/* What to ask for next. A reader of some districts need not ask again for what is not its own. */
static uint64_t next_of(const struct cb_announcer *a, const struct page *p, uint64_t from,
                        uint64_t to)
{
    if (p->has_more)
        return p->seen + 1;
    if (cb_reader_has_all(&p->reader))
        return p->n ? p->seen + 1 : from;
    uint64_t end = to < a->last ? to : a->last;
    return end >= from ? end + 1 : from;
}

static void send_page(struct cb_announcer *a, const struct page *p, uint64_t from, uint64_t to)
{
    CB_AUTO_FREE char *districts = cb_reader_districts(&p->reader);
    json_t *o = json_pack("{s:I, s:I, s:b, s:I}", "from", (json_int_t) from, "count",
                          (json_int_t) p->n, "more", p->has_more, "next",
                          (json_int_t) next_of(a, p, from, to));
    if (o && districts)
        json_object_set_new(o, "districts", json_loads(districts, 0, NULL));
    CB_AUTO_FREE char *head = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!head)
        return;
    cb_bus_send(a->replay, head, strlen(head), p->n > 0);
    for (size_t i = 0; i < p->n; i++) {
        char topic[CB_NAME_LEN + 64];
        topic_of(p->json[i], topic, sizeof topic);
        send_frames(a->replay, topic, p->sequence[i], p->json[i], i + 1 < p->n);
    }
}

static void answer(struct cb_announcer *a, const struct cb_reader *reader,
                   const struct cb_bus_frame *asker, const struct cb_bus_frame *request)
{
    static const char *const bad = "{\"error\":\"expected {\\\"from\\\": N, \\\"to\\\": M} or 8 "
                                   "bytes big-endian\"}";
    static const char *const broken = "{\"error\":\"the outbox cannot be read now\"}";
    struct page *p = calloc(1, sizeof *p);
    uint64_t from = 0, to = 0;
    int r = p ? parse_request(request, &from, &to) : -ENOMEM;
    const char *error = r == -EINVAL ? bad : NULL;
    if (p)
        p->reader = *reader;
    if (r == 0)
        r = a->source->replay(a->source->self, from, to, add_to_page, p);
    if (r < 0 && !error)
        error = broken;
    cb_bus_send(a->replay, asker->data, asker->n, true);
    cb_bus_send(a->replay, "", 0, true);
    if (error)
        cb_bus_send(a->replay, error, strlen(error), false);
    else
        send_page(a, p, from, to);
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
    if (m.n == 3 && m.frame[1].n == 0) {
        struct cb_reader reader = cb_reader_of(&m.msg[2], a->replay_curve);
        answer(a, &reader, &m.frame[0], &m.frame[2]);
    }
    cb_bus_message_close(&m);
    return true;
}

bool cb_announcer_turn(struct cb_announcer *a)
{
    bool has_more = false;
    if (a->reopen_ns)
        reopen(a);
    if (a->alerts)
        read_subscriptions(a);
    if (a->alerts) {
        has_more = publish(a);
        beat(a);
        cb_health_news_repeat(&a->health, say_health, a);
    }
    if (a->replay)
        has_more = answer_one(a) || has_more;
    return has_more;
}

int64_t cb_announcer_due_ns(const struct cb_announcer *a)
{
    int64_t beat_ns = a->alerts && a->opts->heartbeat_ms >= 0 ? a->heartbeat_ns : INT64_MAX;
    int64_t health_ns = a->alerts ? cb_health_news_due_ns(&a->health) : INT64_MAX;
    beat_ns = health_ns < beat_ns ? health_ns : beat_ns;
    return a->reopen_ns && a->reopen_ns < beat_ns ? a->reopen_ns : beat_ns;
}
