#include "bus/subscriber.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "context.h"
#include "message.h"

#define ANSWER_MS 3000
#define TOPIC_LEN 256

/*
 * `next` is the sequence that is due. Live alerts below it were seen already, a live one above it
 * opens a gap: [next, it) is asked for, and the live one is held back until that is through.
 * Heartbeats open a gap the same way, when the edge is ahead of what came. A reader of some
 * districts hears their pulses instead, and is told by the answer's head how far it has all of its own.
 * A heartbeat far below `next` has waited in the queue while a gap was filled, or the edge counts anew:
 * it is asked for what was heard last.
 */
struct cb_bus_subscriber {
    /* set at create, then immutable */
    struct cb_bus_context *ctx;
    struct cb_log log;
    char topic[TOPIC_LEN];
    bool has_health;

    void *live, *asker;
    bool has_next;
    uint64_t next;
    uint64_t gap_to;           /* fill [next, gap_to]; 0: no gap */
    bool is_open_end;          /* fill from `next` to whatever there is */
    bool is_in_doubt;          /* whether the edge still counts as it did */
    uint64_t n_missed;

    zmq_msg_t *page;           /* the answer's frames after its head: topic, sequence, JSON … */
    size_t n_page, page_cap, i_page;

    bool has_held;
    char held_topic[TOPIC_LEN];
    char *held_json;
    uint64_t held_sequence;

    char ret_topic[TOPIC_LEN]; /* lent to the caller */
    char *ret_json;
};

static int open_socket(struct cb_bus_subscriber *s, int type, const char *endpoint,
                       const struct cb_bus_curve *curve, void **ret, struct cb_error *reterr)
{
    struct cb_bus_socket_opts o = {
        .type = type,
        .endpoint = endpoint,
        .curve = curve,
        .high_water = 10000,
        .n_bytes_max = 1 << 20,
    };
    return cb_bus_socket_open(s->ctx, &o, ret, reterr);
}

int cb_bus_subscriber_create(struct cb_bus_subscriber **ret, struct cb_bus_context *ctx,
                             const struct cb_bus_subscriber_opts *opts, struct cb_error *reterr)
{
    struct cb_bus_subscriber *s = calloc(1, sizeof *s);
    if (!s)
        return cb_error_set(reterr, -ENOMEM, "bus", "out of memory");
    s->ctx = ctx;
    s->log = (struct cb_log) {"tail", NULL};
    s->has_next = s->is_open_end = opts->has_from;
    s->next = opts->from;
    s->has_health = opts->has_health;
    snprintf(s->topic, sizeof s->topic, "%s", opts->topic ? opts->topic : "");
    int r = open_socket(s, ZMQ_SUB, opts->alerts_endpoint, opts->curve, &s->live, reterr);
    if (r == 0 && opts->replay_endpoint)
        r = open_socket(s, ZMQ_DEALER, opts->replay_endpoint, opts->curve, &s->asker, reterr);
    if (r < 0)
        goto fail;
    /* all topics, whichever is wanted: only then do sequences without a gap mean nothing is lost */
    if (zmq_setsockopt(s->live, ZMQ_SUBSCRIBE, "", 0) != 0) {
        r = cb_error_set(reterr, -errno, opts->alerts_endpoint, "%s", zmq_strerror(errno));
        goto fail;
    }
    *ret = s;
    return 0;
fail:
    cb_bus_subscriber_destroy(&s);
    return r;
}

static void close_page(struct cb_bus_subscriber *s)
{
    for (size_t i = 0; i < s->n_page; i++)
        zmq_msg_close(&s->page[i]);
    s->n_page = s->i_page = 0;
}

void cb_bus_subscriber_destroy(struct cb_bus_subscriber **subscriber)
{
    struct cb_bus_subscriber *s = *subscriber;
    if (!s)
        return;
    *subscriber = NULL;
    close_page(s);
    free(s->page);
    cb_bus_socket_close(&s->live);
    cb_bus_socket_close(&s->asker);
    free(s->held_json);
    free(s->ret_json);
    free(s);
}

uint64_t cb_bus_subscriber_n_missed(const struct cb_bus_subscriber *s)
{
    return s->n_missed;
}

/* Asking for what was missed */

static int add_frame(struct cb_bus_subscriber *s, zmq_msg_t *m)
{
    if (cb_grow((void **) &s->page, &s->page_cap, s->n_page + 1, sizeof *s->page) < 0)
        return -ENOMEM;
    zmq_msg_init(&s->page[s->n_page]);
    zmq_msg_move(&s->page[s->n_page++], m);
    return 0;
}

