#include "detectors/refit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "speed.h"

int cb_refit(const struct cb_camera_conf *conf, int width, int height, const struct cb_fix *path,
             size_t n, struct cb_passage *ret)
{
    struct cb_road *road = NULL;
    CB_AUTO_FREE struct cb_speed_sample *s = calloc(n ? n : 1, sizeof *s);
    if (!s)
        return -ENOMEM;
    int r = cb_road_create(&road, &conf->calibration, width, height, NULL);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        s[i] = (struct cb_speed_sample){.t_ns = path[i].t_ns,
                                        .x_px = path[i].x_px,
                                        .y_px = path[i].y_px,
                                        .sigma_px = path[i].sigma_px,
                                        .box = path[i].box};
    r = cb_speed_measure(road, conf, s, n, ret);
    cb_road_destroy(&road);
    return r;
}
