#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/frame.h"
#include "calibrate.h"
#include "cli.h"
#include "config.h"
#include "draw/draw.h"
#include "unit/test.h"

#define W 1280
#define H 720

static char folder[] = "/tmp/citybrain-calibrate-XXXXXX";

#define NEAR(got, want, tol)                                                                       \
    do {                                                                                           \
        double g_ = (got), w_ = (want);                                                            \
        if (!(fabs(g_ - w_) <= (tol)))                                                             \
            fail_msg("%s:%d: %s = %.6g, want %.6g ± %g", __FILE__, __LINE__, #got, g_, w_,         \
                     (double) (tol));                                                              \
    } while (0)

/* An exact pinhole of the test's own: 7 m up, tilted 0.25 rad, f 1200 px, turned 0.03 rad. */
static const double height_m = 7, tilt_rad = 0.25, f_px = 1200, pan_rad = 0.03;

static struct cb_vec2 seen(double x, double y)
{
    double ahead = cos(pan_rad) * y - sin(pan_rad) * x, aside = sin(pan_rad) * y + cos(pan_rad) * x;
    double depth = cos(tilt_rad) * ahead + sin(tilt_rad) * height_m;
    double low = cos(tilt_rad) * height_m - sin(tilt_rad) * ahead;
    return (struct cb_vec2){W / 2.0 + f_px * aside / depth, H / 2.0 + f_px * low / depth};
}

static const double place_m[8][2] = {{-5, 15}, {0, 15}, {5, 15}, {-5, 28},
                                     {5, 28},  {-5, 40}, {0, 40}, {5, 40}};

static size_t survey(struct cb_calibration_point *p)
{
    for (int i = 0; i < 8; i++) {
        struct cb_vec2 px = seen(place_m[i][0], place_m[i][1]);
        p[i] = (struct cb_calibration_point){px.x, px.y, place_m[i][0], place_m[i][1], 0};
    }
    return 8;
}

