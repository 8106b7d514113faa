#ifndef DAEMON_SEALING_H
#define DAEMON_SEALING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct cb_clock_check;
struct cb_evidence_sealer;
struct cb_lane;
struct cb_sealed;
struct cb_violation;

/**
 * The evidence thread: takes violations from the workers, waits until each one's post-roll is in
 * its camera's ring, seals it, and hands the sealed package on. A camera that has stalled holds up
 * nobody else's evidence.
 */
struct cb_sealing;

struct cb_sealing_opts {
    struct cb_evidence_sealer *sealer; /* lent; the thread's alone while it runs */
    void *self;
    /** Before each seal. @return 0; -ENOSPC with the figures: tried again, then given up */
    int (*has_room)(void *self, struct cb_error *reterr);
    /** On the evidence thread: a package is durable on disk. Lent. @return 0 or -errno, logged */
    int (*on_sealed)(void *self, const struct cb_sealed *s);
    /** Before each seal: how far the clock that a lane's times are of is from UTC. @return false: not known */
    bool (*clock)(void *self, struct cb_lane *l, struct cb_clock_check *ret);
    /** About once a second, on the evidence thread. May be NULL. */
    void (*on_tick)(void *self);
};

int cb_sealing_create(struct cb_sealing **ret, const struct cb_sealing_opts *opts);
/**
 * A copy of v waits to be sealed; from any thread, never blocks. When too many wait, the oldest
 * are given up, which is logged as an error and counted.
 */
void cb_sealing_push(struct cb_sealing *s, struct cb_lane *l, const struct cb_violation *v);
/** How long the thread has had the job in hand; 0: none. From any thread. */
int64_t cb_sealing_busy_ns(const struct cb_sealing *s);
/** Seals what waits with what the rings have, joins. Lanes must still be there. */
void cb_sealing_finish(struct cb_sealing *s);
/** Finishes, too. Takes NULL. */
void cb_sealing_destroy(struct cb_sealing **s);
void cb_sealing_print_metrics(struct cb_sealing *s, FILE *out);

#endif
