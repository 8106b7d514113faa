/* A reader of alerts who stands still, in the same process: no clock and no network decides. */
#include "test.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "bus/subscriber.h"

/* More than the edge keeps for one reader (2000) and the reader itself takes ahead (10000). */
enum { MANY = 15000 };

struct outbox {
    atomic_ullong n, n_announced;
};

static int no_package(void *self, char ret_id[CB_UUID_LEN], char **ret_dir)
{
    (void) self, (void) ret_id, (void) ret_dir;
    return -EAGAIN;
}

static int next_alert(void *self, uint64_t *ret_sequence, char **ret_json)
{
    struct outbox *o = self;
    if (o->n_announced >= o->n)
        return -EAGAIN;
    *ret_sequence = o->n_announced + 1;
    return (*ret_json = strdup("{}")) ? 0 : -ENOMEM;
}

static int announced(void *self, uint64_t sequence)
{
    struct outbox *o = self;
    o->n_announced = sequence;
    return 0;
}

static int replay(void *self, uint64_t from, uint64_t to,
                  int (*fn)(void *arg, uint64_t sequence, const char *json), void *arg)
{
    struct outbox *o = self;
    int r = 0;
    for (uint64_t i = from ? from : 1; r == 0 && i <= to && i <= o->n_announced; i++)
        r = fn(arg, i, "{}");
    return r;
}

static uint64_t last(void *self)
{
    return ((struct outbox *) self)->n_announced;
}

static uint64_t receive(struct cb_bus_subscriber *s, struct cb_bus_alert *ret)
{
    int r = cb_bus_subscriber_next(s, 60000, ret);
    if (r < 0)
        fail_msg("%s", strerror(-r));
    return ret->sequence;
}

static void test_who_stands_still_is_cut_off_counted_and_catches_up(void **state)
{
    struct outbox o = {0};
    struct cb_bus_context *ctx = NULL;
    struct cb_bus *bus = NULL;
    struct cb_bus_subscriber *slow = NULL;
    struct cb_bus_source source = {.self = &o, .next = no_package, .next_alert = next_alert,
                                   .announced = announced, .replay = replay, .last = last};
    struct cb_bus_opts opts = {.alerts_endpoint = "inproc://alerts",
                               .replay_endpoint = "inproc://replay", .heartbeat_ms = 20};
    struct cb_bus_subscriber_opts reader = {.alerts_endpoint = "inproc://alerts",
                                            .replay_endpoint = "inproc://replay",
                                            .has_from = true, .from = 1};
    struct cb_bus_alert a = {.is_replayed = true};
    uint64_t due = 1;
    (void) state;
    assert_int_equal(cb_bus_context_create(&ctx, NULL), 0);
    assert_int_equal(cb_bus_create(&bus, ctx, &source, &opts, NULL), 0);
    assert_int_equal(cb_bus_subscriber_create(&slow, ctx, &reader, NULL), 0);
    for (; a.is_replayed; due++) { /* until its subscription is through */
        o.n++;
        cb_bus_wake(bus);
        assert_int_equal(receive(slow, &a), due);
    }
    assert_int_equal(cb_bus_stats(bus).n_cut_off, 0);
    o.n += MANY;
    cb_bus_wake(bus);
    while (cb_bus_stats(bus).n_alerts < o.n) /* the edge is not held up */
        cb_clock_sleep_ns(CB_NS_PER_MS);
    assert_int_equal(cb_bus_stats(bus).n_cut_off, 1);
    uint64_t n_replayed = 0;
    for (; due <= o.n; due++) {
        assert_int_equal(receive(slow, &a), due);
        n_replayed += a.is_replayed;
    }
    assert_true(n_replayed > 0 && n_replayed <= MANY);
    assert_int_equal(cb_bus_subscriber_n_missed(slow), 0);
    cb_bus_subscriber_destroy(&slow);
    cb_bus_destroy(&bus);
    cb_bus_context_destroy(&ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_stands_still_is_cut_off_counted_and_catches_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
