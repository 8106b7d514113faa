#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <turbojpeg.h>

#include "base/clock.h"
#include "canvas.h"
#include "overlay.h"
#include "scene.h"

static uint8_t *read_jpeg(const char *dir, const char *name, int *ret_w, int *ret_h)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    static uint8_t jpeg[8 << 20];
    size_t n = fread(jpeg, 1, sizeof jpeg, f);
    fclose(f);
    tjhandle tj = tjInitDecompress();
    int sub, space;
    assert_int_equal(tjDecompressHeader3(tj, jpeg, n, ret_w, ret_h, &sub, &space), 0);
    uint8_t *rgb = malloc((size_t) *ret_w * (size_t) *ret_h * 3);
    assert_non_null(rgb);
    assert_int_equal(
        tjDecompress2(tj, jpeg, n, rgb, *ret_w, 0, *ret_h, TJPF_RGB, TJFLAG_ACCURATEDCT), 0);
    tjDestroy(tj);
    return rgb;
}

/* Mean colour of the w × h px at (x, y). */
static void mean_of(const uint8_t *rgb, int width, int x, int y, int w, int h, double ret[3])
{
    ret[0] = ret[1] = ret[2] = 0;
    for (int row = y; row < y + h; row++)
        for (int col = x; col < x + w; col++)
            for (int c = 0; c < 3; c++)
                ret[c] += rgb[((size_t) row * (size_t) width + (size_t) col) * 3 + (size_t) c];
    for (int c = 0; c < 3; c++)
        ret[c] /= w * h;
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.1f, want %.1f ± %.1f", got, want, tolerance);
}

/* The sky's Y = 190 and the car's Y, U, V = 82, 90, 220 by BT.601, limited or full range. */
static void expect_colours(const uint8_t *rgb, const struct cb_scene *s)
{
    double sky[3], car[3];
    double y = s->is_full_range ? 82 : (82 - 16) * 255.0 / 219;
    double v = (220 - 128) * (s->is_full_range ? 1 : 255.0 / 224);
    double u = (90 - 128) * (s->is_full_range ? 1 : 255.0 / 224);
    mean_of(rgb, s->width, 8, 8, s->width / 2, 8, sky);
    for (int c = 0; c < 3; c++)
        near(sky[c], s->is_full_range ? 190 : (190 - 16) * 255.0 / 219, 2);
    struct cb_box b = s->speeding.still[0].box;
    mean_of(rgb, s->width, (int) (b.x + b.w * 0.4f), (int) (b.y + b.h * 0.4f), 6, 6, car);
    if (s->shift_x < 0) {
        near(car[0] - car[2], 0, 2); /* grey stays grey */
        return;
    }
    near(car[0], fmin(fmax(y + 1.402 * v, 0), 255), 4);
    near(car[1], fmin(fmax(y - 0.344136 * u - 0.714136 * v, 0), 255), 4);
    near(car[2], fmin(fmax(y + 1.772 * u, 0), 255), 4);
}

static void expect_band(const uint8_t *rgb, int width, int height, int picture_height)
{
    int n_light = 0, n_dark = 0;
    assert_true(height > picture_height + 40);
    for (int i = picture_height * width; i < height * width; i++) {
        int g = rgb[(size_t) i * 3 + 1];
        n_light += g > 150;
        n_dark += g < 60;
    }
    assert_true(n_light > 500);
    assert_true(n_dark > n_light);
}

