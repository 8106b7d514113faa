/* What two threads may do at once with a queue, a frame and the log: run under TSan by ./run test.
 * No clock decides here: every wait is for the other side. */
#include <errno.h>
#include <stdlib.h>

#include "base/budget.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/sound.h"
#include "base/thread.h"
#include "unit/test.h"

enum { N_ITEMS = 20000, N_REFS = 5000 };

static void free_item(struct cb_item *item)
{
    free(item->ptr);
}

struct stream {
    struct cb_queue *q;
    int n_pushed, n_popped, last;
    bool is_ordered;
};

static void *produce(void *arg)
{
    struct stream *s = arg;
    for (int i = 0; i < N_ITEMS; i++) {
        int *v = malloc(sizeof *v);
        if (!v)
            break;
        *v = i;
        struct cb_item item = {v, 0, true, sizeof *v};
        if (cb_queue_push(s->q, &item) < 0) {
            free(v);
            break;
        }
        s->n_pushed++;
    }
    cb_queue_close(s->q);
    return NULL;
}

static void consume(struct stream *s)
{
    struct cb_item item;
    s->is_ordered = true;
    s->last = -1;
    while (cb_queue_pop(s->q, -1, &item) == 0) {
        int v = *(int *) item.ptr;
        s->is_ordered = s->is_ordered && v > s->last;
        s->last = v;
        s->n_popped++;
        free(item.ptr);
    }
}

static void run_stream(enum cb_overflow overflow, struct stream *s)
{
    const struct cb_queue_opts opts = {16, 0, overflow, free_item};
    struct cb_thread producer = {0};
    *s = (struct stream){0};
    assert_int_equal(cb_queue_create(&s->q, &opts), 0);
    assert_int_equal(cb_thread_start(&producer, "producer", produce, s), 0);
    consume(s);
    cb_thread_stop_and_join(&producer);
}

static void test_waiting_queue_loses_nothing(void **state)
{
    struct stream s;
    (void) state;
    run_stream(CB_OVERFLOW_WAIT, &s);
    assert_int_equal(s.n_pushed, N_ITEMS);
    assert_int_equal(s.n_popped, N_ITEMS);
    assert_true(s.is_ordered);
    assert_int_equal(cb_queue_stats(s.q).n_dropped, 0);
    cb_queue_destroy(&s.q);
}

static void test_live_queue_counts_every_loss(void **state)
{
    struct stream s;
    (void) state;
    run_stream(CB_OVERFLOW_DROP_OLDEST, &s);
    assert_int_equal(s.n_pushed, N_ITEMS);
    assert_true(s.is_ordered);
    assert_int_equal(s.last, N_ITEMS - 1); /* the newest is never the one that goes */
    assert_int_equal((int) cb_queue_stats(s.q).n_dropped, N_ITEMS - s.n_popped);
    cb_queue_destroy(&s.q);
}

static void *push_until_closed(void *arg)
{
    struct stream *s = arg;
    for (;;) {
        struct cb_item item = {malloc(1), 0, false, 1};
        if (cb_queue_push(s->q, &item) < 0) {
            free(item.ptr);
            return NULL;
        }
    }
}

static void test_close_wakes_a_waiting_producer(void **state)
{
    struct stream s = {0};
    const struct cb_queue_opts opts = {2, 0, CB_OVERFLOW_WAIT, free_item};
    struct cb_thread producer = {0};
    (void) state;
    assert_int_equal(cb_queue_create(&s.q, &opts), 0);
    assert_int_equal(cb_thread_start(&producer, "producer", push_until_closed, &s), 0);
    while (cb_queue_stats(s.q).n < 2)
        sched_yield();
    cb_queue_close(s.q);
    cb_thread_stop_and_join(&producer); /* hangs, and meson's time-out says so, when it is not */
    cb_queue_destroy(&s.q);
}

/* Streams that share what they may hold: nothing is lost uncounted, and the sum comes out even. */
static void test_streams_share_a_budget(void **state)
{
    enum { N_STREAMS = 4 };
    struct cb_budget *budget = NULL;
    struct stream s[N_STREAMS] = {0};
    struct cb_thread producer[N_STREAMS] = {0};
    (void) state;
    assert_int_equal(cb_budget_create(&budget, 32 * sizeof(int)), 0);
    const struct cb_queue_opts opts = {64, 0, CB_OVERFLOW_DROP_OLDEST, free_item, budget};
    for (int i = 0; i < N_STREAMS; i++) {
        assert_int_equal(cb_queue_create(&s[i].q, &opts), 0);
        assert_int_equal(cb_thread_start(&producer[i], "producer", produce, &s[i]), 0);
    }
    for (int i = 0; i < N_STREAMS; i++) {
        consume(&s[i]);
        cb_thread_stop_and_join(&producer[i]);
        assert_true(s[i].is_ordered);
        assert_int_equal(s[i].n_pushed, N_ITEMS);
        assert_int_equal(s[i].n_popped + (int) cb_queue_stats(s[i].q).n_dropped, N_ITEMS);
        cb_queue_destroy(&s[i].q); /* while the others run */
    }
    assert_int_equal(cb_budget_n_bytes(budget), 0);
    cb_budget_destroy(&budget);
}

