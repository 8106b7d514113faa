#include "edge_outbox.h"

#include "bus/bus.h"
#include "config.h"
#include "outbox/outbox.h"

int cb_edge_open_outbox(struct cb_outbox **ret, const struct cb_node_conf *node,
                        struct cb_error *reterr)
{
    struct cb_outbox_opts opts = {.budget_bytes = (uint64_t) node->outbox_mib_max << 20,
                                  .keep_media_ns = (int64_t) (node->keep_media_h * 3600e9)};
    return cb_outbox_create(ret, node->data_dir, &opts, reterr);
}

/* Bus and outbox are strangers: these are the words in which they meet. */

static int next(void *self, char ret_id[CB_UUID_LEN], char **ret_dir)
{
    return cb_outbox_next(self, ret_id, ret_dir);
}

static int ack(void *self, const char *id)
{
    return cb_outbox_ack(self, id);
}

static int set_aside(void *self, const char *id, const char *reason)
{
    return cb_outbox_set_aside(self, id, reason);
}

static int next_alert(void *self, uint64_t *ret_sequence, char **ret_json)
{
    return cb_outbox_next_alert(self, ret_sequence, ret_json);
}

static int announced(void *self, uint64_t sequence)
{
    return cb_outbox_mark_announced(self, sequence);
}

static int replay(void *self, uint64_t from, uint64_t to,
                  int (*fn)(void *arg, uint64_t sequence, const char *json), void *arg)
{
    return cb_outbox_replay(self, from, to, fn, arg);
}

static uint64_t last(void *self)
{
    return cb_outbox_last_announced(self);
}

static int next_minutes(void *self, uint64_t *ret_number, char **ret_json)
{
    return cb_outbox_next_minutes(self, ret_number, ret_json);
}

static int minutes_done(void *self, uint64_t number)
{
    return cb_outbox_minutes_done(self, number);
}

void cb_edge_bus_source(struct cb_outbox *o, struct cb_bus_source *ret)
{
    *ret = (struct cb_bus_source){o,      next, ack,          set_aside,   next_alert, announced,
                                  replay, last, next_minutes, minutes_done};
}
