#ifndef DETECTORS_VISION_SIDE_H
#define DETECTORS_VISION_SIDE_H

#include <stdbool.h>

#include "detectors/calibration.h"

/**
 * A camera beside the road sees vehicles' sides. There a silhouette's ends are points well above
 * the road, which the road plane shows too far out by the share z / (h − z). What height leaves
 * alone is the bearing in which an end is seen, for upright things lie on the ray from below the
 * camera. With the distance of the line that the near wheels run on, a bearing is a place.
 */
struct cb_side_view {
    double x_m, y_m, height_m; /* of the camera */
    double sign;               /* +1: the road lies at higher X than the camera, −1: at lower */
};

/** The ends of a patch seen from the side. */
struct cb_side {
    double x_m;      /* the line its wheels on the near side stand on */
    double slope[2]; /* (Y − y) / |X − x| in which the ends of lower and of higher Y are seen */
    bool has_end[2]; /* false: the picture or the region ends before it */
    double top_m;    /* height of its top if that stands above the near wheels; NaN: not known */
};

/**
 * Whether the side is what the camera sees of a vehicle where the zone begins: then the end that
 * would be followed from ahead or behind is edge-on or hidden.
 * @param x_min_m … the surveyed road and the zone
 * @return false also where the pose is not known: bearings are not, then
 */
bool cb_side_view_find(const struct cb_road *road, double x_min_m, double x_max_m, double y_min_m,
                       double y_max_m, struct cb_side_view *ret);
/** Where an end seen at that slope is along Y, on the line X = x_m. */
static inline double cb_side_y(const struct cb_side_view *v, double slope, double x_m)
{
    return v->y_m + slope * v->sign * (x_m - v->x_m);
}

struct cb_blobs;
struct cb_column;
struct cb_foreground;
struct cb_region;

/**
 * Where the patch's ends and its near wheels are.
 * @param c  its columns that are neither light nor shadow alone, from left to right; n ≥ 2
 * @return 0; -EDOM when it stands nowhere on the road; -ENOMEM
 */
int cb_side_of_blob(const struct cb_blobs *blobs, int blob, const struct cb_foreground *fg,
                    const struct cb_region *g, const struct cb_road *road,
                    const struct cb_column *c, int n, struct cb_side *ret);

#endif
