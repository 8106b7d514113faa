#include "mesh.h"

/* Lamps, plate and bumper line at both ends; y is where each end's skin is. */
static void ends(struct sim_mesh *m, double hw, double y_front, double y_rear, double z, double r)
{
    for (int side = -1; side <= 1; side += 2) {
        sim_mesh_lamp(m, v3(side * (hw - 0.26), y_front - 0.02, z), v3(0.17, 0.045, r),
                      SIM_HEADLAMP);
        sim_mesh_lamp(m, v3(side * (hw - 0.20), y_rear + 0.02, z + 0.08), v3(0.15, 0.045, r),
                      SIM_TAILLAMP);
    }
    sim_mesh_box(m, v3(-0.24, y_rear - 0.02, z - 0.25), v3(0.24, y_rear + 0.03, z - 0.10),
                 SIM_PLATE);
    sim_mesh_box(m, v3(-0.22, y_front - 0.03, z - 0.30), v3(0.22, y_front + 0.02, z - 0.16),
                 SIM_PLATE);
}

static void wheels(struct sim_mesh *m, double hw, double y, double radius, double width)
{
    for (int side = -1; side <= 1; side += 2) {
        double outer = side * (hw + 0.004);
        sim_mesh_wheel(m, side * (hw - width), outer, y, radius);
        /* the arch: a dark half disc just behind the tyre's outer face */
        enum { N = 10 };
        for (int i = 0; i < N; i++) {
            double a = M_PI * i / N, b = M_PI * (i + 1) / N, k = radius * 1.18;
            double x = side * (hw + 0.002);
            struct vec3 p[4] = {v3(x, y, radius), v3(x, y + k * cos(a), radius + k * sin(a)),
                                v3(x, y + k * cos(b), radius + k * sin(b)), v3(x, y, radius)};
            sim_mesh_quad(m, p, v3(0, y, radius), SIM_DARK);
        }
    }
}

/** Where the cabin's four corners lie along the car, and how high its waist is, by shape. */
struct cabin {
    double rear_base, rear_roof, front_roof, front_base; /* share of the length from the rear */
    double waist, hood;                                  /* share of the height */
};

static const struct cabin cabins[] = {
    [SIM_SHAPE_AUTO] = {0.10, 0.27, 0.57, 0.74, 0.64, 0.58},
    [SIM_SEDAN] = {0.10, 0.27, 0.57, 0.74, 0.64, 0.58},
    [SIM_SUV] = {0.02, 0.09, 0.58, 0.74, 0.60, 0.56},
    [SIM_HATCH] = {0.02, 0.12, 0.56, 0.77, 0.62, 0.56},
    [SIM_VAN] = {0.01, 0.05, 0.68, 0.86, 0.55, 0.50},
    [SIM_PICKUP] = {0.40, 0.44, 0.61, 0.73, 0.58, 0.56},
};

static void car_cabin(struct sim_mesh *m, const struct sim_dims *d, const struct cabin *c)
{
    double y0 = -d->length / 2, hw = d->width / 2, base = c->waist * d->height;
    double wide = hw * 0.93, roof = hw * 0.74;
    struct vec3 rb = v3(wide, y0 + c->rear_base * d->length, base);
    struct vec3 rr = v3(roof, y0 + c->rear_roof * d->length, d->height - 0.03);
    struct vec3 mid = v3(roof, y0 + 0.5 * (c->rear_roof + c->front_roof) * d->length, d->height);
    struct vec3 fr = v3(roof, y0 + c->front_roof * d->length, d->height - 0.04);
    struct vec3 fb = v3(wide, y0 + c->front_base * d->length, base);
    struct vec3 hull[] = {rb, rr, mid, fr, fb}, inside = v3(0, mid.y, base);
    sim_mesh_hull(m, hull, 5, SIM_PAINT);
    struct vec3 rear[4] = {rb, rr, v3(-rr.x, rr.y, rr.z), v3(-rb.x, rb.y, rb.z)};
    struct vec3 front[4] = {fb, fr, v3(-fr.x, fr.y, fr.z), v3(-fb.x, fb.y, fb.z)};
    sim_mesh_inset(m, rear, 0.86, inside, SIM_GLASS);
    sim_mesh_inset(m, front, 0.9, inside, SIM_GLASS);
    for (int side = -1; side <= 1; side += 2)
        for (int half = 0; half < 2; half++) {
            struct vec3 a = half ? fb : rb, b = half ? fr : rr;
            double y_pillar = 0.5 * (rr.y + fr.y);
            struct vec3 q[4] = {a, b, v3(roof, y_pillar, d->height - 0.04),
                                v3(wide, y_pillar, base)};
            for (int i = 0; i < 4; i++)
                q[i].x *= side;
            sim_mesh_inset(m, q, 0.82, inside, SIM_GLASS);
        }
}

