#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "bus/curve.h"
#include "schema/health.h"
#include "schema/package.h"

/**
 * What all sockets of a process share: the ZeroMQ context (so that inproc endpoints meet) and the
 * one thread that answers who may connect. Thread-safe. Destroy it after everything made with it.
 */
struct cb_bus_context;
int cb_bus_context_create(struct cb_bus_context **ret, struct cb_error *reterr);
void cb_bus_context_destroy(struct cb_bus_context **c);

/**
 * The edge's outbox as the bus sees it. All functions are called from the bus's thread alone.
 * next: the oldest package that is neither acknowledged nor set aside, and its folder, *ret_dir
 * yours to free; -EAGAIN: none. Until ack or set_aside it is the same one again.
 * next_alert: the oldest alert that was not announced, *ret_json yours to free; -EAGAIN: none.
 * replay: calls fn for each announced alert in [from, to] in order until fn returns != 0, which
 * it then returns.
 * The last three may be NULL: last gives the highest announced sequence (0: none yet);
 * next_minutes gives rows of traffic (schema/minute.h) under a number, until minutes_done.
 */
struct cb_bus_source {
    void *self;
    int (*next)(void *self, char ret_id[CB_UUID_LEN], char **ret_dir);
    int (*ack)(void *self, const char *id);
    int (*set_aside)(void *self, const char *id, const char *reason);
    int (*next_alert)(void *self, uint64_t *ret_sequence, char **ret_json);
    int (*announced)(void *self, uint64_t sequence);
    int (*replay)(void *self, uint64_t from, uint64_t to,
                  int (*fn)(void *arg, uint64_t sequence, const char *json), void *arg);
    uint64_t (*last)(void *self);
    int (*next_minutes)(void *self, uint64_t *ret_number, char **ret_json);
    int (*minutes_done)(void *self, uint64_t number);
};

/** Endpoints: inproc://, ipc:// or tcp://; a bound one may be several, parted by commas. */
struct cb_bus_opts {
    const char *node;            /* for logs and the heartbeat */
    const char *store_endpoint;  /* connects; NULL: nothing is delivered */
    const char *alerts_endpoint; /* binds; NULL: nothing is announced */
    const char *replay_endpoint; /* binds; NULL: no replay */
    const struct cb_bus_curve *curve; /* NULL: no tcp endpoint is legal; copied */
    int ack_timeout_ms; /* 0: 30000; a package that was not answered is sent again; it doubles */
    int retry_min_ms;   /* 0: 500; after "not now": doubles … */
    int retry_max_ms;   /* 0: 30000; … up to this */
    int heartbeat_ms;   /* 0: 5000; the alert heartbeat; < 0: none */
};

struct cb_bus_stats {
    bool is_connected;    /* to the store; always true for inproc */
    uint64_t n_sent, n_acked, n_set_aside, n_retried; /* packages */
    uint64_t n_alerts, n_health, n_replays, n_minutes;
    double ack_s_sum, ack_s_max; /* from sending to acknowledgement, of n_acked packages */
    uint64_t n_cut_off;   /* times that a reader of alerts stood still until its queue was full */
    uint64_t n_refused;   /* handshakes with the store that failed: wrong or unknown keys */
};

/** The edge's side: one thread, which owns all its sockets. */
struct cb_bus;
/**
 * Returns when the sockets are bound and the thread runs. source is copied; its self must outlive
 * the bus. @return 0; -EINVAL, -EADDRINUSE, …: reterr names the endpoint and what was expected
 */
int cb_bus_create(struct cb_bus **ret, struct cb_bus_context *ctx,
                  const struct cb_bus_source *source, const struct cb_bus_opts *opts,
                  struct cb_error *reterr);
/** There is something new in the outbox. From any thread; never blocks. */
void cb_bus_wake(struct cb_bus *b);
/**
 * What is not as it should be now, all of it: what is new is published as raised, what is gone as
 * cleared, and what lasts again every CB_BUS_HEALTH_S and when somebody subscribes. No sequence, no
 * replay, nothing kept over a restart. From any thread; copied. @return 0; -ENOMEM
 */
#define CB_BUS_HEALTH_S 30
int cb_bus_tell_health(struct cb_bus *b, const struct cb_health *h, size_t n);
/** The cameras as they are now (schema/camera_state.h), to the store where it is connected, else to
 *  nobody. Takes *json, also when it fails. From any thread; never blocks. */
void cb_bus_tell_cameras(struct cb_bus *b, char **json);
/** No back-off is waited for any more: what is due goes at once, for a daemon that is about to
 *  end. From any thread; never blocks. */
void cb_bus_hurry(struct cb_bus *b);
/**
 * Another list of keys: new ones are let in at once; who lost a right is parted from what he had,
 * within a moment in which the others have to connect anew. From any thread. curve is copied; its
 * own keys are not looked at. @return 0; -ENOMEM
 */
int cb_bus_allow(struct cb_bus *b, const struct cb_bus_curve *curve);
/** Takes NULL. What was not acknowledged stays in the outbox. */
void cb_bus_destroy(struct cb_bus **b);
struct cb_bus_stats cb_bus_stats(struct cb_bus *b);
/** Prometheus text; self is the struct cb_bus. */
void cb_bus_print_metrics(void *self, FILE *out);

/** So many packages at most are given to the store at once. */
#define CB_BUS_BATCH_MAX 32

/**
 * The store as the bus sees it; called from the receiver's thread alone.
 * store: packages that wait together, 1 to CB_BUS_BATCH_MAX of them, of one edge or of several; each
 * is answered by its verdict: acknowledged, set aside by its edge with the verdict's words, or sent
 * again. minutes: the same as a return value. is_ready: asked while edges wait because of "not now";
 * 0: it may be tried again; else not yet. NULL: they come by themselves.
 */
struct cb_bus_handler {
    void *self;
    void (*store)(void *self, const struct cb_package *const *p, size_t n,
                  struct cb_package_verdict *ret);
    int (*minutes)(void *self, const char *json, size_t n, struct cb_error *reterr); /* or NULL */
    int (*is_ready)(void *self);
    void (*cameras)(void *self, const char *json, size_t n); /* or NULL */
};

struct cb_bus_receiver_opts {
    const char *endpoint; /* binds; may be several, parted by commas */
    const struct cb_bus_curve *curve; /* NULL: no tcp endpoint is legal; copied */
};

struct cb_bus_receiver_stats {
    uint64_t n_received, n_acked, n_rejected, n_deferred, n_malformed;
    uint64_t n_batches;              /* given to the handler */
    double store_s_sum, store_s_max; /* what it took, commit and fsync with it */
};

/** The store's side: one thread that owns the socket and calls the handler. */
struct cb_bus_receiver;
int cb_bus_receiver_create(struct cb_bus_receiver **ret, struct cb_bus_context *ctx,
                           const struct cb_bus_handler *handler,
                           const struct cb_bus_receiver_opts *opts, struct cb_error *reterr);
/** As cb_bus_allow, of the edges that may deliver. From any thread. */
int cb_bus_receiver_allow(struct cb_bus_receiver *r, const struct cb_bus_curve *curve);
/** Waits for the handler's call that runs. Takes NULL. */
void cb_bus_receiver_destroy(struct cb_bus_receiver **r);
struct cb_bus_receiver_stats cb_bus_receiver_stats(struct cb_bus_receiver *r);
/** Prometheus text; self is the struct cb_bus_receiver. */
void cb_bus_receiver_print_metrics(void *self, FILE *out);

#endif
