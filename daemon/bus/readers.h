#ifndef DAEMON_BUS_READERS_H
#define DAEMON_BUS_READERS_H

#include <zmq.h>

#include "bus/curve.h"

/**
 * Private to the bus: who may read which alerts. libzmq says with each message whose key it came
 * with (the ZAP user id, zap.c); a reader whose line of the allow-list names districts gets these
 * districts' alerts and pulses and nothing else.
 */
struct cb_reader {
    bool is_any;                      /* all that there is: no keys are asked for here */
    const struct cb_bus_curve *curve; /* lent */
    char key[CB_BUS_KEY_LEN];
};

/** Who sent m. curve: the socket's; NULL: it asks for no keys. */
struct cb_reader cb_reader_of(zmq_msg_t *m, const struct cb_bus_curve *curve);
bool cb_reader_has_all(const struct cb_reader *r);
/** topic: "alert.<district>.…" or "pulse.<district>.…" */
bool cb_reader_may(const struct cb_reader *r, const char *topic);
/** m: what an XPUB in manual mode just gave. Subscribes its sender to what it wants and may have. */
void cb_reader_subscribe(void *xpub, zmq_msg_t *m, const struct cb_bus_curve *curve);
/** The reader's districts as a JSON array; yours. NULL: it has all, or no memory. */
char *cb_reader_districts(const struct cb_reader *r);

#endif
