#include "weather.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "schema/weather.h"
#include "yaml_tree.h"

int cb_weather_read(const struct cb_weather_conf *conf, int64_t now_utc_ns, struct cb_weather *ret,
                    struct cb_error *reterr)
{
    CB_AUTO_FREE char *text = NULL;
    size_t n = 0;
    struct cb_weather w;
    int64_t utc_ns;
    *ret = (struct cb_weather){NAN, NAN, NAN};
    int r = cb_yaml_read_file(conf->file, &text, &n, reterr);
    if (r == 0)
        r = cb_weather_parse(text, n, &w, &utc_ns, reterr);
    if (r < 0)
        return r;
    double age_s = cb_s_from_ns(now_utc_ns - utc_ns);
    if (!(fabs(age_s) <= conf->max_age_s))
        return cb_error_set(reterr, -ESTALE, conf->file, "is %.0f s old, expected at most %.0f s",
                            age_s, conf->max_age_s);
    *ret = w;
    return 0;
}
