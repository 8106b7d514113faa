#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "base/mem.h"
#include "calibrate.h"
#include "draw/draw.h"

#define N_LINE     60 /* places along a grid line: a lens bends it */
#define SIDE_M     1.0
#define FAR_M      1e6
#define MAGNIFIED  10.0 /* residual vectors, against the picture */
#define GRID       0x40ff80c0
#define ZONE       0xffa000ff
#define HORIZON    0x50c8ffff
#define MARK       0xffe040ff
#define LENGTH     0xffe04090
#define RESIDUAL   0xff3030ff
#define PLAIN      0xe8ecf0ff
#define ROW_PX     17.0
#define COLUMN_PX  310.0
#define TEXT_PX    13.0

struct sheet {
    struct cb_draw *draw;
    const struct cb_road *road;
    const struct cb_calibration_conf *c;
    const struct cb_residual *residual;
    struct cb_extent e;
    double unit; /* px of this picture for one of a picture 1280 wide */
    int width, height;
};

/* 1, 2 or 5 times a power of ten that divides the extent into at most n. */
static double step_of(double extent, int n)
{
    double least = extent / n, ten = pow(10, floor(log10(least)));
    return ten * (least <= ten ? 1 : least <= 2 * ten ? 2 : least <= 5 * ten ? 5 : 10);
}

static void road_line(struct sheet *s, struct cb_vec2 from, struct cb_vec2 to, cb_colour colour,
                      double px)
{
    double xy[2 * N_LINE];
    for (int i = 0; i < N_LINE; i++) {
        double u = (double) i / (N_LINE - 1);
        struct cb_vec2 m = {from.x + u * (to.x - from.x), from.y + u * (to.y - from.y)};
        struct cb_vec2 p = {NAN, NAN};
        (void) cb_road_to_px(s->road, m, &p); /* behind the camera: a break in the line */
        xy[2 * i] = p.x;
        xy[2 * i + 1] = p.y;
    }
    cb_draw_line(s->draw, xy, N_LINE, colour, px * s->unit);
}

static void label_at(struct sheet *s, double x_m, double y_m, double dx, double dy,
                     const char *axis, double value)
{
    struct cb_vec2 p;
    char text[32];
    if (cb_road_to_px(s->road, (struct cb_vec2){x_m, y_m}, &p) < 0)
        return;
    double x = p.x + dx * s->unit, y = p.y + dy * s->unit;
    if (!(x > -20 && x < s->width && y > 0 && y < s->height - TEXT_PX * s->unit))
        return;
    snprintf(text, sizeof text, "%s %g m", axis, fabs(value) < 1e-9 ? 0 : value);
    cb_draw_text(s->draw, fmax(2, x), y, TEXT_PX * s->unit, GRID | 0xff, text);
}

static void draw_grid(struct sheet *s)
{
    struct cb_extent e = s->e;
    double dy = step_of(e.y_max_m - e.y_min_m, 10), dx = step_of(e.x_max_m - e.x_min_m, 7);
    double near = e.y_min_m;
    for (double y = ceil(e.y_min_m / dy) * dy; y <= e.y_max_m + 1e-9; y += dy) {
        road_line(s, (struct cb_vec2){e.x_min_m, y}, (struct cb_vec2){e.x_max_m, y}, GRID, 1.2);
        label_at(s, e.x_max_m, y, 8, -8, "Y", y);
    }
    for (double x = ceil(e.x_min_m / dx) * dx; x <= e.x_max_m + 1e-9; x += dx) {
        road_line(s, (struct cb_vec2){x, e.y_min_m}, (struct cb_vec2){x, e.y_max_m}, GRID, 1.2);
        label_at(s, x, near, -14, 4, "X", x);
    }
}

static void draw_zone(struct sheet *s, const struct cb_camera_conf *conf)
{
    const double y[2] = {conf->zone_y_min_m, conf->zone_y_max_m};
    for (int i = 0; i < 2 && conf->has_zone; i++)
        road_line(s, (struct cb_vec2){s->e.x_min_m - SIDE_M, y[i]},
                  (struct cb_vec2){s->e.x_max_m + SIDE_M, y[i]}, ZONE, 3);
}

/* Where the road's plane ends for the eye: its points at infinity, on whichever side is ahead. */
static void draw_horizon(struct sheet *s)
{
    double xy[2 * N_LINE];
    for (int i = 0; i < N_LINE; i++) {
        double across = tan(-1.45 + 2.9 * i / (N_LINE - 1)) * FAR_M;
        struct cb_vec2 p = {NAN, NAN};
        if (cb_road_to_px(s->road, (struct cb_vec2){across, FAR_M}, &p) < 0)
            (void) cb_road_to_px(s->road, (struct cb_vec2){-across, -FAR_M}, &p);
        xy[2 * i] = p.x;
        xy[2 * i + 1] = p.y;
    }
    cb_draw_line(s->draw, xy, N_LINE, HORIZON, 1.5 * s->unit);
}

