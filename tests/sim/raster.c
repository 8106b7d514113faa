#include "raster.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int sim_canvas_init(struct sim_canvas *c, int width, int height)
{
    size_t n = (size_t) width * (size_t) height;
    *c = (struct sim_canvas){
        .width = width,
        .height = height,
        .depth = calloc(n, sizeof(float)),
        .colour = calloc(3 * n, sizeof(float)),
        .mask = calloc(n, 1),
    };
    if (c->depth && c->colour && c->mask)
        return 0;
    sim_canvas_deinit(c);
    return -ENOMEM;
}

void sim_canvas_deinit(struct sim_canvas *c)
{
    free(c->depth);
    free(c->colour);
    free(c->mask);
    *c = (struct sim_canvas){0};
}

void sim_canvas_begin(struct sim_canvas *c, struct sim_rect r)
{
    c->clip = r;
    size_t n = (size_t) (r.x1 - r.x0);
    for (int y = r.y0; y < r.y1; y++) {
        size_t i = (size_t) y * (size_t) c->width + (size_t) r.x0;
        memset(c->depth + i, 0, n * sizeof(float));
        memset(c->mask + i, 0, n);
    }
}

/* The pixels of one row between the triangle's sides. @return false when there are none */
static bool row_span(const struct sim_canvas *c, const struct sim_corner p[3], int y, int *ret_x0,
                     int *ret_x1)
{
    float lo = INFINITY, hi = -INFINITY, fy = (float) y;
    for (int i = 0; i < 3; i++) {
        const struct sim_corner *a = &p[i], *b = &p[(i + 1) % 3];
        if ((a->y <= fy) == (b->y <= fy))
            continue;
        float x = a->x + (b->x - a->x) * (fy - a->y) / (b->y - a->y);
        lo = fminf(lo, x);
        hi = fmaxf(hi, x);
    }
    if (!(lo < hi) || hi < (float) c->clip.x0 || lo > (float) c->clip.x1)
        return false;
    lo = fmaxf(lo, (float) c->clip.x0);
    hi = fminf(hi, (float) c->clip.x1);
    *ret_x0 = (int) ceilf(lo);
    *ret_x1 = (int) ceilf(hi);
    return *ret_x0 < *ret_x1;
}

static bool rows(const struct sim_canvas *c, const struct sim_corner p[3], int *ret_y0, int *ret_y1)
{
    float lo = fminf(p[0].y, fminf(p[1].y, p[2].y)), hi = fmaxf(p[0].y, fmaxf(p[1].y, p[2].y));
    if (!(hi >= (float) c->clip.y0 && lo < (float) c->clip.y1))
        return false;
    *ret_y0 = lo > (float) c->clip.y0 ? (int) ceilf(lo) : c->clip.y0;
    *ret_y1 = hi < (float) c->clip.y1 ? (int) ceilf(hi) : c->clip.y1;
    return true;
}

void sim_canvas_triangle(struct sim_canvas *c, const struct sim_corner p[3], const float rgb[3])
{
    int y0, y1, x0, x1;
    float ux = p[1].x - p[0].x, uy = p[1].y - p[0].y, vx = p[2].x - p[0].x, vy = p[2].y - p[0].y;
    float area = ux * vy - uy * vx, du = p[1].inverse - p[0].inverse;
    float dv = p[2].inverse - p[0].inverse;
    if (fabsf(area) < 1e-9f || !rows(c, p, &y0, &y1))
        return;
    float dx = (du * vy - dv * uy) / area, dy = (dv * ux - du * vx) / area; /* 1/z is linear */
    for (int y = y0; y < y1; y++) {
        if (!row_span(c, p, y, &x0, &x1))
            continue;
        size_t i = (size_t) y * (size_t) c->width + (size_t) x0;
        float z = p[0].inverse + dx * ((float) x0 - p[0].x) + dy * ((float) y - p[0].y);
        for (int x = x0; x < x1; x++, i++, z += dx)
            if (z > c->depth[i]) {
                c->depth[i] = z;
                memcpy(c->colour + 3 * i, rgb, 3 * sizeof(float));
            }
    }
}

void sim_canvas_mask(struct sim_canvas *c, const struct sim_corner p[3], uint8_t bits)
{
    int y0, y1, x0, x1;
    if (!rows(c, p, &y0, &y1))
        return;
    for (int y = y0; y < y1; y++) {
        if (!row_span(c, p, y, &x0, &x1))
            continue;
        uint8_t *m = c->mask + (size_t) y * (size_t) c->width;
        for (int x = x0; x < x1; x++)
            m[x] |= bits;
    }
}
