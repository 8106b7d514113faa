/*
 * For a developer's eye: feeds a raw luma stream on stdin through the traffic detector and prints
 * what it follows, picture by picture.
 *
 *     ffmpeg -i CLIP -f rawvideo -pix_fmt gray - | vision_watch WIDTH HEIGHT FPS POINTS Y0 Y1 [LIMIT]
 *
 * POINTS: a file of `x_px y_px x_m y_m` lines. Output: `F t id x y X Y bx by bw bh class` per fix,
 * `P track t_first t_last class direction km/h u95 reason` per passage.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/mem.h"
#include "detectors/calibration.h"
#include "detectors/detector.h"
#include "registry.h"
#include "scene.h"

static void free_px(void *px)
{
    free(px);
}

static void print_passage(void *self, const struct cb_passage *p)
{
    (void) self;
    printf("P %" PRId64 " %.3f %.3f %d %d %.2f %.2f %d %zu\n", p->track,
           cb_s_from_ns(p->t_first_ns), cb_s_from_ns(p->t_last_ns), p->road_user, p->direction,
           p->speed_mps * 3.6, p->u95_mps * 3.6, p->reason, p->n_path);
}

static int read_points(const char *path, struct cb_calibration_conf *c)
{
    FILE *f = fopen(path, "r");
    size_t cap = 0;
    struct cb_calibration_point p = {0};
    if (!f)
        return -1;
    while (fscanf(f, "%lf %lf %lf %lf", &p.x_px, &p.y_px, &p.x_m, &p.y_m) == 4)
        if (cb_grow((void **) &c->points, &cap, c->n_points + 1, sizeof p) == 0)
            c->points[c->n_points++] = p;
    fclose(f);
    return 0;
}

static void print_fixes(const struct cb_scene *s, int64_t *io_seen_ns)
{
    int64_t last = *io_seen_ns;
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = s->track[i].n; k-- > 0 && s->track[i].fix[k].t_ns > *io_seen_ns;) {
            const struct cb_fix *f = &s->track[i].fix[k];
            printf("F %.4f %" PRId64 " %.2f %.2f %.3f %.3f %.1f %.1f %.1f %.1f %d\n",
                   cb_s_from_ns(f->t_ns), s->track[i].id, (double) f->x_px, (double) f->y_px,
                   f->x_m, f->y_m, (double) f->box.x, (double) f->box.y, (double) f->box.w,
                   (double) f->box.h, s->track[i].road_user);
            last = f->t_ns > last ? f->t_ns : last;
        }
    *io_seen_ns = last;
}

int main(int argc, char **argv)
{
    if (argc < 7)
        return 2;
    int w = atoi(argv[1]), h = atoi(argv[2]);
    double fps = atof(argv[3]);
    struct cb_camera_conf conf;
    cb_camera_conf_init(&conf);
    snprintf(conf.id, sizeof conf.id, "watch");
    conf.has_calibration = conf.has_zone = true;
    conf.zone_y_min_m = atof(argv[5]);
    conf.zone_y_max_m = atof(argv[6]);
    conf.speed_limit_kmh = argc > 7 ? atof(argv[7]) : NAN;
    struct cb_road *road = NULL;
    struct cb_error err = {0};
    if (read_points(argv[4], &conf.calibration) < 0 ||
        cb_road_create(&road, &conf.calibration, w, h, &err) < 0) {
        fprintf(stderr, "%s: %s\n", err.where, err.text);
        return 2;
    }
    struct cb_scene scene;
    cb_scene_init(&scene);
    struct cb_sink sink = {.on_passage = print_passage};
    struct cb_detector d = {.info = &cb_detector_traffic, .conf = &conf, .road = road,
                            .scene = &scene, .sink = &sink,
                            .priv = calloc(1, cb_detector_traffic.priv_size)};
    size_t n = (size_t) w * (size_t) h;
    int64_t seen_ns = -1;
    for (int64_t i = 0;; i++) {
        uint8_t *px = malloc(n);
        if (!px || fread(px, 1, n, stdin) != n) {
            free(px);
            break;
        }
        struct cb_picture pic = {.plane = {px}, .stride = {w}, .width = w, .height = h,
                                 .t_ns = cb_ns_from_s((double) i / fps)};
        struct cb_frame *f = cb_frame_wrap(&pic, free_px, px);
        cb_scene_advance(&scene, pic.t_ns);
        if (d.info->on_frame(&d, f) < 0)
            return 1;
        print_fixes(&scene, &seen_ns);
        cb_frame_unref(&f);
    }
    d.info->flush(&d);
    print_fixes(&scene, &seen_ns);
    d.info->deinit(&d);
    free(d.priv);
    cb_scene_deinit(&scene);
    cb_road_destroy(&road);
    cb_camera_conf_deinit(&conf);
    return 0;
}
