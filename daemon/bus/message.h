#ifndef DAEMON_BUS_MESSAGE_H
#define DAEMON_BUS_MESSAGE_H

#include <zmq.h>

#include "bus/framing.h"

/* Private to the bus: multiparts in and out of ZeroMQ. */

/** One received multipart; frame[i] looks into msg[i]. */
struct cb_bus_message {
    zmq_msg_t msg[CB_BUS_FRAMES_MAX + 2];
    struct cb_bus_frame frame[CB_BUS_FRAMES_MAX + 2];
    size_t n;
    bool is_too_long; /* more frames came than any message has; they are read and dropped */
};

/** @return 0; -EAGAIN: nothing there; -ETERM: the context is gone. Close it on 0. */
int cb_bus_message_recv(void *socket, struct cb_bus_message *ret);
void cb_bus_message_close(struct cb_bus_message *m);

/** One frame; `more` as ZMQ_SNDMORE. Never waits. @return 0; -errno */
int cb_bus_send(void *socket, const void *data, size_t n, bool more);
int cb_bus_send_head(void *socket, enum cb_bus_kind kind);

/** A package read from its folder into memory. */
struct cb_bus_loaded {
    struct cb_bus_names names;
    struct cb_package package;
    void *bytes[CB_EVIDENCE_FILES_MAX + 2]; /* what package lends from; NULL: given away */
};
/**
 * record.json, record.sig and each other file of the folder.
 * @return 0; -EBADMSG: it can never be sent: reterr says why; other -errno: not now
 */
int cb_bus_load(const char *id, const char *dir, struct cb_bus_loaded *ret,
                struct cb_error *reterr);
void cb_bus_loaded_deinit(struct cb_bus_loaded *l);
/** Gives the bytes to ZeroMQ. @return 0; -EAGAIN: nobody is connected */
int cb_bus_loaded_send(void *socket, struct cb_bus_loaded *l);

#endif
