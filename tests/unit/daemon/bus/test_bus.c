/* Both sides in one process: what the handler answers decides what becomes of a package. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bus/bus.h"

enum { PACKAGES_MAX = 200 };

/* An outbox in memory; each package is a folder with a record of its number. */
struct outbox {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char root[64];
    int n, i;                   /* made, gone */
    int n_acked, n_aside, n_minutes, n_minutes_done;
    char reason[256];
    atomic_bool is_unready;     /* what the handler says when it is asked */
    int n_again;                /* calls of the handler for a package it has stored */
    int answer[PACKAGES_MAX];   /* what the handler says the first time; then 0 */
    int n_calls[PACKAGES_MAX];
};

static void print_id(int i, char ret[CB_UUID_LEN])
{
    const uint8_t random[10] = {(uint8_t) i};
    cb_uuid7_print((int64_t) (i + 1) * CB_NS_PER_S, random, ret);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void make(struct outbox *o, int n)
{
    for (int i = 0; i < n; i++) {
        char dir[128], text[16], sig[CB_SIGNATURE_LEN];
        memset(sig, 'a', sizeof sig - 1);
        sig[sizeof sig - 1] = '\0';
        snprintf(dir, sizeof dir, "%s/%d", o->root, o->n + i);
        assert_int_equal(mkdir(dir, 0700), 0);
        snprintf(text, sizeof text, "%d", o->n + i);
        write_file(dir, "record.json", text);
        write_file(dir, "record.sig", sig);
        write_file(dir, "clip.mp4", "");
    }
    pthread_mutex_lock(&o->lock);
    o->n += n;
    pthread_mutex_unlock(&o->lock);
}

static int next(void *self, char ret_id[CB_UUID_LEN], char **ret_dir)
{
    struct outbox *o = self;
    int r = -EAGAIN;
    pthread_mutex_lock(&o->lock);
    if (o->i < o->n) {
        print_id(o->i, ret_id);
        r = asprintf(ret_dir, "%s/%d", o->root, o->i) < 0 ? -ENOMEM : 0;
    }
    pthread_mutex_unlock(&o->lock);
    return r;
}

static int leave(struct outbox *o, const char *id, int *counter)
{
    char want[CB_UUID_LEN];
    pthread_mutex_lock(&o->lock);
    print_id(o->i, want);
    assert_string_equal(id, want); /* in order, and none twice */
    o->i++;
    (*counter)++;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
    return 0;
}

static int ack(void *self, const char *id)
{
    struct outbox *o = self;
    return leave(o, id, &o->n_acked);
}

static int set_aside(void *self, const char *id, const char *reason)
{
    struct outbox *o = self;
    snprintf(o->reason, sizeof o->reason, "%s", reason);
    return leave(o, id, &o->n_aside);
}

static int no_alert(void *self, uint64_t *ret_sequence, char **ret_json)
{
    (void) self, (void) ret_sequence, (void) ret_json;
    return -EAGAIN;
}

static int next_minutes(void *self, uint64_t *ret_number, char **ret_json)
{
    struct outbox *o = self;
    pthread_mutex_lock(&o->lock);
    int r = o->n_minutes_done < o->n_minutes ? 0 : -EAGAIN;
    *ret_number = (uint64_t) o->n_minutes_done;
    if (r == 0)
        *ret_json = strdup("[]");
    pthread_mutex_unlock(&o->lock);
    return r;
}

static int minutes_done(void *self, uint64_t number)
{
    struct outbox *o = self;
    pthread_mutex_lock(&o->lock);
    assert_int_equal(number, o->n_minutes_done);
    o->n_minutes_done++;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
    return 0;
}

static int store_one(struct outbox *o, const struct cb_package *p, struct cb_error *reterr)
{
    char number[16] = {0};
    assert_true(p->n_record < sizeof number);
    memcpy(number, p->record, p->n_record);
    int i = atoi(number);
    pthread_mutex_lock(&o->lock);
    int r = o->n_calls[i]++ == 0 ? o->answer[i] : 0;
    pthread_mutex_unlock(&o->lock);
    assert_int_equal(p->n_files, 1);
    return r < 0 ? cb_error_set(reterr, r, p->id, "as the test wants") : 0;
}

static void store(void *self, const struct cb_package *const *p, size_t n,
                  struct cb_package_verdict *ret)
{
    assert_true(n >= 1 && n <= CB_BUS_BATCH_MAX);
    for (size_t i = 0; i < n; i++)
        ret[i].r = store_one(self, p[i], &ret[i].error);
}

static int store_minutes(void *self, const char *json, size_t n, struct cb_error *reterr)
{
    (void) self, (void) reterr;
    assert_int_equal(n, 2);
    assert_memory_equal(json, "[]", 2);
    return 0;
}

static void wait_until_empty(struct outbox *o)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 60;
    pthread_mutex_lock(&o->lock);
    while (o->i < o->n || o->n_minutes_done < o->n_minutes)
        assert_int_equal(pthread_cond_timedwait(&o->changed, &o->lock, &end), 0);
    pthread_mutex_unlock(&o->lock);
}

