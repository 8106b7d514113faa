#ifndef STORE_PUSH_H
#define STORE_PUSH_H

#include "schema/push.h"
#include "store/desk.h"

/**
 * What is to be sent to push services, from what units are told (store/feed.h). One thread. Several
 * gateways may do it at once: what one has claimed is its own for a minute, and sent again by any if it
 * dies before it said what became of it.
 */
struct cb_push_feed;

/** opts as for a desk: of its response clock it is how long a push is worth sending, responded_s what is
 *  near by, feedback_s what a unit is sent to. It listens when this returns. @return as a desk's */
int cb_push_feed_create(struct cb_push_feed **ret, const struct cb_desk_opts *opts, struct cb_error *reterr);
/** Takes NULL. */
void cb_push_feed_destroy(struct cb_push_feed **f);
/** Readable when somebody was told something, or the connection is lost. */
int cb_push_feed_fd(const struct cb_push_feed *f);
/** @return 1: somebody was told something; 0; -EAGAIN: the connection is lost, make another */
int cb_push_feed_take_news(struct cb_push_feed *f);
/** The oldest that is due at each subscription, of at most `max`. @return how many; < 0 as a desk's */
int cb_push_feed_claim(struct cb_push_feed *f, int max, cb_push_fn *fn, void *arg,
                       struct cb_error *reterr);
/** What became of one. retry_s: of LATER, how long the service asked for; 0: it did not say. */
int cb_push_feed_done(struct cb_push_feed *f, int64_t subscription, int64_t position,
                      enum cb_push_outcome outcome, int retry_s, struct cb_error *reterr);

#endif
