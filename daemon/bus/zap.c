/* Who may connect: the authentication handler of rfc.zeromq.org/spec/27, for CURVE alone. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "context.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define DOMAINS_MAX 32
#define STRANGERS_MAX 64
#define SILENCE_NS (60 * CB_NS_PER_S)
/* version, request id, domain, address, identity, mechanism, credentials */
#define REQUEST_FRAMES 7

struct allow {
    char domain[64]; /* "" : free */
    uint8_t (*key)[32];
    size_t n_keys;
};

struct stranger {
    char key[CB_BUS_KEY_LEN];
    int64_t silent_until_ns; /* monotonic */
};

struct cb_bus_context {
    /* set at create, then immutable */
    void *zmq;
    struct cb_log log;

    struct cb_thread thread;
    void *socket; /* the thread's alone once it runs */
    struct stranger stranger[STRANGERS_MAX]; /* the thread's: who was told of lately */

    pthread_mutex_t lock; /* leaf */
    struct allow allow[DOMAINS_MAX]; /* lock */
};

void *cb_bus_context_zmq(struct cb_bus_context *c)
{
    return c->zmq;
}

static struct allow *find(struct cb_bus_context *c, const char *domain)
{
    for (size_t i = 0; i < DOMAINS_MAX; i++)
        if (strcmp(c->allow[i].domain, domain) == 0)
            return &c->allow[i];
    return NULL;
}

int cb_bus_context_allow(struct cb_bus_context *c, const char *domain,
                         const struct cb_bus_curve *curve)
{
    int r = 0;
    uint8_t(*key)[32] = calloc(curve->n_allowed ? curve->n_allowed : 1, sizeof *key);
    if (!key)
        return -ENOMEM;
    for (size_t i = 0; i < curve->n_allowed; i++)
        zmq_z85_decode(key[i], curve->allowed[i].key);
    pthread_mutex_lock(&c->lock);
    struct allow *a = find(c, "");
    if (find(c, domain))
        a = find(c, domain); /* its list is exchanged */
    if (!a || strlen(domain) >= sizeof a->domain)
        r = -ENOMEM;
    else {
        uint8_t(*old)[32] = a->key;
        strcpy(a->domain, domain);
        a->key = key;
        a->n_keys = curve->n_allowed;
        key = old;
    }
    pthread_mutex_unlock(&c->lock);
    free(key);
    return r;
}

void cb_bus_context_bar(struct cb_bus_context *c, const char *domain, const char *key)
{
    uint8_t barred[32];
    if (!zmq_z85_decode(barred, key))
        return;
    pthread_mutex_lock(&c->lock);
    struct allow *a = domain[0] ? find(c, domain) : NULL;
    for (size_t i = a ? a->n_keys : 0; i-- > 0;)
        if (memcmp(a->key[i], barred, sizeof barred) == 0)
            memcpy(a->key[i], a->key[--a->n_keys], sizeof barred);
    pthread_mutex_unlock(&c->lock);
}

void cb_bus_context_forget(struct cb_bus_context *c, const char *domain)
{
    pthread_mutex_lock(&c->lock);
    struct allow *a = domain[0] ? find(c, domain) : NULL;
    if (a) {
        free(a->key);
        memset(a, 0, sizeof *a);
    }
    pthread_mutex_unlock(&c->lock);
}

static bool is_allowed(struct cb_bus_context *c, const char *domain, const uint8_t key[32])
{
    bool is = false;
    pthread_mutex_lock(&c->lock);
    const struct allow *a = domain[0] ? find(c, domain) : NULL;
    for (size_t i = 0; a && i < a->n_keys && !is; i++)
        is = memcmp(a->key[i], key, 32) == 0;
    pthread_mutex_unlock(&c->lock);
    return is;
}

struct request {
    char frame[REQUEST_FRAMES][256];
    int n[REQUEST_FRAMES];
    int n_frames;
};

/* @return 0; -ETERM when the context is going */
static int read_request(void *socket, struct request *q)
{
    int has_more = 1;
    size_t size = sizeof has_more;
    memset(q, 0, sizeof *q);
    while (has_more) {
        char spare[256];
        char *to = q->n_frames < REQUEST_FRAMES ? q->frame[q->n_frames] : spare;
        int n = zmq_recv(socket, to, 255, 0);
        if (n < 0)
            return errno == EINTR && q->n_frames == 0 ? -EINTR : -ETERM;
        if (q->n_frames < REQUEST_FRAMES)
            q->n[q->n_frames] = n > 255 ? 255 : n;
        q->n_frames++;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &has_more, &size) != 0)
            return -ETERM;
    }
    return 0;
}

