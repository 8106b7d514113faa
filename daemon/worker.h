#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"

struct cb_lane;

/**
 * A detector thread with the cameras pinned to it: round robin, one item each, asleep when all
 * are quiet. Memory: the owner's, zeroed.
 */
struct cb_worker {
    struct cb_thread thread;
    sem_t wake;
    struct cb_lane **lane; /* its own array, not the lanes */
    size_t n_lanes, cap;
    int64_t busy_since_ns; /* atomic; monotonic: with the item in hand; 0: asleep */
};

int cb_worker_init(struct cb_worker *w);
void cb_worker_deinit(struct cb_worker *w);
/** Before start. @return 0 or -ENOMEM */
int cb_worker_add(struct cb_worker *w, struct cb_lane *l);
int cb_worker_start(struct cb_worker *w);
/** How long it has had the item in hand; 0: none. From any thread. */
int64_t cb_worker_busy_ns(const struct cb_worker *w);
/** After the lanes have stopped: works off what they left, joins. */
void cb_worker_finish(struct cb_worker *w);

#endif
