#include "reconnect.h"

#include <stdlib.h>

#include "base/clock.h"

#define SLICE_NS  (50 * CB_NS_PER_MS) /* how late a stop may be seen */
#define STABLE_NS (10 * CB_NS_PER_S)

void cb_backoff_init(struct cb_backoff *b, double min_s, double max_s, unsigned seed)
{
    *b = (struct cb_backoff){cb_ns_from_s(min_s), cb_ns_from_s(max_s), cb_ns_from_s(min_s), seed};
    if (b->max_ns < b->min_ns)
        b->max_ns = b->min_ns;
}

void cb_backoff_lasted(struct cb_backoff *b, int64_t lasted_ns)
{
    if (lasted_ns >= STABLE_NS)
        b->next_ns = b->min_ns;
}

int64_t cb_backoff_next_ns(struct cb_backoff *b)
{
    int64_t due = b->next_ns;
    b->next_ns = due > b->max_ns / 2 ? b->max_ns : 2 * due;
    return due / 2 + (int64_t) ((double) (due / 2) * rand_r(&b->seed) / RAND_MAX);
}

void cb_backoff_wait(struct cb_backoff *b, const bool *stop)
{
    int64_t until = cb_clock_mono_ns() + cb_backoff_next_ns(b);
    for (;;) {
        int64_t left = until - cb_clock_mono_ns();
        if (left <= 0 || __atomic_load_n(stop, __ATOMIC_ACQUIRE))
            return;
        cb_clock_sleep_ns(left < SLICE_NS ? left : SLICE_NS);
    }
}
