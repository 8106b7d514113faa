#ifndef DAEMON_GATEWAY_PRIVATE_H
#define DAEMON_GATEWAY_PRIVATE_H

#include <microhttpd.h>

#include <pthread.h>

#include "base/log.h"
#include "base/thread.h"
#include "gateway/gateway.h"
#include "parse.h"

/** Private to the gateway: what its files share. */

#define CB_BODY_BYTES_MAX 65536
#define CB_URI_BYTES_MAX 2048
#define CB_COOKIE "citybrain_session"
#define CB_TOKEN_LEN 44 /* 32 bytes in base64url without padding, and the end */

struct cb_gateway;
struct cb_request;
struct cb_hub;
struct cb_pool;
struct cb_stream;

/** What an operation's work needs: a desk, the worker's own, inside the user's transaction. */
typedef int cb_handler_fn(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr);

enum cb_route_kind {
    CB_ROUTE_ASK,    /* `question` with the values, in the user's transaction */
    CB_ROUTE_CALL,   /* `call`, likewise */
    CB_ROUTE_OPEN,   /* `call`, on a worker, without a session */
    CB_ROUTE_STREAM, /* as CALL; then the events follow */
};

/** An operation of schema/openapi.yaml. */
struct cb_route {
    const char *method, *path;
    unsigned roles; /* CB_ROLE_BITs */
    enum cb_route_kind kind;
    const struct cb_param *in_path, *in_query, *in_body; /* values: path, then query or body */
    enum cb_question question;
    cb_handler_fn *call;
    unsigned status; /* of success; 0: 200 */
};
/** NULL: *ret_status is 404, or 405 with the methods that there are in `allow`. */
const struct cb_route *cb_route_find(const char *method, const char *path, struct cb_part parts[2],
                                     unsigned *ret_status, char allow[64]);

/** One request, from its first byte to its answer. The HTTP thread's, but while a worker has it. */
struct cb_request {
    struct cb_gateway *g;
    struct MHD_Connection *connection;
    const struct cb_route *route;
    bool is_uri_too_long, is_uri_broken, is_begun, is_submitted;
    char *path;

    unsigned char token_sha256[CB_TOKEN_HASH_BYTES];
    char token[CB_TOKEN_LEN]; /* "": none */
    char address[64];
    const char *range; /* header; lent by the connection */
    const char *last_event_id;
    struct cb_values values;
    size_t n_path; /* of values */
    char *body;
    size_t n_body;
    bool is_body_too_large;
    struct cb_desk_user user;

    /* the answer */
    unsigned status;
    char *json;            /* its body, or */
    struct cb_desk_file file; /* with file.media_type set, or */
    struct cb_stream *stream;
    char set_cookie[256];
    char disposition[96];
    int retry_after_s;
    struct cb_request *next; /* of the pool's queue */
};

/** Fills the answer with an error. */
void cb_request_fail(struct cb_request *q, unsigned status, const char *code, const char *field,
                     const char *message);
/** The same for what the desk returned. */
void cb_request_fail_with(struct cb_request *q, int r, const struct cb_error *e);
/** On a worker: does what the route says. */
void cb_request_work(struct cb_request *q, struct cb_desk *d);
void cb_request_destroy(struct cb_request **q);
/** The state machine that MHD calls. */
enum MHD_Result cb_http_on_request(void *self, struct MHD_Connection *c, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *n_upload, void **state);
void *cb_http_on_uri(void *self, const char *uri, struct MHD_Connection *c);
void cb_http_on_end(void *self, struct MHD_Connection *c, void **state,
                    enum MHD_RequestTerminationCode code);

/** answer.c: the headers that all answers have. */
void cb_answer_secure(const struct cb_gateway *g, struct MHD_Response *r);
enum MHD_Result cb_answer_text(struct cb_gateway *g, struct MHD_Connection *c, unsigned status,
                               const char *type, char *text, size_t n,
                               enum MHD_ResponseMemoryMode mode);
