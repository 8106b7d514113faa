#ifndef SIM_RENDER_H
#define SIM_RENDER_H

#include "background.h"
#include "mesh.h"
#include "raster.h"

/** All that frames have in common. Read-only once made: workers share it. */
struct sim_stage {
    const struct sim_scene *scene;
    struct sim_camera camera;
    struct sim_light light;
    struct sim_world world;
    struct sim_background background;
    struct sim_vehicle *vehicle;
    struct sim_mesh *mesh; /* one a vehicle */
    size_t n_vehicles;
    float *beam; /* irradiance of a pair of headlamps on the road, by night.c; NULL by day */
    float *full; /* the empty street in the sun, RGB */
};

/** What one worker draws a frame with. */
struct sim_painter {
    const struct sim_stage *stage;
    struct sim_canvas canvas;
    float *rgb;     /* the frame's radiance, linear RGB */
    float *scratch; /* as large, for the camera's sway */
    float *sum;
    uint8_t *n_bare; /* samples in which the street was bare */
    float *shade;    /* colour of each triangle of one vehicle after another */
    size_t *first_shade;
    struct sim_corner *corner;
};

int sim_stage_create(struct sim_stage **ret, const struct sim_scene *s, int n_threads);
void sim_stage_destroy(struct sim_stage **s);
int sim_painter_create(struct sim_painter **ret, const struct sim_stage *s);
void sim_painter_destroy(struct sim_painter **p);
/** p->rgb: the radiance at t_s (the middle of the exposure); index seeds what is random in it. */
void sim_painter_draw(struct sim_painter *p, double t_s, int index);

/** shade.c: colour of each triangle, 3 floats each. */
void sim_shade_vehicle(const struct sim_stage *s, size_t i, double t_s, float *ret_rgb);
/** night.c: pools of light on the road before vehicles are drawn; glare after. */
float *sim_night_make_beam(void); /* yours to free */
void sim_night_pools(struct sim_painter *p, double t_s);
void sim_night_glare(struct sim_painter *p, double t_s);
/** weather.c */
void sim_weather_rain(struct sim_painter *p, int index);
void sim_weather_sway(struct sim_painter *p, double t_s);

#endif
