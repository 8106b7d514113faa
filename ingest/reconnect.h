#ifndef INGEST_RECONNECT_H
#define INGEST_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

/** Waits between attempts: doubled each time, with jitter, short again after a stable stretch. */
struct cb_backoff {
    int64_t min_ns, max_ns, next_ns;
    unsigned seed;
};

void cb_backoff_init(struct cb_backoff *b, double min_s, double max_s, unsigned seed);
/** A connection worked for so long: when stable, the next wait is short again. */
void cb_backoff_lasted(struct cb_backoff *b, int64_t lasted_ns);
/** The next wait, ns: half to all of what is due, so that a city's cameras don't knock at once. */
int64_t cb_backoff_next_ns(struct cb_backoff *b);
/** Waits, but not once *stop (atomic) is set. */
void cb_backoff_wait(struct cb_backoff *b, const bool *stop);

#endif
