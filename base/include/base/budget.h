#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stddef.h>

struct cb_queue;

/**
 * What several live queues may hold together, in bytes. Is it more, the queue that holds the most
 * lets its oldest go, whoever pushed: those that fall behind pay, not those that keep up. A queue's
 * last item that may be dropped stays, so that at most one a queue is held above the bound.
 * Thread-safe; its lock is taken around the queues' own, never within.
 */
struct cb_budget;

/** @param n_bytes_max at least 1 */
int cb_budget_create(struct cb_budget **ret, size_t n_bytes_max);
/** After its queues. Takes NULL. */
void cb_budget_destroy(struct cb_budget **b);
/** What is held now. */
size_t cb_budget_n_bytes(struct cb_budget *b);

/* The queues' side: */

/** @return 0 or -ENOMEM */
int cb_budget_join(struct cb_budget *b, struct cb_queue *q);
/** With what it still holds. */
void cb_budget_leave(struct cb_budget *b, const struct cb_queue *q, size_t n_bytes);
/** n_bytes: modulo 2^N, so that what goes is added too. */
void cb_budget_add(struct cb_budget *b, size_t n_bytes);
/** Has queues drop until the bound is kept, or none has more than one to drop. */
void cb_budget_keep(struct cb_budget *b);

#endif