static void test_odd_sizes_and_all_layouts_keep_their_colours(void **state)
{
    (void) state;
    static const struct {
        int w, h, sx, sy;
        bool is_full_range;
    } cases[] = {{1280, 720, 1, 1, false}, {640, 357, 1, 1, false}, {1366, 768, 1, 0, true},
                 {333, 241, 1, 1, true},   {641, 481, 1, 0, false}, {355, 289, 0, 0, false},
                 {640, 480, -1, 0, false}, {353, 287, 2, 0, false}, {353, 287, 0, 1, false},
                 {357, 289, 2, 2, false},  {160, 121, 1, 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cb_scene s;
        struct cb_sealed sealed;
        int w, h;
        scene_open(&s);
        scene_resize(&s, cases[i].w, cases[i].h);
        s.shift_x = cases[i].sx;
        s.shift_y = cases[i].sy;
        s.is_full_range = cases[i].is_full_range;
        struct cb_evidence_sealer *sealer = scene_sealer(&s);
        scene_seal(&s, sealer, &sealed);
        uint8_t *rgb = read_jpeg(sealed.dir, "still-1.jpg", &w, &h);
        assert_int_equal(w, cases[i].w);
        expect_colours(rgb, &s);
        expect_band(rgb, w, h, cases[i].h);
        free(rgb);
        rgb = read_jpeg(sealed.dir, "closeup.jpg", &w, &h);
        assert_true(w <= cases[i].w && h <= cases[i].h && w >= (int) s.speeding.still[0].box.w);
        free(rgb);
        free(sealed.dir);
        cb_evidence_sealer_destroy(&sealer);
        scene_close(&s);
    }
}

/* Boxes that lie partly or wholly outside the picture, or are no numbers. */
static void test_wild_boxes_are_survived(void **state)
{
    (void) state;
    static const struct cb_box boxes[] = {
        {-500, -500, 100, 100}, {-50, -50, 100, 100}, {600, 330, 500, 500}, {0, 0, 1e9f, 1e9f},
        {NAN, NAN, NAN, NAN},   {10, 10, 0, 0},       {NAN, 10, 50, 50},    {10, 10, -5, 30}};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        struct cb_scene s;
        struct cb_sealed sealed;
        int w, h;
        scene_open(&s);
        scene_resize(&s, 640, 360);
        s.speeding.still[0].box = s.speeding.still[1].box = boxes[i];
        struct cb_evidence_sealer *sealer = scene_sealer(&s);
        scene_seal(&s, sealer, &sealed);
        free(read_jpeg(sealed.dir, "still-1.jpg", &w, &h));
        assert_int_equal(w, 640);
        free(sealed.dir);
        cb_evidence_sealer_destroy(&sealer);
        scene_close(&s);
    }
}

static void fill(struct cb_overlay *o, const struct cb_scene *s, const struct cb_violation *v)
{
    struct cb_evidence e = {.violation = *v, .sequence = 7, .lat_deg = 22.541, .lon_deg = 114.056};
    snprintf(e.camera_name, sizeof e.camera_name, "%s", s->camera.name);
    snprintf(e.road, sizeof e.road, "%s", s->camera.road);
    snprintf(e.district, sizeof e.district, "%s", s->camera.district);
    snprintf(e.software, sizeof e.software, "citybrain");
    cb_overlay_fill(o, &e, v->t_ns, 0, 2, s->public_key);
}

static int n_unknown(const struct cb_overlay *o)
{
    struct cb_overlay_image *image = NULL;
    assert_int_equal(cb_overlay_draw(o, 1280, 720, &image), 0);
    int n = cb_overlay_image_n_unknown(image);
    cb_overlay_image_destroy(&image);
    return n;
}

/* Pango counts the characters for which it has no glyph: U+10FFFD is one that no font has. */
static void test_chinese_is_drawn_with_glyphs(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_overlay o;
    scene_open(&s);
    fill(&o, &s, &s.speeding);
    assert_int_equal(n_unknown(&o), 0);
    fill(&o, &s, &s.exhaust);
    assert_int_equal(n_unknown(&o), 0);
    snprintf(o.row[1].value, sizeof o.row[1].value, "\xf4\x8f\xbf\xbd");
    assert_int_equal(n_unknown(&o), 1);
    scene_close(&s);
}

