#ifndef SIM_BACKGROUND_H
#define SIM_BACKGROUND_H

#include "world.h"

/** The empty street as the camera sees it; interleaved RGB floats, linear. Read-only once made. */
struct sim_background {
    int width, height;
    float *base;   /* radiance without the sun */
    float *sun;    /* what the sun adds where no vehicle is in its way */
    float *albedo; /* one a pixel: grey albedo of road and pavement, 0 elsewhere */
    float *depth;  /* m along the optical axis; large for the sky */
    float *road;   /* X, Y of the road plane behind each pixel; far away where there is none */
    float *mirror; /* wet: share mirrored, then RGB mirrored of the empty street; else NULL */
};

/** Traced with several rays a pixel, on n_threads. @return 0 or -errno */
int sim_background_init(struct sim_background *b, const struct sim_world *w,
                        const struct sim_camera *c, int n_threads);
void sim_background_deinit(struct sim_background *b);

#endif