static void draw_marks(struct sheet *s)
{
    size_t n = s->c->n_points + s->c->n_distances;
    for (size_t i = 0; i < s->c->n_distances; i++) {
        const struct cb_calibration_distance *d = &s->c->distances[i];
        const double xy[] = {d->x1_px, d->y1_px, d->x2_px, d->y2_px};
        cb_draw_line(s->draw, xy, 2, LENGTH, 2 * s->unit);
        cb_draw_cross(s->draw, d->x1_px, d->y1_px, 5 * s->unit, MARK);
    }
    for (size_t i = 0; i < n; i++) {
        const struct cb_residual *e = &s->residual[i];
        const double xy[] = {e->at_px.x, e->at_px.y,
                             e->at_px.x + MAGNIFIED * (e->fit_px.x - e->at_px.x),
                             e->at_px.y + MAGNIFIED * (e->fit_px.y - e->at_px.y)};
        char name[24];
        cb_draw_cross(s->draw, e->at_px.x, e->at_px.y, 7 * s->unit, MARK);
        cb_draw_line(s->draw, xy, 2, RESIDUAL, 2.5 * s->unit);
        snprintf(name, sizeof name, "%zu", i);
        cb_draw_text(s->draw, e->at_px.x + 6 * s->unit, e->at_px.y - 20 * s->unit,
                     TEXT_PX * s->unit, MARK, name);
    }
}

static int columns(const struct sheet *s)
{
    int n = (int) (s->width / (COLUMN_PX * s->unit));
    return n > 0 ? n : 1;
}

static int rows(const struct sheet *s)
{
    int n = (int) (s->c->n_points + s->c->n_distances), k = columns(s);
    return (n + k - 1) / k;
}

static void write_legend(struct sheet *s, const struct cb_camera_conf *conf)
{
    double rms, worst, row = ROW_PX * s->unit, x0 = 12 * s->unit, y0 = s->height + 6 * s->unit;
    size_t i_worst, n = s->c->n_points + s->c->n_distances;
    char text[320];
    const struct cb_pose *p = cb_road_pose(s->road);
    cb_road_residuals(s->road, &rms, &worst, &i_worst);
    snprintf(text, sizeof text, "%s  %s   rms %.2f px, largest %.2f px", conf->id, conf->name, rms,
             worst);
    cb_draw_text(s->draw, x0, y0, 16 * s->unit, MARK, text);
    if (p)
        snprintf(text, sizeof text, "camera %.2f m above the road, tilted %.1f° down, focal length "
                 "%.0f px", p->position_m[2], cb_calibrate_tilt_deg(p), p->f_px);
    else
        snprintf(text, sizeof text, "the camera's pose is not determined");
    cb_draw_text(s->draw, x0, y0 + 1.5 * row, TEXT_PX * s->unit, PLAIN, text);
    snprintf(text, sizeof text, "green: metres on the road   orange: zone   blue: horizon   red: "
             "residuals, %g times as long as they are", MAGNIFIED);
    cb_draw_text(s->draw, x0, y0 + 2.5 * row, TEXT_PX * s->unit, PLAIN, text);
    int n_rows = rows(s);
    for (size_t i = 0; i < n; i++) {
        bool is_point = i < s->c->n_points;
        snprintf(text, sizeof text, "%zu  %s[%zu]  %.2f px  %.1f cm", i,
                 is_point ? "points" : "distances", is_point ? i : i - s->c->n_points,
                 s->residual[i].off_px, s->residual[i].off_cm);
        cb_draw_text(s->draw, x0 + (double) ((int) i / n_rows) * COLUMN_PX * s->unit,
                     y0 + (4 + (int) i % n_rows) * row, TEXT_PX * s->unit, PLAIN, text);
    }
}

int cb_calibrate_draw(const struct cb_road *r, const struct cb_camera_conf *conf,
                      const struct cb_picture *p, const char *file, struct cb_error *reterr)
{
    const struct cb_calibration_conf *c = &conf->calibration;
    CB_AUTO_FREE struct cb_residual *e = calloc(c->n_points + c->n_distances + 1, sizeof *e);
    if (!e)
        return -ENOMEM;
    cb_calibrate_residuals(r, c, e);
    struct sheet s = {.road = r, .c = c, .residual = e, .e = cb_calibrate_extent(r, conf),
                      .width = p ? p->width : 1280, .height = p ? p->height : 720};
    s.unit = fmax(0.7, s.width / 1280.0);
    int panel = (int) ((rows(&s) + 5) * ROW_PX * s.unit);
    int err = cb_draw_create(&s.draw, p, s.width, s.height, panel);
    if (err < 0)
        return err;
    draw_grid(&s);
    draw_horizon(&s);
    draw_zone(&s, conf);
    draw_marks(&s);
    write_legend(&s, conf);
    err = cb_draw_write_png(s.draw, file, reterr);
    cb_draw_destroy(&s.draw);
    return err;
}
