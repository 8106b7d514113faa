#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"

struct cb_lane;

/**
 * A detector thread with the cameras pinned to it: round robin, one item each, asleep when all
 * are quiet. Cameras come and go while it runs. Memory: the owner's, zeroed.
 */
struct cb_worker {
    struct cb_thread thread;
    sem_t wake;
    pthread_mutex_t lock;         /* leaf */
    pthread_cond_t put_back;
    struct cb_lane **lane;        /* lock: its own array, not the lanes */
    size_t n_lanes, cap;          /* lock */
    const struct cb_lane *in_hand; /* lock: what the thread works on */
    int64_t busy_since_ns; /* atomic; monotonic: with the item in hand; 0: asleep */
};

int cb_worker_init(struct cb_worker *w);
void cb_worker_deinit(struct cb_worker *w);
/** @return 0 or -ENOMEM */
int cb_worker_add(struct cb_worker *w, struct cb_lane *l);
/** When it returns, the thread does not touch the lane any more. */
void cb_worker_remove(struct cb_worker *w, const struct cb_lane *l);
size_t cb_worker_n_lanes(struct cb_worker *w);
int cb_worker_start(struct cb_worker *w);
/** How long it has had the item in hand; 0: none. From any thread. */
int64_t cb_worker_busy_ns(const struct cb_worker *w);
/** After the lanes have stopped: works off what they left, joins. */
void cb_worker_finish(struct cb_worker *w);

#endif
