#ifndef DAEMON_BUS_HEALTH_NEWS_H
#define DAEMON_BUS_HEALTH_NEWS_H

#include <stddef.h>
#include <stdint.h>

#include "schema/health.h"

/**
 * Private to the bus: what readers were told of things that are not as they should be. Each change is
 * said at once, what lasts again and again: who missed a message, or came late, knows soon, and nothing
 * need be kept for anybody.
 */
struct cb_health_news {
    struct cb_health *told; /* what is raised, as it was said */
    size_t n_told;
    int64_t said_ns, due_ns; /* monotonic: all of it was, is to be said again */
    uint64_t n_said;
};
typedef void cb_health_say_fn(void *arg, const struct cb_health *h);

void cb_health_news_deinit(struct cb_health_news *w);
/** All that is raised now; takes h. Says what is new, and what is no more. */
void cb_health_news_exchange(struct cb_health_news *w, struct cb_health *h, size_t n,
                             cb_health_say_fn *say, void *arg);
/** Somebody has come: all is said again soon. */
void cb_health_news_hurry(struct cb_health_news *w);
/** Says all that is raised, when that is due. */
void cb_health_news_repeat(struct cb_health_news *w, cb_health_say_fn *say, void *arg);
/** Monotonic; INT64_MAX: nothing is raised. */
int64_t cb_health_news_due_ns(const struct cb_health_news *w);

#endif
