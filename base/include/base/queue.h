#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One thing on its way from one thread to another. */
struct cb_item {
    void *ptr;
    int kind;         /* the two sides' own numbering */
    bool may_drop;    /* a full live queue drops the oldest of these first */
    size_t n_bytes;   /* what ptr keeps alive, for the bound in bytes */
};

enum cb_overflow {
    CB_OVERFLOW_WAIT,        /* the producer waits: files, evidence */
    CB_OVERFLOW_DROP_OLDEST, /* live streams: the oldest that may be dropped goes, counted */
};

struct cb_budget;

struct cb_queue_opts {
    size_t n_max;      /* items, [1, 65536] */
    size_t n_bytes_max; /* 0: no bound in bytes; one item always fits an empty queue */
    enum cb_overflow overflow;
    void (*release)(struct cb_item *item); /* of dropped and left-over items, outside the lock */
    struct cb_budget *budget; /* NULL: none; with DROP_OLDEST only; outlives the queue */
};

struct cb_queue_stats {
    size_t n, n_bytes;
    size_t n_may_drop; /* of n */
    uint64_t n_pushed, n_dropped;
};

struct cb_queue;

/** A bounded FIFO between one producer and one consumer. Thread-safe; the lock is a leaf. */
int cb_queue_create(struct cb_queue **ret, const struct cb_queue_opts *opts);
/** Both sides have stopped. Releases what is left. Takes NULL. */
void cb_queue_destroy(struct cb_queue **q);

/**
 * Gives: on 0 the queue owns item->ptr and it is NULL; on < 0 nothing changed.
 * @return 0; -ECANCELED when closed
 */
int cb_queue_push(struct cb_queue *q, struct cb_item *item);
/**
 * Yours on 0. timeout_ns < 0: waits for ever; 0: does not wait.
 * @return 0; -EAGAIN when the time ran out; -ECANCELED when closed and empty
 */
int cb_queue_pop(struct cb_queue *q, int64_t timeout_ns, struct cb_item *ret);
/**
 * Lets the oldest that may be dropped go, counted, unless it is the only one: whose consumer keeps up
 * has no more. From any thread. @return whether one went
 */
bool cb_queue_drop_one(struct cb_queue *q);
/** No more pushes; what is in stays to be popped; wakes both sides. From any thread. */
void cb_queue_close(struct cb_queue *q);
struct cb_queue_stats cb_queue_stats(struct cb_queue *q);

#endif
