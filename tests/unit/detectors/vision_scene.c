#include "vision_scene.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "detectors/pipeline.h"

#define SHADOW_RATIO 0.65 /* of luma over black: sky light alone, with the code's gamma */
#define MIRROR_LEVEL 170  /* of the sky in the road, against 105 of the road */

struct px {
    double x, y;
};

static struct px project(const struct view *v, double x, double y, double z)
{
    double s = sin(v->pitch_rad), c = cos(v->pitch_rad);
    double ahead = y * cos(v->yaw_rad) + (x - v->x_m) * sin(v->yaw_rad);
    double right = (x - v->x_m) * cos(v->yaw_rad) - y * sin(v->yaw_rad);
    double depth = ahead * c - (z - v->height_m) * s, down = ahead * -s - (z - v->height_m) * c;
    return (struct px){0.5 * (v->width - 1) + v->f_px * right / depth,
                       0.5 * (v->height - 1) + v->f_px * down / depth};
}

/* Of level, or below 0, darkened to SHADOW_RATIO of what is there. */
static void fill(const struct view *v, uint8_t *img, const struct px *p, int n, int level)
{
    for (int y = 0; y < v->height; y++) {
        double lo = 1e9, hi = -1e9;
        for (int i = 0; i < n; i++) {
            struct px a = p[i], b = p[(i + 1) % n];
            if ((a.y > y) == (b.y > y))
                continue;
            double x = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
            lo = fmin(lo, x);
            hi = fmax(hi, x);
        }
        for (int x = (int) fmax(0, ceil(lo)); x <= (int) fmin(v->width - 1, floor(hi)); x++)
            img[y * v->width + x] =
                (uint8_t) (level >= 0 ? level
                                      : 16 + (img[y * v->width + x] - 16) * SHADOW_RATIO);
    }
}

static double moved_s(const struct box *b, double t_s)
{
    double d = t_s - b->t0_s;
    if (b->go_s > b->stop_s && t_s > b->stop_s)
        d -= fmin(t_s, b->go_s) - b->stop_s;
    return d;
}

/* Shadow on the road all around by a hand's breadth, then roof, the side seen, the near end. */
static void draw_box(const struct view *v, uint8_t *img, const struct box *b, double t_s)
{
    double y0 = b->y0_m + b->v_mps * moved_s(b, t_s), y1 = y0 + b->length_m;
    double x0 = b->x_m - 0.5 * b->width_m, x1 = x0 + b->width_m, h = b->height_m;
    if (v->yaw_rad == 0 && y0 < 3.5)
        return;
    double sx = x0 > v->x_m ? x0 : x1;         /* the side that faces the camera, */
    double ey = y0 > 0 || y1 > 0 ? y0 : y1;    /* and the end */
    struct px under[4] = {project(v, x0 - 0.1, y0, 0), project(v, x1 + 0.1, y0, 0),
                          project(v, x1 + 0.1, y1, 0), project(v, x0 - 0.1, y1, 0)};
    struct px roof[4] = {project(v, x0, y0, h), project(v, x1, y0, h), project(v, x1, y1, h),
                         project(v, x0, y1, h)};
    struct px side[4] = {project(v, sx, y0, 0.15), project(v, sx, y1, 0.15),
                         project(v, sx, y1, h), project(v, sx, y0, h)};
    struct px end[4] = {project(v, x0, ey, 0.15), project(v, x1, ey, 0.15), project(v, x1, ey, h),
                        project(v, x0, ey, h)};
    double s0 = x1 + b->shadow_gap_m, s1 = s0 + b->shadow_m;
    struct px cast[4] = {project(v, s0, y0, 0), project(v, s1, y0 + 1, 0),
                         project(v, s1, y1 + 1, 0), project(v, s0, y1, 0)};
    if (b->shadow_m > 0)
        fill(v, img, cast, 4, -1);
    fill(v, img, under, 4, 30);
    struct px mirror[4] = {project(v, x0, ey, 0), project(v, x1, ey, 0),
                           project(v, x1, ey, -b->mirror_m), project(v, x0, ey, -b->mirror_m)};
    if (b->mirror_m > 0)
        fill(v, img, mirror, 4, MIRROR_LEVEL);
    fill(v, img, roof, 4, b->level + 50);
    if (v->yaw_rad != 0)
        fill(v, img, end, 4, b->level);
    fill(v, img, side, 4, b->level + 25);
    if (v->yaw_rad == 0)
        fill(v, img, end, 4, b->level);
}