struct head {
    bool has_more, is_limited;
    uint64_t from, next;
};

static int read_head(zmq_msg_t *m, struct head *ret)
{
    json_t *o = json_loadb(zmq_msg_data(m), zmq_msg_size(m), 0, NULL);
    int r = json_is_object(o) && !json_object_get(o, "error") ? 0 : -EBADMSG;
    ret->has_more = json_is_true(json_object_get(o, "more"));
    ret->is_limited = json_is_array(json_object_get(o, "districts"));
    json_int_t from = json_integer_value(json_object_get(o, "from"));
    ret->from = from > 0 ? (uint64_t) from : 0;
    json_int_t next = json_integer_value(json_object_get(o, "next"));
    ret->next = next > 0 ? (uint64_t) next : 0;
    json_decref(o);
    return r;
}

/* All frames of one answer: empty, head, then three an alert. The head leaves the page. */
static int read_page(struct cb_bus_subscriber *s, struct head *ret)
{
    bool has_more = true;
    int r = 0;
    close_page(s);
    while (has_more) {
        zmq_msg_t m;
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, s->asker, 0) < 0) {
            zmq_msg_close(&m);
            return -errno;
        }
        has_more = zmq_msg_more(&m);
        if (r == 0)
            r = add_frame(s, &m);
        zmq_msg_close(&m);
    }
    if (r < 0 || s->n_page < 2 || zmq_msg_size(&s->page[0]) != 0 || (s->n_page - 2) % 3 != 0)
        return r < 0 ? r : -EBADMSG;
    s->i_page = 2;
    return read_head(&s->page[1], ret);
}

/* @param to 0: whatever there is */
static int send_question(struct cb_bus_subscriber *s, uint64_t from, uint64_t to)
{
    char request[96];
    if (to == 0)
        snprintf(request, sizeof request, "{\"from\":%llu}", (unsigned long long) from);
    else
        snprintf(request, sizeof request, "{\"from\":%llu,\"to\":%llu}", (unsigned long long) from,
                 (unsigned long long) to);
    if (cb_bus_send(s->asker, "", 0, true) < 0 ||
        cb_bus_send(s->asker, request, strlen(request), false) < 0)
        return -EAGAIN;
    return 0;
}

/* An answer that came too late for its question must not answer this one: its head says what it is of. */
static int read_answer(struct cb_bus_subscriber *s, uint64_t from, struct head *ret)
{
    int64_t end_ns = cb_clock_mono_ns() + ANSWER_MS * CB_NS_PER_MS;
    for (;;) {
        int64_t left_ms = (end_ns - cb_clock_mono_ns()) / CB_NS_PER_MS;
        zmq_pollitem_t item = {.socket = s->asker, .events = ZMQ_POLLIN};
        if (zmq_poll(&item, 1, left_ms > 0 ? (long) left_ms : 0) <= 0)
            return -EAGAIN;
        int r = read_page(s, ret);
        if (r < 0 || ret->from == from)
            return r;
        close_page(s);
    }
}

static int ask(struct cb_bus_subscriber *s, uint64_t from, uint64_t to, int timeout_ms,
               struct head *ret)
{
    zmq_pollitem_t item = {.socket = s->asker, .events = ZMQ_POLLOUT};
    if (!s->asker)
        return -ENOTCONN;
    if (zmq_poll(&item, 1, timeout_ms) <= 0)
        return -EAGAIN;
    int r = send_question(s, from, to);
    return r == 0 ? read_answer(s, from, ret) : r;
}

static void end_gap(struct cb_bus_subscriber *s)
{
    if (!s->is_open_end && s->gap_to >= s->next) {
        s->n_missed += s->gap_to - s->next + 1;
        s->next = s->gap_to + 1;
    }
    s->gap_to = 0;
    s->is_open_end = false;
}

/* What lies before `next` is other districts': not ours, and not missed. */
static void skip(struct cb_bus_subscriber *s, uint64_t next, bool has_more)
{
    close_page(s);
    s->next = next;
    if (s->gap_to < next)
        s->gap_to = 0;
    if (!has_more)
        s->is_open_end = false;
}

