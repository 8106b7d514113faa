#include "worker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "lane.h"

int cb_worker_init(struct cb_worker *w)
{
    *w = (struct cb_worker){0};
    return sem_init(&w->wake, 0, 0) < 0 ? -errno : 0;
}

void cb_worker_deinit(struct cb_worker *w)
{
    free(w->lane);
    w->lane = NULL;
    sem_destroy(&w->wake);
}

int cb_worker_add(struct cb_worker *w, struct cb_lane *l)
{
    if (cb_grow((void **) &w->lane, &w->cap, w->n_lanes + 1, sizeof *w->lane) < 0)
        return -ENOMEM;
    w->lane[w->n_lanes++] = l;
    return 0;
}

/* One item of each lane, so that a busy camera never starves a quiet one. */
static bool work_round(struct cb_worker *w)
{
    bool was_any = false;
    for (size_t i = 0; i < w->n_lanes; i++) {
        __atomic_store_n(&w->busy_since_ns, cb_clock_mono_ns(), __ATOMIC_RELAXED);
        was_any |= cb_lane_work(w->lane[i]);
    }
    __atomic_store_n(&w->busy_since_ns, 0, __ATOMIC_RELAXED);
    return was_any;
}

static void *run(void *self)
{
    struct cb_worker *w = self;
    for (;;) {
        while (sem_wait(&w->wake) < 0 && errno == EINTR)
            ;
        while (work_round(w))
            ;
        if (cb_thread_should_stop(&w->thread))
            break;
    }
    return NULL;
}

int cb_worker_start(struct cb_worker *w)
{
    return cb_thread_start(&w->thread, "cb-detect", run, w);
}

int64_t cb_worker_busy_ns(const struct cb_worker *w)
{
    int64_t since_ns = __atomic_load_n(&w->busy_since_ns, __ATOMIC_RELAXED);
    return since_ns ? cb_clock_mono_ns() - since_ns : 0;
}

void cb_worker_finish(struct cb_worker *w)
{
    cb_thread_ask_stop(&w->thread);
    sem_post(&w->wake);
    cb_thread_stop_and_join(&w->thread);
}
