#ifndef DAEMON_EDGE_OUTBOX_H
#define DAEMON_EDGE_OUTBOX_H

#include "base/err.h"

struct cb_bus_source;
struct cb_node_conf;
struct cb_outbox;

/** The node's outbox below its data_dir, within its disk budget. */
int cb_edge_open_outbox(struct cb_outbox **ret, const struct cb_node_conf *node,
                        struct cb_error *reterr);
/** The outbox as the bus sees it; ret is valid as long as the outbox. */
void cb_edge_bus_source(struct cb_outbox *o, struct cb_bus_source *ret);

#endif