static void build_car(struct sim_mesh *m, const struct sim_vehicle *v)
{
    const struct sim_dims *d = &v->dims;
    const struct cabin *c = &cabins[v->conf->shape];
    double l2 = d->length / 2, hw = d->width / 2, waist = c->waist * d->height;
    double hood = c->hood * d->height, clear = 0.19;
    double y_cabin = -l2 + c->front_base * d->length;
    struct vec3 body[] = {
        v3(hw - 0.08, -l2 + 0.10, clear),        v3(hw - 0.04, -l2, 0.45),
        v3(hw - 0.05, -l2 + 0.06, waist - 0.03), v3(hw - 0.06, -l2 + 0.16, waist),
        v3(hw - 0.06, y_cabin, waist),           v3(hw - 0.09, l2 - 0.22, hood - 0.08),
        v3(hw - 0.12, l2 - 0.03, 0.56),          v3(hw - 0.12, l2, 0.42),
        v3(hw - 0.12, l2 - 0.12, clear)};
    struct vec3 belt[] = {v3(hw, -l2 + 0.25, clear + 0.06), v3(hw, -l2 + 0.2, waist - 0.16),
                          v3(hw, l2 - 0.5, hood - 0.20), v3(hw, l2 - 0.4, clear + 0.06)};
    sim_mesh_hull(m, body, 9, SIM_PAINT);
    sim_mesh_hull(m, belt, 4, SIM_PAINT);
    car_cabin(m, d, c);
    if (v->conf->shape == SIM_PICKUP) /* the bed's floor and shade inside it */
        sim_mesh_box(m, v3(-hw + 0.16, -l2 + 0.22, waist - 0.02),
                     v3(hw - 0.16, -l2 + (c->rear_base - 0.02) * d->length, waist + 0.005),
                     SIM_DARK);
    sim_mesh_box(m, v3(-hw + 0.1, -l2 - 0.01, clear + 0.02), v3(hw - 0.1, -l2 + 0.2, 0.40),
                 SIM_DARK);
    sim_mesh_box(m, v3(-hw + 0.2, l2 - 0.2, clear + 0.02), v3(hw - 0.2, l2 + 0.01, 0.40), SIM_DARK);
    ends(m, hw, l2 - 0.01, -l2, 0.66, 0.06);
    wheels(m, hw, d->axle_front, d->wheel_radius, 0.22);
    wheels(m, hw, d->axle_rear, d->wheel_radius, 0.22);
    for (int side = -1; side <= 1; side += 2)
        sim_mesh_box(m, v3(side * (hw + 0.07) - 0.09, y_cabin - 0.35, waist),
                     v3(side * (hw + 0.07) + 0.09, y_cabin - 0.25, waist + 0.13), SIM_PAINT);
}

/* From y = cab to the front, as high as top. */
static void truck_cab(struct sim_mesh *m, const struct sim_dims *d, double cab, double top)
{
    double l2 = d->length / 2, hw = d->width / 2;
    struct vec3 hull[] = {v3(hw - 0.06, cab, 0.55),      v3(hw - 0.06, cab, top),
                          v3(hw - 0.10, l2 - 0.45, top), v3(hw - 0.05, l2 - 0.08, 1.45),
                          v3(hw - 0.05, l2, 1.2),        v3(hw - 0.05, l2, 0.45)};
    sim_mesh_hull(m, hull, 6, SIM_PAINT);
    struct vec3 screen[4] = {v3(hw - 0.10, l2 - 0.43, top - 0.08), v3(hw - 0.05, l2 - 0.08, 1.45),
                             v3(-hw + 0.05, l2 - 0.08, 1.45),
                             v3(-hw + 0.10, l2 - 0.43, top - 0.08)};
    sim_mesh_inset(m, screen, 0.9, v3(0, cab, 1.2), SIM_GLASS);
    for (int side = -1; side <= 1; side += 2) {
        struct vec3 q[4] = {v3(side * (hw - 0.05), cab + 0.5, 1.45),
                            v3(side * (hw - 0.05), l2 - 0.2, 1.45),
                            v3(side * (hw - 0.07), l2 - 0.5, top - 0.2),
                            v3(side * (hw - 0.07), cab + 0.5, top - 0.2)};
        sim_mesh_inset(m, q, 0.9, v3(0, cab, 1.2), SIM_GLASS);
    }
}

