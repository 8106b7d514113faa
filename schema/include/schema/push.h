#ifndef SCHEMA_PUSH_H
#define SCHEMA_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/**
 * Between push/, which knows HTTP, and the store, which knows SQL: what is to be sent where. Neither
 * includes the other; daemon/gateway_role.c hands the store's functions over.
 */

#define CB_PUSH_ENDPOINT_LEN 1025

/** One message that is due at one subscription of a browser. All is lent for the call. */
struct cb_push_job {
    int64_t subscription, position;
    const char *endpoint;      /* the push service's resource (RFC 8030) */
    const char *p256dh, *auth; /* the browser's key and secret, base64url (RFC 8291) */
    const char *topic;         /* replaces what has the same and has not gone out (RFC 8030, 5.4) */
    int ttl_s;
    const char *json;          /* "": what it was of is erased; nothing is to be sent */
};
typedef void cb_push_fn(void *arg, const struct cb_push_job *j);

enum cb_push_outcome { CB_PUSH_TAKEN, CB_PUSH_GONE, CB_PUSH_LATER };

struct cb_push_feed;
struct cb_desk_opts;
/** The store's functions of these names, store/push.h. */
struct cb_push_ops {
    int (*create)(struct cb_push_feed **ret, const struct cb_desk_opts *opts, struct cb_error *reterr);
    void (*destroy)(struct cb_push_feed **f);
    int (*fd)(const struct cb_push_feed *f);
    int (*take_news)(struct cb_push_feed *f);
    int (*claim)(struct cb_push_feed *f, int max, cb_push_fn *fn, void *arg, struct cb_error *reterr);
    int (*done)(struct cb_push_feed *f, int64_t subscription, int64_t position,
                enum cb_push_outcome outcome, int retry_s, struct cb_error *reterr);
};

/** Bytes of "scheme://host[:port]" at a URL's beginning. @return 0: it has no such beginning */
size_t cb_push_origin_length(const char *url);
/**
 * Whether a browser's endpoint is of a push service that is configured: browsers name it, and the
 * gateway must not be made to send to whatever a browser names.
 * @param services origins with blanks between, as "https://updates.push.services.mozilla.com";
 *                 a star as the host's first label stands for any labels
 */
bool cb_push_service_allows(const char *services, const char *endpoint);
/** Each is an origin: https, or http on this machine itself. @return 0; -EINVAL: reterr says which */
int cb_push_services_check(const char *services, struct cb_error *reterr);

#endif
