#ifndef OUTBOX_OUTBOX_H
#define OUTBOX_OUTBOX_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "schema/id.h"

struct cb_outbox_opts {
    uint64_t budget_bytes;   /* of packages with their media; 0: 20 GiB */
    uint64_t min_free_bytes; /* of the disk, kept for what is there already; 0: 256 MiB */
    int64_t keep_media_ns;   /* after the acknowledgement; 0: removed at once; < 0: for ever */
    int64_t resend_ns;       /* how long `next` passes over what it has just given, doubling up to
                                64 times that; 0: not at all, it gives the same until its ack */
};

struct cb_outbox_stats {
    uint64_t n_waiting, n_set_aside, n_delivered, n_unannounced;
    uint64_t n_bytes;      /* of all packages with media */
    uint64_t n_damaged;    /* sealed folders whose record cannot be read: left alone */
    int64_t oldest_age_ns; /* of what waits; 0: nothing waits */
    uint64_t free_bytes;   /* of the disk */
};

/**
 * The durable queue of sealed packages and of their alerts, an index (SQLite) over the folders in
 * data_dir/sealed. The folders are the truth: what is sealed and not in the index, after a crash
 * or the loss of the index, is taken in at start.
 *
 * A package waits until it is acknowledged or set aside. An alert waits until it is announced,
 * and only what is durable here is ever announced. Ids and sequences only come back.
 *
 * Thread-safe: one lock, held for no longer than a transaction; a leaf.
 */
struct cb_outbox;

/** opts NULL: all defaults; copied. @return 0; -errno, reterr names the file and what happened */
int cb_outbox_create(struct cb_outbox **ret, const char *data_dir,
                     const struct cb_outbox_opts *opts, struct cb_error *reterr);
/** Takes NULL. What waits is there at the next start. */
void cb_outbox_destroy(struct cb_outbox **o);

/**
 * Ask before sealing: is there room for new evidence?
 * @return 0; -ENOSPC: over the budget, or the disk is nearly full; reterr has the figures
 */
int cb_outbox_check_room(struct cb_outbox *o, struct cb_error *reterr);
/**
 * Takes in a sealed package; durable on 0. alert_json NULL: made from the record. Never refuses
 * for want of room, for the package is on the disk already: on < 0 it stays there, and this
 * outbox takes it in as soon as it can. The same package again is no error.
 * @return 0; -EINVAL: not a folder in data_dir/sealed; -EEXIST: another has this sequence; -errno
 */
int cb_outbox_put(struct cb_outbox *o, const char *id, const char *dir, uint64_t sequence,
                  const char *alert_json, struct cb_error *reterr);

/** The oldest package that waits (see resend_ns). *ret_dir: free() it. @return 0; -EAGAIN: none */
int cb_outbox_next(struct cb_outbox *o, char ret_id[CB_UUID_LEN], char **ret_dir);
/** After a reconnect: what `next` gave and nobody acknowledged may be given again at once. */
void cb_outbox_forget_flights(struct cb_outbox *o);
/**
 * The store has it: committed and on its disk. Its media go after keep_media_ns; record, signature
 * and alert stay. @return 0, also when it was acknowledged before; -ENOENT; -errno
 */
int cb_outbox_ack(struct cb_outbox *o, const char *id);
/** It can never be stored: kept with its media, never given again. @return 0; -ENOENT; -errno */
int cb_outbox_set_aside(struct cb_outbox *o, const char *id, const char *reason);
/** Lets all that was set aside wait again. *ret_n may be NULL. */
int cb_outbox_retry_set_aside(struct cb_outbox *o, uint64_t *ret_n);
/** Removes the media that are due now. ack and, once a minute, next do this by themselves. */
int cb_outbox_tidy(struct cb_outbox *o);

/** The alert of the lowest sequence not announced. *ret_json: free() it. @return 0; -EAGAIN */
int cb_outbox_next_alert(struct cb_outbox *o, uint64_t *ret_sequence, char **ret_json);
int cb_outbox_mark_announced(struct cb_outbox *o, uint64_t sequence);
/** Of the newest announced alert; 0: none yet. */
uint64_t cb_outbox_last_announced(struct cb_outbox *o);
/**
 * Calls fn for each announced alert in [from, to], in sequence, without holding the lock, until fn
 * returns != 0, which it then returns.
 */
int cb_outbox_replay(struct cb_outbox *o, uint64_t from, uint64_t to,
                     int (*fn)(void *arg, uint64_t sequence, const char *json), void *arg);

/** Aggregates on their way to the store: a text under a number of its own, kept until done. */
int cb_outbox_put_minutes(struct cb_outbox *o, const char *json);
int cb_outbox_next_minutes(struct cb_outbox *o, uint64_t *ret_number, char **ret_json);
int cb_outbox_minutes_done(struct cb_outbox *o, uint64_t number);

struct cb_outbox_stats cb_outbox_stats(struct cb_outbox *o);
/** Prometheus text; self is the struct cb_outbox. */
void cb_outbox_print_metrics(void *self, FILE *out);

#endif
