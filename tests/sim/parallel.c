#include "parallel.h"

#include "base/mem.h"
#include "base/thread.h"

#define THREADS_MAX 16

struct share {
    struct cb_thread thread;
    void (*fn)(void *arg, int i);
    void *arg;
    int n, step, first;
};

static void *work(void *arg)
{
    struct share *s = arg;
    for (int i = s->first; i < s->n; i += s->step)
        s->fn(s->arg, i);
    return NULL;
}

int sim_parallel(int n, int n_threads, void (*fn)(void *arg, int i), void *arg)
{
    struct share share[THREADS_MAX] = {0};
    int r = 0;
    n_threads = n_threads < 1 ? 1 : n_threads > THREADS_MAX ? THREADS_MAX : n_threads;
    for (int k = 0; k < n_threads; k++)
        share[k] = (struct share){.fn = fn, .arg = arg, .n = n, .step = n_threads, .first = k};
    for (int k = 1; k < n_threads && r == 0; k++)
        r = cb_thread_start(&share[k].thread, "sim-part", work, &share[k]);
    if (r == 0)
        work(&share[0]);
    for (int k = 1; k < n_threads; k++)
        cb_thread_stop_and_join(&share[k].thread);
    return r;
}
