#include "check.h"

#include <errno.h>
#include <string.h>

#include "render.h"

static struct sim_camera camera_of(double k1, double k2)
{
    const struct sim_camera_conf conf = {.x_m = 0.7,
                                         .y_m = -1,
                                         .height_m = 6.2,
                                         .tilt_deg = 14,
                                         .pan_deg = -7,
                                         .roll_deg = 2,
                                         .focal_px = 1100,
                                         .k1 = k1,
                                         .k2 = k2};
    struct sim_camera c;
    sim_camera_init(&c, &conf, 1280, 720);
    return c;
}

/* A level camera looking along +Y: what the pinhole's own formula gives. */
static void test_pinhole(void **state)
{
    (void) state;
    const struct sim_camera_conf conf = {.height_m = 6, .focal_px = 1000};
    struct sim_camera c;
    double x, y;
    sim_camera_init(&c, &conf, 1280, 720);
    CHECK_NEAR(sim_camera_project(&c, v3(2, 20, 0), &x, &y), 20, 1e-12);
    CHECK_NEAR(x, 640 + 1000 * 2.0 / 20, 1e-9);
    CHECK_NEAR(y, 360 + 1000 * 6.0 / 20, 1e-9);
    assert_true(sim_camera_project(&c, v3(0, -1, 0), &x, &y) < 0);
}

static void test_pixel_to_road_and_back(void **state)
{
    (void) state;
    for (int lens = 0; lens < 2; lens++) {
        struct sim_camera c = camera_of(lens ? -0.12 : 0, lens ? 0.02 : 0);
        for (double py = 250; py < 720; py += 47)
            for (double px = 3; px < 1280; px += 91) {
                struct vec3 p;
                double x, y;
                assert_int_equal(sim_camera_ground(&c, px, py, &p), 0);
                CHECK_NEAR(p.z, 0, 1e-9);
                assert_true(sim_camera_project(&c, p, &x, &y) > 0);
                CHECK_NEAR(x, px, 1e-4);
                CHECK_NEAR(y, py, 1e-4);
            }
        struct vec3 sky;
        assert_int_equal(sim_camera_ground(&c, 640, 5, &sky), -EDOM);
    }
}

static const char moving[] =
    "{\"zone\": [10, 40], \"seconds\": 30, \"vehicles\": ["
    "{\"class\": \"car\", \"lane\": 2, \"t\": 3, \"y\": 25, \"speeds\": [[2, 36], [4, 72], [7, "
    "54]]},"
    "{\"class\": \"bus\", \"lane\": 1, \"t\": 5, \"y\": 20, \"speed_kmh\": 45},"
    "{\"class\": \"car\", \"lane\": 2, \"t\": 5, \"speed_kmh\": 50, \"lane_to\": 1, "
    "\"lane_change_t\": 4}]}";

/* The travelled way is the integral of the speed: against steps of 0.1 ms. */
static void test_way_is_integral_of_speed(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene(moving);
    struct sim_vehicle v;
    sim_vehicle_init(&v, s, 0);
    double sum = 0, dt = 1e-4;
    for (int i = 0; i < 100000; i++) {
        double t = 3 + i * dt;
        if (i % 9973 == 0)
            CHECK_NEAR(sim_vehicle_travelled_m(&v, t), sum, 1e-5);
        sum += sim_vehicle_speed_mps(&v, t + dt / 2) * dt;
    }
    CHECK_NEAR(sim_vehicle_contact(&v, 3).y, 25, 1e-12);
    CHECK_NEAR(sim_vehicle_travelled_m(&v, 1), -(1 * 10 + 12.5),
               1e-9); /* 36 steady, then 36 to 54 */
    sim_scene_destroy(&s);
}

static void test_zone_times(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene(moving);
    struct sim_vehicle v;
    sim_vehicle_init(&v, s, 1); /* comes at 12.5 m/s, at Y = 20 at 5 s */
    CHECK_NEAR(sim_vehicle_time_at_y(&v, 40), 5 - 20 / 12.5, 1e-9);
    CHECK_NEAR(sim_vehicle_time_at_y(&v, 10), 5 + 10 / 12.5, 1e-9);
    sim_vehicle_init(&v, s, 2);
    CHECK_NEAR(sim_vehicle_contact(&v, 3).x, 1.75, 1e-9);
    CHECK_NEAR(sim_vehicle_contact(&v, 9).x, -1.75, 1e-9);
    sim_scene_destroy(&s);
}