/* The vehicle's red is in both stills and, larger, in the close-up; the data stand below. */
static void test_composed_picture_shows_all_views(void **state)
{
    (void) state;
    static const struct {
        int w, h, view_w;
    } cases[] = {{1280, 720, 1280}, {1920, 1080, 1280}, {3840, 2160, 1920}, {641, 481, 640},
                 {160, 120, 160}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cb_scene s;
        struct cb_sealed sealed;
        int w, h, view_w = cases[i].view_w;
        scene_open(&s);
        scene_resize(&s, cases[i].w, cases[i].h);
        struct cb_evidence_sealer *sealer = scene_sealer(&s);
        scene_seal(&s, sealer, &sealed);
        uint8_t *rgb = read_jpeg(sealed.dir, "composed.jpg", &w, &h);
        int view_h = (int) ((double) cases[i].h * view_w / cases[i].w) & ~3;
        assert_int_equal(w, 2 * view_w);
        assert_true(h > 2 * view_h + 40);
        double scale = (double) view_w / cases[i].w, car[3];
        for (int k = 0; k < 2; k++) {
            struct cb_box b = s.speeding.still[k].box;
            mean_of(rgb, w, k * view_w + (int) ((double) (b.x + b.w * 0.5f) * scale),
                    (int) ((double) (b.y + b.h * 0.5f) * scale), 4, 4, car);
            assert_true(car[0] > 150 && car[1] < 80 && car[2] < 80);
        }
        mean_of(rgb, w, view_w / 2 - 2, view_h + view_h / 2, 4, 4, car);
        assert_true(car[0] > 150 && car[1] < 80 && car[2] < 80);
        expect_band(rgb, w, h, 2 * view_h);
        free(rgb);
        free(sealed.dir);
        cb_evidence_sealer_destroy(&sealer);
        scene_close(&s);
    }
}

static double draw_number(unsigned *seed, double from, double to)
{
    return from + (to - from) * rand_r(seed) / RAND_MAX;
}

static void shake(struct cb_scene *s, unsigned *seed)
{
    struct cb_passage *p = &s->speeding.passage;
    struct cb_noise *n = &s->exhaust.noise;
    p->speed_mps = draw_number(seed, 15, 60);
    p->u95_mps = draw_number(seed, 0.1, 1.4);
    p->charged_mps = p->speed_mps - draw_number(seed, 0.8, 2);
    p->limit_mps = cb_mps_from_kmh(5 * (double) (rand_r(seed) % 24) / 2 + 20);
    n->lafmax_db = draw_number(seed, 80, 120);
    n->lafmax_u95_db = draw_number(seed, 1, 3);
    n->lafmax_7m5_db = draw_number(seed, 80, 120);
    n->lafmax_7m5_u95_db = draw_number(seed, 1, 3);
    n->background_db = draw_number(seed, 40, 80);
    n->background_correction_db = draw_number(seed, 0, 2);
    n->charged_db = n->lafmax_db - draw_number(seed, 1.5, 4);
    n->limit_db = 80 + (double) (rand_r(seed) % 20) / 2;
    n->wind_mps = draw_number(seed, 0, 5);
    n->confidence = draw_number(seed, 0, 1);
    s->camera.lat_deg = draw_number(seed, -80, 80);
    s->camera.lon_deg = draw_number(seed, -180, 180);
}

/* What is printed of a measurement is what its record, read again, would print. */
static void test_nothing_printed_differs_from_the_record(void **state)
{
    (void) state;
    struct cb_scene s;
    unsigned seed = 832;
    scene_open(&s);
    struct cb_evidence_sealer *sealer = scene_sealer(&s);
    for (int i = 0; i < 4000; i++) {
        shake(&s, &seed);
        struct cb_evidence e = {.sequence = 7,
                                .violation = i % 2 ? s.speeding : s.exhaust,
                                .lat_deg = s.camera.lat_deg,
                                .lon_deg = s.camera.lon_deg,
                                .bearing_deg = NAN,
                                .clock_offset_s = NAN,
                                .clock_age_s = NAN};
        struct cb_evidence again;
        struct cb_overlay a, b;
        struct cb_error err = {0};
        char *json;
        size_t n;
        snprintf(e.id, sizeof e.id, "01a214f5-69b8-722e-84d1-33c10ded997e");
        snprintf(e.node, sizeof e.node, "edge-1");
        memset(e.prev_sha256, '0', CB_SHA256_LEN - 1);
        memset(e.config_sha256, '0', CB_SHA256_LEN - 1);
        memcpy(e.public_key, s.public_key, sizeof e.public_key);
        e.violation.passage.path = NULL;
        e.violation.passage.n_path = 0;
        assert_int_equal(cb_evidence_print(&e, &json, &n), 0);
        if (cb_evidence_parse(json, n, &again, &err) < 0)
            fail_msg("%s %s", err.where, err.text);
        cb_overlay_fill(&a, &e, e.violation.t_ns, 0, 2, s.public_key);
        cb_overlay_fill(&b, &again, e.violation.t_ns, 0, 2, s.public_key);
        assert_string_equal(a.headline, b.headline);
        assert_string_equal(a.mark[0].label, b.mark[0].label);
        assert_int_equal(a.n_rows, b.n_rows);
        for (size_t k = 0; k < a.n_rows; k++)
            assert_string_equal(a.row[k].value, b.row[k].value);
        cb_evidence_deinit(&again);
        free(json);
    }
    cb_evidence_sealer_destroy(&sealer);
    scene_close(&s);
}