static struct outbox *make_outbox(void)
{
    struct outbox *o = calloc(1, sizeof *o);
    assert_non_null(o);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->changed, NULL);
    strcpy(o->root, "/tmp/citybrain-bus-XXXXXX");
    assert_non_null(mkdtemp(o->root));
    return o;
}

static void free_outbox(struct outbox *o)
{
    static const char *const names[] = {"record.json", "record.sig", "clip.mp4", ""};
    for (int i = 0; i < o->n; i++)
        for (size_t k = 0; k < CB_LEN(names); k++) {
            char path[128];
            snprintf(path, sizeof path, "%s/%d/%s", o->root, i, names[k]);
            remove(path);
        }
    rmdir(o->root);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

struct sides {
    struct cb_bus_context *ctx;
    struct cb_bus_receiver *receiver;
    struct cb_bus *bus;
};

static int is_ready(void *self)
{
    struct outbox *o = self;
    return o->is_unready ? -EAGAIN : 0;
}

static void start_store(struct sides *s, struct outbox *o, const char *endpoint)
{
    struct cb_bus_handler h = {o, store, store_minutes, is_ready};
    struct cb_bus_receiver_opts opts = {endpoint, NULL};
    struct cb_error e = {0};
    if (cb_bus_receiver_create(&s->receiver, s->ctx, &h, &opts, &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
}

static void start_edge_retrying(struct sides *s, struct outbox *o, const char *endpoint,
                                int ack_timeout_ms, int retry_ms)
{
    struct cb_bus_source source = {.self = o, .next = next, .ack = ack, .set_aside = set_aside,
                                   .next_alert = no_alert, .next_minutes = next_minutes,
                                   .minutes_done = minutes_done};
    struct cb_bus_opts opts = {.store_endpoint = endpoint, .ack_timeout_ms = ack_timeout_ms,
                               .retry_min_ms = retry_ms, .retry_max_ms = 5 * retry_ms};
    struct cb_error e = {0};
    if (cb_bus_create(&s->bus, s->ctx, &source, &opts, &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
}

static void start_edge(struct sides *s, struct outbox *o, const char *endpoint, int ack_timeout_ms)
{
    start_edge_retrying(s, o, endpoint, ack_timeout_ms, 10);
}

static void stop(struct sides *s)
{
    cb_bus_destroy(&s->bus);
    cb_bus_receiver_destroy(&s->receiver);
    cb_bus_context_destroy(&s->ctx);
}

/* By inproc and by ipc: each answer of the handler has its consequence, in order. */
static void test_answers(void **state)
{
    char ipc[96];
    (void) state;
    for (int by_ipc = 0; by_ipc < 2; by_ipc++) {
        struct sides s = {0};
        struct outbox *o = make_outbox();
        snprintf(ipc, sizeof ipc, by_ipc ? "ipc://%s/store" : "inproc://store", o->root);
        o->answer[1] = -EBADMSG;
        o->answer[2] = -EAGAIN;
        o->answer[3] = -ENOSPC;
        o->answer[4] = -EIO;
        o->n_minutes = 3;
        make(o, 6);
        assert_int_equal(cb_bus_context_create(&s.ctx, NULL), 0);
        start_store(&s, o, ipc);
        start_edge(&s, o, ipc, 0);
        wait_until_empty(o);
        make(o, 20);
        cb_bus_wake(s.bus);
        wait_until_empty(o);
        assert_int_equal(o->n_acked, 25);
        assert_int_equal(o->n_aside, 1);
        assert_non_null(strstr(o->reason, "as the test wants"));
        static const int calls[] = {1, 1, 2, 2, 2, 1};
        for (size_t i = 0; i < CB_LEN(calls); i++)
            assert_int_equal(o->n_calls[i], calls[i]);
        struct cb_bus_receiver_stats t = cb_bus_receiver_stats(s.receiver);
        assert_int_equal(t.n_acked, 28);
        assert_int_equal(t.n_rejected, 1);
        assert_int_equal(t.n_deferred, 3);
        stop(&s);
        if (by_ipc) {
            snprintf(ipc, sizeof ipc, "%s/store", o->root);
            unlink(ipc);
        }
        free_outbox(o);
    }
}

/* The store comes late, goes while packages stream, and comes back. */
static void test_store_comes_and_goes(void **state)
{
    struct sides s = {0};
    struct outbox *o = make_outbox();
    char ipc[96];
    (void) state;
    snprintf(ipc, sizeof ipc, "ipc://%s/store", o->root);
    assert_int_equal(cb_bus_context_create(&s.ctx, NULL), 0);
    start_edge(&s, o, ipc, 0);
    for (int i = 0; i < 3; i++) {
        make(o, 20); /* each store has some to take, however much the one before it took */
        cb_bus_wake(s.bus);
        start_store(&s, o, ipc);
        while (cb_bus_receiver_stats(s.receiver).n_acked < 5)
            cb_clock_sleep_ns(CB_NS_PER_MS);
        cb_bus_receiver_destroy(&s.receiver);
    }
    make(o, 10);
    cb_bus_wake(s.bus);
    start_store(&s, o, ipc);
    wait_until_empty(o);
    assert_int_equal(o->n_acked, 70);
    for (int i = 0; i < 70; i++)
        assert_true(o->n_calls[i] >= 1);
    stop(&s);
    snprintf(ipc, sizeof ipc, "%s/store", o->root);
    unlink(ipc);
    free_outbox(o);
}

/* A store that cannot take it now puts delivery off for an hour; a daemon that ends does not
 * wait for that. */
static void test_hurry(void **state)
{
    struct sides s = {0};
    struct outbox *o = make_outbox();
    (void) state;
    o->answer[0] = -EAGAIN;
    o->is_unready = true;
    make(o, 3);
    assert_int_equal(cb_bus_context_create(&s.ctx, NULL), 0);
    start_store(&s, o, "inproc://store");
    start_edge_retrying(&s, o, "inproc://store", 0, 3600 * 1000);
    while (cb_bus_stats(s.bus).n_retried < 1)
        cb_clock_sleep_ns(CB_NS_PER_MS);
    assert_int_equal(o->n_acked, 0);
    cb_bus_hurry(s.bus);
    wait_until_empty(o);
    assert_int_equal(o->n_acked, 3);
    stop(&s);
    free_outbox(o);
}

/* The back-off has grown to an hour when the store's database is back: the edge hears of it. */
static void test_a_store_that_is_back_is_used_at_once(void **state)
{
    (void) state;
    for (int by_ipc = 0; by_ipc < 2; by_ipc++) {
        struct sides s = {0};
        struct outbox *o = make_outbox();
        char ipc[96];
        snprintf(ipc, sizeof ipc, by_ipc ? "ipc://%s/store" : "inproc://store", o->root);
        o->is_unready = true;
        o->answer[0] = -EAGAIN;
        make(o, 3);
        assert_int_equal(cb_bus_context_create(&s.ctx, NULL), 0);
        start_store(&s, o, ipc);
        start_edge_retrying(&s, o, ipc, 0, 3600 * 1000);
        while (cb_bus_stats(s.bus).n_retried < 1)
            cb_clock_sleep_ns(CB_NS_PER_MS);
        assert_int_equal(o->n_acked, 0);
        o->is_unready = false;
        wait_until_empty(o);
        assert_int_equal(o->n_acked, 3);
        stop(&s);
        if (by_ipc) {
            snprintf(ipc, sizeof ipc, "%s/store", o->root);
            unlink(ipc);
        }
        free_outbox(o);
    }
}

/* The same when the store itself is another one: it need not say anything. */
static void test_a_store_that_is_replaced_is_used_at_once(void **state)
{
    struct sides s = {0};
    struct outbox *o = make_outbox();
    char ipc[96];
    (void) state;
    snprintf(ipc, sizeof ipc, "ipc://%s/store", o->root);
    o->is_unready = true;
    o->answer[0] = -EAGAIN;
    make(o, 3);
    assert_int_equal(cb_bus_context_create(&s.ctx, NULL), 0);
    start_store(&s, o, ipc);
    start_edge_retrying(&s, o, ipc, 0, 3600 * 1000);
    while (cb_bus_stats(s.bus).n_retried < 1)
        cb_clock_sleep_ns(CB_NS_PER_MS);
    assert_int_equal(o->n_acked, 0);
    cb_bus_receiver_destroy(&s.receiver);
    start_store(&s, o, ipc);
    wait_until_empty(o);
    assert_int_equal(o->n_acked, 3);
    stop(&s);
    snprintf(ipc, sizeof ipc, "%s/store", o->root);
    unlink(ipc);
    free_outbox(o);
}

/* What cannot even be read is set aside with its reason; the next one goes on. */
static void test_broken_folder(void **state)
{
    struct sides s = {0};
    struct outbox *o = make_outbox();
    char path[128];
    (void) state;
    make(o, 3);
    snprintf(path, sizeof path, "%s/1/record.sig", o->root);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(cb_bus_context_create(&s.ctx, NULL), 0);
    start_store(&s, o, "inproc://store");
    start_edge(&s, o, "inproc://store", 0);
    wait_until_empty(o);
    assert_int_equal(o->n_acked, 2);
    assert_int_equal(o->n_aside, 1);
    assert_non_null(strstr(o->reason, "record.sig"));
    stop(&s);
    free_outbox(o);
}

/* A store that says nothing: the package is given up and sent again over a new connection. */
static void test_silent_store(void **state)
{
    struct sides s = {0};
    struct outbox *o = make_outbox();
    char ipc[96];
    (void) state;
    snprintf(ipc, sizeof ipc, "ipc://%s/store", o->root);
    make(o, 1);
    void *zmq = zmq_ctx_new(), *silent = zmq_socket(zmq, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(silent, ipc), 0);
    assert_int_equal(cb_bus_context_create(&s.ctx, NULL), 0);
    start_edge(&s, o, ipc, 500);
    while (cb_bus_stats(s.bus).n_sent < 2)
        cb_clock_sleep_ns(CB_NS_PER_MS);
    assert_int_equal(o->n_acked, 0);
    zmq_close(silent);
    zmq_ctx_term(zmq);
    start_store(&s, o, ipc);
    wait_until_empty(o);
    assert_int_equal(o->n_acked, 1);
    stop(&s);
    snprintf(ipc, sizeof ipc, "%s/store", o->root);
    unlink(ipc);
    free_outbox(o);
}

static void test_endpoints(void **state)
{
    static const struct {
        const char *endpoint, *words;
    } rows[] = {
        {"tcp://127.0.0.1:*", "without keys"},
        {"ipc:///tmp/x,tcp://*:1", "without keys"},
        {"pgm://x", "expected inproc"},
        {"", "endpoint"},
        {"ipc:///nonexistent/folder/socket", "cannot bind"},
    };
    struct cb_bus_context *ctx = NULL;
    (void) state;
    assert_int_equal(cb_bus_context_create(&ctx, NULL), 0);
    for (size_t i = 0; i < CB_LEN(rows); i++) {
        struct cb_bus_handler h = {NULL, store, NULL, NULL};
        struct cb_bus_receiver_opts opts = {rows[i].endpoint, NULL};
        struct cb_bus_receiver *v = NULL;
        struct cb_error e = {0};
        assert_true(cb_bus_receiver_create(&v, ctx, &h, &opts, &e) < 0);
        assert_null(v);
        if (!strstr(e.text, rows[i].words) && !strstr(e.where, rows[i].words))
            fail_msg("%s: \"%s: %s\"", rows[i].endpoint, e.where, e.text);
    }
    cb_bus_context_destroy(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),       cmocka_unit_test(test_store_comes_and_goes),
        cmocka_unit_test(test_hurry),         cmocka_unit_test(test_broken_folder),
        cmocka_unit_test(test_silent_store),  cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_a_store_that_is_back_is_used_at_once),
        cmocka_unit_test(test_a_store_that_is_replaced_is_used_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