/* @return 0: the page has something, or the gap is over; -EAGAIN: nobody answers yet */
static int fill(struct cb_bus_subscriber *s, int timeout_ms)
{
    struct head head = {0};
    int r = ask(s, s->next, s->is_open_end ? 0 : s->gap_to, timeout_ms, &head);
    if (r == -EAGAIN && s->is_open_end)
        return r; /* what was asked for by the user is asked for until it comes */
    if (r < 0)
        cb_warn(s, "what was missed cannot be had: %s", strerror(-r));
    if (r == 0 && s->n_page <= 2 && head.is_limited && head.next > s->next)
        skip(s, head.next, head.has_more);
    else if (r < 0 || s->n_page <= 2) {
        close_page(s);
        end_gap(s);
    } else if (!head.has_more && s->is_open_end) {
        s->is_open_end = false; /* the rest is live */
    }
    return 0;
}

static void begin_anew(struct cb_bus_subscriber *s)
{
    cb_warn(s, "the edge counts anew, after %llu", (unsigned long long) s->next - 1);
    s->next = 1;
    s->is_open_end = s->asker != NULL;
}

/* Without an answer nothing is concluded: the next heartbeat raises the doubt again. */
static void settle_doubt(struct cb_bus_subscriber *s, int timeout_ms)
{
    struct head head = {0};
    int r = ask(s, s->next - 1, 0, timeout_ms, &head);
    if (r == 0 && s->n_page <= 2 && head.next < s->next)
        begin_anew(s);
    close_page(s);
    s->is_in_doubt = false;
}

/* Giving alerts out */

static void lend(struct cb_bus_subscriber *s, uint64_t sequence, bool is_replayed,
                 struct cb_bus_alert *ret)
{
    s->has_next = true;
    s->next = sequence + 1;
    if (s->gap_to && s->next > s->gap_to)
        s->gap_to = 0;
    *ret = (struct cb_bus_alert) {s->ret_topic, sequence, s->ret_json, is_replayed, false};
}

static int keep(struct cb_bus_subscriber *s, const struct cb_bus_frame *topic,
                const struct cb_bus_frame *json)
{
    size_t n = topic->n < TOPIC_LEN - 1 ? topic->n : TOPIC_LEN - 1;
    char *copy = strndup(json->data, json->n);
    if (!copy)
        return -ENOMEM;
    memcpy(s->ret_topic, topic->data, n);
    s->ret_topic[n] = '\0';
    free(s->ret_json);
    s->ret_json = copy;
    return 0;
}

/* @return 0: given; -EAGAIN: the page is used up */
static int next_of_page(struct cb_bus_subscriber *s, struct cb_bus_alert *ret)
{
    while (s->i_page + 2 < s->n_page) {
        zmq_msg_t *m = &s->page[s->i_page];
        s->i_page += 3;
        struct cb_bus_frame topic = {zmq_msg_data(&m[0]), zmq_msg_size(&m[0])};
        struct cb_bus_frame json = {zmq_msg_data(&m[2]), zmq_msg_size(&m[2])};
        if (zmq_msg_size(&m[1]) != 8)
            continue;
        uint64_t sequence = cb_bus_u64_parse(zmq_msg_data(&m[1]));
        if (sequence < s->next)
            continue;
        int r = keep(s, &topic, &json);
        if (r == 0)
            lend(s, sequence, true, ret);
        return r;
    }
    close_page(s);
    return -EAGAIN;
}

static int hold(struct cb_bus_subscriber *s, uint64_t sequence, const struct cb_bus_frame *topic,
                const struct cb_bus_frame *json)
{
    int r = keep(s, topic, json);
    if (r < 0)
        return r;
    memcpy(s->held_topic, s->ret_topic, sizeof s->held_topic);
    free(s->held_json);
    s->held_json = s->ret_json;
    s->ret_json = NULL;
    s->held_sequence = sequence;
    s->has_held = true;
    s->gap_to = sequence - 1;
    return 0;
}

static bool give_held(struct cb_bus_subscriber *s, struct cb_bus_alert *ret)
{
    bool is_due = s->has_held && s->held_sequence >= s->next;
    if (is_due) {
        memcpy(s->ret_topic, s->held_topic, sizeof s->ret_topic);
        free(s->ret_json);
        s->ret_json = s->held_json;
        s->held_json = NULL;
        lend(s, s->held_sequence, false, ret);
    }
    s->has_held = false;
    return is_due;
}

static bool begins(const struct cb_bus_frame *topic, const char *stem)
{
    size_t n = strlen(stem);
    return topic->n > n && memcmp(topic->data, stem, n) == 0;
}

