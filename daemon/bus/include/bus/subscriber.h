#ifndef BUS_SUBSCRIBER_H
#define BUS_SUBSCRIBER_H

#include "bus/bus.h"

/** One alert, or message of health, as it came. Valid until the next call. */
struct cb_bus_alert {
    const char *topic;
    uint64_t sequence; /* 0: of health */
    const char *json;
    bool is_replayed, is_health;
};

struct cb_bus_subscriber_opts {
    const char *alerts_endpoint;
    const char *replay_endpoint; /* NULL: what was missed stays missed */
    const struct cb_bus_curve *curve; /* NULL: no tcp */
    const char *topic;   /* "alert.福田" and what begins so; NULL: all */
    bool has_health;     /* gives messages of health, too */
    bool has_from;       /* first everything from `from` on, then what is live */
    uint64_t from;
};

/**
 * Listens to one edge's alerts in order and without gaps: what it missed it asks for. One thread.
 * A gap that the edge cannot fill (no replay endpoint, or no answer) is told by n_missed.
 */
struct cb_bus_subscriber;
int cb_bus_subscriber_create(struct cb_bus_subscriber **ret, struct cb_bus_context *ctx,
                             const struct cb_bus_subscriber_opts *opts, struct cb_error *reterr);
/** @return 0; -EAGAIN: nothing within timeout_ms; -EINTR: a signal; -errno */
int cb_bus_subscriber_next(struct cb_bus_subscriber *s, int timeout_ms, struct cb_bus_alert *ret);
uint64_t cb_bus_subscriber_n_missed(const struct cb_bus_subscriber *s);
void cb_bus_subscriber_destroy(struct cb_bus_subscriber **s);

#endif
