#ifndef DAEMON_CURVE_KEYS_H
#define DAEMON_CURVE_KEYS_H

#include "base/err.h"

struct cb_bus_conf;
struct cb_bus_curve;

/** The process's CURVE keys as configured; nothing configured leaves ret empty. */
int cb_curve_keys_load(const struct cb_bus_conf *conf, struct cb_bus_curve *ret,
                       struct cb_error *reterr);

#endif
