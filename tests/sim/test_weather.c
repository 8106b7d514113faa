#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

#define SMALL                                                                                      \
    "\"seconds\": 4, \"video\": {\"width\": 320, \"height\": 180}, \"camera\": {\"focal_px\": 280"

/** A stage and a painter of one scene. */
struct show {
    struct sim_scene *scene;
    struct sim_stage *stage;
    struct sim_painter *painter;
};

static struct show raise(const char *text)
{
    struct show w = {.scene = parse_scene(text)};
    w.scene->seed = 3;
    assert_int_equal(sim_stage_create(&w.stage, w.scene, 2), 0);
    assert_int_equal(sim_painter_create(&w.painter, w.stage), 0);
    return w;
}

static void strike(struct show *w)
{
    sim_painter_destroy(&w->painter);
    sim_stage_destroy(&w->stage);
    sim_scene_destroy(&w->scene);
}

/* One frame as it is; yours to free. */
static float *draw(struct show *w, double t_s)
{
    size_t n = 3 * 320 * 180 * sizeof(float);
    float *copy = malloc(n);
    assert_non_null(copy);
    sim_painter_draw(w->painter, t_s, 1);
    memcpy(copy, w->painter->rgb, n);
    return copy;
}

/* Pixels whose green differs by more than that. */
static int n_changed(const float *a, const float *b, float by)
{
    int n = 0;
    for (size_t i = 1; i < 3 * 320 * 180; i += 3)
        n += fabsf(a[i] - b[i]) > by;
    return n;
}

/* As strong as asked for, without a drift, and slow enough to be a post's. */
static void test_shake_has_its_strength(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene("{" SMALL ", \"shake_px\": 1.5}}");
    double sum = 0, sum2 = 0, roll2 = 0, fastest = 0;
    const int n = 20000;
    for (int i = 0; i < n; i++) {
        struct sim_sway a = sim_shake_at(s, i * 0.02), b = sim_shake_at(s, i * 0.02 + 0.001);
        sum += a.x_px;
        sum2 += a.x_px * a.x_px;
        roll2 += a.roll_rad * a.roll_rad;
        fastest = fmax(fastest, fabs(b.x_px - a.x_px) / 0.001);
    }
    CHECK_NEAR(sum / n, 0, 0.1);
    CHECK_NEAR(sqrt(sum2 / n), 1.5, 0.15);
    CHECK_NEAR(sqrt(roll2 / n) * hypot(160, 90), 0.25 * 1.5, 0.05); /* at the corner */
    assert_true(fastest < 1.5 * 2 * M_PI * 12 * 3);
    sim_scene_destroy(&s);
}

/* The shaken picture is the still one, taken elsewhere: undone, it is the same again. */
static void test_shake_moves_the_picture(void **state)
{
    (void) state;
    struct show still = raise("{" SMALL "}}"), shaken = raise("{" SMALL ", \"shake_px\": 2}}");
    float *a = draw(&still, 1.3), *b = draw(&shaken, 1.3);
    struct sim_sway m = sim_shake_at(shaken.scene, 1.3);
    assert_true(hypot(m.x_px, m.y_px) > 0.3);
    double moved = 0, undone = 0;
    for (int y = 60; y < 170; y++)
        for (int x = 20; x < 300; x++) {
            double u = x + m.x_px - m.roll_rad * (y - 90), v = y + m.y_px + m.roll_rad * (x - 160);
            int iu = (int) floor(u), iv = (int) floor(v);
            double fu = u - iu, fv = v - iv;
            const float *p = b + 3 * (iv * 320 + iu) + 1;
            double there = (1 - fv) * ((1 - fu) * (double) p[0] + fu * (double) p[3]) +
                           fv * ((1 - fu) * (double) p[960] + fu * (double) p[963]);
            undone += fabs(there - (double) a[3 * (y * 320 + x) + 1]);
            moved += fabs((double) b[3 * (y * 320 + x) + 1] - (double) a[3 * (y * 320 + x) + 1]);
        }
    if (!(undone < 0.6 * moved))
        fail_msg("undone %g, moved %g", undone, moved);
    free(a);
    free(b);
    strike(&still);
    strike(&shaken);
}

