#include "curve_keys.h"

#include "bus/bus.h"
#include "config.h"

static const char *or_null(const char *path)
{
    return path[0] ? path : NULL;
}

int cb_curve_keys_load(const struct cb_bus_conf *conf, struct cb_bus_curve *ret,
                       struct cb_error *reterr)
{
    if (!conf->curve_key[0])
        return 0;
    return cb_bus_curve_load(ret, conf->curve_key, or_null(conf->allowed_keys),
                             or_null(conf->store_key), reterr);
}