static uint32_t hash(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

static int by_distance(const void *a, const void *b)
{
    const double *p = a, *q = b;
    return (*p < *q) - (*p > *q);
}

/* Houses at the picture's upper and outer parts: something that does not move to look at. */
static void draw_houses(const struct view *v, uint8_t *img)
{
    for (int y = 0; y < v->height; y++)
        for (int x = 0; x < v->width; x++)
            if (y < v->height / 5 || x < v->width / 12 || x > v->width * 11 / 12)
                img[y * v->width + x] =
                    (uint8_t) (60 + hash((uint32_t) (y / 9 * 1000 + x / 11)) % 120);
}

static void knock(const struct view *v, uint8_t *img)
{
    for (int y = 0; y < v->height; y++) {
        uint8_t *row = img + (size_t) y * (size_t) v->width;
        memmove(row + v->bump_px, row, (size_t) (v->width - v->bump_px));
    }
}

static void draw(const struct view *v, uint8_t *img, int i_frame, double t_s)
{
    size_t n = (size_t) v->width * (size_t) v->height;
    for (size_t i = 0; i < n; i++)
        img[i] = (uint8_t) (100 + hash((uint32_t) i) % 12);
    if (v->bump_s > 0)
        draw_houses(v, img);
    double order[8][2];
    for (int i = 0; i < v->n_boxes; i++) {
        order[i][0] = v->yaw_rad != 0 ? v->box[i].x_m
                                      : v->box[i].y0_m + v->box[i].v_mps * moved_s(&v->box[i], t_s);
        order[i][1] = i;
    }
    qsort(order, (size_t) v->n_boxes, sizeof *order, by_distance); /* far ones first */
    for (int i = 0; i < v->n_boxes; i++)
        draw_box(v, img, &v->box[(int) order[i][1]], t_s);
    if (v->bump_s > 0 && t_s >= v->bump_s)
        knock(v, img);
    memset(img + n - (size_t) v->caption_px * (size_t) v->width, 60,
           (size_t) v->caption_px * (size_t) v->width);
    double gain = v->step_gain > 0 && t_s >= v->step_s ? v->step_gain : 1;
    for (size_t i = 0; i < n; i++) {
        int noise = (int) (hash((uint32_t) i * 977u + (uint32_t) i_frame * 131071u) % 9) - 4;
        double level = 16 + (img[i] - 16) * gain + noise;
        img[i] = (uint8_t) fmin(fmax(level, 0), 255);
    }
}

static void calibrate(const struct view *v, struct cb_calibration_conf *c)
{
    static const double at[][2] = {{-4, 10}, {4, 10}, {-4, 20}, {4, 20}, {-4, 35},
                                   {4, 35},  {0, 12}, {0, 30},  {-4, 50}, {4, 50}};
    static const double beside[][2] = {{-4, -9}, {4, -9}, {-4, -3}, {4, -2}, {-4, 3},
                                       {4, 3},   {0, -8}, {0, 7},   {-4, 9}, {4, 9}};
    const double (*mark)[2] = fabs(v->yaw_rad) > 0.5 ? beside : at;
    c->n_points = sizeof at / sizeof *at;
    c->points = calloc(c->n_points, sizeof *c->points);
    assert(c->points);
    for (size_t i = 0; i < c->n_points; i++) {
        struct px p = project(v, mark[i][0], mark[i][1], 0);
        c->points[i] = (struct cb_calibration_point){p.x, p.y, mark[i][0], mark[i][1], 0};
    }
}

static void on_passage(void *self, const struct cb_passage *p)
{
    struct outcome *o = self;
    assert(o->n < MAX_PASSAGES);
    o->t_told_ns[o->n] = o->now_ns;
    o->passage[o->n] = *p;
    o->passage[o->n++].path = NULL;
}

static void on_violation(void *self, const struct cb_violation *v)
{
    struct outcome *o = self;
    (void) v;
    o->n_violations++;
}

static void on_condition(void *self, const struct cb_condition *c)
{
    struct outcome *o = self;
    assert(c->text && c->text[0]);
    o->drift_px = c->drift_px;
    o->n_suspended += c->is_news && c->is_suspended;
    o->n_resumed += c->is_news && !c->is_suspended;
}

static void free_px(void *px)
{
    free(px);
}

static void feed(struct cb_pipeline *p, const struct view *v, int i, struct outcome *o)
{
    double t_s = i / v->fps;
    bool is_cut = v->cut_s > 0 && t_s >= v->cut_s && t_s < v->cut_s + 1 / v->fps;
    double jump_s = v->cut_s > 0 && t_s >= v->cut_s ? v->jump_s : 0;
    uint8_t *img = malloc((size_t) v->width * (size_t) v->height);
    assert(img);
    draw(v, img, i, t_s + jump_s);
    struct cb_picture pic = {.plane = {img}, .stride = {v->width}, .width = v->width,
                             .height = v->height, .t_ns = cb_ns_from_s(t_s + jump_s),
                             .is_discontinuity = is_cut};
    struct cb_frame *f = cb_frame_wrap(&pic, free_px, img);
    assert(f);
    o->now_ns = pic.t_ns;
    if (v->on_picture)
        v->on_picture(i, false);
    int r = cb_pipeline_on_frame(p, f);
    if (v->on_picture)
        v->on_picture(i, true);
    cb_frame_unref(&f);
    assert(r == 0);
}

void watch(const struct view *v, double y_min_m, double y_max_m, double limit_kmh,
           struct outcome *ret)
{
    struct cb_camera_conf conf;
    cb_camera_conf_init(&conf);
    snprintf(conf.id, sizeof conf.id, "test");
    conf.has_calibration = conf.has_zone = true;
    conf.zone_y_min_m = y_min_m;
    conf.zone_y_max_m = y_max_m;
    conf.speed_limit_kmh = limit_kmh;
    calibrate(v, &conf.calibration);
    memset(ret, 0, sizeof *ret);
    struct cb_sink sink = {.self = ret, .on_passage = on_passage, .on_violation = on_violation,
                           .on_condition = on_condition};
    struct cb_pipeline *p = NULL;
    struct cb_error err = {0};
    int r = cb_pipeline_create(&p, &conf, &sink, &err);
    assert(r == 0);
    for (int i = 0; i < (int) (v->seconds * v->fps); i++)
        feed(p, v, i, ret);
    r = cb_pipeline_flush(p);
    assert(r == 0);
    cb_pipeline_destroy(&p);
    cb_camera_conf_deinit(&conf);
}
