#ifndef DAEMON_BUS_ANNOUNCE_H
#define DAEMON_BUS_ANNOUNCE_H

#include "base/log.h"
#include "context.h"
#include "message.h"

/**
 * Private to the bus: alerts to whoever listens, and again to whoever was away.
 * All of it belongs to the bus's thread.
 */
struct cb_announcer {
    /* set at open, then immutable */
    struct cb_bus_context *ctx;
    const struct cb_bus_source *source;
    const struct cb_bus_opts *opts;
    struct cb_log log;

    void *alerts, *replay; /* NULL: not configured */
    char alerts_domain[64], replay_domain[64];
    int64_t heartbeat_ns;  /* monotonic: when the next is due */
    uint64_t last;         /* sequence announced last; 0: none known */
    uint64_t n_alerts, n_replays;
};

int cb_announcer_open(struct cb_announcer *a, struct cb_error *reterr);
void cb_announcer_close(struct cb_announcer *a);
/** Publishes what is due, answers who asks. @return true when more is waiting */
bool cb_announcer_turn(struct cb_announcer *a);
int64_t cb_announcer_due_ns(const struct cb_announcer *a);

#endif
