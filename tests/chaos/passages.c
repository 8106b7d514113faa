/*
 * citybraind that sees a speeder every second picture, whatever the pictures show: the way a vehicle
 * would have taken goes through the pipeline's own speed stage and rules, and all that comes after
 * the sink is the daemon's. For the chaos runs, which want many violations a second.
 *
 * The road is that of world.py: x_px = 96 + 150 X / Y, y_px = 20 + 900 / Y.
 */
#include "base/clock.h"
#include "base/frame.h"
#include "detectors/pipeline.h"

enum { FIXES = 12, EVERY = 2 };

static struct {
    int64_t t_ns[FIXES]; /* of the latest pictures, the oldest first */
    size_t n;
    int64_t n_pictures;
} seen; /* of the one camera */

int __real_cb_pipeline_on_frame(struct cb_pipeline *p, const struct cb_frame *f);
int __wrap_cb_pipeline_on_frame(struct cb_pipeline *p, const struct cb_frame *f);

static void remember(int64_t t_ns)
{
    if (seen.n == FIXES)
        for (size_t i = 1; i < FIXES; i++)
            seen.t_ns[i - 1] = seen.t_ns[i];
    else
        seen.n++;
    seen.t_ns[seen.n - 1] = t_ns;
}

/* 80 to 99 km/h, from 11 m to some 40 m. */
static int drive(struct cb_pipeline *p, int64_t track)
{
    struct cb_track_sample s[FIXES];
    double v_mps = (80 + (double) (track * 7 % 20)) / 3.6;
    for (size_t i = 0; i < FIXES; i++) {
        double y_m = 11 + v_mps * cb_s_from_ns(seen.t_ns[i] - seen.t_ns[0]);
        s[i] = (struct cb_track_sample){seen.t_ns[i], 96 + 150 * 1.75 / y_m, 20 + 900 / y_m};
    }
    return cb_pipeline_on_track(p, track, s, FIXES);
}

int __wrap_cb_pipeline_on_frame(struct cb_pipeline *p, const struct cb_frame *f)
{
    remember(cb_frame_picture(f)->t_ns);
    if (seen.n_pictures++ == 0)
        return __real_cb_pipeline_on_frame(p, f); /* tells the size: the road is made for it */
    if (seen.n < FIXES || seen.n_pictures % EVERY)
        return 0;
    return drive(p, seen.n_pictures / EVERY);
}