/* Flakes are bright specks that fall: where one was, soon another place is bright. */
static void test_snow_falls(void **state)
{
    (void) state;
    static const char light[] = "}, \"light\": {\"kind\": \"overcast\", \"snow\": ";
    char snowy[512], clear[512];
    snprintf(snowy, sizeof snowy, "{" SMALL "%s 0.5}}", light);
    snprintf(clear, sizeof clear, "{" SMALL "%s 0}}", light);
    struct show w = raise(snowy), c = raise(clear);
    float *a = draw(&w, 1), *b = draw(&w, 1.04), *bare = draw(&c, 1), *again = draw(&w, 1);
    int n = n_changed(a, bare, 0.03f), n_moved = n_changed(a, b, 0.03f);
    if (!(n > 40 && n < 320 * 180 / 3 && n_moved > 40))
        fail_msg("%d pixels hold flakes, %d are others after 40 ms", n, n_moved);
    assert_int_equal(n_changed(a, again, 0), 0);
    free(a);
    free(b);
    free(bare);
    free(again);
    strike(&w);
    strike(&c);
}

/* Each bird crosses the road once, darkens or lightens few pixels, and is in no other's way. */
static void test_birds_fly_through(void **state)
{
    (void) state;
    struct show w = raise("{" SMALL "}, \"scenery\": {\"trees\": false, \"birds\": 12}}");
    struct show c = raise("{" SMALL "}, \"scenery\": {\"trees\": false}}");
    float *bare = draw(&c, 0);
    int n_seen = 0;
    for (int i = 0; i < 16; i++) {
        float *a = draw(&w, i * 0.25);
        int n = n_changed(a, bare, 0.02f);
        n_seen += n > 0;
        assert_true(n < 320 * 180 / 10);
        free(a);
    }
    assert_true(n_seen >= 8);
    free(bare);
    strike(&w);
    strike(&c);
}

/* Leaves and their shadows move, and nothing else does. */
static void test_wind_moves_leaves_alone(void **state)
{
    (void) state;
    static const char day[] = "}, \"light\": {\"sun_azimuth_deg\": 100}, \"scenery\": "
                              "{\"buildings\": false, \"trees\": ";
    char windy[512], bare[512];
    snprintf(windy, sizeof windy, "{" SMALL "%s true, \"wind\": 0.3}}", day);
    snprintf(bare, sizeof bare, "{" SMALL "%s false, \"wind\": 0.3}}", day);
    struct show w = raise(windy), c = raise(bare);
    float *a = draw(&w, 1), *b = draw(&w, 1.8);
    int n = n_changed(a, b, 0.05f);
    assert_true(n > 100 && n < 320 * 180 / 3);
    int on_road = 0; /* shadows; by rows of the lower half, where no crown is */
    for (size_t i = 320 * 100; i < 320 * 180; i++)
        on_road += fabsf(a[3 * i + 1] - b[3 * i + 1]) > 0.05f;
    assert_true(on_road > 10);
    free(a);
    free(b);
    a = draw(&c, 1);
    b = draw(&c, 1.8);
    assert_int_equal(n_changed(a, b, 0), 0);
    free(a);
    free(b);
    strike(&w);
    strike(&c);
}

