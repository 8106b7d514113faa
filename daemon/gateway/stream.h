#ifndef DAEMON_GATEWAY_STREAM_H
#define DAEMON_GATEWAY_STREAM_H

#include "gateway_private.h"

/** Private to the gateway: one reader of events. */
struct cb_stream {
    /* set at create, then immutable */
    struct cb_hub *hub;
    struct MHD_Connection *connection; /* by respond */
    unsigned char token_sha256[CB_TOKEN_HASH_BYTES];
    struct cb_desk_user user;

    struct cb_stream *next, *prev; /* the hub's lock, as all below */
    bool is_listed;
    bool is_waiting; /* suspended until there is something */
    bool is_working; /* suspended until a worker has read what is no longer in memory */
    bool is_over;
    bool is_live;     /* reads the ring; else what is older, from the store */
    uint64_t at;      /* live: the number of the ring's next item */
    int64_t position; /* told up to this one */
    char *pending;    /* what is being sent */
    size_t n_pending, at_pending;
    int64_t sent_ns;
    struct cb_stream *next_job; /* the pool's lock */
};

/** What was told, rendered. */
struct cb_hub_item {
    int64_t position;
    char kind[12], district[CB_NAME_LEN], unit[CB_LOGIN_LEN];
    char *frame, *bare; /* bare NULL: the same */
    size_t n_frame, n_bare;
};

#define CB_HUB_RING 2048

struct cb_hub {
    struct cb_gateway *g;
    struct cb_log log;
    struct cb_thread thread;

    pthread_mutex_t lock; /* taken before MHD's own */
    struct cb_hub_item ring[CB_HUB_RING]; /* lock, as all below */
    uint64_t first, end;   /* numbers of the oldest item and of the next */
    int64_t from_position; /* what came after this is in the ring */
    int64_t position;      /* the newest; −1: not known yet */
    struct cb_stream *streams;
    size_t n_streams;
    bool is_connected, is_stopped;
    uint64_t n_told, n_cut_off;
};

bool cb_hub_may_see(const struct cb_desk_user *u, const struct cb_hub_item *i);
/** An event as it goes over the wire, yours to free; id 0: without one. NULL: out of memory. */
char *cb_hub_print(int64_t id, const char *kind, const char *json, size_t *ret_n);
/** With the lock held: goes on from the ring if it goes back far enough. */
bool cb_hub_join(struct cb_hub *h, struct cb_stream *s);

#endif