static const char *path(const char *name)
{
    static char text[16][128];
    static int i;
    char *s = text[i++ % 16];
    snprintf(s, sizeof text[0], "%s/%s", folder, name);
    return s;
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(path(name), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void read_text(const char *name, char *ret, size_t size)
{
    FILE *f = fopen(path(name), "r");
    assert_non_null(f);
    ret[fread(ret, 1, size - 1, f)] = '\0';
    fclose(f);
}

/* Runs the verb with its output in the files out and err. */
static int run(char **argv)
{
    int argc = 0, keep[2] = {dup(1), dup(2)};
    while (argv[argc])
        argc++;
    fflush(NULL);
    FILE *out = fopen(path("out"), "w"), *err = fopen(path("err"), "w");
    assert_true(out && err && dup2(fileno(out), 1) == 1 && dup2(fileno(err), 2) == 2);
    optind = 1;
    int code = cb_cli_calibrate(argc, argv);
    fflush(NULL);
    dup2(keep[0], 1);
    dup2(keep[1], 2);
    close(keep[0]);
    close(keep[1]);
    fclose(out);
    fclose(err);
    return code;
}

static void write_config(const char *calibration)
{
    char text[4096];
    snprintf(text, sizeof text,
             "cameras:\n  - id: c1\n    name: 深南大道\n    url: none.mp4\n    speed_limit_kmh: 60\n"
             "    zone: {y_min: 15, y_max: 40}\n%s", calibration);
    write_text("city.yaml", text);
}

static void write_points(int n, int i_off, double off_px)
{
    char text[2048] = "    calibration:\n      points:\n";
    struct cb_calibration_point p[8];
    survey(p);
    for (int i = 0; i < n; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "        - {px: [%.3f, %.3f], m: [%g, %g]}\n",
                 p[i].x_px + (i == i_off ? off_px : 0), p[i].y_px, p[i].x_m, p[i].y_m);
    }
    write_config(text);
}

static void write_still(void)
{
    struct cb_draw *d = NULL;
    assert_int_equal(cb_draw_create(&d, NULL, W, H, 0), 0);
    assert_int_equal(cb_draw_write_png(d, path("still.png"), NULL), 0);
    cb_draw_destroy(&d);
}

static void write_marks(void)
{
    static const double ends[] = {14, 20, 29, 35, 44};
    char text[2048] = "marks:\n";
    for (int k = -1; k <= 1; k += 2) {
        size_t at = strlen(text);
        at += (size_t) snprintf(text + at, sizeof text - at, "  - {kind: fast, px: [");
        for (int i = 0; i < 5; i++) {
            struct cb_vec2 p = seen(3.6 * k, ends[i]);
            at += (size_t) snprintf(text + at, sizeof text - at, "%s[%.2f, %.2f]", i ? ", " : "",
                                    p.x, p.y);
        }
        snprintf(text + at, sizeof text - at, "]}\n");
    }
    struct cb_vec2 a = seen(-3.6, 14), b = seen(3.6, 14);
    size_t at = strlen(text);
    snprintf(text + at, sizeof text - at,
             "widths:\n  - {px: [[%.2f, %.2f], [%.2f, %.2f]], m: 7.2}\n", a.x, a.y, b.x, b.y);
    write_text("marks.yaml", text);
}

static void residuals_name_the_one_that_is_off(void **state)
{
    (void) state;
    struct cb_calibration_point p[8];
    struct cb_calibration_conf c = {.points = p, .n_points = survey(p)};
    struct cb_residual e[8];
    struct cb_road *road = NULL;
    assert_int_equal(cb_road_create(&road, &c, W, H, NULL), 0);
    cb_calibrate_residuals(road, &c, e);
    for (int i = 0; i < 8; i++) {
        NEAR(e[i].off_px, 0, 0.01);
        NEAR(e[i].off_cm, 0, 0.1);
    }
    /* against a road that is right, an entry is off by just what it was moved by */
    p[3].x_px += 3;
    p[6].y_m += 0.2;
    cb_calibrate_residuals(road, &c, e);
    NEAR(e[3].off_px, 3, 0.01);
    NEAR(e[6].off_cm, 20, 0.1);
    const struct cb_pose *pose = cb_road_pose(road);
    assert_non_null(pose);
    NEAR(pose->position_m[2], height_m, 0.01);
    NEAR(cb_calibrate_tilt_deg(pose), tilt_rad * 180 / M_PI, 0.05);
    cb_road_destroy(&road);
}

static void a_length_is_off_by_what_it_was_misread(void **state)
{
    (void) state;
    struct cb_calibration_point p[8];
    struct cb_calibration_conf c = {.points = p, .n_points = survey(p)};
    struct cb_road *road = NULL;
    assert_int_equal(cb_road_create(&road, &c, W, H, NULL), 0);
    struct cb_vec2 a = seen(2, 20), b = seen(2, 26);
    struct cb_calibration_distance d = {a.x, a.y, b.x, b.y, 6.5, true, 0, 0};
    struct cb_calibration_conf lengths = {.distances = &d, .n_distances = 1};
    struct cb_residual e;
    cb_calibrate_residuals(road, &lengths, &e);
    NEAR(e.off_cm, -50, 0.2);
    struct cb_vec2 end = seen(2, 26.5);
    NEAR(e.fit_px.x, end.x, 0.05);
    NEAR(e.fit_px.y, end.y, 0.05);
    cb_road_destroy(&road);
}

static void expected_uncertainty_grows_with_distance(void **state)
{
    (void) state;
    struct cb_calibration_point p[8];
    struct cb_calibration_conf c = {.points = p, .n_points = survey(p)};
    struct cb_road *road = NULL;
    double near, far, all, same;
    assert_int_equal(cb_road_create(&road, &c, W, H, NULL), 0);
    assert_int_equal(cb_road_expect_u95(road, 0, 15, 23, 16.7, 25, &near), 0);
    assert_int_equal(cb_road_expect_u95(road, 0, 32, 40, 16.7, 25, &far), 0);
    assert_int_equal(cb_road_expect_u95(road, 0, 15, 40, 16.7, 25, &all), 0);
    assert_int_equal(cb_road_expect_u95(road, 0, 15, 40, 16.7, 25, &same), 0);
    assert_true(all < near && near < far);
    assert_true(all > 0.1 && all == same);
    assert_int_equal(cb_road_expect_u95(road, 0, 15, 16, 60, 25, &all), -EDOM);
    cb_road_destroy(&road);
}

static void painted_marks_find_the_camera(void **state)
{
    (void) state;
    write_marks();
    struct cb_calibration_conf c = {.k1 = 0};
    struct cb_error e = {0};
    if (cb_calibrate_read_marks(&c, path("marks.yaml"), &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
    assert_int_equal(c.n_distances, 9);
    NEAR(c.distances[0].length_m, 6, 0);
    NEAR(c.distances[1].length_m, 9, 0);
    assert_true(c.distances[7].is_along && !c.distances[8].is_along);
    struct cb_road *road = NULL;
    if (cb_road_create(&road, &c, W, H, &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
    NEAR(cb_road_pose(road)->position_m[2], height_m, 0.03 * height_m);
    struct cb_vec2 a, b;
    assert_int_equal(cb_road_from_px(road, seen(1, 18), &a), 0);
    assert_int_equal(cb_road_from_px(road, seen(1, 42), &b), 0);
    NEAR(hypot(b.x - a.x, b.y - a.y), 24, 0.12);
    cb_road_destroy(&road);
    free(c.distances);
}

static void refuse_marks(const char *text, const char *words)
{
    struct cb_calibration_conf c = {.k1 = 0};
    struct cb_error e = {0};
    write_text("bad.yaml", text);
    assert_true(cb_calibrate_read_marks(&c, path("bad.yaml"), &e) < 0);
    if (!strstr(e.where, "bad.yaml") || !strstr(e.text, words))
        fail_msg("said '%s: %s', expected bad.yaml and '%s'", e.where, e.text, words);
    assert_null(c.distances);
}

static void wrong_marks_are_refused_by_name(void **state)
{
    (void) state;
    refuse_marks("marks: [{px: [[1, 2], [3, 4]]}]\n", "kind is missing");
    refuse_marks("marks: [{kind: fast}]\n", "px is missing");
    refuse_marks("marks: [{px: [[1, 2], [3, 4], [5, 6]], dash_m: 6}]\n", "gap_m is missing");
    refuse_marks("marks: [{px: [[1, 2]], kind: fast}]\n", "has 1 points");
    refuse_marks("marks: [{px: [[1, 2], [3]], kind: fast}]\n", "2 numbers");
    refuse_marks("marks: [{px: [[1, 2], [3, 4]], kind: slow}]\n", "town");
    refuse_marks("marks: [{px: [[1, 2], [3, 4]], dash_m: nan}]\n", "number");
    refuse_marks("widths: [{px: [[1, 2], [3, 4]]}]\n", "m: width");
    refuse_marks("lines: []\n", "unknown key");
    refuse_marks("marks: []\n", "no marks");
    refuse_marks("just words\n", "mapping");
}

static void the_sheet_is_drawn_over_the_frame(void **state)
{
    (void) state;
    char text[8192];
    write_points(8, 6, 2.5);
    write_still();
    char *words[] = {"calibrate", "--config", (char *) path("city.yaml"), "--camera", "c1",
                     "--frame", (char *) path("still.png"), "--out", (char *) path("grid.png"),
                     NULL};
    assert_int_equal(run(words), CB_EXIT_OK);
    read_text("out", text, sizeof text);
    assert_non_null(strstr(text, "points[6]"));
    assert_non_null(strstr(text, "m above the road"));
    assert_non_null(strstr(text, "(the zone)"));
    struct cb_camera_conf conf;
    struct cb_frame *f = NULL;
    struct cb_error e = {0};
    cb_camera_conf_init(&conf);
    snprintf(conf.id, sizeof conf.id, "c1");
    if (cb_frame_of(&f, &conf, path("grid.png"), &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
    const struct cb_picture *p = cb_frame_picture(f);
    assert_int_equal(p->width, W);
    assert_true(p->height > H + 60);
    struct cb_vec2 on = seen(1, 20), off = seen(1, 21); /* Y = 20 m is a line, 21 m is none */
    int bright = 0;
    for (int k = -2; k <= 2; k++) {
        int v = p->plane[0][(int) (lround(on.y) + k) * p->stride[0] + lround(on.x)];
        bright = v > bright ? v : bright;
    }
    int dark = p->plane[0][(int) lround(off.y) * p->stride[0] + lround(off.x)];
    if (!(bright > dark + 60))
        fail_msg("luma %d on the grid's line, %d beside it", bright, dark);
    cb_frame_unref(&f);
}

static void what_is_printed_is_a_configuration(void **state)
{
    (void) state;
    char text[8192], line[512];
    write_config("");
    write_marks();
    write_still();
    char *words[] = {"calibrate", "--config", (char *) path("city.yaml"), "--camera", "c1",
                     "--frame", (char *) path("still.png"), "--marks", (char *) path("marks.yaml"),
                     NULL};
    assert_int_equal(run(words), CB_EXIT_OK);
    FILE *f = fopen(path("out"), "r");
    assert_non_null(f);
    text[0] = '\0';
    while (fgets(line, sizeof line, f)) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "    %s", line);
    }
    fclose(f);
    write_config(text);
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    if (cb_config_load(&c, path("city.yaml"), &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
    const struct cb_calibration_conf *got = &c->camera[0].calibration;
    assert_int_equal(got->n_distances, 9);
    NEAR(got->distances[1].length_m, 9, 0);
    NEAR(got->distances[1].u_m, 0.03, 1e-9);
    NEAR(got->distances[8].u_m, 0, 0);
    cb_config_destroy(&c);
}

/* A picture through a lens of k1 = -0.08: its kerbs and a gantry, and the points on the road. */
static struct cb_vec2 bent(struct cb_vec2 p)
{
    double half = hypot(W, H) / 2, x = p.x - W / 2.0, y = p.y - H / 2.0;
    double k = 1 - 0.08 * (x * x + y * y) / (half * half);
    return (struct cb_vec2){W / 2.0 + k * x, H / 2.0 + k * y};
}

static void write_bent(double off_px)
{
    char text[4096] = "    calibration:\n      points:\n", lines[4096] = "lines:\n";
    for (int i = 0; i < 8; i++) {
        struct cb_vec2 px = bent(seen(place_m[i][0], place_m[i][1]));
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "        - {px: [%.3f, %.3f], m: [%g, %g]}\n", px.x,
                 px.y, place_m[i][0], place_m[i][1]);
    }
    write_config(text);
    for (int k = -1; k <= 1; k += 2) {
        size_t at = strlen(lines);
        at += (size_t) snprintf(lines + at, sizeof lines - at, "  - {px: [");
        for (int i = 0; i < 6; i++) {
            struct cb_vec2 px = bent(seen(6.5 * k, 14 + 2 * i * i));
            at += (size_t) snprintf(lines + at, sizeof lines - at, "%s[%.2f, %.2f]",
                                    i ? ", " : "", px.x + (i == 2 ? off_px : 0), px.y);
        }
        snprintf(lines + at, sizeof lines - at, "]}\n");
    }
    write_text("lines.yaml", lines);
}

static void straight_lines_find_the_lens(void **state)
{
    (void) state;
    char text[8192];
    double k1 = 0, u = 0;
    write_bent(0);
    write_still();
    char *words[] = {"calibrate", "--config", (char *) path("city.yaml"), "--camera", "c1",
                     "--frame", (char *) path("still.png"), "--lines", (char *) path("lines.yaml"),
                     NULL};
    assert_int_equal(run(words), CB_EXIT_OK);
    read_text("out", text, sizeof text);
    assert_int_equal(sscanf(text, "# lens: k1 %lf +- %lf", &k1, &u), 2);
    NEAR(k1, -0.08, 0.002);
    assert_true(u > 0 && u < 0.04);
    assert_non_null(strstr(text, "distortion: {k1: -0.0"));
    const char *rms = strstr(text, "rms ");
    assert_non_null(rms);
    NEAR(atof(rms + 4), 0, 0.1); /* what the points disagree by once they are straightened */
    write_bent(25);
    assert_int_equal(run(words), CB_EXIT_USAGE);
    read_text("err", text, sizeof text);
    assert_non_null(strstr(text, "lines["));
}

static void read_drives(const char *text, int code, const char *words)
{
    struct cb_calibration_conf c = {.k1 = 0};
    struct cb_error e = {0};
    write_text("drives.yaml", text);
    int r = cb_calibrate_read_drives(&c, path("drives.yaml"), &e);
    if (r != code || !strstr(e.text, words))
        fail_msg("%d, said '%s', expected %d and '%s'", r, e.text, code, words);
    assert_true(c.reference_u == 0 && c.reference_factor == 0);
}

static void reference_drives_set_the_scale(void **state)
{
    (void) state;
    char text[8192];
    double factor = 0, u = 0;
    write_points(8, -1, 0);
    write_text("drives.yaml",
               "drives:\n  - {measured_kmh: 60.6, true_kmh: 60, u_kmh: 0.12}\n"
               "  - {measured_kmh: 80.8, true_kmh: 80, u_kmh: 0.16}\n"
               "  - {measured_kmh: 50.5, true_kmh: 50, u_kmh: 0.1}\n"
               "  - {measured_kmh: 70.7, true_kmh: 70, u_kmh: 0.14}\n");
    char *words[] = {"calibrate", "--config", (char *) path("city.yaml"), "--camera", "c1",
                     "--drives", (char *) path("drives.yaml"), NULL};
    assert_int_equal(run(words), CB_EXIT_OK);
    read_text("out", text, sizeof text);
    const char *line = strstr(text, "reference: {");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "reference: {factor: %lf, u: %lf}", &factor, &u), 2);
    NEAR(factor, 1 / 1.01, 1e-5);
    /* four runs of hypot(0.002, 0.004), and the vehicle's own 0.002 that all of them share */
    NEAR(u, hypot(hypot(0.002, 0.004) / 2, 0.002), 1e-5);
}

static void drives_that_do_not_belong_are_named(void **state)
{
    (void) state;
    read_drives("drives:\n  - {measured_kmh: 60, true_kmh: 60, u_kmh: 0.2}\n"
                "  - {measured_kmh: 60, true_kmh: 66, u_kmh: 0.2}\n"
                "  - {measured_kmh: 60, true_kmh: 60.2, u_kmh: 0.2}\n",
                -EINVAL, "drives[1]");
    read_drives("drives:\n  - {measured_kmh: 60, true_kmh: 66, u_kmh: 0.2}\n"
                "  - {measured_kmh: 60, true_kmh: 66, u_kmh: 0.2}\n"
                "  - {measured_kmh: 60, true_kmh: 66.2, u_kmh: 0.2}\n",
                -EINVAL, "calibrate again");
    read_drives("drives:\n  - {measured_kmh: 60, true_kmh: 60, u_kmh: 0.2}\n", -EINVAL,
                "has 1 drives");
    read_drives("drives:\n  - {measured_kmh: 60, true_kmh: 60}\n", -EINVAL, "u_kmh");
    read_drives("{}\n", -EINVAL, "has 0 drives");
    struct cb_calibration_conf c = {.reference_factor = 1, .reference_u = 0.01};
    struct cb_error e = {0};
    assert_int_equal(cb_calibrate_read_drives(&c, path("drives.yaml"), &e), -EINVAL);
    assert_non_null(strstr(e.text, "has a reference already"));
}

static void expect_refusal(int code, const char *words)
{
    char text[2048];
    char *argv[] = {"calibrate", "--config", (char *) path("city.yaml"), "--camera", "c1", NULL};
    int got = run(argv);
    read_text("err", text, sizeof text);
    if (got != code || !strstr(text, words))
        fail_msg("exit %d, said '%s', expected %d and '%s'", got, text, code, words);
}

static void degenerate_calibrations_exit_2_by_name(void **state)
{
    (void) state;
    write_config("    calibration:\n      points:\n        - {px: [100, 700], m: [0, 10]}\n"
                 "        - {px: [200, 600], m: [0, 20]}\n        - {px: [300, 500], m: [0, 30]}\n"
                 "        - {px: [400, 400], m: [0, 40]}\n");
    expect_refusal(CB_EXIT_USAGE, "line");
    write_points(8, 3, 60);
    expect_refusal(CB_EXIT_USAGE, "points[3]");
    write_points(3, -1, 0);
    expect_refusal(CB_EXIT_USAGE, "has 3 points");
    write_config("");
    expect_refusal(CB_EXIT_USAGE, "'c1' has no calibration");
    write_points(8, -1, 0);
    char *none[] = {"calibrate", "--config", (char *) path("city.yaml"), "--camera", "c2", NULL};
    assert_int_equal(run(none), CB_EXIT_USAGE);
    char *still[] = {"calibrate", "--config", (char *) path("city.yaml"), "--camera", "c1",
                     "--frame", (char *) path("city.yaml"), NULL};
    assert_int_equal(run(still), CB_EXIT_FAILED);
    char *unwritable[] = {"calibrate", "--config", (char *) path("city.yaml"), "--camera", "c1",
                          "--frame", (char *) path("still.png"), "--out",
                          (char *) path("no/such/folder.png"), NULL};
    assert_int_equal(run(unwritable), CB_EXIT_FAILED);
}

static int make_folder(void **state)
{
    (void) state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void) state;
    static const char *const files[] = {"out", "err", "city.yaml", "marks.yaml", "bad.yaml",
                                        "still.png", "grid.png", "lines.yaml", "drives.yaml"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(path(files[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residuals_name_the_one_that_is_off),
        cmocka_unit_test(a_length_is_off_by_what_it_was_misread),
        cmocka_unit_test(expected_uncertainty_grows_with_distance),
        cmocka_unit_test(painted_marks_find_the_camera),
        cmocka_unit_test(wrong_marks_are_refused_by_name),
        cmocka_unit_test(the_sheet_is_drawn_over_the_frame),
        cmocka_unit_test(what_is_printed_is_a_configuration),
        cmocka_unit_test(straight_lines_find_the_lens),
        cmocka_unit_test(reference_drives_set_the_scale),
        cmocka_unit_test(drives_that_do_not_belong_are_named),
        cmocka_unit_test(degenerate_calibrations_exit_2_by_name),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
