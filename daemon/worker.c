#include "worker.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "lane.h"

int cb_worker_init(struct cb_worker *w)
{
    *w = (struct cb_worker){0};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->put_back, NULL);
    return sem_init(&w->wake, 0, 0) < 0 ? -errno : 0;
}

void cb_worker_deinit(struct cb_worker *w)
{
    free(w->lane);
    w->lane = NULL;
    sem_destroy(&w->wake);
    pthread_cond_destroy(&w->put_back);
    pthread_mutex_destroy(&w->lock);
}

int cb_worker_add(struct cb_worker *w, struct cb_lane *l)
{
    pthread_mutex_lock(&w->lock);
    int r = cb_grow((void **) &w->lane, &w->cap, w->n_lanes + 1, sizeof *w->lane);
    if (r == 0)
        w->lane[w->n_lanes++] = l;
    pthread_mutex_unlock(&w->lock);
    return r;
}

void cb_worker_remove(struct cb_worker *w, const struct cb_lane *l)
{
    pthread_mutex_lock(&w->lock);
    size_t i = 0;
    while (i < w->n_lanes && w->lane[i] != l)
        i++;
    if (i < w->n_lanes)
        w->lane[i] = w->lane[--w->n_lanes];
    while (w->in_hand == l)
        pthread_cond_wait(&w->put_back, &w->lock);
    pthread_mutex_unlock(&w->lock);
    sem_post(&w->wake); /* a round under way may have skipped the lane that has moved */
}

size_t cb_worker_n_lanes(struct cb_worker *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->n_lanes;
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* @return NULL: there are no more */
static struct cb_lane *take(struct cb_worker *w, size_t i)
{
    pthread_mutex_lock(&w->lock);
    struct cb_lane *l = i < w->n_lanes ? w->lane[i] : NULL;
    w->in_hand = l;
    pthread_cond_broadcast(&w->put_back);
    pthread_mutex_unlock(&w->lock);
    return l;
}

/* One item of each lane, so that a busy camera never starves a quiet one. */
static bool work_round(struct cb_worker *w)
{
    bool was_any = false;
    struct cb_lane *l;
    for (size_t i = 0; (l = take(w, i)); i++) {
        __atomic_store_n(&w->busy_since_ns, cb_clock_mono_ns(), __ATOMIC_RELAXED);
        was_any |= cb_lane_work(l);
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