static void *pop_once(void *arg)
{
    struct stream *s = arg;
    struct cb_item item;
    s->last = cb_queue_pop(s->q, -1, &item);
    return NULL;
}

static void test_close_wakes_a_waiting_consumer(void **state)
{
    struct stream s = {0};
    const struct cb_queue_opts opts = {2, 0, CB_OVERFLOW_WAIT, free_item};
    struct cb_thread consumer = {0};
    (void) state;
    assert_int_equal(cb_queue_create(&s.q, &opts), 0);
    assert_int_equal(cb_thread_start(&consumer, "consumer", pop_once, &s), 0);
    cb_queue_close(s.q);
    cb_thread_stop_and_join(&consumer);
    assert_int_equal(s.last, -ECANCELED);
    cb_queue_destroy(&s.q);
}

struct owner {
    int n_released;
    struct cb_frame *frame;
    struct cb_sound *sound;
};

static void count_release(void *owner)
{
    ((struct owner *) owner)->n_released++;
}

static void *ref_and_unref(void *arg)
{
    const struct owner *o = arg;
    for (int i = 0; i < N_REFS; i++) {
        struct cb_frame *f = cb_frame_ref(o->frame);
        struct cb_sound *s = cb_sound_ref(o->sound);
        cb_frame_unref(&f);
        cb_sound_unref(&s);
    }
    return NULL;
}

static void test_frame_and_sound_are_released_once(void **state)
{
    struct owner o = {0};
    const struct cb_picture picture = {.width = 4, .height = 2};
    const struct cb_samples samples = {.n = 1, .n_channels = 1, .rate_hz = 48000};
    struct cb_thread t[4] = {0};
    (void) state;
    o.frame = cb_frame_wrap(&picture, count_release, &o);
    o.sound = cb_sound_wrap(&samples, count_release, &o);
    assert_non_null(o.frame);
    assert_non_null(o.sound);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cb_thread_start(&t[i], "referrer", ref_and_unref, &o), 0);
    for (int i = 0; i < 4; i++)
        cb_thread_stop_and_join(&t[i]);
    assert_int_equal(o.n_released, 0);
    cb_frame_unref(&o.frame);
    cb_sound_unref(&o.sound);
    assert_int_equal(o.n_released, 2);
}

static void count_line(void *self, enum cb_level level, const char *topic, const char *id,
                       const char *text)
{
    (void) level, (void) topic, (void) id, (void) text;
    ++*(int *) self; /* one call at a time is the log's promise: TSan watches it */
}

static void *log_lines(void *arg)
{
    (void) arg;
    for (int i = 0; i < 500; i++)
        cb_log_at(NULL, CB_LOG_INFO, "line %d", i);
    return NULL;
}

static void test_log_calls_its_sink_one_at_a_time(void **state)
{
    struct cb_thread t[4] = {0};
    int n = 0;
    (void) state;
    cb_log_set_sink(count_line, &n);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cb_thread_start(&t[i], "speaker", log_lines, NULL), 0);
    for (int i = 0; i < 4; i++)
        cb_thread_stop_and_join(&t[i]);
    cb_log_set_sink(NULL, NULL);
    assert_int_equal(n, 4 * 500);
}

static void *wait_for_stop(void *arg)
{
    struct cb_thread *t = arg;
    while (!cb_thread_should_stop(t))
        sched_yield();
    return NULL;
}

static void test_thread_stops_when_asked(void **state)
{
    struct cb_thread t = {0}, never = {0};
    (void) state;
    cb_thread_ask_stop(NULL);
    cb_thread_stop_and_join(NULL);
    cb_thread_stop_and_join(&never);
    assert_int_equal(cb_thread_start(&t, "a name that is far too long", wait_for_stop, &t), 0);
    assert_true(t.is_started);
    cb_thread_ask_stop(&t);
    cb_thread_stop_and_join(&t);
    assert_false(t.is_started);
    cb_thread_stop_and_join(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waiting_queue_loses_nothing),
        cmocka_unit_test(test_live_queue_counts_every_loss),
        cmocka_unit_test(test_close_wakes_a_waiting_producer),
        cmocka_unit_test(test_close_wakes_a_waiting_consumer),
        cmocka_unit_test(test_streams_share_a_budget),
        cmocka_unit_test(test_frame_and_sound_are_released_once),
        cmocka_unit_test(test_log_calls_its_sink_one_at_a_time),
        cmocka_unit_test(test_thread_stops_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
