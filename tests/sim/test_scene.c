#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* What is wrong is refused with the place and what was expected. */
static void test_wrong_scenes_are_refused(void **state)
{
    (void) state;
    static const struct {
        const char *text, *where, *what;
    } bad[] = {
        {"{", "test", "(line 1)"},
        {"[]", "test", "object"},
        {"{\"colour\": 1}", "test.colour", "no such key"},
        {"{\"seconds\": \"ten\"}", "test.seconds", "a number from 0.1 to 3600"},
        {"{\"seconds\": -4}", "test.seconds", "a number from 0.1 to 3600"},
        {"{\"id\": \"Sz 1\"}", "test", "a-z"},
        {"{\"zone\": [40, 10]}", "test", "zone"},
        {"{\"zone\": 3}", "test", "zone"},
        {"{\"camera\": {\"height\": 0}}", "test: camera.height", "a number from 1 to 50"},
        {"{\"camera\": []}", "test: camera", "object"},
        {"{\"video\": {\"codec\": \"vp9\"}}", "test: video.codec", "h264"},
        {"{\"video\": {\"width\": 640.5}}", "test: video.width", "whole"},
        {"{\"video\": {\"width\": 641}}", "test", "even"},
        {"{\"lanes\": []}", "test", "lanes"},
        {"{\"lanes\": 3}", "test", "list"},
        {"{\"vehicles\": [{}, {\"class\": \"tank\"}]}", "test: vehicles[1].class", "motorcycle"},
        {"{\"vehicles\": [{\"lane\": 5}]}", "test", "2 lanes"},
        {"{\"vehicles\": [{\"lane\": 0}]}", "test", "from and to"},
        {"{\"vehicles\": [{\"colour\": \"red\"}]}", "test: vehicles[0].colour", "#c01020"},
        {"{\"vehicles\": [{\"speeds\": [[2, 50], [1, 60]]}]}", "test: vehicles[0].speeds", "rise"},
        {"{\"vehicles\": [{\"speeds\": [[2, 5000]]}]}", "test: vehicles[0].speeds", "400"},
        {"{\"vehicles\": [{\"speeds\": [2]}]}", "test: vehicles[0].speeds", "pairs"},
        {"{\"sound\": {\"microphones\": [[1, 2]]}}", "test", "[x, y, z]"},
        {"{\"sources\": [{\"position\": [1, 2]}]}", "test: sources[0].position", "[x, y, z]"},
    };
    for (size_t i = 0; i < CB_LEN(bad); i++) {
        struct sim_scene *s = NULL;
        struct cb_error e = {"", ""};
        assert_int_equal(sim_scene_parse(&s, bad[i].text, "test", &e), -EINVAL);
        assert_null(s);
        if (strcmp(e.where, bad[i].where) != 0 || !strstr(e.text, bad[i].what))
            fail_msg("%s: got \"%s: %s\", want \"%s: ...%s...\"", bad[i].text, e.where, e.text,
                     bad[i].where, bad[i].what);
    }
}

static void test_defaults_and_values(void **state)
{
    (void) state;
    struct sim_scene *s = parse_scene(
        "{\"camera\": {\"x\": 1, \"height\": 7}, \"vehicles\": [{\"colour\": \"#ffffff\","
        "\"horn\": [[1, 0.5]], \"speeds\": [[0, 40], [10, 60]]}]}");
    assert_int_equal(s->video.width, 1280);
    assert_int_equal(s->sound.n_mics, 1);
    CHECK_NEAR(s->sound.mic[0].x, 1, 0); /* at the camera when the scene does not say */
    CHECK_NEAR(s->sound.mic[0].z, 7, 0);
    CHECK_NEAR(s->vehicles[0].colour.y, 1, 1e-9);
    CHECK_NEAR(s->vehicles[0].horn.at[0].length_s, 0.5, 0);
    CHECK_NEAR(sim_curve_at(&s->vehicles[0].speeds, -5, 0), 40, 0);
    CHECK_NEAR(sim_curve_at(&s->vehicles[0].speeds, 2.5, 0), 45, 1e-12);
    CHECK_NEAR(sim_curve_at(&s->vehicles[0].speeds, 99, 0), 60, 0);
    sim_scene_destroy(&s);
}

static void test_missing_file(void **state)
{
    (void) state;
    struct sim_scene *s = NULL;
    struct cb_error e = {"", ""};
    assert_int_equal(sim_scene_load(&s, "/nonexistent/scene.json", &e), -EINVAL);
    assert_non_null(strstr(e.text, "/nonexistent/scene.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_scenes_are_refused),
        cmocka_unit_test(test_defaults_and_values),
        cmocka_unit_test(test_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