/* It stands outside the sequence. @return 0: given */
static int on_health(struct cb_bus_subscriber *s, const struct cb_bus_message *m,
                     struct cb_bus_alert *ret)
{
    int r = s->has_health ? keep(s, &m->frame[0], &m->frame[2]) : -EAGAIN;
    if (r == 0)
        *ret = (struct cb_bus_alert) {s->ret_topic, 0, s->ret_json, false, true};
    return r;
}

/* Who asks for nothing hears all in its order: then no heartbeat has waited. */
static void on_low_beat(struct cb_bus_subscriber *s)
{
    if (s->asker)
        s->is_in_doubt = true;
    else
        begin_anew(s);
}

/* @return 0: given; -EAGAIN: it opened a gap, was a heartbeat, or was seen before */
static int on_live(struct cb_bus_subscriber *s, const struct cb_bus_message *m,
                   struct cb_bus_alert *ret)
{
    if (m->n != 3 || m->frame[1].n != 8)
        return -EAGAIN;
    if (begins(&m->frame[0], "health."))
        return on_health(s, m, ret);
    uint64_t sequence = cb_bus_u64_parse(m->frame[1].data);
    bool is_beat = begins(&m->frame[0], "heartbeat.");
    if (begins(&m->frame[0], "pulse.")) {
        if (s->has_next && sequence >= s->next)
            s->gap_to = sequence;
        return -EAGAIN;
    }
    if (is_beat) {
        if (s->has_next && sequence >= s->next)
            s->gap_to = sequence;
        else if (s->has_next && sequence + 1 < s->next)
            on_low_beat(s);
        else if (!s->has_next && sequence > 0) {
            s->has_next = true;
            s->next = sequence + 1;
        }
        return -EAGAIN;
    }
    if (s->has_next && sequence < s->next)
        return -EAGAIN;
    if (s->has_next && sequence > s->next) {
        int r = hold(s, sequence, &m->frame[0], &m->frame[2]);
        return r < 0 ? r : -EAGAIN;
    }
    int r = keep(s, &m->frame[0], &m->frame[2]);
    if (r == 0)
        lend(s, sequence, false, ret);
    return r;
}

static int wait_live(struct cb_bus_subscriber *s, int timeout_ms, struct cb_bus_alert *ret)
{
    struct cb_bus_message m;
    zmq_pollitem_t item = {.socket = s->live, .events = ZMQ_POLLIN};
    int n = zmq_poll(&item, 1, timeout_ms);
    if (n < 0)
        return -errno;
    if (n == 0 || cb_bus_message_recv(s->live, &m) < 0)
        return -EAGAIN;
    int r = on_live(s, &m, ret);
    cb_bus_message_close(&m);
    return r;
}

static bool is_wanted(const struct cb_bus_subscriber *s, const struct cb_bus_alert *a)
{
    return strncmp(a->topic, s->topic, strlen(s->topic)) == 0;
}

/* One step of the way. @return 0: an alert; -EAGAIN: not yet; other: an error */
static int step(struct cb_bus_subscriber *s, int timeout_ms, struct cb_bus_alert *ret)
{
    int r = next_of_page(s, ret);
    if (r != -EAGAIN)
        return r;
    if (s->is_in_doubt) {
        settle_doubt(s, timeout_ms);
        return -EAGAIN;
    }
    if (s->is_open_end || s->gap_to) {
        r = fill(s, timeout_ms);
        return r == 0 ? -EAGAIN : r;
    }
    if (give_held(s, ret))
        return 0;
    return wait_live(s, timeout_ms, ret);
}

int cb_bus_subscriber_next(struct cb_bus_subscriber *s, int timeout_ms, struct cb_bus_alert *ret)
{
    int64_t end_ns = cb_clock_mono_ns() + timeout_ms * CB_NS_PER_MS;
    for (;;) {
        struct cb_bus_alert a;
        int64_t left_ms = (end_ns - cb_clock_mono_ns()) / CB_NS_PER_MS;
        int r = step(s, left_ms > 0 ? (int) left_ms : 0, &a);
        if (r == 0 && is_wanted(s, &a)) {
            *ret = a;
            return 0;
        }
        if (r != 0 && r != -EAGAIN)
            return r;
        if (left_ms <= 0 && r == -EAGAIN)
            return -EAGAIN;
    }
}
