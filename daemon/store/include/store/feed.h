#ifndef STORE_FEED_H
#define STORE_FEED_H

#include "store/desk.h"

/** What people are told, once for all of them: who may see what is the reader's part. One thread. */
struct cb_feed;

/** opts as for a desk. It listens when this returns. @return as a desk's */
int cb_feed_create(struct cb_feed **ret, const struct cb_desk_opts *opts, struct cb_error *reterr);
/** Takes NULL. */
void cb_feed_destroy(struct cb_feed **f);
/** Until something was told or the time is over. @return 0: something; -ETIMEDOUT; -EAGAIN: the
 *  connection is lost, make another feed */
int cb_feed_wait(struct cb_feed *f, int timeout_ms);
/** Tells the units near by. @return 0; < 0 as a desk's */
int cb_feed_spread(struct cb_feed *f, struct cb_error *reterr);
/** The position of the newest event. */
int cb_feed_head(struct cb_feed *f, int64_t *ret, struct cb_error *reterr);
/** What came after it, in order, at most `max`. @return how many; < 0 as a desk's */
int cb_feed_read(struct cb_feed *f, int64_t after, int max,
                 cb_feed_fn *fn, void *arg,
                 struct cb_error *reterr);
/** Each camera as it is now. */
int cb_feed_cameras(struct cb_feed *f, void (*fn)(void *arg, const struct cb_feed_event *e),
                    void *arg, struct cb_error *reterr);
/** Forgets events older than a week. */
int cb_feed_prune(struct cb_feed *f, struct cb_error *reterr);
/** Of the sessions whose hashes are given, whether each still is one. */
int cb_feed_check(struct cb_feed *f, const unsigned char (*hashes)[CB_TOKEN_HASH_BYTES], size_t n,
                  bool *ret, struct cb_error *reterr);

/** The same as cb_feed_read of one user and with his rights, between enter and leave. */
int cb_desk_events(struct cb_desk *d, const struct cb_desk_user *u, int64_t after, int max,
                   cb_feed_fn *fn, void *arg,
                   struct cb_error *reterr);
/** Whether what came after it is all still there. @return 0; -ESTALE: not; *ret_head: the newest */
int cb_desk_events_since(struct cb_desk *d, int64_t after, int64_t *ret_head,
                         struct cb_error *reterr);

#endif