static bool has_row(const struct cb_overlay *o, const char *text)
{
    for (size_t i = 0; i < o->n_rows; i++)
        if (strstr(o->row[i].value, text))
            return true;
    for (size_t i = 0; i < o->n_rows; i++)
        fprintf(stderr, "%s %s\n", o->row[i].label, o->row[i].value);
    return false;
}

static void test_band_says_what_the_law_asks_for(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_overlay o;
    setenv("TZ", "CST-8", 1); /* POSIX: eight hours ahead of UTC */
    tzset();
    scene_open(&s);
    fill(&o, &s, &s.speeding);
    assert_non_null(strstr(o.headline, "73.2\u00a0±1.1\u00a0km/h"));
    assert_non_null(strstr(o.headline, "限速\u00a060\u00a0km/h"));
    assert_non_null(strstr(o.headline, "认定\u00a070.2\u00a0km/h"));
    assert_true(has_row(&o, "2026-05-29 04:26:45.000 +08:00"));
    assert_true(has_row(&o, "UTC 2026-05-28T20:26:45.000Z"));
    assert_true(has_row(&o, "深南大道 K3+200 东向"));
    assert_true(has_row(&o, "驶离 away"));
    assert_true(has_row(&o, s.public_key)); /* the hash's place */
    s.speeding.utc_offset_ns = 0;
    s.speeding.time_source = CB_TIME_FILE;
    fill(&o, &s, &s.speeding);
    assert_true(has_row(&o, "0:00:05.000 (recording's own time, no UTC)"));
    fill(&o, &s, &s.exhaust);
    assert_non_null(strstr(o.headline, "LAFmax\u00a097.3\u00a0±1.2\u00a0dB(A)"));
    assert_non_null(strstr(o.headline, "认定\u00a095.8\u00a0dB(A)"));
    assert_non_null(strstr(o.headline, "限值\u00a085\u00a0dB(A)"));
    scene_close(&s);
}

/* What people write into names is text: never markup, never a crash. */
static void test_names_are_never_markup(void **state)
{
    (void) state;
    struct cb_scene s;
    struct cb_overlay o;
    scene_open(&s);
    snprintf(s.camera.name, sizeof s.camera.name, "<b>&\xff\xfe</span>");
    fill(&o, &s, &s.speeding);
    struct cb_overlay_image *image = NULL;
    assert_int_equal(cb_overlay_draw(&o, 320, 240, &image), 0);
    assert_true(cb_overlay_image_height(image) > 240);
    cb_overlay_image_destroy(&image);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_sizes_and_all_layouts_keep_their_colours),
        cmocka_unit_test(test_wild_boxes_are_survived),
        cmocka_unit_test(test_chinese_is_drawn_with_glyphs),
        cmocka_unit_test(test_band_says_what_the_law_asks_for),
        cmocka_unit_test(test_names_are_never_markup),
        cmocka_unit_test(test_composed_picture_shows_all_views),
        cmocka_unit_test(test_nothing_printed_differs_from_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
