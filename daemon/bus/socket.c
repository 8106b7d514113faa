/* A socket with the house's rules: which endpoints are legal, CURVE on tcp, bounds, heartbeats. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "base/mem.h"
#include "context.h"

/* A peer that does not answer for this long is gone, and its connection is closed. */
#define HEARTBEAT_MS 2000
#define HEARTBEAT_TIMEOUT_MS 10000
#define RECONNECT_MS 100
#define RECONNECT_MAX_MS 5000
#define HANDSHAKE_MS 5000
#define ENDPOINTS_LEN 512

static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int check_endpoint(const char *e, const struct cb_bus_socket_opts *o,
                          struct cb_error *reterr)
{
    if (starts_with(e, "inproc://") || starts_with(e, "ipc://"))
        return 0;
    if (!starts_with(e, "tcp://"))
        return cb_error_set(reterr, -EINVAL, e, "expected inproc://NAME, ipc://PATH or tcp://HOST:PORT");
    if (!o->curve)
        return cb_error_set(reterr, -EINVAL, e,
                            "tcp is refused without keys: make them with `citybrain keygen` and "
                            "configure them, or use ipc://");
    if (o->is_server && o->curve->n_allowed == 0)
        return cb_error_set(reterr, -EINVAL, e,
                            "its list of allowed keys is empty: nobody could connect");
    if (!o->is_server && !o->curve->server_key[0])
        return cb_error_set(reterr, -EINVAL, e, "the server's public key is not configured");
    return 0;
}

static int set_int(void *s, int option, int v)
{
    return zmq_setsockopt(s, option, &v, sizeof v) == 0 ? 0 : -errno;
}

static int set_text(void *s, int option, const char *v)
{
    return zmq_setsockopt(s, option, v, strlen(v)) == 0 ? 0 : -errno;
}

static int set_curve(void *s, const struct cb_bus_socket_opts *o)
{
    int r;
    if ((r = set_text(s, ZMQ_CURVE_PUBLICKEY, o->curve->public_key)) < 0 ||
        (r = set_text(s, ZMQ_CURVE_SECRETKEY, o->curve->secret_key)) < 0)
        return r;
    if (!o->is_server)
        return set_text(s, ZMQ_CURVE_SERVERKEY, o->curve->server_key);
    if ((r = set_int(s, ZMQ_CURVE_SERVER, 1)) < 0)
        return r;
    return set_text(s, ZMQ_ZAP_DOMAIN, o->domain);
}

static int set_options(void *s, const struct cb_bus_socket_opts *o, bool has_tcp)
{
    int r;
    if ((r = set_int(s, ZMQ_LINGER, 0)) < 0 || (r = set_int(s, ZMQ_IPV6, 1)) < 0 ||
        (r = set_int(s, ZMQ_SNDHWM, o->high_water)) < 0 ||
        (r = set_int(s, ZMQ_RCVHWM, o->high_water)) < 0 ||
        (r = set_int(s, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS)) < 0 ||
        (r = set_int(s, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)) < 0 ||
        (r = set_int(s, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS)) < 0 ||
        (r = set_int(s, ZMQ_RECONNECT_IVL, RECONNECT_MS)) < 0 ||
        (r = set_int(s, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS)) < 0)
        return r;
    if (zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &o->n_bytes_max, sizeof o->n_bytes_max) != 0)
        return -errno;
    /* to a peer that is not there nothing is queued: what waits, waits in the outbox */
    if (!o->is_server && (r = set_int(s, ZMQ_IMMEDIATE, 1)) < 0)
        return r;
    return has_tcp ? set_curve(s, o) : 0;
}

static int attach(void *s, const char *e, bool is_server, struct cb_error *reterr)
{
    int r = is_server ? zmq_bind(s, e) : zmq_connect(s, e);
    if (r == 0)
        return 0;
    int code = errno > 0 && errno < ZMQ_HAUSNUMERO ? -errno : -EINVAL;
    return cb_error_set(reterr, code, e, "cannot %s: %s", is_server ? "bind" : "connect",
                        zmq_strerror(errno));
}

/* One after the other: first each is checked, then each is attached. */
static int for_each(const char *list, void *s, const struct cb_bus_socket_opts *o, bool *ret_tcp,
                    struct cb_error *reterr)
{
    char text[ENDPOINTS_LEN], *at = NULL;
    if (snprintf(text, sizeof text, "%s", list) >= (int) sizeof text || !text[0])
        return cb_error_set(reterr, -EINVAL, "endpoint", "expected 1 to %d bytes",
                            ENDPOINTS_LEN - 1);
    for (char *e = strtok_r(text, ", ", &at); e; e = strtok_r(NULL, ", ", &at)) {
        int r = s ? attach(s, e, o->is_server, reterr) : check_endpoint(e, o, reterr);
        if (r < 0)
            return r;
        *ret_tcp = *ret_tcp || starts_with(e, "tcp://");
    }
    return 0;
}

bool cb_bus_has_tcp(const char *endpoints)
{
    return strstr(endpoints, "tcp://") != NULL;
}

int cb_bus_socket_open(struct cb_bus_context *c, const struct cb_bus_socket_opts *o, void **ret,
                       struct cb_error *reterr)
{
    bool has_tcp = false;
    int r = for_each(o->endpoint, NULL, o, &has_tcp, reterr);
    if (r < 0)
        return r;
    void *s = zmq_socket(cb_bus_context_zmq(c), o->type);
    if (!s)
        return cb_error_set(reterr, -errno, o->endpoint, "no socket: %s", zmq_strerror(errno));
    if ((r = set_options(s, o, has_tcp)) < 0 || (o->before && (r = o->before(o->arg, s)) < 0))
        cb_error_set(reterr, r, o->endpoint, "the socket cannot be set up: %s", zmq_strerror(-r));
    else
        r = for_each(o->endpoint, s, o, &has_tcp, reterr);
    if (r < 0) {
        zmq_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

void cb_bus_socket_close(void **socket)
{
    if (*socket)
        zmq_close(*socket);
    *socket = NULL;
}