static void build_truck(struct sim_mesh *m, const struct sim_vehicle *v)
{
    const struct sim_dims *d = &v->dims;
    bool is_flat = v->conf->shape == SIM_FLATBED;
    double l2 = d->length / 2, hw = d->width / 2, cab = l2 - 2.0;
    truck_cab(m, d, cab, d->height * (is_flat ? 1 : 0.8));
    sim_mesh_box(m, v3(-hw, -l2, 1.05), v3(hw, cab - 0.12, is_flat ? 1.25 : d->height), SIM_CARGO);
    sim_mesh_box(m, v3(-0.45, -l2 + 0.05, 0.6), v3(0.45, l2 - 0.3, 1.06), SIM_DARK);
    sim_mesh_box(m, v3(-hw + 0.1, -l2, 0.5), v3(hw - 0.1, -l2 + 0.1, 0.68), SIM_DARK);
    ends(m, hw, l2 + 0.01, -l2, 0.86, 0.09);
    wheels(m, hw - 0.03, d->axle_front, d->wheel_radius, 0.28);
    wheels(m, hw - 0.03, d->axle_rear, d->wheel_radius, 0.52);
    wheels(m, hw - 0.03, d->axle_rear + 1.25, d->wheel_radius, 0.52);
}

/* A tractor of three axles' length and a box trailer on three axles, in one line. */
static void build_articulated(struct sim_mesh *m, const struct sim_vehicle *v)
{
    const struct sim_dims *d = &v->dims;
    double l2 = d->length / 2, hw = d->width / 2, cab = l2 - 2.2, k = d->length / 16.3;
    truck_cab(m, d, cab, d->height * 0.92);
    sim_mesh_box(m, v3(-hw, -l2, 1.15), v3(hw, cab - 0.65, d->height), SIM_CARGO);
    sim_mesh_box(m, v3(-0.45, -l2 + 0.05, 0.7), v3(0.45, l2 - 0.3, 1.16), SIM_DARK);
    sim_mesh_box(m, v3(-hw + 0.1, -l2, 0.5), v3(hw - 0.1, -l2 + 0.1, 0.68), SIM_DARK);
    ends(m, hw, l2 + 0.01, -l2, 0.86, 0.09);
    const double axles[] = {d->axle_front, 3.1 * k, d->axle_rear + 1.31, d->axle_rear,
                            d->axle_rear - 1.31};
    for (size_t i = 0; i < sizeof axles / sizeof *axles; i++)
        wheels(m, hw - 0.03, axles[i], d->wheel_radius, i == 1 ? 0.52 : 0.3);
}

static void build_bus(struct sim_mesh *m, const struct sim_vehicle *v)
{
    const struct sim_dims *d = &v->dims;
    double l2 = d->length / 2, hw = d->width / 2, h = d->height;
    struct vec3 hull[] = {v3(hw, -l2, 0.36),
                          v3(hw, -l2, h - 0.25),
                          v3(hw - 0.12, -l2 + 0.15, h),
                          v3(hw - 0.12, l2 - 0.2, h),
                          v3(hw, l2 - 0.05, h - 0.35),
                          v3(hw, l2, 1.1),
                          v3(hw, l2, 0.36)};
    sim_mesh_hull(m, hull, 7, SIM_PAINT);
    struct vec3 inside = v3(0, 0, 1.5);
    double sill = v->conf->shape == SIM_COACH ? 1.95 : 1.3; /* a coach has its luggage below */
    int n = (int) (d->length / 1.5);
    for (int side = -1; side <= 1; side += 2)
        for (int i = 0; i < n; i++) {
            double y0 = -l2 + 0.4 + i * (d->length - 0.8) / n, y1 = y0 + (d->length - 0.8) / n;
            struct vec3 q[4] = {v3(side * hw, y0, sill), v3(side * hw, y1, sill),
                                v3(side * hw, y1, h - 0.4), v3(side * hw, y0, h - 0.4)};
            sim_mesh_inset(m, q, 0.92, inside, SIM_GLASS);
        }
    struct vec3 front[4] = {v3(-hw, l2 + 0.0, 1.1), v3(hw, l2, 1.1), v3(hw, l2 - 0.05, h - 0.35),
                            v3(-hw, l2 - 0.05, h - 0.35)};
    struct vec3 rear[4] = {v3(-hw, -l2, 1.7), v3(hw, -l2, 1.7), v3(hw, -l2, h - 0.3),
                           v3(-hw, -l2, h - 0.3)};
    sim_mesh_inset(m, front, 0.92, inside, SIM_GLASS);
    sim_mesh_inset(m, rear, 0.8, inside, SIM_GLASS);
    ends(m, hw, l2 + 0.01, -l2, 0.8, 0.1);
    wheels(m, hw, d->axle_front, d->wheel_radius, 0.28);
    wheels(m, hw, d->axle_rear, d->wheel_radius, 0.5);
}

