#include "mirror.h"

#include <math.h>
#include <stdlib.h>

#include "foot.h"
#include "speed/numeric.h"

#define BEFORE_M    0.3  /* upright: so far below the patch's edge the profile begins, */
#define BELOW_MAX_M 1.9  /* which itself may be the image of what is so high */
#define ABOVE_MAX_M 0.5  /* no body begins higher, … */
#define HEIGHT_MIN_M 0.08 /* … and few begin lower */
#define ASIDE_M     0.3
#define ROWS_MAX    160
#define FALL        0.2  /* of the empty road's luma: from the gap to the body, which is … */
#define DARK        0.75 /* … darker than this at its lower end */
#define IMAGE       0.95 /* of the empty road's luma: darker is the body's image, below the gap's */
#define RIM_PX      2    /* of either, between */
#define RISE        0.1  /* from the image of the body to that of the gap */
#define FALL_PX     3
#define SEEN_MIN    5    /* sightings with the image */
#define OWN_SHARE   0.6  /* of its sightings are in a patch of its own, or the gap may be another's */
#define BODY_MIN_M  0.8  /* two-wheelers have no gap beneath them */
#define EDGE_U_M    0.02
#define SIGMA       2    /* two spots of a few pixels are found less finely than an edge across a body */
#define WET_MIN     1.8  /* so many of late were mirrored by lamplight (dry: 1.3 at most in 18 scenes), */
#define WET_RATIO   0.2  /* and so many for each that was not: the road is wet */
#define MEMORY      0.9  /* of those before, with each that passes */

/* What is taken for a thing above the road and its image. */
struct limits {
    double low_m, high_m; /* sightings tell its height if it is between, */
    double min_m, max_m;  /* and their median must be between these */
    enum cb_patch worst;  /* patch in which it may have been seen */
    double seen_share;    /* of all sightings that show both */
    double spread;       /* of the height, median: it is one thing's */
    double ripple_u;     /* of the height: ripples draw an image out */
    double sigma;        /* of a sample's place against that of an edge's */
};
static const struct limits of_body = {HEIGHT_MIN_M, ABOVE_MAX_M, HEIGHT_MIN_M, ABOVE_MAX_M, CB_PATCH_OWN,
                                      0.2, 0.25, 0.15, 1};
/* Lamps are 0.5 to 1.2 m high (UNECE R48, 6.2 and 6.10). On dry roads spots of a body or of its pool keep
 * their distance within 4 % at best; a lamp and its image within 2 or 3. */
static const struct limits of_lamps = {0.3, 1.4, 0.58, 1.25, CB_PATCH_WIDE, 0.5, 0.03, 0.1, SIGMA};
static const struct limits of_lamps_on_wet_road = {0.3, 1.4, 0.5, 1.3, CB_PATCH_WIDE, 0.4, 0.08, 0.1, SIGMA};

/* Luma against the empty road's, row by row upwards from below a patch. */
struct profile {
    double ratio[ROWS_MAX];
    int n;
    double x, y; /* of the first row's middle, analysed px */
    double px_per_m;
};

static double height_of(const struct cb_road *road, double *ret_y_m)
{
    const struct cb_pose *pose = cb_road_pose(road);
    *ret_y_m = pose ? pose->position_m[1] : NAN;
    return pose ? pose->position_m[2] : NAN;
}

/* Row of the picture that shows the road at y_m in the column of (x_m, at_m). */
static bool row_of(const struct cb_sight *s, double x_m, double y_m, struct cb_vec2 *ret)
{
    struct cb_vec2 px;
    if (cb_road_to_px(s->road, (struct cb_vec2){x_m, y_m}, &px) < 0)
        return false;
    *ret = cb_region_from_full(s->region, px);
    return true;
}

static bool look_up(const struct cb_sight *s, double x_m, double y_m, struct profile *ret)
{
    double cam_y, h = height_of(s->road, &cam_y), away = fabs(y_m - cam_y), j[4];
    double far = away * (h + BELOW_MAX_M) / (h - ABOVE_MAX_M) - away;
    double before = away - away * h / (h + BEFORE_M);
    struct cb_vec2 from, to, px;
    if (!(h > 2 * BELOW_MAX_M) || !row_of(s, x_m, y_m - s->region->near * before, &from) ||
        !row_of(s, x_m, y_m + s->region->near * far, &to) ||
        cb_road_to_px(s->road, (struct cb_vec2){x_m, y_m}, &px) < 0 ||
        cb_road_jacobian(s->road, px, j) < 0)
        return false;
    double half = ASIDE_M / fmax(hypot(j[0], j[2]) * s->region->factor, 1e-6);
    *ret = (struct profile){.x = cb_region_from_full(s->region, px).x, .y = from.y,
                            .px_per_m = half / ASIDE_M};
    for (double y = from.y; y > to.y && ret->n < ROWS_MAX; y--) {
        double ratio = cb_foot_ratio(s->fg, ret->x, y, half);
        if (isnan(ratio))
            break;
        ret->ratio[ret->n++] = ratio;
    }
    return ret->n > 2 * FALL_PX;
}

