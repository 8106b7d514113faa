#include "base/thread.h"

/* Builtins, not <stdatomic.h>: public headers must compile as C++ too. */

int cb_thread_start(struct cb_thread *t, const char *name, void *(*fn)(void *), void *arg)
{
    t->is_started = false;
    __atomic_store_n(&t->stop, false, __ATOMIC_RELEASE);
    int r = -pthread_create(&t->id, NULL, fn, arg);
    t->is_started = r == 0;
    if (t->is_started)
        pthread_setname_np(t->id, name); /* only a label: its failure changes nothing */
    return r;
}

void cb_thread_ask_stop(struct cb_thread *t)
{
    if (t)
        __atomic_store_n(&t->stop, true, __ATOMIC_RELEASE);
}

void cb_thread_stop_and_join(struct cb_thread *t)
{
    if (!t || !t->is_started)
        return;
    cb_thread_ask_stop(t);
    pthread_join(t->id, NULL);
    t->is_started = false;
}

bool cb_thread_should_stop(const struct cb_thread *t)
{
    return __atomic_load_n(&t->stop, __ATOMIC_ACQUIRE);
}
