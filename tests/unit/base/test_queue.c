#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/queue.h"
#include "unit/test.h"

/* Items are ints of this table; releasing one counts it. */
static int value[100];
static int n_released[100];

static void release(struct cb_item *item)
{
    n_released[(int *) item->ptr - value]++;
}

static int setup(void **state)
{
    (void) state;
    memset(n_released, 0, sizeof n_released);
    return 0;
}

static struct cb_queue *create(size_t n_max, size_t n_bytes_max, enum cb_overflow overflow)
{
    struct cb_queue *q = NULL;
    const struct cb_queue_opts opts = {n_max, n_bytes_max, overflow, release};
    assert_int_equal(cb_queue_create(&q, &opts), 0);
    return q;
}

static int push(struct cb_queue *q, int i, bool may_drop, size_t n_bytes)
{
    struct cb_item item = {&value[i], 3, may_drop, n_bytes};
    int r = cb_queue_push(q, &item);
    assert_ptr_equal(item.ptr, r == 0 ? NULL : &value[i]); /* given, or still the giver's */
    return r;
}

/* The index of what comes out, or a negative errno. */
static int pop(struct cb_queue *q)
{
    struct cb_item item = {0};
    int r = cb_queue_pop(q, 0, &item);
    return r < 0 ? r : (int) ((int *) item.ptr - value);
}

static void test_create_refuses(void **state)
{
    static const struct cb_queue_opts bad[] = {
        {0, 0, CB_OVERFLOW_WAIT, release},
        {65537, 0, CB_OVERFLOW_WAIT, release},
        {4, 0, CB_OVERFLOW_WAIT, NULL},
        {4, 0, CB_OVERFLOW_WAIT, release, (struct cb_budget *) value}, /* who waits shares none */
    };
    (void) state;
    for (size_t i = 0; i < CB_LEN(bad); i++) {
        struct cb_queue *q = (struct cb_queue *) value;
        assert_int_equal(cb_queue_create(&q, &bad[i]), -EINVAL);
        assert_ptr_equal(q, value); /* untouched */
    }
}

static void test_first_in_first_out(void **state)
{
    struct cb_queue *q = create(4, 0, CB_OVERFLOW_WAIT);
    (void) state;
    for (int i = 0; i < 50; i++) { /* round the ring many times */
        assert_int_equal(push(q, 2 * i % 100, false, 1), 0);
        assert_int_equal(push(q, (2 * i + 1) % 100, false, 1), 0);
        assert_int_equal(pop(q), 2 * i % 100);
        assert_int_equal(pop(q), (2 * i + 1) % 100);
    }
    assert_int_equal(pop(q), -EAGAIN);
    cb_queue_destroy(&q);
    assert_null(q);
    cb_queue_destroy(&q);
    for (size_t i = 0; i < CB_LEN(value); i++) /* popped items are the consumer's to release */
        assert_int_equal(n_released[i], 0);
}

static void test_kind_and_size_travel(void **state)
{
    struct cb_queue *q = create(4, 0, CB_OVERFLOW_WAIT);
    struct cb_item item = {&value[7], 42, true, 1234}, got;
    (void) state;
    assert_int_equal(cb_queue_push(q, &item), 0);
    assert_int_equal(cb_queue_stats(q).n_bytes, 1234);
    assert_int_equal(cb_queue_pop(q, -1, &got), 0);
    assert_int_equal(got.kind, 42);
    assert_int_equal(got.n_bytes, 1234);
    assert_true(got.may_drop);
    assert_int_equal(cb_queue_stats(q).n_bytes, 0);
    cb_queue_destroy(&q);
}

static void test_live_queue_drops_the_oldest_and_counts(void **state)
{
    struct cb_queue *q = create(3, 0, CB_OVERFLOW_DROP_OLDEST);
    (void) state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(push(q, i, true, 10), 0);
    struct cb_queue_stats s = cb_queue_stats(q);
    assert_int_equal(s.n, 3);
    assert_int_equal(s.n_bytes, 30);
    assert_int_equal(s.n_pushed, 5);
    assert_int_equal(s.n_dropped, 2);
    assert_int_equal(n_released[0] + n_released[1], 2);
    assert_int_equal(pop(q), 2);
    assert_int_equal(pop(q), 3);
    assert_int_equal(pop(q), 4);
    cb_queue_destroy(&q);
}