/* The road before a white van is brighter on a wet road than on a road as wet without the van. */
static void test_wet_road_mirrors_a_vehicle(void **state)
{
    (void) state;
    static const char van[] =
        ", \"vehicles\": [{\"class\": \"car\", \"shape\": \"van\", \"lane\": 2, "
        "\"t\": 1, \"y\": 20, \"speed_kmh\": 5, \"colour\": \"#ff2020\"}]";
    static const char wet[] = "}, \"scenery\": {\"trees\": false}, \"light\": {\"kind\": "
                              "\"overcast\", \"wet\": 1}";
    char with[512], without[512];
    snprintf(with, sizeof with, "{" SMALL "%s%s}", wet, van);
    snprintf(without, sizeof without, "{" SMALL "%s}", wet);
    struct show w = raise(with), o = raise(without);
    float *a = draw(&w, 1), *b = draw(&o, 1);
    double x, y;
    struct vec3 p = sim_vehicle_point(&w.stage->vehicle[0], 1, v3(0, -2.9, 0));
    sim_camera_project(&w.stage->camera, p, &x, &y);
    size_t i = 3 * ((size_t) y * 320 + (size_t) x);
    float red = (a[i] - b[i]) - (a[i + 2] - b[i + 2]); /* its colour, not its shade */
    if (!(red > 0.004f))
        fail_msg("the mirror adds %g of red", (double) red);
    free(a);
    free(b);
    strike(&w);
    strike(&o);
}

/* A post hides the vehicle that passes behind it. */
static void test_post_hides(void **state)
{
    (void) state;
    struct show w =
        raise("{" SMALL "}, \"scenery\": {\"trees\": false}, \"vehicles\": [{\"class\": "
              "\"bus\", \"lane\": 2, \"t\": 1, \"y\": 25, \"speed_kmh\": 5, \"colour\": "
              "\"#ff0000\"}], \"boxes\": [{\"from\": [0.8, 10, 0], \"to\": [1.2, 10.2, 7]}]}");
    double x, y;
    sim_painter_draw(w.painter, 1, 0);
    sim_camera_project(&w.stage->camera, v3(1, 10, 4), &x, &y);
    const float *p = w.painter->rgb + 3 * ((size_t) y * 320 + (size_t) x);
    assert_true(p[0] < 1.3f * p[2]); /* grey, not red */
    strike(&w);
}

/* As long and as high as they say, standing on the road; and of no other class. */
static void test_sizes_of_all_shapes(void **state)
{
    (void) state;
    static const struct {
        const char *class, *shape;
        double length_m, height_m;
    } want[] = {{"car", "pickup", 5.3, 1.8},
                {"truck", "flatbed", 7.4, 2.5},
                {"truck", "articulated", 16.3, 3.9},
                {"bus", "coach", 12.2, 3.75},
                {"motorcycle", "scooter", 1.8, 1.6}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"vehicles\": [{\"class\": \"%s\", \"shape\": \"%s\"}]}",
                 want[i].class, want[i].shape);
        struct sim_scene *s = parse_scene(text);
        struct sim_vehicle v;
        struct sim_mesh m;
        sim_vehicle_init(&v, s, 0);
        assert_int_equal(sim_mesh_init(&m, &v), 0);
        double front = -99, rear = 99, top = 0, foot = 9;
        for (size_t k = 0; k < m.n_vertices; k++) {
            front = fmax(front, m.vertex[k].y);
            rear = fmin(rear, m.vertex[k].y);
            top = fmax(top, m.vertex[k].z);
            foot = fmin(foot, m.vertex[k].z);
        }
        CHECK_NEAR(front - rear, want[i].length_m, 0.13);
        CHECK_NEAR(top, want[i].height_m, 0.03);
        CHECK_NEAR(foot, 0, 1e-9);
        sim_mesh_deinit(&m);
        sim_scene_destroy(&s);
    }
    struct sim_scene *s = NULL;
    struct cb_error e = {"", ""};
    assert_int_equal(sim_scene_parse(&s,
                                     "{\"vehicles\": [{\"class\": \"car\", \"shape\": \"coach\"}]}",
                                     "t", &e),
                     -EINVAL);
    assert_non_null(strstr(e.text, "bus"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shake_has_its_strength),
        cmocka_unit_test(test_shake_moves_the_picture),
        cmocka_unit_test(test_snow_falls),
        cmocka_unit_test(test_birds_fly_through),
        cmocka_unit_test(test_wind_moves_leaves_alone),
        cmocka_unit_test(test_wet_road_mirrors_a_vehicle),
        cmocka_unit_test(test_post_hides),
        cmocka_unit_test(test_sizes_of_all_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
