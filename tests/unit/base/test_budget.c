#include <errno.h>

#include "base/budget.h"
#include "base/mem.h"
#include "base/queue.h"
#include "unit/test.h"

enum { SLOW, MIDDLE, QUICK, N_QUEUES };

static struct cb_budget *budget;
static struct cb_queue *queue[N_QUEUES];
static int thing;

static void release(struct cb_item *item)
{
    (void) item;
}

static int setup(void **state)
{
    const struct cb_queue_opts opts = {100, 0, CB_OVERFLOW_DROP_OLDEST, release, NULL};
    struct cb_queue_opts shared = opts;
    (void) state;
    assert_int_equal(cb_budget_create(&budget, 100), 0);
    shared.budget = budget;
    for (int i = 0; i < N_QUEUES; i++)
        assert_int_equal(cb_queue_create(&queue[i], &shared), 0);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    for (int i = 0; i < N_QUEUES; i++)
        cb_queue_destroy(&queue[i]);
    assert_int_equal(cb_budget_n_bytes(budget), 0); /* what is destroyed holds nothing */
    cb_budget_destroy(&budget);
    assert_null(budget);
    cb_budget_destroy(&budget);
    return 0;
}

static void push(int i, int n, bool may_drop, size_t n_bytes)
{
    for (; n > 0; n--) {
        struct cb_item item = {&thing, 0, may_drop, n_bytes};
        assert_int_equal(cb_queue_push(queue[i], &item), 0);
    }
}

static uint64_t dropped(int i)
{
    return cb_queue_stats(queue[i]).n_dropped;
}

static void test_create_refuses_nothing_at_all(void **state)
{
    struct cb_budget *b = NULL;
    (void) state;
    assert_int_equal(cb_budget_create(&b, 0), -EINVAL);
    assert_null(b);
}

static void test_sums_what_is_held(void **state)
{
    struct cb_item item;
    (void) state;
    push(SLOW, 3, true, 10);
    push(QUICK, 1, false, 5);
    assert_int_equal(cb_budget_n_bytes(budget), 35);
    assert_int_equal(cb_queue_pop(queue[SLOW], 0, &item), 0);
    assert_int_equal(cb_budget_n_bytes(budget), 25);
    cb_queue_destroy(&queue[SLOW]);
    assert_int_equal(cb_budget_n_bytes(budget), 5);
}

static void test_who_holds_most_pays_whoever_pushes(void **state)
{
    (void) state;
    push(SLOW, 6, true, 10);
    push(MIDDLE, 3, true, 10);
    push(QUICK, 1, true, 10); /* 100: just fits */
    assert_int_equal(dropped(SLOW) + dropped(MIDDLE) + dropped(QUICK), 0);
    push(QUICK, 1, true, 10);
    assert_int_equal(dropped(SLOW), 1);
    push(MIDDLE, 1, true, 10);
    assert_int_equal(dropped(SLOW), 2);
    assert_int_equal(dropped(MIDDLE) + dropped(QUICK), 0);
    assert_int_equal(cb_budget_n_bytes(budget), 100);
}

static void test_equals_share_the_loss(void **state)
{
    (void) state;
    for (int k = 0; k < 40; k++)
        for (int i = 0; i < N_QUEUES; i++)
            push(i, 1, true, 10);
    for (int i = 0; i < N_QUEUES; i++) {
        assert_in_range(cb_queue_stats(queue[i]).n, 3, 4);
        assert_in_range(dropped(i), 36, 37);
    }
}

/* Larger pictures than all others', but never one that waits behind another. */
static void test_who_keeps_up_loses_nothing(void **state)
{
    struct cb_item item;
    (void) state;
    push(SLOW, 4, true, 10);
    for (int k = 0; k < 50; k++) {
        push(QUICK, 1, true, 60);
        push(SLOW, 1, true, 10);
        assert_int_equal(cb_queue_pop(queue[QUICK], 0, &item), 0);
    }
    assert_int_equal(dropped(QUICK), 0);
    assert_int_equal(dropped(SLOW) + cb_queue_stats(queue[SLOW]).n, 54);
}

static void test_the_last_picture_and_sound_stay(void **state)
{
    (void) state;
    push(SLOW, 1, true, 80);
    push(MIDDLE, 1, true, 80);
    push(QUICK, 8, false, 10);
    assert_int_equal(dropped(SLOW) + dropped(MIDDLE) + dropped(QUICK), 0);
    assert_int_equal(cb_budget_n_bytes(budget), 240); /* above the bound by one picture each */
    push(MIDDLE, 1, true, 80);
    assert_int_equal(dropped(MIDDLE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_refuses_nothing_at_all),
        cmocka_unit_test_setup_teardown(test_sums_what_is_held, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_holds_most_pays_whoever_pushes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_equals_share_the_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_keeps_up_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_last_picture_and_sound_stay, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
