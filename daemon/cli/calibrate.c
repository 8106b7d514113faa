#include "calibrate.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli.h"
#include "config.h"

static const char help[] =
    "usage: citybrain calibrate --config FILE --camera ID [options]\n"
    "\n"
    "Fits the camera's calibration from its points or taped lengths, or from painted lane marks,\n"
    "and prints how well it fits, the camera's pose, the uncertainty of speed to expect along the\n"
    "zone, and the calibration to paste into the configuration. All of it is YAML: the report\n"
    "stands in comments.\n"
    "\n"
    "  --config FILE   the configuration (city.yaml)\n"
    "  --camera ID     which of its cameras\n"
    "  --frame FILE    a still (PNG, JPEG) or a clip of this camera; without it and with --out, the\n"
    "                  camera's own URL\n"
    "  --marks FILE    dashed lane lines instead of the camera's points or lengths:\n"
    "                    marks:   # the ends of consecutive dashes of a line, beginning with a dash\n"
    "                      - {px: [[x, y], [x, y], ...], kind: fast}   # 6 m and 9 m; town: 2 and 4\n"
    "                    widths:  # square across the road\n"
    "                      - {px: [[x, y], [x, y]], m: 3.75}\n"
    "  --lines FILE    straight lines as the picture shows them, three or more points each: the\n"
    "                  lens's k1 is worked out from their bend and used instead of the camera's\n"
    "                  distortion; needs a picture\n"
    "                    lines: [{px: [[x, y], [x, y], [x, y], ...]}, ...]\n"
    "  --drives FILE   drives of a vehicle whose speed is known, as the camera measured them; what\n"
    "                  they say of the scale goes into the calibration as its reference\n"
    "                    drives: [{measured_kmh: 61.9, true_kmh: 61.4, u_kmh: 0.2}, ...]\n"
    "  --sound FILE    calibrates the microphone instead; `citybrain calibrate --sound --help`\n"
    "  --out FILE      draws the road's grid and the residuals over the picture (PNG)\n"
    "\n"
    "Exit codes: 0 fitted; 1 the picture could not be read or written; 2 wrong usage or\n"
    "configuration, or a calibration that is degenerate or contradicts itself: said by name.\n"
    "\n"
    "Examples:\n"
    "  citybrain calibrate --config city.yaml --camera sz-nh-0001 --frame still.png --out grid.png\n"
    "  citybrain calibrate --config city.yaml --camera sz-nh-0001 --frame clip.mp4 \\\n"
    "      --marks marks.yaml > calibration.yaml\n";

struct words {
    const char *config, *camera, *frame, *marks, *lines, *drives, *out;
};

static int read_words(int argc, char **argv, struct words *w)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"camera", required_argument, NULL, 'i'},
        {"frame", required_argument, NULL, 'f'},  {"marks", required_argument, NULL, 'm'},
        {"lines", required_argument, NULL, 'l'},  {"out", required_argument, NULL, 'o'},
        {"drives", required_argument, NULL, 'd'}, {"help", no_argument, NULL, 'h'},
        {0}};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'c': w->config = optarg; break;
        case 'i': w->camera = optarg; break;
        case 'f': w->frame = optarg; break;
        case 'm': w->marks = optarg; break;
        case 'd': w->drives = optarg; break;
        case 'l': w->lines = optarg; break;
        case 'o': w->out = optarg; break;
        case 'h': fputs(help, stdout); return CB_EXIT_OK;
        default: fputs(help, stderr); return CB_EXIT_USAGE;
        }
    }
    if (!w->config || !w->camera || optind < argc) {
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    return -1;
}

static int refuse(const struct cb_error *e, int r, int code)
{
    fprintf(stderr, "%s%s%s\n", e->where, e->where[0] ? ": " : "",
            e->text[0] ? e->text : strerror(-r));
    return r == -ENOMEM ? CB_EXIT_FAILED : code;
}

static int fit_and_show(const struct words *w, const struct cb_camera_conf *conf,
                        const struct cb_picture *p)
{
    struct cb_road *road = NULL;
    struct cb_error e = {0};
    int r = cb_road_create(&road, &conf->calibration, p ? p->width : 0, p ? p->height : 0, &e);
    if (r < 0) {
        fprintf(stderr, "%s: ", w->marks ? w->marks : conf->id);
        return refuse(&e, r, CB_EXIT_USAGE);
    }
    int code = CB_EXIT_OK;
    cb_calibrate_print(road, conf, p, stdout);
    if (w->out && (r = cb_calibrate_draw(road, conf, p, w->out, &e)) < 0)
        code = refuse(&e, r, CB_EXIT_FAILED);
    cb_road_destroy(&road);
    return fflush(stdout) == 0 ? code : CB_EXIT_FAILED;
}