static void rider(struct sim_mesh *m, double seat_y, double seat_z, double top)
{
    double torso = 0.5 * (seat_z + top) - 0.04, head = top - 0.14;
    sim_mesh_ellipsoid(m, v3(0, seat_y + 0.06, torso), v3(0.24, 0.17, 0.36), SIM_CLOTH);
    sim_mesh_ellipsoid(m, v3(0, seat_y + 0.16, head), v3(0.125, 0.14, 0.14), SIM_SKIN);
    for (int side = -1; side <= 1; side += 2) {
        sim_mesh_box(m, v3(side * 0.2 - 0.07, seat_y - 0.05, seat_z - 0.42),
                     v3(side * 0.2 + 0.07, seat_y + 0.3, seat_z + 0.02), SIM_CLOTH);
        sim_mesh_box(m, v3(side * 0.27 - 0.05, seat_y + 0.1, torso + 0.02),
                     v3(side * 0.27 + 0.05, seat_y + 0.52, torso + 0.16), SIM_CLOTH);
    }
}

static void build_motorcycle(struct sim_mesh *m, const struct sim_vehicle *v)
{
    const struct sim_dims *d = &v->dims;
    double l2 = d->length / 2, r = d->wheel_radius, hw = d->width / 2;
    sim_mesh_wheel(m, -0.06, 0.06, d->axle_front, r);
    sim_mesh_wheel(m, -0.08, 0.08, d->axle_rear, r);
    struct vec3 tank[] = {v3(0.10, -0.35, 0.55), v3(0.14, -0.28, 0.80), v3(0.17, 0.10, 0.98),
                          v3(0.15, 0.48, 0.92),  v3(0.12, 0.55, 0.55),  v3(0.14, 0.10, 0.28)};
    struct vec3 tail[] = {v3(0.10, -l2 + 0.1, 0.80), v3(0.09, -l2 + 0.1, 0.88),
                          v3(0.14, -0.15, 0.84), v3(0.14, -0.15, 0.66)};
    sim_mesh_hull(m, tank, 6, SIM_PAINT);
    sim_mesh_hull(m, tail, 4, SIM_PAINT);
    sim_mesh_box(m, v3(-hw, 0.46, 0.98), v3(hw, 0.52, 1.03), SIM_DARK);
    for (int side = -1; side <= 1; side += 2)
        sim_mesh_box(m, v3(side * 0.09 - 0.02, 0.5, 0.3), v3(side * 0.09 + 0.02, 0.68, 0.95),
                     SIM_RIM);
    sim_mesh_box(m, v3(0.14, -l2 + 0.05, 0.32), v3(0.24, 0.0, 0.43), SIM_RIM); /* the silencer */
    sim_mesh_lamp(m, v3(0, 0.68, 0.88), v3(0.09, 0.04, 0.08), SIM_HEADLAMP);
    sim_mesh_lamp(m, v3(0, -l2 + 0.09, 0.82), v3(0.09, 0.03, 0.035), SIM_TAILLAMP);
    sim_mesh_box(m, v3(-0.11, -l2 + 0.05, 0.55), v3(0.11, -l2 + 0.08, 0.69), SIM_PLATE);
    rider(m, -0.25, 0.86, d->height);
}

