#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/budget.h"
#include "base/clock.h"

struct cb_queue {
    struct cb_queue_opts opts; /* set at create */

    pthread_mutex_t lock; /* leaf */
    pthread_cond_t changed;
    struct cb_item *ring; /* lock, as all below */
    size_t head, n, n_bytes, n_may_drop;
    uint64_t n_pushed, n_dropped;
    bool is_closed;
};

static int init_sync(struct cb_queue *q)
{
    pthread_condattr_t attr;
    int r = pthread_condattr_init(&attr);
    if (r)
        return -r;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    r = pthread_cond_init(&q->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (r)
        return -r;
    r = pthread_mutex_init(&q->lock, NULL);
    if (r)
        pthread_cond_destroy(&q->changed);
    return -r;
}

int cb_queue_create(struct cb_queue **ret, const struct cb_queue_opts *opts)
{
    if (opts->n_max < 1 || opts->n_max > 65536 || !opts->release ||
        (opts->budget && opts->overflow != CB_OVERFLOW_DROP_OLDEST))
        return -EINVAL;
    struct cb_queue *q = calloc(1, sizeof *q);
    if (!q)
        return -ENOMEM;
    q->opts = *opts;
    q->ring = calloc(opts->n_max, sizeof *q->ring);
    int r = q->ring ? init_sync(q) : -ENOMEM;
    if (r < 0) {
        free(q->ring);
        free(q);
        return r;
    }
    if (opts->budget && (r = cb_budget_join(opts->budget, q)) < 0) {
        q->opts.budget = NULL;
        cb_queue_destroy(&q);
        return r;
    }
    *ret = q;
    return 0;
}

void cb_queue_destroy(struct cb_queue **queue)
{
    struct cb_queue *q = *queue;
    if (!q)
        return;
    *queue = NULL;
    if (q->opts.budget)
        cb_budget_leave(q->opts.budget, q, q->n_bytes);
    for (size_t i = 0; i < q->n; i++)
        q->opts.release(&q->ring[(q->head + i) % q->opts.n_max]);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q->ring);
    free(q);
}

static bool is_full_for(const struct cb_queue *q, const struct cb_item *item)
{
    if (q->n == q->opts.n_max)
        return true;
    return q->opts.n_bytes_max && q->n && q->n_bytes + item->n_bytes > q->opts.n_bytes_max;
}

/* What goes in and out, in all sums. n_bytes of a budget is atomic: no lock is taken within ours. */
static void count(struct cb_queue *q, const struct cb_item *item, bool is_in)
{
    q->n += is_in ? 1 : (size_t) -1;
    q->n_bytes += is_in ? item->n_bytes : -item->n_bytes;
    q->n_may_drop += item->may_drop ? (is_in ? 1 : (size_t) -1) : 0;
    if (q->opts.budget)
        cb_budget_add(q->opts.budget, is_in ? item->n_bytes : -item->n_bytes);
}

/* Takes the item at distance i from the head out, keeping the others' order. */
static struct cb_item take_at(struct cb_queue *q, size_t i)
{
    const size_t cap = q->opts.n_max;
    struct cb_item item = q->ring[(q->head + i) % cap];
    for (; i > 0; i--)
        q->ring[(q->head + i) % cap] = q->ring[(q->head + i - 1) % cap];
    q->head = (q->head + 1) % cap;
    count(q, &item, false);
    return item;
}

/* The oldest that may go; where none may, the oldest: memory stays bounded whatever comes. */
static struct cb_item take_victim(struct cb_queue *q)
{
    size_t i = 0;
    while (i < q->n && !q->ring[(q->head + i) % q->opts.n_max].may_drop)
        i++;
    q->n_dropped++;
    return take_at(q, i < q->n ? i : 0);
}

static void append(struct cb_queue *q, struct cb_item *item)
{
    q->ring[(q->head + q->n) % q->opts.n_max] = *item;
    count(q, item, true);
    q->n_pushed++;
    item->ptr = NULL;
    pthread_cond_broadcast(&q->changed);
}

int cb_queue_push(struct cb_queue *q, struct cb_item *item)
{
    for (;;) {
        struct cb_item victim = {0};
        pthread_mutex_lock(&q->lock);
        if (q->opts.overflow == CB_OVERFLOW_WAIT)
            while (!q->is_closed && is_full_for(q, item))
                pthread_cond_wait(&q->changed, &q->lock);
        if (q->is_closed) {
            pthread_mutex_unlock(&q->lock);
            return -ECANCELED;
        }
        bool is_done = !is_full_for(q, item);
        if (is_done)
            append(q, item);
        else
            victim = take_victim(q);
        pthread_mutex_unlock(&q->lock);
        if (is_done)
            break;
        q->opts.release(&victim);
    }
    if (q->opts.budget)
        cb_budget_keep(q->opts.budget);
    return 0;
}

bool cb_queue_drop_one(struct cb_queue *q)
{
    struct cb_item victim = {0};
    pthread_mutex_lock(&q->lock);
    bool has_one = q->n_may_drop > 1;
    if (has_one)
        victim = take_victim(q);
    pthread_mutex_unlock(&q->lock);
    if (has_one)
        q->opts.release(&victim);
    return has_one;
}

static struct timespec deadline_after(int64_t timeout_ns)
{
    int64_t t = cb_clock_mono_ns() + timeout_ns;
    return (struct timespec){t / CB_NS_PER_S, t % CB_NS_PER_S};
}

int cb_queue_pop(struct cb_queue *q, int64_t timeout_ns, struct cb_item *ret)
{
    struct timespec until = deadline_after(timeout_ns > 0 ? timeout_ns : 0);
    int r = 0, waited = 0;
    pthread_mutex_lock(&q->lock);
    while (!q->n && !q->is_closed && waited != ETIMEDOUT) {
        if (timeout_ns < 0)
            pthread_cond_wait(&q->changed, &q->lock);
        else
            waited = timeout_ns ? pthread_cond_timedwait(&q->changed, &q->lock, &until) : ETIMEDOUT;
    }
    if (q->n) {
        *ret = take_at(q, 0);
        pthread_cond_broadcast(&q->changed);
    } else {
        r = q->is_closed ? -ECANCELED : -EAGAIN;
    }
    pthread_mutex_unlock(&q->lock);
    return r;
}

void cb_queue_close(struct cb_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->is_closed = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

struct cb_queue_stats cb_queue_stats(struct cb_queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct cb_queue_stats s = {q->n, q->n_bytes, q->n_may_drop, q->n_pushed, q->n_dropped};
    pthread_mutex_unlock(&q->lock);
    return s;
}