/* Replaces conf's distortion by what the lines show, and says so as part of the report. */
static int straighten(const struct words *w, struct cb_camera_conf *conf,
                      const struct cb_picture *p)
{
    struct cb_calibrate_lines lines;
    struct cb_error e = {0};
    double k1, u;
    int r = cb_calibrate_read_lines(&lines, w->lines, &e);
    if (r < 0)
        return refuse(&e, r, CB_EXIT_USAGE);
    r = cb_lens_fit_lines(lines.line, lines.n, p->width, p->height, &k1, &u, &e);
    if (r < 0) {
        fprintf(stderr, "%s: ", w->lines);
        r = refuse(&e, r, CB_EXIT_USAGE);
    } else {
        bool is_seen = fabs(k1) > 2 * u;
        conf->calibration.k1 = is_seen ? k1 : 0;
        conf->calibration.k2 = 0;
        printf("# lens: k1 %.4f +- %.4f from %zu lines%s\n", k1, 2 * u, lines.n,
               is_seen ? "" : ": no bend that can be told from none, 0 is used");
    }
    cb_calibrate_lines_deinit(&lines);
    return r;
}

static int calibrate(const struct words *w, struct cb_camera_conf *conf)
{
    struct cb_frame *frame = NULL;
    struct cb_error e = {0};
    int r = w->marks ? cb_calibrate_read_marks(&conf->calibration, w->marks, &e) : 0;
    if (r < 0)
        return refuse(&e, r, CB_EXIT_USAGE);
    if (w->drives && (r = cb_calibrate_read_drives(&conf->calibration, w->drives, &e)) < 0)
        return refuse(&e, r, CB_EXIT_USAGE);
    if (!conf->calibration.n_points && !conf->calibration.n_distances) {
        fprintf(stderr, "%s: camera '%s' has no calibration, expected points or distances in it, "
                        "or --marks\n", w->config, conf->id);
        return CB_EXIT_USAGE;
    }
    if ((w->frame || w->out || w->lines) && (r = cb_frame_of(&frame, conf, w->frame, &e)) < 0)
        return refuse(&e, r, CB_EXIT_FAILED);
    const struct cb_picture *p = frame ? cb_frame_picture(frame) : NULL;
    int code = w->lines ? straighten(w, conf, p) : CB_EXIT_OK;
    if (code == CB_EXIT_OK)
        code = fit_and_show(w, conf, p);
    cb_frame_unref(&frame);
    return code;
}

/* The camera with points and lengths of its own, which --marks may replace. */
static int copy_camera(const struct cb_camera_conf *from, struct cb_camera_conf *ret)
{
    *ret = *from;
    struct cb_calibration_conf *c = &ret->calibration;
    c->points = calloc(c->n_points + 1, sizeof *c->points);
    c->distances = calloc(c->n_distances + 1, sizeof *c->distances);
    if (!c->points || !c->distances) {
        cb_camera_conf_deinit(ret);
        return -ENOMEM;
    }
    if (c->n_points)
        memcpy(c->points, from->calibration.points, c->n_points * sizeof *c->points);
    if (c->n_distances)
        memcpy(c->distances, from->calibration.distances, c->n_distances * sizeof *c->distances);
    return 0;
}

int cb_cli_calibrate(int argc, char **argv)
{
    struct words w = {0};
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], "--sound", 7))
            return cb_cli_calibrate_sound(argc, argv);
    int code = read_words(argc, argv, &w);
    if (code >= 0)
        return code;
    struct cb_config *c = NULL;
    struct cb_camera_conf conf;
    struct cb_error e = {0};
    int r = cb_config_load(&c, w.config, &e);
    if (r < 0)
        return refuse(&e, r, CB_EXIT_USAGE);
    const struct cb_camera_conf *found = cb_config_camera(c, w.camera);
    cb_log_set_max(CB_LOG_ERR); /* a still carries no times, and need not */
    if (!found) {
        fprintf(stderr, "%s: no camera '%s' in it\n", w.config, w.camera);
        code = CB_EXIT_USAGE;
    } else if (copy_camera(found, &conf) < 0) {
        code = refuse(&e, -ENOMEM, CB_EXIT_FAILED);
    } else {
        code = calibrate(&w, &conf);
        cb_camera_conf_deinit(&conf);
    }
    cb_config_destroy(&c);
    return code;
}
