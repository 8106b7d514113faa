#include "lens.h"

#include <errno.h>
#include <math.h>

static double radius_of(const struct cb_lens *l, double r)
{
    return r * (1 + r * r * (l->k1 + r * r * l->k2));
}

static double slope_of(const struct cb_lens *l, double r)
{
    return 1 + r * r * (3 * l->k1 + r * r * 5 * l->k2);
}

int cb_lens_init(struct cb_lens *l, int width, int height, double k1, double k2)
{
    *l = (struct cb_lens){{width / 2.0, height / 2.0}, hypot(width, height) / 2, k1, k2};
    if (!isfinite(k1) || !isfinite(k2))
        return -EINVAL;
    /* the radius must grow up to the picture's corner, with a tenth to spare */
    for (double r = 0; radius_of(l, r) < 1.1; r += 0.01)
        if (!(slope_of(l, r) > 0.02) || r > 100)
            return -EINVAL;
    return 0;
}

static struct cb_vec2 scaled(const struct cb_lens *l, struct cb_vec2 px, double k)
{
    return (struct cb_vec2){l->centre_px.x + k * (px.x - l->centre_px.x),
                            l->centre_px.y + k * (px.y - l->centre_px.y)};
}

int cb_lens_undistort(const struct cb_lens *l, struct cb_vec2 px, struct cb_vec2 *ret)
{
    double want = hypot(px.x - l->centre_px.x, px.y - l->centre_px.y) / l->half_diagonal_px;
    if (!isfinite(want))
        return -EDOM;
    if ((l->k1 == 0 && l->k2 == 0) || want == 0) {
        *ret = px;
        return 0;
    }
    double r = want;
    for (int i = 0; i < 50; i++) {
        double slope = slope_of(l, r), miss = radius_of(l, r) - want;
        if (!(slope > 0.01))
            return -EDOM;
        r -= miss / slope;
        if (fabs(miss) < 1e-13)
            break;
    }
    if (!(r > 0) || !(fabs(radius_of(l, r) - want) < 1e-9))
        return -EDOM;
    *ret = scaled(l, px, r / want);
    return 0;
}

int cb_lens_distort(const struct cb_lens *l, struct cb_vec2 px, struct cb_vec2 *ret)
{
    double r = hypot(px.x - l->centre_px.x, px.y - l->centre_px.y) / l->half_diagonal_px;
    if (!isfinite(r) || !(slope_of(l, r) > 0.01))
        return -EDOM;
    *ret = r > 0 ? scaled(l, px, radius_of(l, r) / r) : px;
    return 0;
}
