#include "mesh.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

static int add_vertex(struct sim_mesh *m, struct vec3 p)
{
    void *v = m->vertex;
    if (cb_grow(&v, &m->cap_vertices, m->n_vertices + 1, sizeof p) < 0) {
        m->error = -ENOMEM;
        return 0;
    }
    m->vertex = v;
    m->vertex[m->n_vertices] = p;
    return (int) m->n_vertices++;
}

static void add_triangle(struct sim_mesh *m, struct vec3 p, struct vec3 q, struct vec3 r,
                         struct vec3 inside, int material)
{
    struct vec3 n = v3_cross(v3_sub(q, p), v3_sub(r, p));
    if (v3_len(n) < 1e-9)
        return;
    n = v3_unit(n);
    if (v3_dot(n, v3_sub(p, inside)) < 0)
        n = v3_scale(n, -1);
    void *t = m->triangle;
    if (cb_grow(&t, &m->cap_triangles, m->n_triangles + 1, sizeof *m->triangle) < 0) {
        m->error = -ENOMEM;
        return;
    }
    m->triangle = t;
    int a = add_vertex(m, p), b = add_vertex(m, q), c = add_vertex(m, r);
    if (!m->error)
        m->triangle[m->n_triangles++] = (struct sim_triangle){a, b, c, material, n};
}

void sim_mesh_quad(struct sim_mesh *m, const struct vec3 p[4], struct vec3 inside, int material)
{
    add_triangle(m, p[0], p[1], p[2], inside, material);
    add_triangle(m, p[0], p[2], p[3], inside, material);
}

void sim_mesh_inset(struct sim_mesh *m, const struct vec3 p[4], double scale, struct vec3 inside,
                    int material)
{
    struct vec3 c = v3(0, 0, 0), q[4];
    for (int i = 0; i < 4; i++)
        c = v3_add(c, v3_scale(p[i], 0.25));
    struct vec3 n = v3_unit(v3_cross(v3_sub(p[2], p[0]), v3_sub(p[3], p[1])));
    if (v3_dot(n, v3_sub(c, inside)) < 0)
        n = v3_scale(n, -1);
    for (int i = 0; i < 4; i++)
        q[i] = v3_add(v3_mix(c, p[i], scale), v3_scale(n, 0.012));
    sim_mesh_quad(m, q, inside, material);
}

void sim_mesh_box(struct sim_mesh *m, struct vec3 lo, struct vec3 hi, int material)
{
    struct vec3 inside = v3_scale(v3_add(lo, hi), 0.5);
    for (int axis = 0; axis < 3; axis++)
        for (int side = 0; side < 2; side++) {
            struct vec3 p[4];
            for (int i = 0; i < 4; i++) {
                int u = i == 1 || i == 2, w = i >= 2;
                double x = axis == 0 ? side : u, y = axis == 1 ? side : axis == 0 ? u : w;
                double z = axis == 2 ? side : w;
                p[i] = v3(lo.x + x * (hi.x - lo.x), lo.y + y * (hi.y - lo.y),
                          lo.z + z * (hi.z - lo.z));
            }
            sim_mesh_quad(m, p, inside, material);
        }
}

void sim_mesh_hull(struct sim_mesh *m, const struct vec3 *p, int n, int material)
{
    struct vec3 c = v3(0, 0, 0);
    for (int i = 0; i < n; i++)
        c = v3_add(c, v3_scale(p[i], 1.0 / n));
    struct vec3 inside = v3(0, c.y, c.z);
    for (int i = 0; i < n; i++) {
        struct vec3 a = p[i], b = p[(i + 1) % n];
        struct vec3 strip[4] = {a, b, v3(-b.x, b.y, b.z), v3(-a.x, a.y, a.z)};
        sim_mesh_quad(m, strip, inside, material);
        for (int side = -1; side <= 1; side += 2)
            add_triangle(m, v3(side * c.x, c.y, c.z), v3(side * a.x, a.y, a.z),
                         v3(side * b.x, b.y, b.z), inside, material);
    }
}

void sim_mesh_wheel(struct sim_mesh *m, double x0, double x1, double y, double radius)
{
    enum { N = 20 };
    struct vec3 inside = v3((x0 + x1) / 2, y, radius);
    for (int i = 0; i < N; i++) {
        double a = 2 * M_PI * i / N, b = 2 * M_PI * (i + 1) / N;
        double ya = sin(a), za = cos(a), yb = sin(b), zb = cos(b);
        struct vec3 tread[4] = {v3(x0, y + radius * ya, radius + radius * za),
                                v3(x1, y + radius * ya, radius + radius * za),
                                v3(x1, y + radius * yb, radius + radius * zb),
                                v3(x0, y + radius * yb, radius + radius * zb)};
        sim_mesh_quad(m, tread, inside, SIM_TYRE);
        for (int side = 0; side < 2; side++) {
            double x = side ? x1 : x0, out = (x1 > x0) == side ? 0.008 : -0.008, k = 0.62 * radius;
            add_triangle(m, v3(x, y, radius), side ? tread[1] : tread[0],
                         side ? tread[2] : tread[3], inside, SIM_TYRE);
            add_triangle(m, v3(x + out, y, radius), v3(x + out, y + k * ya, radius + k * za),
                         v3(x + out, y + k * yb, radius + k * zb), inside,
                         i % 4 == 3 ? SIM_DARK : SIM_RIM);
        }
    }
}

static struct vec3 on_ellipsoid(struct vec3 c, struct vec3 r, double u, double v)
{
    return v3(c.x + r.x * cos(u) * sin(v), c.y + r.y * sin(u) * sin(v), c.z + r.z * cos(v));
}

void sim_mesh_ellipsoid(struct sim_mesh *m, struct vec3 c, struct vec3 r, int material)
{
    enum { NU = 8, NV = 5 };
    for (int j = 0; j < NV; j++)
        for (int i = 0; i < NU; i++) {
            double u0 = 2 * M_PI * i / NU, u1 = 2 * M_PI * (i + 1) / NU;
            double v0 = M_PI * j / NV, v1 = M_PI * (j + 1) / NV;
            struct vec3 p[4] = {on_ellipsoid(c, r, u0, v0), on_ellipsoid(c, r, u1, v0),
                                on_ellipsoid(c, r, u1, v1), on_ellipsoid(c, r, u0, v1)};
            sim_mesh_quad(m, p, c, material);
        }
}

void sim_mesh_lamp(struct sim_mesh *m, struct vec3 centre, struct vec3 half, int material)
{
    sim_mesh_box(m, v3_sub(centre, half), v3_add(centre, half), material);
    if (m->n_lamps < 8) {
        m->lamp[m->n_lamps] = centre;
        m->lamp_material[m->n_lamps++] = material;
    }
}

int sim_mesh_init(struct sim_mesh *m, const struct sim_vehicle *v)
{
    *m = (struct sim_mesh){0};
    sim_shape_build(m, v);
    if (m->error)
        sim_mesh_deinit(m);
    return m->error;
}

void sim_mesh_deinit(struct sim_mesh *m)
{
    free(m->vertex);
    free(m->triangle);
    m->vertex = NULL;
    m->triangle = NULL;
    m->n_vertices = m->n_triangles = 0;
}
