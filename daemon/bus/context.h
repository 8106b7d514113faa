#ifndef DAEMON_BUS_CONTEXT_H
#define DAEMON_BUS_CONTEXT_H

#include "bus/bus.h"

/* Private to the bus: sockets with the house's rules on them. */

struct cb_bus_context;

/** The ZeroMQ context. */
void *cb_bus_context_zmq(struct cb_bus_context *c);
/**
 * Lets the keys of curve in where `domain` is asked for, and no others; a domain is one bound
 * socket's name. Who is in stays in. @return 0; -ENOMEM
 */
int cb_bus_context_allow(struct cb_bus_context *c, const char *domain,
                         const struct cb_bus_curve *curve);
/** No longer lets that key in, until allow is called again. Who is in stays in. */
void cb_bus_context_bar(struct cb_bus_context *c, const char *domain, const char *key);
void cb_bus_context_forget(struct cb_bus_context *c, const char *domain);

/** One socket, where it belongs, and how. */
struct cb_bus_socket_opts {
    int type;                /* ZMQ_… */
    const char *endpoint;    /* to bind: may be several, parted by commas */
    bool is_server;          /* binds, else connects */
    const char *domain;      /* a server's: whose allow-list counts */
    const struct cb_bus_curve *curve; /* NULL: no tcp */
    int high_water;          /* messages, each way */
    int64_t n_bytes_max;     /* of one incoming frame */
    int (*before)(void *arg, void *socket); /* or NULL: before it binds or connects; 0 or -errno */
    void *arg;
};
/** Yours to zmq_close. @return 0; -errno: reterr names the endpoint */
int cb_bus_socket_open(struct cb_bus_context *c, const struct cb_bus_socket_opts *o, void **ret,
                       struct cb_error *reterr);
/** Whether one of the endpoints is of tcp: then the whole socket asks for keys. */
bool cb_bus_has_tcp(const char *endpoints);
/** Takes NULL; leaves NULL; does not linger. */
void cb_bus_socket_close(void **socket);

#endif
