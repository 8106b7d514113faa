#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "light.h"
#include "rng.h"
#include "truth.h"

#define CANDIDATES 4096

/** A mark on the road that the technician measured, in the picture and with the tape. */
struct mark {
    double x_px, y_px, x_m, y_m;
};

static bool is_visible(const struct sim_camera *c, double x_px, double y_px)
{
    return x_px > 12 && x_px < c->width - 12 && y_px > 12 && y_px < c->height - 12;
}

/*
 * Marks lie at lane borders, spread over what is visible from before the zone to beyond it; each
 * next one is as far from those taken as can be, so that few points hold the whole plane.
 */
static int choose_marks(const struct sim_scene *s, const struct sim_camera *c, struct mark *ret,
                        int n)
{
    struct mark all[CANDIDATES];
    int n_all = 0, n_out = 0;
    double left, right, span = s->zone_y_max_m - s->zone_y_min_m;
    sim_road_edges(s, &left, &right);
    for (double y = s->zone_y_min_m - 0.15 * span; y <= s->zone_y_max_m + 0.1 * span;
         y += span / 40)
        for (int k = 0; k <= 8 && n_all < CANDIDATES; k++) {
            struct mark m = {0, 0, left + 0.5 + k * (right - left - 1) / 8, y};
            m.x_m = floor(m.x_m * 100 + 0.5) / 100;
            m.y_m = floor(m.y_m * 100 + 0.5) / 100;
            if (sim_camera_project(c, v3(m.x_m, m.y_m, 0), &m.x_px, &m.y_px) > 1 &&
                is_visible(c, m.x_px, m.y_px))
                all[n_all++] = m;
        }
    while (n_out < n && n_all > 0) {
        int best = 0;
        double best_gap = -1;
        for (int i = 0; i < n_all; i++) {
            double gap = n_out ? INFINITY : all[i].y_px;
            for (int k = 0; k < n_out; k++)
                gap =
                    fmin(gap, hypot(all[i].x_px - ret[k].x_px, 2.5 * (all[i].y_px - ret[k].y_px)));
            if (gap > best_gap) {
                best_gap = gap;
                best = i;
            }
        }
        ret[n_out++] = all[best];
    }
    return n_out;
}

static void write_points(FILE *f, const struct sim_scene *s)
{
    struct sim_camera c;
    struct mark marks[64];
    struct sim_rng rng = sim_rng_make(s->seed, 31);
    sim_camera_init(&c, &s->camera, s->video.width, s->video.height);
    int n = choose_marks(s, &c, marks, s->survey.points);
    fprintf(f, "      points:\n");
    for (int i = 0; i < n; i++) {
        struct mark m = marks[i];
        double e[4];
        for (int k = 0; k < 4; k++)
            e[k] = sim_rng_normal(&rng) * (k < 2 ? s->survey.noise_px : s->survey.noise_m);
        fprintf(f, "        - {px: [%.2f, %.2f], m: [%.3f, %.3f]}\n", m.x_px + e[0], m.y_px + e[1],
                m.x_m + e[2], m.y_m + e[3]);
    }
    if (s->camera.k1 != 0 || s->camera.k2 != 0)
        fprintf(f, "      distortion: {k1: %.6f, k2: %.6f}\n", s->camera.k1, s->camera.k2);
}

static void write_microphone(FILE *f, const struct sim_scene *s)
{
    if (s->sound.codec == SIM_SOUND_NONE)
        return;
    fprintf(f, "    microphone:\n      sensitivity_dbfs_at_94db: %.2f\n      array_m: [",
            s->sound.sensitivity_dbfs_at_94db);
    for (int i = 0; i < s->sound.n_mics; i++)
        fprintf(f, "%s[%.3f, %.3f, %.3f]", i ? ", " : "", s->sound.mic[i].x, s->sound.mic[i].y,
                s->sound.mic[i].z);
    fprintf(f, "]\n      limit_dba: %.1f\n", s->sound.limit_dba);
}

int sim_city_write(const struct sim_scene *s, const char *url, const char *path,
                   struct cb_error *reterr)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return cb_error_set(reterr, -errno, path, "cannot be written: %s", strerror(errno));
    fprintf(f, "cameras:\n  - id: %s\n    name: %s\n    url: %s\n", s->id, s->name, url);
    fprintf(f, "    location: {lat: %.5f, lon: %.5f, bearing_deg: %.0f}\n", s->lat_deg, s->lon_deg,
            s->bearing_deg);
    if (s->road[0])
        fprintf(f, "    road: %s\n", s->road);
    if (s->district[0])
        fprintf(f, "    district: %s\n", s->district);
    fprintf(f, "    speed_limit_kmh: %g\n    calibration:\n", s->speed_limit_kmh);
    write_points(f, s);
    fprintf(f, "    zone: {y_min: %.1f, y_max: %.1f}\n", s->zone_y_min_m, s->zone_y_max_m);
    write_microphone(f, s);
    return fclose(f) ? cb_error_set(reterr, -EIO, path, "cannot be written") : 0;
}
