#include "schema/weather.h"

#include <math.h>

#include "base/clock.h"
#include "json.h"

int cb_weather_parse(const char *json, size_t n, struct cb_weather *ret, int64_t *ret_utc_ns,
                     struct cb_error *reterr)
{
    json_t *root;
    struct cb_weather w = {NAN, NAN, NAN};
    int64_t utc_ns = 0;
    char text[40];
    struct cb_json_reader rd = cb_json_open(json, n, reterr, &root);
    cb_json_get_text(&rd, "utc", text, sizeof text);
    if (rd.r == 0 && cb_utc_parse(text, &utc_ns) < 0)
        cb_json_refuse(&rd, "utc", "a time as 2026-11-23T10:00:00.123Z");
    cb_json_get_real(&rd, "wind_mps", &w.wind_mps);
    cb_json_get_real(&rd, "rain_mm_h", &w.rain_mm_h);
    cb_json_get_real(&rd, "temperature_c", &w.temperature_c);
    if (rd.r == 0 && (w.wind_mps < 0 || w.rain_mm_h < 0))
        cb_json_refuse(&rd, w.wind_mps < 0 ? "wind_mps" : "rain_mm_h", "no less than 0");
    json_decref(root);
    if (rd.r < 0)
        return rd.r;
    *ret = w;
    *ret_utc_ns = utc_ns;
    return 0;
}