/* Who is refused tries again, ten times a second: that is one line a minute, and one for each key. */
static void tell(struct cb_bus_context *c, const struct request *q, const char *key)
{
    int64_t now_ns = cb_clock_mono_ns();
    struct stranger *s = &c->stranger[0];
    for (size_t i = 0; i < STRANGERS_MAX; i++) {
        if (strcmp(c->stranger[i].key, key) == 0 && now_ns < c->stranger[i].silent_until_ns)
            return;
        if (c->stranger[i].silent_until_ns < s->silent_until_ns)
            s = &c->stranger[i];
    }
    snprintf(s->key, sizeof s->key, "%s", key);
    s->silent_until_ns = now_ns + SILENCE_NS;
    cb_warn(c, "refused a stranger: endpoint=%s address=%s key=%s", q->frame[2], q->frame[3], key);
}

static void answer(struct cb_bus_context *c, const struct request *q)
{
    bool is_request = q->n_frames == REQUEST_FRAMES && strcmp(q->frame[0], "1.0") == 0;
    bool is_in = is_request && strcmp(q->frame[5], "CURVE") == 0 && q->n[6] == 32 &&
                 is_allowed(c, q->frame[2], (const uint8_t *) q->frame[6]);
    char user[CB_BUS_KEY_LEN] = "";
    if (is_request && q->n[6] == 32)
        zmq_z85_encode(user, (const uint8_t *) q->frame[6], 32);
    if (!is_in)
        tell(c, q, user[0] ? user : "none");
    zmq_send(c->socket, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(c->socket, q->frame[1], (size_t) q->n[1], ZMQ_SNDMORE);
    /* 300, not 400: libzmq's client would give up for ever, and its key may be let in later */
    zmq_send(c->socket, is_in ? "200" : "300", 3, ZMQ_SNDMORE);
    zmq_send(c->socket, is_in ? "" : "not on the list", is_in ? 0 : 15, ZMQ_SNDMORE);
    zmq_send(c->socket, user, is_in ? strlen(user) : 0, ZMQ_SNDMORE);
    zmq_send(c->socket, "", 0, 0);
}

/* Ends when the context is shut down: recv then gives ETERM. */
static void *serve(void *self)
{
    struct cb_bus_context *c = self;
    struct request q;
    int r;
    while ((r = read_request(c->socket, &q)) == 0 || r == -EINTR)
        if (r == 0)
            answer(c, &q);
    zmq_close(c->socket);
    c->socket = NULL;
    return NULL;
}

int cb_bus_context_create(struct cb_bus_context **ret, struct cb_error *reterr)
{
    int r = -ENOMEM;
    struct cb_bus_context *c = calloc(1, sizeof *c);
    if (!c)
        return cb_error_set(reterr, r, "bus", "out of memory");
    pthread_mutex_init(&c->lock, NULL);
    c->log = (struct cb_log) {"bus", NULL};
    c->zmq = zmq_ctx_new();
    c->socket = c->zmq ? zmq_socket(c->zmq, ZMQ_REP) : NULL;
    if (!c->socket || zmq_bind(c->socket, ZAP_ENDPOINT) != 0) {
        r = cb_error_set(reterr, -errno, "bus", "no ZeroMQ context: %s", zmq_strerror(errno));
        goto fail;
    }
    if ((r = cb_thread_start(&c->thread, "cb-zap", serve, c)) < 0) {
        cb_error_set(reterr, r, "bus", "no thread: %s", strerror(-r));
        goto fail;
    }
    *ret = c;
    return 0;
fail:
    cb_bus_context_destroy(&c);
    return r;
}

void cb_bus_context_destroy(struct cb_bus_context **context)
{
    struct cb_bus_context *c = *context;
    if (!c)
        return;
    *context = NULL;
    bool was_serving = c->thread.is_started;
    if (c->zmq)
        zmq_ctx_shutdown(c->zmq);
    cb_thread_stop_and_join(&c->thread);
    if (!was_serving && c->socket)
        zmq_close(c->socket);
    if (c->zmq)
        zmq_ctx_term(c->zmq);
    for (size_t i = 0; i < DOMAINS_MAX; i++)
        free(c->allow[i].key);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
