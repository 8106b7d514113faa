#include "curve_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "config.h"

/* The store's public key: the file's first word. */
static int read_public(const char *file, char ret[CB_BUS_KEY_LEN], struct cb_error *reterr)
{
    FILE *f = fopen(file, "r");
    if (!f)
        return cb_error_set(reterr, -errno, file, "cannot be opened: %s", strerror(errno));
    int n = fscanf(f, "%40s", ret);
    fclose(f);
    if (n != 1 || cb_bus_key_check(ret) < 0)
        return cb_error_set(reterr, -EINVAL, file, "expected a CURVE public key: 40 characters");
    return 0;
}

int cb_curve_keys_load(const struct cb_bus_conf *conf, struct cb_bus_curve *ret,
                       struct cb_error *reterr)
{
    if (!conf->curve_key[0])
        return 0;
    char server[CB_BUS_KEY_LEN] = "";
    int r = conf->store_key[0] ? read_public(conf->store_key, server, reterr) : 0;
    if (r < 0)
        return r;
    return cb_bus_curve_load(ret, conf->curve_key,
                             conf->allowed_keys[0] ? conf->allowed_keys : NULL,
                             server[0] ? server : NULL, reterr);
}
