#include "message.h"

#include <errno.h>
#include <string.h>

int cb_bus_message_recv(void *socket, struct cb_bus_message *ret)
{
    const size_t cap = sizeof ret->msg / sizeof ret->msg[0];
    bool has_more = true;
    ret->n = 0;
    ret->is_too_long = false;
    while (has_more) {
        zmq_msg_t spare, *m = ret->n < cap ? &ret->msg[ret->n] : &spare;
        zmq_msg_init(m);
        if (zmq_msg_recv(m, socket, ZMQ_DONTWAIT) < 0) {
            int r = errno == ETERM ? -ETERM : -EAGAIN;
            zmq_msg_close(m);
            cb_bus_message_close(ret);
            return r;
        }
        has_more = zmq_msg_more(m);
        if (m == &spare) {
            ret->is_too_long = true;
            zmq_msg_close(m);
            continue;
        }
        ret->frame[ret->n] = (struct cb_bus_frame) {zmq_msg_data(m), zmq_msg_size(m)};
        ret->n++;
    }
    return 0;
}

void cb_bus_message_close(struct cb_bus_message *m)
{
    for (size_t i = 0; i < m->n; i++)
        zmq_msg_close(&m->msg[i]);
    m->n = 0;
}

int cb_bus_send(void *socket, const void *data, size_t n, bool more)
{
    int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    return zmq_send(socket, data, n, flags) < 0 ? -errno : 0;
}

int cb_bus_send_head(void *socket, enum cb_bus_kind kind)
{
    uint8_t head[CB_BUS_HEAD_LEN];
    cb_bus_head_print(kind, head);
    return cb_bus_send(socket, head, sizeof head, true);
}