static void test_drop_spares_what_may_not(void **state)
{
    struct cb_queue *q = create(3, 0, CB_OVERFLOW_DROP_OLDEST);
    (void) state;
    push(q, 0, false, 1);
    push(q, 1, true, 1);
    push(q, 2, false, 1);
    assert_int_equal(push(q, 3, true, 1), 0); /* 1 goes, the order of the rest stays */
    assert_int_equal(n_released[1], 1);
    assert_int_equal(push(q, 4, false, 1), 0); /* 3 goes */
    assert_int_equal(n_released[3], 1);
    assert_int_equal(push(q, 5, true, 1), 0); /* none may go: the oldest does, memory is bounded */
    assert_int_equal(n_released[0], 1);
    assert_int_equal(pop(q), 2);
    assert_int_equal(pop(q), 4);
    assert_int_equal(pop(q), 5);
    cb_queue_destroy(&q);
}

static void test_bound_in_bytes(void **state)
{
    struct cb_queue *q = create(100, 100, CB_OVERFLOW_DROP_OLDEST);
    (void) state;
    assert_int_equal(push(q, 0, true, 500), 0); /* one always fits an empty queue */
    assert_int_equal(cb_queue_stats(q).n, 1);
    assert_int_equal(push(q, 1, true, 60), 0);
    assert_int_equal(n_released[0], 1);
    assert_int_equal(push(q, 2, true, 40), 0);
    assert_int_equal(cb_queue_stats(q).n, 2); /* exactly 100 fits */
    assert_int_equal(push(q, 3, true, 90), 0); /* both go */
    assert_int_equal(n_released[1] + n_released[2], 2);
    assert_int_equal(cb_queue_stats(q).n_bytes, 90);
    cb_queue_destroy(&q);
    assert_int_equal(n_released[3], 1);
}

static void test_closed_queue_drains(void **state)
{
    struct cb_queue *q = create(4, 0, CB_OVERFLOW_WAIT);
    (void) state;
    push(q, 0, false, 1);
    push(q, 1, false, 1);
    cb_queue_close(q);
    cb_queue_close(q);
    assert_int_equal(push(q, 2, false, 1), -ECANCELED);
    assert_int_equal(pop(q), 0);
    assert_int_equal(pop(q), 1);
    assert_int_equal(pop(q), -ECANCELED);
    struct cb_item item;
    assert_int_equal(cb_queue_pop(q, -1, &item), -ECANCELED); /* and does not wait for ever */
    cb_queue_destroy(&q);
}

static void test_destroy_releases_what_is_left(void **state)
{
    struct cb_queue *q = create(4, 0, CB_OVERFLOW_WAIT);
    (void) state;
    for (int i = 0; i < 3; i++)
        push(q, i, false, 1);
    assert_int_equal(pop(q), 0);
    cb_queue_destroy(&q);
    assert_int_equal(n_released[0], 0);
    assert_int_equal(n_released[1], 1);
    assert_int_equal(n_released[2], 1);
}

static void test_pop_gives_up_in_time(void **state)
{
    struct cb_queue *q = create(4, 0, CB_OVERFLOW_WAIT);
    struct cb_item item;
    (void) state;
    assert_int_equal(cb_queue_pop(q, 1000000, &item), -EAGAIN);
    assert_int_equal(cb_queue_pop(q, 0, &item), -EAGAIN);
    cb_queue_destroy(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_create_refuses, setup),
        cmocka_unit_test_setup(test_first_in_first_out, setup),
        cmocka_unit_test_setup(test_kind_and_size_travel, setup),
        cmocka_unit_test_setup(test_live_queue_drops_the_oldest_and_counts, setup),
        cmocka_unit_test_setup(test_drop_spares_what_may_not, setup),
        cmocka_unit_test_setup(test_bound_in_bytes, setup),
        cmocka_unit_test_setup(test_closed_queue_drains, setup),
        cmocka_unit_test_setup(test_destroy_releases_what_is_left, setup),
        cmocka_unit_test_setup(test_pop_gives_up_in_time, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
