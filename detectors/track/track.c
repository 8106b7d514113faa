#include "track.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

void cb_kalman_predict(struct cb_kalman *k, double dt, double accel)
{
    double q = accel * accel;
    k->x += k->v * dt;
    k->pxx += dt * (2 * k->pxv + dt * k->pvv) + 0.25 * q * dt * dt * dt * dt;
    k->pxv += dt * k->pvv + 0.5 * q * dt * dt * dt;
    k->pvv += q * dt * dt;
}

void cb_kalman_update(struct cb_kalman *k, double z, double sigma)
{
    double s = k->pxx + sigma * sigma, gx = k->pxx / s, gv = k->pxv / s, d = z - k->x;
    k->x += gx * d;
    k->v += gv * d;
    k->pvv -= gv * k->pxv;
    k->pxv -= gv * k->pxx;
    k->pxx -= gx * k->pxx;
}

int cb_track_add(struct cb_track *t, const struct cb_track_point *p)
{
    if (cb_grow((void **) &t->point, &t->cap, t->n + 1, sizeof *t->point) < 0)
        return -ENOMEM;
    t->point[t->n++] = *p;
    return 0;
}

bool cb_track_is_dark(const struct cb_track *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->point[i].is_dark;
    return 4 * n > t->n;
}

void cb_track_deinit(struct cb_track *t)
{
    free(t->point);
    t->point = NULL;
    t->n = t->cap = 0;
}
