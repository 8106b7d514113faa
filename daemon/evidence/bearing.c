#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/frame.h"
#include "detectors/calibration.h"
#include "schema/camera.h"
#include "sound.h"

#define FAR_M  150.0
#define STEP_M 0.5
#define N_STEPS 300

static const struct cb_plot_colour ray = {0.30, 1.0, 0.95, 1};

/* A line on the road in the picture: the part of it that the camera can see. */
struct line {
    double x[N_STEPS], y[N_STEPS];
    size_t n;
};

static int put_picture(struct cb_plot *p, const struct cb_picture *picture)
{
    *p = (struct cb_plot){.width = picture->width, .height = picture->height};
    p->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, p->width, p->height);
    p->cr = cairo_create(p->surface);
    if (cairo_status(p->cr) != CAIRO_STATUS_SUCCESS) {
        cb_plot_deinit(p);
        return -ENOMEM;
    }
    uint32_t *px = (uint32_t *) (void *) cairo_image_surface_get_data(p->surface);
    size_t stride = (size_t) cairo_image_surface_get_stride(p->surface) / 4;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++)
            px[(size_t) y * stride + (size_t) x] = cb_picture_rgb(picture, x, y);
    cairo_surface_mark_dirty(p->surface);
    return 0;
}

static bool is_in(const struct cb_picture *p, struct cb_vec2 px)
{
    return px.x > -p->width && px.x < 2 * p->width && px.y > -p->height && px.y < 2 * p->height;
}

static void project(const struct cb_road *road, const struct cb_picture *p, const double from_m[2],
                    double azimuth_rad, struct line *ret)
{
    ret->n = 0;
    for (double m = STEP_M; m <= FAR_M && ret->n < N_STEPS; m += STEP_M) {
        struct cb_vec2 at = {from_m[0] + m * sin(azimuth_rad), from_m[1] + m * cos(azimuth_rad)};
        struct cb_vec2 px, back;
        /* what the map puts elsewhere when it comes back lies behind the camera */
        if (cb_road_to_px(road, at, &px) < 0 || !is_in(p, px) ||
            cb_road_from_px(road, px, &back) < 0 || hypot(back.x - at.x, back.y - at.y) > STEP_M)
            continue;
        ret->x[ret->n] = px.x + 0.5;
        ret->y[ret->n++] = px.y + 0.5;
    }
}

static void draw_line(cairo_t *cr, const struct line *l, bool is_backwards)
{
    for (size_t i = 0; i < l->n; i++) {
        size_t k = is_backwards ? l->n - 1 - i : i;
        cairo_line_to(cr, l->x[k], l->y[k]);
    }
}

static void draw_wedge(struct cb_plot *p, const struct line line[3], double unit)
{
    draw_line(p->cr, &line[0], false);
    draw_line(p->cr, &line[2], true);
    cairo_close_path(p->cr);
    cairo_set_source_rgba(p->cr, ray.r, ray.g, ray.b, 0.22);
    cairo_fill_preserve(p->cr);
    cairo_set_source_rgba(p->cr, ray.r, ray.g, ray.b, 0.6);
    cairo_set_line_width(p->cr, unit);
    cairo_stroke(p->cr);
}

static void draw_ray(struct cb_plot *p, const struct line *l, double unit)
{
    for (int i = 0; i < 2; i++) {
        draw_line(p->cr, l, false);
        cairo_set_source_rgba(p->cr, i ? ray.r : 0, i ? ray.g : 0, i ? ray.b : 0, i ? 1 : 0.6);
        cairo_set_line_width(p->cr, (i ? 2.5 : 5) * unit);
        cairo_stroke(p->cr);
    }
}

static bool find_microphone(const struct cb_camera_conf *c, const struct cb_road *road,
                            double ret_m[2])
{
    const struct cb_pose *pose = cb_road_pose(road);
    if (c->microphone.n_positions > 0)
        memcpy(ret_m, c->microphone.position_m[0], 2 * sizeof *ret_m);
    else if (pose)
        memcpy(ret_m, pose->position_m, 2 * sizeof *ret_m);
    return c->microphone.n_positions > 0 || pose;
}

static void write_words(struct cb_plot *p, const struct cb_noise *n, const char *subtitle,
                        double unit)
{
    char text[160];
    if (isfinite(n->azimuth_u95_deg))
        snprintf(text, sizeof text, "声源方位 Bearing of the sound %.1f° ± %.1f°", n->azimuth_deg,
                 n->azimuth_u95_deg);
    else
        snprintf(text, sizeof text, "声源方位 Bearing of the sound %.1f°", n->azimuth_deg);
    cb_plot_text(p, 8 * unit, 34 * unit, 20 * unit, ray, text);
    cb_plot_text(p, 8 * unit, 62 * unit, 15 * unit, (struct cb_plot_colour){0.93, 0.95, 0.97, 1},
                 subtitle);
}

int cb_sound_draw_bearing(const struct cb_picture *picture, const struct cb_camera_conf *c,
                          const struct cb_noise *n, const char *subtitle, uint8_t **ret,
                          size_t *ret_n)
{
    struct cb_road *road = NULL;
    struct cb_plot p;
    struct line line[3];
    double at_m[2], u = isfinite(n->azimuth_u95_deg) ? n->azimuth_u95_deg : 0;
    if (isnan(n->azimuth_deg) || !c->has_calibration ||
        cb_road_create(&road, &c->calibration, picture->width, picture->height, NULL) < 0)
        return -ENODATA;
    bool is_placed = find_microphone(c, road, at_m);
    for (int i = 0; i < 3 && is_placed; i++)
        project(road, picture, at_m, (n->azimuth_deg + (i - 1) * u) * M_PI / 180, &line[i]);
    cb_road_destroy(&road);
    if (!is_placed || line[1].n < 2)
        return -ENODATA;
    int r = put_picture(&p, picture);
    if (r < 0)
        return r;
    double unit = fmax(picture->width, 640) / 1280.0;
    if (u > 0)
        draw_wedge(&p, line, unit);
    draw_ray(&p, &line[1], unit);
    write_words(&p, n, subtitle, unit);
    r = cb_plot_png(&p, ret, ret_n);
    cb_plot_deinit(&p);
    return r;
}
