#ifndef SIM_RENDER_H
#define SIM_RENDER_H

#include "background.h"
#include "mesh.h"
#include "raster.h"

#define SIM_SWAYS 20 /* streets with leaves at as many places on their loops */

/** One of the streets that the wind makes of one. */
struct sim_street {
    float *full, *sun; /* as in the stage and its background */
};

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
    struct sim_street *sways; /* with wind: SIM_SWAYS of them; else NULL */
    struct sim_bird *bird;
    size_t n_birds;
};

/** What one worker draws a frame with. */
struct sim_painter {
    const struct sim_stage *stage;
    struct sim_canvas canvas;
    float *rgb;     /* the frame's radiance, linear RGB */
    float *scratch; /* as large, for the camera's sway */
    float *sum;
    uint8_t *n_bare;                         /* samples in which the street was bare */
    struct sim_canvas mirror;                /* what a wet road shows; no pixels when it is dry */
    const struct sim_street *before, *after; /* with wind: the street lies between them, */
    float between;                           /* that much nearer to the second */
    float *shade; /* colour of each triangle of one vehicle after another */
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
void sim_weather_snow(struct sim_painter *p, double t_s);

/** Where the camera has been turned to: the picture's shift and its turn about the middle. */
struct sim_sway {
    double x_px, y_px, roll_rad;
};
/** shake.c */
struct sim_sway sim_shake_at(const struct sim_scene *s, double t_s);
void sim_shake_picture(struct sim_painter *p, double t_s);

/** wind.c: the street of a moment between two of the stage's. */
int sim_wind_init(struct sim_stage *s, int n_threads);
void sim_wind_deinit(struct sim_stage *s);
void sim_wind_street(struct sim_painter *p, double t_s);

/** One sample in time and in the pixel. */
struct sim_sample {
    double t_s, dx, dy;
    struct vec3 to_sun;
    double spread; /* size of the contact shadow against the footprint */
    double smear;  /* how a rippled road stretches what it mirrors */
};
/** @return false behind the camera */
bool sim_corner_of(const struct sim_stage *s, const struct sim_sample *a, struct vec3 p,
                   struct sim_corner *ret);
/** Where a point's shadow falls on the road. */
struct vec3 sim_on_ground(struct vec3 p, struct vec3 to_sun);
/** Grows a rectangle to hold a point of the world and its neighbourhood. */
void sim_widen(struct sim_rect *r, const struct sim_camera *c, struct vec3 p);

/** birds.c: @return 0 or -ENOMEM */
int sim_birds_init(struct sim_stage *s);
/** What a bird may change in the picture while the shutter is open; empty when it is elsewhere. */
struct sim_rect sim_bird_reach(const struct sim_stage *s, size_t i, double t_s);
void sim_bird_draw(struct sim_painter *p, size_t i, const struct sim_sample *a);

#endif
