#include "check.h"

#include <jansson.h>
#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clip.h"
#include "truth.h"

#define SMALL                                                                                      \
    "\"seconds\": 0.8, \"speed_limit_kmh\": 60,"                                                   \
    "\"camera\": {\"focal_px\": 150}, \"scenery\": {\"trees\": false, \"buildings\": false},"      \
    "\"survey\": {\"points\": 8, \"noise_px\": 0, \"noise_m\": 0},"                                \
    "\"vehicles\": [{\"class\": \"car\", \"lane\": 2, \"t\": 0.4, \"y\": 25, \"speed_kmh\": 70}]"

struct folder {
    char path[64], clip[96], truth[96], city[96];
};

static struct folder make_folder(const struct sim_scene *s)
{
    struct folder f = {.path = "/tmp/citybrain-sim-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    snprintf(f.clip, sizeof f.clip, "%s/%s", f.path, sim_writer_name(s));
    snprintf(f.truth, sizeof f.truth, "%s/truth.json", f.path);
    snprintf(f.city, sizeof f.city, "%s/city.yaml", f.path);
    return f;
}

static void remove_folder(const struct folder *f)
{
    unlink(f->clip);
    unlink(f->truth);
    unlink(f->city);
    rmdir(f->path);
}

static struct folder render(const char *text, uint64_t seed, int n_threads)
{
    struct sim_scene *s = parse_scene(text);
    struct sim_stage *stage = NULL;
    struct sim_sound *sound = NULL;
    struct cb_error e = {"", ""};
    int64_t *pts = NULL;
    int n = 0;
    struct folder f = make_folder(s);
    s->seed = seed;
    assert_int_equal(sim_sound_create(&sound, s, n_threads), 0);
    assert_int_equal(sim_stage_create(&stage, s, n_threads), 0);
    assert_int_equal(sim_clip_pts(s, &pts, &n), 0);
    assert_int_equal(sim_truth_write(s, sound, pts, n, sim_writer_ticks(s), f.truth, &e), 0);
    assert_int_equal(sim_city_write(s, "clip", f.city, &e), 0);
    if (sim_clip_write(stage, sound, pts, n, f.clip, n_threads, true, &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
    sim_stage_destroy(&stage);
    sim_sound_destroy(&sound);
    sim_scene_destroy(&s);
    free(pts);
    return f;
}

static char *read_whole(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *data = calloc(1, 1 << 22);
    assert_non_null(data);
    *ret_n = fread(data, 1, (1 << 22) - 1, f);
    fclose(f);
    return data;
}

static bool same_bytes(const char *a, const char *b)
{
    size_t n, m;
    char *x = read_whole(a, &n), *y = read_whole(b, &m);
    bool same = n == m && n > 500 && memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return same;
}

static const char small_mp4[] =
    "{\"video\": {\"width\": 160, \"height\": 90, \"pts_jitter_ms\": 8}," SMALL "}";

static void test_same_seed_same_bytes(void **state)
{
    (void) state;
    struct folder a = render(small_mp4, 5, 1), b = render(small_mp4, 5, 3),
                  c = render(small_mp4, 6, 1);
    assert_true(same_bytes(a.clip, b.clip));
    assert_true(same_bytes(a.truth, b.truth));
    assert_false(same_bytes(a.clip, c.clip));
    assert_false(same_bytes(a.truth, c.truth)); /* the jitter of the PTS is another */
    remove_folder(&a);
    remove_folder(&b);
    remove_folder(&c);
}

/* Against an independent reader of the file. */
static void check_pts(const char *text, double resolution_s)
{
    char command[256], line[128];
    struct folder f = render(text, 9, 2);
    json_t *truth = json_load_file(f.truth, 0, NULL), *pts = json_object_get(truth, "pts");
    snprintf(command, sizeof command,
             "ffprobe -v error -select_streams v:0 -show_entries packet=pts_time -of csv=p=0 %s",
             f.clip);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    size_t n = 0;
    while (fgets(line, sizeof line, p)) {
        CHECK_NEAR(strtod(line, NULL), json_number_value(json_array_get(pts, n)), resolution_s);
        n++;
    }
    assert_int_equal(pclose(p), 0);
    assert_int_equal(n, json_array_size(pts));
    assert_int_equal(n, 20);
    json_decref(truth);
    remove_folder(&f);
}

static void test_pts_are_those_of_the_file(void **state)
{
    (void) state;
    if (system("ffprobe -version >/dev/null 2>&1") != 0) {
        print_message("ffprobe is not installed: skipped\n");
        skip();
    }
    check_pts(small_mp4, 1e-6);
    check_pts("{\"video\": {\"width\": 160, \"height\": 90, \"pts_jitter_ms\": 8},"
              "\"sound\": {\"codec\": \"pcm\"}," SMALL "}",
              1e-6);
    check_pts("{\"video\": {\"width\": 160, \"height\": 90, \"codec\": \"mjpeg\"}," SMALL "}",
              1e-6);
}

/* The surveyed points without survey errors are the projection of their metres. */
static void test_calibration_is_the_pose(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene(small_mp4);
    struct sim_camera c;
    struct folder f = make_folder(s);
    struct cb_error e;
    char line[256];
    int n = 0;
    sim_camera_init(&c, &s->camera, s->video.width, s->video.height);
    assert_int_equal(sim_city_write(s, "rtsp://camera.example/1", f.city, &e), 0);
    FILE *file = fopen(f.city, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        double px, py, x, y, u, v;
        if (sscanf(line, " - {px: [%lf, %lf], m: [%lf, %lf]}", &px, &py, &x, &y) != 4)
            continue;
        sim_camera_project(&c, v3(x, y, 0), &u, &v);
        CHECK_NEAR(px, u, 0.0051); /* two decimals are written */
        CHECK_NEAR(py, v, 0.0051);
        n++;
    }
    fclose(file);
    assert_int_equal(n, 8);
    remove_folder(&f);
    sim_scene_destroy(&s);
}

static void test_truth(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene(
        "{\"seconds\": 20, \"speed_limit_kmh\": 60, \"zone\": [10, 40], \"vehicles\": ["
        "{\"lane\": 2, \"t\": 5, \"speed_kmh\": 63.1}, {\"lane\": 2, \"t\": 9, \"speed_kmh\": "
        "62.9},"
        "{\"lane\": 1, \"t\": 30, \"speed_kmh\": 90}, {\"lane\": 1, \"t\": 3, \"speed_kmh\": 0}]}");
    struct folder f = make_folder(s);
    struct cb_error e;
    const int64_t pts[] = {0, 3600};
    assert_int_equal(sim_truth_write(s, NULL, pts, 2, 90000, f.truth, &e), 0);
    json_t *o = json_load_file(f.truth, 0, NULL), *v = json_object_get(o, "vehicles");
    static const bool speeder[] = {true, false, false, false}; /* the third passes after the end */
    assert_int_equal(json_array_size(v), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_is_true(json_object_get(json_array_get(v, i), "is_speeder")),
                         speeder[i]);
    json_t *first = json_array_get(v, 0);
    CHECK_NEAR(json_number_value(json_object_get(first, "speed_kmh")), 63.1, 1e-6);
    CHECK_NEAR(json_number_value(json_object_get(first, "t_zone_exit")) -
                   json_number_value(json_object_get(first, "t_zone_enter")),
               30 / (63.1 / 3.6), 2e-6);
    assert_true(json_is_null(json_object_get(json_array_get(v, 3), "speed_kmh")));
    json_t *a = json_array_get(json_object_get(first, "samples"), 3);
    CHECK_NEAR(json_number_value(json_array_get(a, 2)),
               25 + (json_number_value(json_array_get(a, 0)) - 5) * 63.1 / 3.6, 1e-6);
    json_decref(o);
    remove_folder(&f);
    sim_scene_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_pts_are_those_of_the_file),
        cmocka_unit_test(test_calibration_is_the_pose),
        cmocka_unit_test(test_truth),
    };
    av_log_set_level(AV_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
