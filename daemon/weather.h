#ifndef DAEMON_WEATHER_H
#define DAEMON_WEATHER_H

#include <stdint.h>

#include "base/err.h"
#include "schema/camera.h"

/**
 * What the station's file says now; NaN where it cannot be read, is older than max_age_s, or is
 * from more than that ahead of now.
 *
 * @return 0; -ESTALE, -EINVAL, -errno of reading: reterr says why, ret is all NaN
 */
int cb_weather_read(const struct cb_weather_conf *conf, int64_t now_utc_ns, struct cb_weather *ret,
                    struct cb_error *reterr);

#endif