/* Where, with fraction, the ratio passes the given one between rows i and i + 1. */
static double passing(const struct profile *p, int i, double ratio)
{
    double step = p->ratio[i + 1] - p->ratio[i];
    return i + (fabs(step) > 1e-9 ? (ratio - p->ratio[i]) / step : 0.5);
}

/* From row i on it gets as dark as a body within a few rows. */
static bool is_fall(const struct profile *p, int i)
{
    return p->ratio[i] - p->ratio[i + FALL_PX] > FALL && p->ratio[i + FALL_PX] < DARK;
}

/* The brightest row of the gap that ends at row fall, and the darkest below that. */
static bool find_rise(const struct profile *p, int fall, int *ret_low, int *ret_peak)
{
    int from = fall - (int) (2 * ABOVE_MAX_M * p->px_per_m);
    int peak = from > 0 ? from : 0, low = 0;
    for (int i = peak; i <= fall; i++)
        peak = p->ratio[i] > p->ratio[peak] ? i : peak;
    for (int i = 0; i < peak; i++)
        low = p->ratio[i] < p->ratio[low] ? i : low;
    *ret_low = low;
    *ret_peak = peak;
    return p->ratio[peak] - p->ratio[low] > RISE;
}

/* Rows of the gap's two ends, with fraction. The end of the body's image falls off too: without a
 * rise before it. */
static bool find_ends(const struct profile *p, double *ret_lower, double *ret_upper)
{
    int fall = 0, peak = 0, low = 0;
    while (fall + FALL_PX < p->n && !(is_fall(p, fall) && find_rise(p, fall, &low, &peak)))
        fall++;
    if (fall + FALL_PX >= p->n)
        return false;
    double mid = 0.5 * (p->ratio[fall] + p->ratio[fall + FALL_PX]);
    int up = fall, down = peak;
    while (up + 1 < fall + FALL_PX && p->ratio[up + 1] > mid)
        up++;
    *ret_upper = passing(p, up, mid);
    double half = 0.5 * (p->ratio[peak] + p->ratio[low]);
    while (down > low && p->ratio[down - 1] > half)
        down--;
    *ret_lower = passing(p, down - 1, half);
    return true;
}

/* Below the gap's image as much again is the body's: else that is no gap, but the image of a light
 * body down to the road. */
static bool has_image(const struct profile *p, double lower, double upper)
{
    int to = (int) lower - RIM_PX, from = to - (int) (upper - lower), n = 0;
    double sum = 0;
    for (int i = from > 0 ? from : 0; i < to; i++, n++)
        sum += p->ratio[i];
    return n > 0 && sum < IMAGE * n;
}

static double y_of_row(const struct cb_sight *s, const struct profile *p, double row)
{
    struct cb_vec2 m;
    return cb_road_from_px(s->road, cb_region_to_full(s->region, p->x, p->y - row), &m) < 0 ? NAN
                                                                                           : m.y;
}

struct cb_gap cb_mirror_gap(const struct cb_sight *s, double x_m, double y_m)
{
    struct profile p;
    double lower, upper;
    if (!look_up(s, x_m, y_m, &p) || !find_ends(&p, &lower, &upper))
        return (struct cb_gap){NAN, NAN, false};
    return (struct cb_gap){y_of_row(s, &p, lower), y_of_row(s, &p, upper),
                           has_image(&p, lower, upper)};
}

/* Of what has an image: that is h below the road and seen at H / (H + h) of its distance, the thing
 * itself at H / (H − h). */
static double height_m(const struct cb_gap *g, double cam_y_m, double cam_h_m, const struct limits *l)
{
    double near = fabs(g->image_y_m - cam_y_m), far = fabs(g->body_y_m - cam_y_m);
    double h = cam_h_m * (far - near) / (far + near);
    return h > l->low_m && h < l->high_m ? h : NAN;
}

static double median_height(const struct cb_track *t, double cam_y_m, double cam_h_m,
                            const struct limits *l, double *scratch, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        double h = height_m(&t->point[i].gap, cam_y_m, cam_h_m, l);
        if (!isnan(h) && t->point[i].gap.has_image && t->point[i].patch <= l->worst)
            scratch[n++] = h;
    }
    *ret_n = n;
    if (n < SEEN_MIN || (double) n < l->seen_share * (double) t->n)
        return NAN;
    qsort(scratch, n, sizeof *scratch, cb_by_value);
    return scratch[n / 2];
}