enum MHD_Result cb_answer_request(struct cb_request *q);
/** pages.c: a file of web_dir, or an error. */
enum MHD_Result cb_page_answer(struct cb_request *q);

/** session.c */
bool cb_session_read_cookie(struct cb_request *q);
void cb_session_csrf(const char *token, char ret[CB_TOKEN_LEN]);
bool cb_session_csrf_is_right(const char *token, const char *header);
void cb_session_new_token(char ret[CB_TOKEN_LEN]);
void cb_session_hash(const char *token, unsigned char ret[CB_TOKEN_HASH_BYTES]);

/** limit.c: so many requests a session, as a bucket that fills. Lost at a restart, and may be. */
struct cb_bucket {
    uint64_t who;
    double left;
    int64_t at_ns;
};
#define CB_BUCKETS 4096
/** @return 0; > 0: seconds to wait */
int cb_limit_take(struct cb_bucket table[CB_BUCKETS], const unsigned char hash[CB_TOKEN_HASH_BYTES],
                  int64_t now_ns);

/** actions.c: what is more than a question. */
cb_handler_fn cb_do_login, cb_do_logout, cb_do_me, cb_do_settings, cb_do_roads, cb_do_evidence,
    cb_do_file, cb_do_export, cb_do_put_push, cb_do_stream;

/** pool.c: workers with a desk each. */
int cb_pool_create(struct cb_pool **ret, struct cb_gateway *g, int n, struct cb_error *reterr);
/** The connection is suspended when it is called. @return 0; -EBUSY: too many wait */
int cb_pool_submit(struct cb_pool *p, struct cb_request *q);
/** Something else than a request. */
int cb_pool_submit_stream(struct cb_pool *p, struct cb_stream *s);
/** Finishes what is queued, joins; what is submitted from now on is refused. */
void cb_pool_stop(struct cb_pool *p);
/** Takes NULL. */
void cb_pool_destroy(struct cb_pool **p);

/** hub.c and stream.c: events to many. */
int cb_hub_create(struct cb_hub **ret, struct cb_gateway *g, struct cb_error *reterr);
/** All streams end as soon as they are looked at. */
void cb_hub_stop(struct cb_hub *h);
void cb_hub_destroy(struct cb_hub **h);
void cb_hub_print_metrics(struct cb_hub *h, FILE *out);
bool cb_hub_is_connected(struct cb_hub *h);
/** after < 0: from now on. On a worker, in the user's transaction; takes over the user. */
int cb_stream_create(struct cb_stream **ret, struct cb_hub *h, struct cb_request *q, int64_t after,
                     struct cb_desk *d, struct cb_error *reterr);
/** On a worker: the next page of what is no longer in memory. */
void cb_stream_catch_up(struct cb_stream *s, struct cb_desk *d);
/** On the HTTP thread: the answer; the stream is the response's from now on. */
struct MHD_Response *cb_stream_respond(struct cb_stream *s, struct MHD_Connection *c);
void cb_stream_destroy(struct cb_stream **s);

struct cb_gateway {
    /* set at create, then immutable */
    struct cb_gateway_opts opts;
    struct cb_metrics_source *source;
    struct MHD_Daemon *http;
    uint16_t port;
    struct cb_log log;
    char *certificate, *key, *roads;
    char csp[1024];
    bool is_secure; /* cookies go over TLS alone */
    int web_fd;     /* -1: no pages */
    struct cb_pool *pool;
    struct cb_hub *hub;

    struct cb_bucket bucket[CB_BUCKETS]; /* the HTTP thread's */
    pthread_mutex_t lock;   /* leaf */
    bool is_exporting;      /* lock */
    pthread_mutex_t hashing; /* one password at a time: each takes 64 MiB */
    uint64_t n_requests, n_refused; /* atomic */
};

#endif