/* Step-through: a shield, a floor, a seat on the engine, small wheels. */
static void build_scooter(struct sim_mesh *m, const struct sim_vehicle *v)
{
    const struct sim_dims *d = &v->dims;
    double l2 = d->length / 2, r = d->wheel_radius, hw = d->width / 2;
    sim_mesh_wheel(m, -0.05, 0.05, d->axle_front, r);
    sim_mesh_wheel(m, -0.06, 0.06, d->axle_rear, r);
    struct vec3 shield[] = {v3(0.20, 0.36, 0.24), v3(0.22, 0.44, 0.62), v3(0.14, 0.42, 0.96),
                            v3(0.12, 0.50, 0.96), v3(0.18, 0.56, 0.60), v3(0.15, 0.52, 0.24)};
    struct vec3 seat[] = {v3(0.17, -l2 + 0.06, 0.50), v3(0.16, -l2 + 0.08, 0.78),
                          v3(0.17, -0.05, 0.76), v3(0.18, 0.02, 0.30), v3(0.18, -0.5, 0.28)};
    sim_mesh_hull(m, shield, 6, SIM_PAINT);
    sim_mesh_hull(m, seat, 5, SIM_PAINT);
    sim_mesh_box(m, v3(-0.17, 0.0, 0.22), v3(0.17, 0.40, 0.29), SIM_DARK);
    sim_mesh_box(m, v3(-hw, 0.40, 0.98), v3(hw, 0.46, 1.03), SIM_DARK);
    sim_mesh_box(m, v3(-0.05, l2 - 0.5, r), v3(0.05, l2, r + 0.28), SIM_DARK);
    sim_mesh_lamp(m, v3(0, 0.57, 0.72), v3(0.08, 0.03, 0.07), SIM_HEADLAMP);
    sim_mesh_lamp(m, v3(0, -l2 + 0.05, 0.62), v3(0.08, 0.03, 0.035), SIM_TAILLAMP);
    sim_mesh_box(m, v3(-0.10, -l2, 0.38), v3(0.10, -l2 + 0.04, 0.50), SIM_PLATE);
    rider(m, -0.22, 0.80, d->height);
}

static void build_bicycle(struct sim_mesh *m, const struct sim_vehicle *v)
{
    const struct sim_dims *d = &v->dims;
    sim_mesh_wheel(m, -0.02, 0.02, d->axle_front, d->wheel_radius);
    sim_mesh_wheel(m, -0.02, 0.02, d->axle_rear, d->wheel_radius);
    sim_mesh_box(m, v3(-0.02, -0.5, 0.32), v3(0.02, 0.0, 0.37), SIM_PAINT);
    sim_mesh_box(m, v3(-0.02, -0.2, 0.35), v3(0.02, -0.15, 0.92), SIM_PAINT);
    sim_mesh_box(m, v3(-0.02, -0.18, 0.8), v3(0.02, 0.42, 0.86), SIM_PAINT);
    sim_mesh_box(m, v3(-0.02, 0.42, 0.35), v3(0.02, 0.48, 1.0), SIM_PAINT);
    sim_mesh_box(m, v3(-0.25, 0.40, 0.98), v3(0.25, 0.43, 1.01), SIM_DARK);
    rider(m, -0.2, 0.95, d->height);
}

static void build_pedestrian(struct sim_mesh *m, const struct sim_vehicle *v)
{
    double h = v->dims.height;
    for (int side = -1; side <= 1; side += 2) {
        sim_mesh_box(m, v3(side * 0.1 - 0.07, side * 0.12 - 0.08, 0),
                     v3(side * 0.1 + 0.07, side * 0.12 + 0.08, 0.5 * h), SIM_DARK);
        sim_mesh_box(m, v3(side * 0.25 - 0.05, -side * 0.1 - 0.05, 0.45 * h),
                     v3(side * 0.25 + 0.05, -side * 0.1 + 0.05, 0.8 * h), SIM_CLOTH);
    }
    sim_mesh_ellipsoid(m, v3(0, 0, 0.66 * h), v3(0.22, 0.15, 0.2 * h), SIM_CLOTH);
    sim_mesh_ellipsoid(m, v3(0, 0, h - 0.12), v3(0.09, 0.1, 0.12), SIM_SKIN);
}

void sim_shape_build(struct sim_mesh *m, const struct sim_vehicle *v)
{
    static void (*const build[])(struct sim_mesh *, const struct sim_vehicle *) = {
        [SIM_CAR] = build_car,         [SIM_TRUCK] = build_truck,
        [SIM_BUS] = build_bus,         [SIM_MOTORCYCLE] = build_motorcycle,
        [SIM_BICYCLE] = build_bicycle, [SIM_PEDESTRIAN] = build_pedestrian,
    };
    if (v->conf->shape == SIM_ARTICULATED)
        build_articulated(m, v);
    else if (v->conf->shape == SIM_SCOOTER)
        build_scooter(m, v);
    else
        build[v->conf->class](m, v);
}