/* Every kind stands on the road, is as long, wide and high as truth.json says, and no larger. */
static void test_mesh_has_its_dimensions(void **state)
{
    (void) state;
    char text[256];
    for (int k = 0; sim_class_names[k]; k++) {
        snprintf(text, sizeof text, "{\"vehicles\": [{\"class\": \"%s\"}]}", sim_class_names[k]);
        struct sim_scene *s = parse_scene(text);
        struct sim_vehicle v;
        struct sim_mesh m;
        sim_vehicle_init(&v, s, 0);
        assert_int_equal(sim_mesh_init(&m, &v), 0);
        struct vec3 lo = m.vertex[0], hi = lo;
        for (size_t i = 0; i < m.n_vertices; i++) {
            struct vec3 p = m.vertex[i];
            lo = v3(fmin(lo.x, p.x), fmin(lo.y, p.y), fmin(lo.z, p.z));
            hi = v3(fmax(hi.x, p.x), fmax(hi.y, p.y), fmax(hi.z, p.z));
        }
        CHECK_NEAR(lo.z, 0, 1e-9);
        CHECK_NEAR(hi.z, v.dims.height, 0.03);
        CHECK_NEAR(hi.y - lo.y, v.dims.length,
                   k == SIM_PEDESTRIAN ? 0.1 : 0.13); /* plates, bumpers */
        CHECK_NEAR(hi.x - lo.x, v.dims.width, 0.36);  /* the mirrors of a car */
        sim_mesh_deinit(&m);
        sim_scene_destroy(&s);
    }
}

/*
 * The tyre's foot is drawn where truth says it is, and the road before it is bare: on a motorcycle,
 * whose rear wheel nothing hangs over. The round tyre reaches R tan(θ/2) = 6 cm, 1 px, nearer.
 */
static void test_tyres_touch_where_truth_says(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene(
        "{\"video\": {\"width\": 640, \"height\": 360}, \"camera\": {\"focal_px\": 575},"
        "\"light\": {\"kind\": \"overcast\", \"shutter_ms\": 0.1},"
        "\"scenery\": {\"trees\": false, \"buildings\": false},"
        "\"vehicles\": [{\"class\": \"motorcycle\", \"lane\": 2, \"t\": 1, \"y\": 16, "
        "\"speed_kmh\": 40}]}");
    struct sim_stage *stage = NULL;
    struct sim_painter *p = NULL;
    assert_int_equal(sim_stage_create(&stage, s, 2), 0);
    assert_int_equal(sim_painter_create(&p, stage), 0);
    for (int i = 0; i < 5; i++) {
        double t = 1 + 0.2 * i, x, y;
        const struct sim_vehicle *v = &stage->vehicle[0];
        sim_painter_draw(p, t, i);
        sim_camera_project(&stage->camera, sim_vehicle_contact(v, t), &x, &y);
        size_t above = (size_t) (y - 1) * 640 + (size_t) (x + 0.5);
        size_t below = (size_t) (y + 3) * 640 + (size_t) (x + 0.5);
        assert_true(p->canvas.depth[above] > 0);
        assert_true(p->canvas.depth[below] == 0);
    }
    sim_painter_destroy(&p);
    sim_stage_destroy(&stage);
    sim_scene_destroy(&s);
}

/* Two triangles that share a side cover each pixel once, and the nearer one wins. */
static void test_raster_covers_once(void **state)
{
    (void) state;
    struct sim_canvas c;
    const struct sim_corner a[3] = {{2, 3, 0.1f}, {27.3f, 5.1f, 0.1f}, {30, 28, 0.1f}};
    const struct sim_corner b[3] = {{2, 3, 0.2f}, {30, 28, 0.2f}, {4, 25, 0.2f}};
    assert_int_equal(sim_canvas_init(&c, 32, 32), 0);
    int first = 0, second = 0, both = 0;
    for (int pass = 0; pass < 3; pass++) {
        sim_canvas_begin(&c, (struct sim_rect){0, 0, 32, 32});
        if (pass != 1)
            sim_canvas_triangle(&c, a, (const float[3]){1, 0, 0});
        if (pass != 0)
            sim_canvas_triangle(&c, b, (const float[3]){0, 1, 0});
        for (int i = 0; i < 32 * 32; i++)
            *(pass == 0 ? &first : pass == 1 ? &second : &both) += c.depth[i] > 0;
    }
    assert_true(first > 200 && second > 200);
    assert_int_equal(first + second, both);
    sim_canvas_deinit(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pinhole),
        cmocka_unit_test(test_pixel_to_road_and_back),
        cmocka_unit_test(test_way_is_integral_of_speed),
        cmocka_unit_test(test_zone_times),
        cmocka_unit_test(test_mesh_has_its_dimensions),
        cmocka_unit_test(test_tyres_touch_where_truth_says),
        cmocka_unit_test(test_raster_covers_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
