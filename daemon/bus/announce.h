#ifndef DAEMON_BUS_ANNOUNCE_H
#define DAEMON_BUS_ANNOUNCE_H

#include "base/log.h"
#include "context.h"
#include "health_news.h"
#include "message.h"
#include "schema/camera.h"

/** One district that some reader is limited to: such readers hear of it by pulses, not heartbeats. */
struct cb_pulse {
    char district[CB_NAME_LEN]; /* as topics spell it */
    uint64_t sequence;          /* nothing of it was announced after this one */
};

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
    /* whose keys each asks for; NULL: it has no tcp endpoint and asks for none */
    const struct cb_bus_curve *alerts_curve, *replay_curve;
    int64_t heartbeat_ns;  /* monotonic: when the next is due */
    int64_t reopen_ns;     /* monotonic: when a socket that is shut is opened again */
    uint64_t last;         /* sequence announced last; 0: none known */
    struct cb_health_news health;
    struct cb_pulse *pulse;
    size_t n_pulses;
    uint64_t n_alerts, n_replays, n_cut_off;
};

int cb_announcer_open(struct cb_announcer *a, struct cb_error *reterr);
void cb_announcer_close(struct cb_announcer *a);
/**
 * The list of keys in opts->curve is another one now. Readers who lost a right are parted from what
 * they had: the sockets are shut, and open again as soon as the system lets go of the address.
 */
void cb_announcer_allow(struct cb_announcer *a, bool are_rights_kept);
/** See cb_bus_tell_health; takes h. */
void cb_announcer_tell_health(struct cb_announcer *a, struct cb_health *h, size_t n);
/** Publishes what is due, answers who asks. @return true when more is waiting */
bool cb_announcer_turn(struct cb_announcer *a);
int64_t cb_announcer_due_ns(const struct cb_announcer *a);

#endif
