#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/** A thread that its owner starts and joins; never detached. Memory: the owner's, zeroed. */
struct cb_thread {
    pthread_t id;
    bool is_started;
    bool stop; /* atomic: read it with cb_thread_should_stop */
};

/** name: up to 15 bytes, shown by ps and gdb. @return 0 or -errno of pthread_create */
int cb_thread_start(struct cb_thread *t, const char *name, void *(*fn)(void *), void *arg);
/** Asks only; for stopping many before joining each. Takes NULL and never started. */
void cb_thread_ask_stop(struct cb_thread *t);
/** Takes NULL and never started. */
void cb_thread_stop_and_join(struct cb_thread *t);
bool cb_thread_should_stop(const struct cb_thread *t);

#endif