static bool has_body(const struct cb_track *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->point[i].patch == CB_PATCH_OWN;
    return t->width_m > BODY_MIN_M && (double) n >= OWN_SHARE * (double) t->n;
}

static double median_miss(double *h, size_t n, double at)
{
    for (size_t i = 0; i < n; i++)
        h[i] = fabs(h[i] - at);
    qsort(h, n, sizeof *h, cb_by_value);
    return h[n / 2];
}

/* Half way between the two in angle: from below the camera, distances' inverses are means. */
static double away_m(const struct cb_gap *g, double cam_y_m)
{
    return 2 / (1 / (g->image_y_m - cam_y_m) + 1 / (g->body_y_m - cam_y_m));
}

double cb_mirror_lamp_y_m(const struct cb_track_point *p, const struct cb_road *road)
{
    double cam_y, cam_h = height_of(road, &cam_y);
    bool is_one = p->is_dark && p->gap.has_image && !isnan(height_m(&p->gap, cam_y, cam_h, &of_lamps));
    return is_one ? cam_y + away_m(&p->gap, cam_y) : NAN;
}

static bool stand(const struct cb_track_point *p, const struct cb_road *road,
                  struct cb_speed_sample *s)
{
    const double *cam = cb_road_pose(road)->position_m;
    double away = away_m(&p->gap, cam[1]);
    struct cb_vec2 px, m;
    if (cb_road_from_px(road, (struct cb_vec2){s->x_px, s->y_px}, &m) < 0)
        return false;
    double k = away / (m.y - cam[1]);
    if (cb_road_to_px(road, (struct cb_vec2){cam[0] + k * (m.x - cam[0]), cam[1] + away}, &px) < 0)
        return false;
    s->x_px = px.x;
    s->y_px = px.y;
    return true;
}

/* The height of what t shows twice; NaN: of nothing, or of several. */
static double height_of_one(const struct cb_track *t, double cam_y_m, double cam_h_m,
                            const struct limits *l)
{
    size_t n = 0;
    double *scratch = calloc(t->n + 1, sizeof *scratch);
    double h = scratch && !isnan(cam_h_m) ? median_height(t, cam_y_m, cam_h_m, l, scratch, &n) : NAN;
    bool is_one = h > l->min_m && h < l->max_m && median_miss(scratch, n, h) < l->spread * h;
    free(scratch);
    return is_one ? h : NAN;
}

static size_t put_right(const struct cb_track *t, const struct cb_road *road, const struct limits *l,
                        struct cb_speed_sample *s, double *ret_u)
{
    double cam_y, cam_h = height_of(road, &cam_y), h = height_of_one(t, cam_y, cam_h, l);
    size_t n_ret = 0;
    for (size_t i = 0; i < t->n && !isnan(h); i++) {
        const struct cb_track_point *p = &t->point[i];
        struct cb_speed_sample at = s[i];
        double miss = fabs(height_m(&p->gap, cam_y, cam_h, l) - h);
        if (p->patch > l->worst || !(miss < 2 * l->spread * h) || !stand(p, road, &at))
            continue;
        at.sigma_px *= l->sigma;
        s[n_ret++] = at;
    }
    *ret_u = n_ret ? (l->ripple_u * h + EDGE_U_M) / cam_h : 0;
    return n_ret;
}

size_t cb_mirror_put_right(const struct cb_track *t, const struct cb_road *road,
                           struct cb_speed_sample *s, double *ret_u)
{
    return has_body(t) ? put_right(t, road, &of_body, s, ret_u) : 0;
}

size_t cb_mirror_put_lamps_right(const struct cb_track *t, const struct cb_road *road,
                                 struct cb_speed_sample *s, double *ret_u)
{
    return put_right(t, road, t->is_on_wet_road ? &of_lamps_on_wet_road : &of_lamps, s, ret_u);
}

void cb_mirrors_note(struct cb_mirrors *m, const struct cb_track *t, const struct cb_road *road)
{
    double cam_y, cam_h = height_of(road, &cam_y);
    if (!cb_track_is_dark(t) || t->n < SEEN_MIN)
        return;
    bool is_mirrored = !isnan(height_of_one(t, cam_y, cam_h, &of_lamps));
    m->n_mirrored = MEMORY * m->n_mirrored + is_mirrored;
    m->n_others = MEMORY * m->n_others + !is_mirrored;
}

bool cb_mirrors_show_wet(const struct cb_mirrors *m)
{
    return m->n_mirrored > WET_MIN && m->n_mirrored > WET_RATIO * m->n_others;
}
