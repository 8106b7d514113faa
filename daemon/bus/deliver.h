#ifndef DAEMON_BUS_DELIVER_H
#define DAEMON_BUS_DELIVER_H

#include "base/log.h"
#include "context.h"
#include "message.h"

/**
 * Private to the bus: packages and minutes to the store, one at a time, each until it is answered.
 * All of it belongs to the bus's thread.
 */
struct cb_delivery {
    /* set at open, then immutable */
    struct cb_bus_context *ctx;
    const struct cb_bus_source *source;
    const struct cb_bus_opts *opts;
    struct cb_log log;

    void *socket, *monitor;
    unsigned n_opened;      /* names each monitor's endpoint */
    enum { CB_NOTHING, CB_A_PACKAGE, CB_MINUTES } in_flight;
    bool was_minutes;       /* the two take turns */
    char id[CB_UUID_LEN];   /* in flight */
    uint64_t number;
    int64_t sent_ns;        /* monotonic: when it went into flight */
    int64_t deadline_ns;    /* monotonic: in flight is given up */
    int64_t not_before_ns;  /* monotonic: nothing is sent before */
    int64_t idle_until_ns;  /* monotonic: the outbox was empty; a wake ends it */
    int64_t backoff_ms, timeout_ms;
    bool is_hurried;        /* back-off no longer grows */
    bool wants_out;         /* something waits for the store to connect */
    bool is_refused_told;   /* one line, not one a second */
    struct cb_bus_stats stats;
};

int cb_delivery_open(struct cb_delivery *d, struct cb_error *reterr);
void cb_delivery_close(struct cb_delivery *d);
/** There may be something new in the outbox. */
void cb_delivery_wake(struct cb_delivery *d);
/** At once, if the store is connected and takes it; else it is forgotten. */
void cb_delivery_tell_cameras(struct cb_delivery *d, const char *json);
/** From here on each wait before trying again is the shortest one. */
void cb_delivery_hurry(struct cb_delivery *d);
/** Reads what came, gives up what waited too long, sends what is due. */
void cb_delivery_turn(struct cb_delivery *d);
/** Monotonic time at which turn must be called without any event. */
int64_t cb_delivery_due_ns(const struct cb_delivery *d);

#endif
