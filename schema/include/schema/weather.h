#ifndef SCHEMA_WEATHER_H
#define SCHEMA_WEATHER_H

#include "base/err.h"
#include "schema/camera.h"

/**
 * A weather station's latest values, as `weather.file` has them:
 * {"utc": "2026-11-23T10:00:00.000Z", "wind_mps": 1.2, "rain_mm_h": 0, "temperature_c": 21.5};
 * what is absent or null is NaN, other keys are let be.
 *
 * @return 0; -EINVAL: reterr says which key and what was expected
 */
int cb_weather_parse(const char *json, size_t n, struct cb_weather *ret, int64_t *ret_utc_ns,
                     struct cb_error *reterr);

#endif
