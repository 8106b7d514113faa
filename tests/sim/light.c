#include "light.h"

#define LAMP_HEIGHT_M 8.5

void sim_road_edges(const struct sim_scene *s, double *ret_left_m, double *ret_right_m)
{
    double left = INFINITY, right = -INFINITY;
    for (size_t i = 0; i < s->n_lanes; i++) {
        left = fmin(left, s->lane[i].x_m - s->lane[i].width_m / 2);
        right = fmax(right, s->lane[i].x_m + s->lane[i].width_m / 2);
    }
    *ret_left_m = left - 0.5;
    *ret_right_m = right + 0.5;
}

static void place_lamps(struct sim_light *l, const struct sim_scene *s)
{
    double left, right;
    sim_road_edges(s, &left, &right);
    for (int i = 0; l->n_lamps < SIM_LAMPS_MAX && i * s->scenery.lamp_spacing_m < 170; i++) {
        double y = -12 + i * s->scenery.lamp_spacing_m;
        l->lamp[l->n_lamps++] =
            i % 2 ? v3(left + 1.2, y, LAMP_HEIGHT_M) : v3(right - 1.2, y, LAMP_HEIGHT_M);
    }
}

void sim_light_init(struct sim_light *l, const struct sim_scene *s)
{
    double az = s->light.sun_azimuth_deg * M_PI / 180, el = s->light.sun_elevation_deg * M_PI / 180;
    double low = smoothstep(2, 30, s->light.sun_elevation_deg); /* a low sun is weaker and warmer */
    *l = (struct sim_light){
        .to_sun = v3(sin(az) * cos(el), cos(az) * cos(el), sin(el)),
        .sun_radius_rad = 0.012, /* the disc and the aureole around it */
        .lamp_colour = v3(1.0, 0.78, 0.48),
        .lamp_intensity = 26,
        .is_night = s->light.kind == SIM_NIGHT,
    };
    switch (s->light.kind) {
    case SIM_DAY:
        l->sun = v3(1.05 + 0.25 * (1 - low), 0.85 + 0.15 * low, 0.62 + 0.28 * low);
        l->sky = v3(0.30, 0.36, 0.47);
        l->bounce = v3(0.10, 0.10, 0.09);
        break;
    case SIM_OVERCAST:
        l->sky = v3(0.80, 0.83, 0.88);
        l->bounce = v3(0.12, 0.12, 0.12);
        break;
    default:
        l->sky = v3(0.020, 0.021, 0.027);
        l->bounce = v3(0.008, 0.007, 0.006);
        if (s->scenery.lamps)
            place_lamps(l, s);
        break;
    }
}

struct vec3 sim_light_ambient(const struct sim_light *l, struct vec3 p, struct vec3 n)
{
    double up = 0.5 + 0.5 * n.z;
    struct vec3 e = v3_add(v3_scale(l->sky, up), v3_scale(l->bounce, 1 - up));
    for (int i = 0; i < l->n_lamps; i++) {
        struct vec3 d = v3_sub(l->lamp[i], p);
        double r2 = v3_dot(d, d), r = sqrt(r2), cos_surface = v3_dot(d, n) / r, down = d.z / r;
        if (cos_surface > 0 && down > 0 && r2 < 3600)
            e = v3_add(e,
                       v3_scale(l->lamp_colour, l->lamp_intensity * cos_surface * sqrt(down) / r2));
    }
    return e;
}

struct vec3 sim_light_sun(const struct sim_light *l, struct vec3 n)
{
    double c = v3_dot(n, l->to_sun);
    return c > 0 ? v3_scale(l->sun, c) : v3(0, 0, 0);
}

struct vec3 sim_light_environment(const struct sim_light *l, struct vec3 d)
{
    double k = smoothstep(-0.05, 0.05, d.z), h = clampd(d.z, 0, 1);
    struct vec3 sky = v3_scale(l->sky, 1.9 - 0.9 * sqrt(h)); /* brighter at the horizon */
    struct vec3 ground = v3_scale(v3_add(l->sky, l->sun), 0.10);
    return v3_mix(ground, sky, k);
}
