/* What a loud one's package holds for the ear and the eye. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cairo.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sound.h"
#include "evidence/verify.h"
#include "scene.h"
#include "wav.h"

static const struct cb_verify_keys any_key = {NULL, 0};

static char *path_in(const char *dir, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static json_t *load(const char *dir, const char *name)
{
    json_t *o = json_load_file(path_in(dir, name), 0, NULL);
    assert_non_null(o);
    return o;
}

static char *read_file(const char *dir, const char *name, size_t *ret_n)
{
    FILE *f = fopen(path_in(dir, name), "rb");
    assert_non_null(f);
    char *bytes = malloc(1 << 24);
    assert_non_null(bytes);
    *ret_n = fread(bytes, 1, 1 << 24, f);
    fclose(f);
    return bytes;
}

static void seal_loud(struct cb_scene *s, struct cb_sealed *ret)
{
    struct cb_evidence_sealer *sealer = scene_sealer(s);
    s->request.violation = &s->exhaust;
    scene_seal(s, sealer, ret);
    cb_evidence_sealer_destroy(&sealer);
}

static const char *role_of(const json_t *record, const char *name)
{
    size_t i;
    json_t *f;
    json_array_foreach(json_object_get(record, "files"), i, f)
        if (!strcmp(json_string_value(json_object_get(f, "name")), name))
            return json_string_value(json_object_get(f, "role"));
    return "not listed";
}

static void test_all_is_listed_and_an_altered_sound_is_seen(void **state)
{
    static const char *const files[][2] = {{"sound.wav", "sound"},
                                           {"level.png", "level"},
                                           {"spectrogram.png", "spectrogram"},
                                           {"bearing.png", "bearing"}};
    struct cb_scene s;
    struct cb_sealed sealed;
    struct cb_verify_report v;
    (void) state;
    scene_open(&s);
    seal_loud(&s, &sealed);
    json_t *record = load(sealed.dir, "record.json");
    for (size_t i = 0; i < CB_LEN(files); i++)
        assert_string_equal(role_of(record, files[i][0]), files[i][1]);
    json_decref(record);
    assert_int_equal(cb_verify_package(sealed.dir, &any_key, &v, NULL), 0);
    assert_int_equal(v.n_faults, 0);
    for (size_t i = 0; i < CB_LEN(files); i++) {
        FILE *f = fopen(path_in(sealed.dir, files[i][0]), "r+b");
        assert_non_null(f);
        fseek(f, 2000, SEEK_SET);
        int c = fgetc(f);
        fseek(f, 2000, SEEK_SET);
        fputc(c ^ 1, f);
        fclose(f);
    }
    assert_int_equal(cb_verify_package(sealed.dir, &any_key, &v, NULL), 0);
    assert_int_equal(v.n_faults, CB_LEN(files));
    free(sealed.dir);
    scene_close(&s);
}

static void test_the_sound_is_whole_and_says_what_it_is(void **state)
{
    struct cb_scene s;
    struct cb_sealed sealed;
    size_t n;
    (void) state;
    scene_open(&s);
    seal_loud(&s, &sealed);
    json_t *o = load(sealed.dir, "samples.json"), *sound = json_object_get(o, "sound");
    /* the event is 4 s to 6 s: three more on either side */
    assert_int_equal(json_integer_value(json_object_get(sound, "t0_ns")), CB_NS_PER_S);
    assert_int_equal(json_integer_value(json_object_get(sound, "samples")), 8 * 16000);
    assert_string_equal(json_string_value(json_object_get(sound, "format")), "s16");
    assert_string_equal(json_string_value(json_object_get(sound, "decoded_from")), "pcm_s16le");
    assert_true(json_number_value(json_object_get(sound, "lafmax_again_db")) > 80);
    char *wav = read_file(sealed.dir, "sound.wav", &n);
    assert_int_equal(n, 44 + 8 * 16000 * 2 * 2);
    assert_memory_equal(wav + 8, "WAVEfmt ", 8);
    free(wav);
    json_decref(o);
    free(sealed.dir);
    scene_close(&s);
}

