#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

/*
 * Leaves swing on closed loops, each clump out of step with the next, and so do their shadows. The
 * street is traced at SIM_SWAYS places of the loops; a frame lies between two of them.
 */

#define LOOP_S 2.3
#define GUST_S 11.0

/* The empty street in the sun. */
static void add_sun(const struct sim_background *b, float *ret_full)
{
    size_t n = 3 * (size_t) b->width * (size_t) b->height;
    for (size_t i = 0; i < n; i++)
        ret_full[i] = b->base[i] + b->sun[i];
}

static int trace_street(struct sim_stage *s, double turn, int n_threads, struct sim_street *ret)
{
    struct sim_background b;
    sim_world_sway(&s->world, turn);
    int r = sim_background_init(&b, &s->world, &s->camera, n_threads);
    if (r < 0)
        return r;
    *ret = (struct sim_street){b.base, b.sun};
    add_sun(&b, ret->full);
    b.base = b.sun = NULL; /* the street's now */
    sim_background_deinit(&b);
    return 0;
}

int sim_wind_init(struct sim_stage *s, int n_threads)
{
    if (!(s->scene->scenery.wind_m > 0) || !s->scene->scenery.trees)
        return 0;
    s->sways = calloc(SIM_SWAYS, sizeof *s->sways);
    int r = s->sways ? 0 : -ENOMEM;
    for (int i = 0; i < SIM_SWAYS && r == 0; i++)
        r = trace_street(s, (double) i / SIM_SWAYS, n_threads, &s->sways[i]);
    return r;
}

void sim_wind_deinit(struct sim_stage *s)
{
    for (int i = 0; s->sways && i < SIM_SWAYS; i++) {
        free(s->sways[i].full);
        free(s->sways[i].sun);
    }
    free(s->sways);
    s->sways = NULL;
}

void sim_wind_street(struct sim_painter *p, double t_s)
{
    const struct sim_stage *s = p->stage;
    size_t n = 3 * (size_t) s->camera.width * (size_t) s->camera.height;
    if (!s->sways) {
        memcpy(p->rgb, s->full, n * sizeof(float));
        return;
    }
    /* faster and slower as gusts come */
    double turn = t_s / LOOP_S + 0.35 * sin(2 * M_PI * t_s / GUST_S), at = turn - floor(turn);
    int i = (int) (at * SIM_SWAYS) % SIM_SWAYS;
    p->before = &s->sways[i];
    p->after = &s->sways[(i + 1) % SIM_SWAYS];
    p->between = (float) (at * SIM_SWAYS - i);
    for (size_t k = 0; k < n; k++)
        p->rgb[k] = p->before->full[k] + p->between * (p->after->full[k] - p->before->full[k]);
}
