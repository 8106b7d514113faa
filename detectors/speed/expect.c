#include <errno.h>
#include <math.h>

#include "base/mem.h"
#include "road.h"
#include "speed.h"

#define N_DRIVES  8 /* the interval of one drive depends on its noise; their mean square hardly */
#define N_MAX     2000
#define POINT_PX  1.0
#define UNIFORM_U 3.4641016151377544 /* range of a uniform number of standard deviation 1 */

/* The same numbers each time: an answer, not a lottery. */
static double noise(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return UNIFORM_U * ((double) (*seed >> 33) / 2147483648.0 - 0.5);
}

static size_t drive(const struct cb_road *r, const struct cb_camera_conf *conf, double x_m,
                    double v_mps, double fps, uint64_t *seed, struct cb_speed_sample *s)
{
    size_t n = 0;
    for (size_t i = 0; n < N_MAX; i++) {
        double t = (double) i / fps, y = conf->zone_y_min_m + v_mps * t;
        struct cb_vec2 px;
        if (y > conf->zone_y_max_m)
            break;
        if (cb_road_to_px(r, (struct cb_vec2){x_m, y}, &px) < 0)
            continue;
        s[n++] = (struct cb_speed_sample){.t_ns = (int64_t) (t * 1e9),
                                          .x_px = px.x + POINT_PX * noise(seed),
                                          .y_px = px.y + POINT_PX * noise(seed),
                                          .sigma_px = POINT_PX,
                                          .box = {0, 0, 1, 1}};
    }
    return n;
}

int cb_road_expect_u95(const struct cb_road *r, double x_m, double y0_m, double y1_m, double v_mps,
                       double fps, double *ret_u95_mps)
{
    struct cb_camera_conf conf = {.has_zone = true, .zone_y_min_m = y0_m, .zone_y_max_m = y1_m};
    CB_AUTO_FREE struct cb_speed_sample *s = calloc(N_MAX, sizeof *s);
    uint64_t seed = 1;
    double sum = 0, n = 0;
    if (!s)
        return -ENOMEM;
    for (int k = 0; k < N_DRIVES; k++) {
        struct cb_passage p = {0};
        size_t n_samples = drive(r, &conf, x_m, v_mps, fps, &seed, s);
        int err = cb_speed_measure(r, &conf, s, n_samples, &p);
        if (err == -ENOMEM)
            return err;
        if (err == 0 && p.reason == CB_REASON_NONE) {
            sum += p.u95_mps * p.u95_mps;
            n++;
        }
        if (err == 0)
            cb_passage_deinit(&p);
    }
    if (2 * n < N_DRIVES)
        return -EDOM;
    *ret_u95_mps = sqrt(sum / n);
    return 0;
}