/* Sample by sample, in both forms. */
static void test_wav_gives_back_each_sample(void **state)
{
    static const float whole[2][4] = {{0, 0.5f, -1, 32767 / 32768.0f}, {-0.25f, 1 / 32768.0f, 0, 0}};
    static const float loud[2][4] = {{0, 0.5f, -1, 1}, {0, 0, -3, 0}};
    static const float fine[2][4] = {{0, 0.5f, -1, 0.3f}, {1e-6f, 0.1f, 0, 0}};
    (void) state;
    for (int k = 0; k < 3; k++) {
        const float(*x)[4] = k == 0 ? whole : k == 1 ? loud : fine;
        struct cb_samples s = {.channel = {x[0], x[1]}, .n = 4, .n_channels = 2, .rate_hz = 8000};
        uint8_t *bytes;
        const char *format;
        size_t n, n_sample = k ? 4 : 2;
        assert_int_equal(cb_wav_print(&s, &bytes, &n, &format), 0);
        assert_string_equal(format, k ? "f32" : "s16");
        assert_int_equal(n, 44 + 8 * n_sample);
        for (size_t i = 0; i < 8; i++) {
            const uint8_t *at = bytes + 44 + i * n_sample;
            int16_t v16;
            float v32;
            memcpy(&v16, at, 2);
            memcpy(&v32, at, k ? 4 : 2);
            assert_true((k ? v32 : v16 / 32768.0f) == x[i % 2][i / 2]);
        }
        free(bytes);
    }
}

/* How many pixels of a PNG are of a colour, within a little. */
static size_t count_colour(const char *dir, const char *name, uint32_t rgb)
{
    cairo_surface_t *p = cairo_image_surface_create_from_png(path_in(dir, name));
    assert_int_equal(cairo_surface_status(p), CAIRO_STATUS_SUCCESS);
    size_t count = 0;
    for (int y = 0; y < cairo_image_surface_get_height(p); y++)
        for (int x = 0; x < cairo_image_surface_get_width(p); x++) {
            uint32_t v;
            memcpy(&v, cairo_image_surface_get_data(p) + y * cairo_image_surface_get_stride(p) + 4 * x,
                   4);
            bool is_it = true;
            for (int k = 0; k < 24; k += 8)
                is_it = is_it && abs((int) (v >> k & 255) - (int) (rgb >> k & 255)) < 12;
            count += is_it;
        }
    cairo_surface_destroy(p);
    return count;
}

static void test_the_pictures_show_what_they_are_for(void **state)
{
    struct cb_scene s;
    struct cb_sealed sealed;
    (void) state;
    scene_open(&s);
    seal_loud(&s, &sealed);
    assert_true(count_colour(sealed.dir, "level.png", 0xff5c52) > 1000);      /* the limit */
    assert_true(count_colour(sealed.dir, "level.png", 0x5cc7ff) > 800);       /* the level */
    assert_true(count_colour(sealed.dir, "level.png", 0xffd140) > 200);       /* the maximum */
    assert_true(count_colour(sealed.dir, "spectrogram.png", 0x59fff2) > 300); /* the orders */
    assert_true(count_colour(sealed.dir, "bearing.png", 0x4dfff2) > 300);     /* the ray */
    free(sealed.dir);
    scene_close(&s);
}

static void test_what_is_not_there_is_noted(void **state)
{
    struct cb_scene s;
    struct cb_sealed sealed;
    (void) state;
    scene_open(&s);
    s.sound_error = -ENODATA;
    s.exhaust.noise.azimuth_deg = NAN;
    seal_loud(&s, &sealed);
    json_t *o = load(sealed.dir, "samples.json"), *missing = json_object_get(o, "missing");
    assert_int_equal(json_array_size(missing), 2);
    assert_true(json_is_null(json_object_get(o, "sound")));
    json_decref(o);
    o = load(sealed.dir, "record.json");
    assert_string_equal(role_of(o, "sound.wav"), "not listed");
    json_decref(o);
    free(sealed.dir);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_listed_and_an_altered_sound_is_seen),
        cmocka_unit_test(test_the_sound_is_whole_and_says_what_it_is),
        cmocka_unit_test(test_wav_gives_back_each_sample),
        cmocka_unit_test(test_the_pictures_show_what_they_are_for),
        cmocka_unit_test(test_what_is_not_there_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
