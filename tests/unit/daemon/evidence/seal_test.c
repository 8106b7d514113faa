#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/key.h"
#include "evidence/verify.h"
#include "scene.h"

static const struct cb_verify_keys any_key = {NULL, 0};

static void expect_whole(const char *dir)
{
    struct cb_verify_report v;
    assert_int_equal(cb_verify_package(dir, &any_key, &v, NULL), 0);
    for (size_t i = 0; i < v.n_faults; i++)
        fprintf(stderr, "%s: %s %s\n", dir, v.fault[i].name, v.fault[i].text);
    assert_int_equal(v.n_faults, 0);
}

static json_t *load(const char *dir, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    json_t *o = json_load_file(path, 0, NULL);
    assert_non_null(o);
    return o;
}

static bool has_file(const char *dir, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static void test_package_is_whole_and_says_what_was_measured(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_sealed sealed;
    scene_open(&s);
    struct cb_evidence_sealer *sealer = scene_sealer(&s);
    scene_seal(&s, sealer, &sealed);
    expect_whole(sealed.dir);
    assert_int_equal(sealed.sequence, 1);
    json_t *o = load(sealed.dir, "record.json");
    assert_string_equal(json_string_value(json_object_get(o, "id")), sealed.id);
    assert_string_equal(json_string_value(json_object_get(o, "public_key")), s.public_key);
    assert_int_equal(json_array_size(json_object_get(o, "files")), 7);
    json_decref(o);
    o = load(sealed.dir, "samples.json");
    assert_int_equal(json_array_size(json_object_get(json_object_get(o, "passage"), "path")), 40);
    assert_int_equal(json_array_size(json_object_get(o, "missing")), 0);
    json_t *clip = json_object_get(o, "clip");
    assert_string_equal(json_string_value(json_object_get(clip, "video")), "h264");
    assert_true(json_is_true(json_object_get(clip, "plays_in_browser")));
    json_decref(o);
    s.clip.video_codec = "hevc";
    struct cb_sealed other;
    scene_seal(&s, sealer, &other);
    o = load(other.dir, "samples.json");
    assert_true(json_is_false(json_object_get(json_object_get(o, "clip"), "plays_in_browser")));
    json_decref(o);
    free(other.dir);
    free(sealed.dir);
    cb_evidence_sealer_destroy(&sealer);
    scene_close(&s);
}

/* Pre-roll 2 s before the violation's stretch, post-roll half a second after it. */
static void test_clip_has_pre_and_post_roll(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_sealed sealed;
    char path[256], text[100] = "";
    scene_open(&s);
    struct cb_evidence_sealer *sealer = scene_sealer(&s);
    scene_seal(&s, sealer, &sealed);
    snprintf(path, sizeof path, "%s/clip.mp4", sealed.dir);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    assert_string_equal(text, "clip from 2000000000 to 6500000000");
    free(sealed.dir);
    cb_evidence_sealer_destroy(&sealer);
    scene_close(&s);
}

static void test_missing_clip_is_noted(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_sealed sealed;
    scene_open(&s);
    s.clip_error = -ENODATA;
    struct cb_evidence_sealer *sealer = scene_sealer(&s);
    scene_seal(&s, sealer, &sealed);
    expect_whole(sealed.dir);
    assert_false(has_file(sealed.dir, "clip.mp4"));
    json_t *o = load(sealed.dir, "samples.json");
    json_t *note = json_array_get(json_object_get(o, "missing"), 0);
    assert_string_equal(json_string_value(json_object_get(note, "role")), "clip");
    json_decref(o);
    free(sealed.dir);
    cb_evidence_sealer_destroy(&sealer);
    scene_close(&s);
}

/* Nothing is left of a seal that failed, and its sequence number is used by the next. */
static void expect_refused(struct cb_scene *s, int want)
{
    struct cb_sealed sealed;
    struct cb_error e = {0};
    struct cb_evidence_sealer *sealer = scene_sealer(s);
    char path[128];
    assert_int_equal(cb_evidence_seal(sealer, &s->request, &sealed, &e), want);
    assert_true(strlen(e.text) > 10);
    snprintf(path, sizeof path, "%s/sealed", s->dir);
    DIR *d = opendir(path);
    for (struct dirent *entry; (entry = readdir(d));)
        assert_true(!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
                    !strcmp(entry->d_name, ".lock"));
    closedir(d);
    assert_int_equal(cb_evidence_sealer_sequence(sealer), 0);
    cb_evidence_sealer_destroy(&sealer);
}

static void test_one_still_accuses_nobody(void **state)
{
    (void) state;
    struct cb_scene s;
    scene_open(&s);
    s.no_picture_after_ns = s.speeding.still[0].t_ns;
    expect_refused(&s, -ENODATA);
    s.no_picture_after_ns = 0;
    s.is_always_same_picture = true;
    expect_refused(&s, -ENODATA);
    scene_close(&s);
}

static void test_full_disk_and_wrong_camera_leave_nothing(void **state)
{
    (void) state;
    struct cb_scene s;
    scene_open(&s);
    s.clip_error = -ENOSPC;
    expect_refused(&s, -ENOSPC);
    s.clip_error = 0;
    snprintf(s.camera.id, sizeof s.camera.id, "another");
    expect_refused(&s, -EINVAL);
    scene_close(&s);
}

static void test_noise_of_no_vehicle_needs_no_stills(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_sealed sealed;
    scene_open(&s);
    s.request.violation = &s.exhaust;
    struct cb_evidence_sealer *sealer = scene_sealer(&s);
    scene_seal(&s, sealer, &sealed);
    expect_whole(sealed.dir);
    free(sealed.dir);
    s.exhaust.track = s.exhaust.noise.track = -1;
    s.exhaust.has_passage = false;
    s.exhaust.n_stills = 0;
    s.request.clip = NULL;
    scene_seal(&s, sealer, &sealed);
    expect_whole(sealed.dir);
    assert_false(has_file(sealed.dir, "still-1.jpg"));
    free(sealed.dir);
    cb_evidence_sealer_destroy(&sealer);
    scene_close(&s);
}

static void test_chain_goes_on_after_a_restart(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_sealed sealed;
    struct cb_verify_link before = {0};
    struct cb_verify_report v;
    struct cb_fault fault;
    scene_open(&s);
    for (uint64_t i = 1; i <= 4; i++) {
        struct cb_evidence_sealer *sealer = scene_sealer(&s);
        scene_seal(&s, sealer, &sealed);
        assert_int_equal(sealed.sequence, i);
        assert_int_equal(cb_verify_package(sealed.dir, &any_key, &v, NULL), 0);
        assert_true(cb_verify_follows(i == 1 ? NULL : &before, &v.link, false, &fault));
        before = v.link;
        free(sealed.dir);
        cb_evidence_sealer_destroy(&sealer);
    }
    scene_close(&s);
}

static void test_second_sealer_and_open_key_are_refused(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_error e = {0};
    scene_open(&s);
    struct cb_evidence_sealer *sealer = scene_sealer(&s), *second = NULL;
    struct cb_evidence_opts o = {
        .node = "edge-1", .data_dir = s.dir, .key_file = s.key_file, .software = "x"};
    o.config_sha256 = s.public_key; /* any 64 digits */
    assert_int_equal(cb_evidence_sealer_create(&second, &o, &e), -EBUSY);
    struct cb_sealed sealed;
    scene_seal(&s, sealer, &sealed);
    free(sealed.dir);
    cb_evidence_sealer_destroy(&sealer);
    o.node = "edge-2";
    assert_int_equal(cb_evidence_sealer_create(&second, &o, &e), -EINVAL);
    assert_non_null(strstr(e.text, "edge-1"));
    o.node = "Edge 2";
    assert_int_equal(cb_evidence_sealer_create(&second, &o, &e), -EINVAL);
    o.node = "edge-1";
    assert_int_equal(chmod(s.key_file, 0640), 0);
    assert_int_equal(cb_evidence_sealer_create(&second, &o, &e), -EACCES);
    assert_non_null(strstr(e.text, "0640"));
    o.key_file = "/nowhere/x.key";
    assert_int_equal(cb_evidence_sealer_create(&second, &o, &e), -ENOENT);
    assert_null(second);
    scene_close(&s);
}

static void test_key_that_is_none_is_named(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_error e = {0};
    struct cb_key *k = NULL;
    char public_key[CB_KEY_LEN], path[200];
    const char *bad[] = {"", "abc\n", "zz", NULL};
    scene_open(&s);
    for (int i = 0; bad[i]; i++) {
        FILE *f = fopen(s.key_file, "w");
        fputs(bad[i], f);
        fclose(f);
        assert_int_equal(cb_key_load(&k, s.key_file, &e), -EINVAL);
        assert_string_equal(e.where, s.key_file);
    }
    snprintf(path, sizeof path, "%s/node", s.dir);
    assert_int_equal(cb_key_generate(path, public_key, &e), -EEXIST);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_package_is_whole_and_says_what_was_measured),
        cmocka_unit_test(test_clip_has_pre_and_post_roll),
        cmocka_unit_test(test_missing_clip_is_noted),
        cmocka_unit_test(test_one_still_accuses_nobody),
        cmocka_unit_test(test_full_disk_and_wrong_camera_leave_nothing),
        cmocka_unit_test(test_noise_of_no_vehicle_needs_no_stills),
        cmocka_unit_test(test_chain_goes_on_after_a_restart),
        cmocka_unit_test(test_second_sealer_and_open_key_are_refused),
        cmocka_unit_test(test_key_that_is_none_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
