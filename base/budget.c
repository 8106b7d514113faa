#include "base/budget.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/queue.h"

struct cb_budget {
    size_t n_bytes_max; /* set at create */
    size_t n_bytes;     /* atomic */

    pthread_mutex_t lock; /* the queues' are taken within */
    struct cb_queue **queue; /* lock, as all below */
    size_t n_queues, cap;
};

int cb_budget_create(struct cb_budget **ret, size_t n_bytes_max)
{
    if (!n_bytes_max)
        return -EINVAL;
    struct cb_budget *b = calloc(1, sizeof *b);
    if (!b)
        return -ENOMEM;
    int r = pthread_mutex_init(&b->lock, NULL);
    if (r) {
        free(b);
        return -r;
    }
    b->n_bytes_max = n_bytes_max;
    *ret = b;
    return 0;
}

void cb_budget_destroy(struct cb_budget **budget)
{
    struct cb_budget *b = *budget;
    if (!b)
        return;
    *budget = NULL;
    pthread_mutex_destroy(&b->lock);
    free(b->queue);
    free(b);
}

size_t cb_budget_n_bytes(struct cb_budget *b)
{
    return __atomic_load_n(&b->n_bytes, __ATOMIC_RELAXED);
}

int cb_budget_join(struct cb_budget *b, struct cb_queue *q)
{
    pthread_mutex_lock(&b->lock);
    int r = cb_grow((void **) &b->queue, &b->cap, b->n_queues + 1, sizeof *b->queue);
    if (r == 0)
        b->queue[b->n_queues++] = q;
    pthread_mutex_unlock(&b->lock);
    return r;
}

void cb_budget_leave(struct cb_budget *b, const struct cb_queue *q, size_t n_bytes)
{
    size_t i = 0;
    pthread_mutex_lock(&b->lock);
    while (i < b->n_queues && b->queue[i] != q)
        i++;
    if (i < b->n_queues)
        b->queue[i] = b->queue[--b->n_queues];
    pthread_mutex_unlock(&b->lock);
    cb_budget_add(b, -n_bytes);
}

void cb_budget_add(struct cb_budget *b, size_t n_bytes)
{
    __atomic_add_fetch(&b->n_bytes, n_bytes, __ATOMIC_RELAXED);
}

/* Under the lock. NULL: none has more than one to drop. */
static struct cb_queue *fullest(struct cb_budget *b)
{
    struct cb_queue *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < b->n_queues; i++) {
        struct cb_queue_stats s = cb_queue_stats(b->queue[i]);
        if (s.n_may_drop > 1 && s.n_bytes > most) {
            best = b->queue[i];
            most = s.n_bytes;
        }
    }
    return best;
}

static bool drop_one(struct cb_budget *b)
{
    pthread_mutex_lock(&b->lock);
    struct cb_queue *q = cb_budget_n_bytes(b) > b->n_bytes_max ? fullest(b) : NULL;
    if (q)
        cb_queue_drop_one(q); /* its consumer may have been quicker: looked at anew */
    pthread_mutex_unlock(&b->lock);
    return q;
}

void cb_budget_keep(struct cb_budget *b)
{
    while (cb_budget_n_bytes(b) > b->n_bytes_max && drop_one(b))
        ;
}
