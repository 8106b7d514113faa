#include "unit/test.h"

#include <string.h>

#include "listen.h"
#include "sound/classify.h"
#include "sound/features.h"
#include "sound/unwarp.h"
#include "speed/numeric.h"

/* Each feature on a sound that has it and on one that has not. */

#define RATE 48000
#define N    (3 * RATE)

static double feature_of(const struct cb_noise *n, const char *name)
{
    for (size_t i = 0; i < n->n_features; i++)
        if (strcmp(n->feature[i].name, name) == 0)
            return n->feature[i].value;
    fail_msg("no feature %s", name);
    return NAN;
}

/* The loudest event of x at 95 dB after a second of quiet. Frees x. */
static struct cb_noise loudest(float *x)
{
    struct cb_noise best = {.lafmax_db = -HUGE_VAL};
    float *y = calloc(N + 2 * RATE, sizeof *y);
    assert_non_null(y);
    scale_to(x, N, RATE, 95);
    memcpy(y + RATE, x, N * sizeof *x);
    add_noise(y, N + 2 * RATE, amplitude_of(50, DBFS), 3);
    struct listen *l = listen_create();
    listen_start(l);
    listen_to(l, &y, 1, N + 2 * RATE, RATE, 1024);
    listen_end(l);
    for (size_t i = 0; i < l->n_noises; i++)
        if (l->noise[i].lafmax_db > best.lafmax_db)
            best = l->noise[i];
    listen_destroy(l);
    free(x);
    free(y);
    assert_true(best.n_features == CB_F_COUNT);
    return best;
}

static float *silence(void)
{
    float *x = calloc(N, sizeof *x);
    assert_non_null(x);
    return x;
}

static struct cb_noise of_engine(double from_hz, double to_hz)
{
    float *x = silence();
    add_engine(x, N, RATE, from_hz, to_hz, 4, 0.3, 5);
    return loudest(x);
}

static struct cb_noise of_hiss(void)
{
    float *x = silence();
    add_noise(x, N, 0.1, 9);
    return loudest(x);
}

static void test_orders(void **state)
{
    (void) state;
    struct cb_noise engine = of_engine(120, 124), hiss = of_hiss();
    assert_true(feature_of(&engine, "comb_db") > feature_of(&hiss, "comb_db") + 3);
    assert_true(feature_of(&engine, "comb_share") > feature_of(&hiss, "comb_share") + 0.3);
    assert_true(feature_of(&engine, "f0_hold") > 0.8);
    /* four cylinders unlike each other: the lines are a quarter of the firing rate apart */
    double per_firing = 122 / feature_of(&engine, "f0_hz");
    NEAR(per_firing, round(per_firing), 0.1);
    assert_true(feature_of(&engine, "low_db") > feature_of(&hiss, "low_db") + 10);
    assert_true(feature_of(&engine, "high_db") < feature_of(&hiss, "high_db") - 5);
    assert_true(feature_of(&hiss, "flatness") > feature_of(&engine, "flatness") + 0.2);
}

static float *sweep(double rate_per_s)
{
    float *x = silence();
    for (size_t i = 0; i < N; i++) {
        double t = (double) i / RATE, phase = 90 * expm1(rate_per_s * t) / rate_per_s;
        for (int h = 1; h < 16; h++)
            x[i] += (float) (0.05 * cos(2 * M_PI * h * phase) / sqrt(h));
    }
    return x;
}

/* A pitch that doubles each 0.23 s has no lines in a plain spectrum. */
static void test_a_rev_up_is_followed(void **state)
{
    (void) state;
    struct cb_unwarp *u;
    const size_t n = 8160;
    for (int k = -1; k <= 1; k++) {
        float *x = sweep(k ? 3.1 * k : 0.001);
        assert_int_equal(cb_unwarp_create(&u, n, RATE), 0);
        double found = cb_unwarp_find(u, x + (k < 0 ? RATE / 10 : RATE / 4));
        NEAR(found, 3.1 * k, 0.9);
        cb_unwarp_destroy(&u);
        assert_null(u);
        free(x);
    }
    struct cb_noise revs = of_engine(60, 600);
    assert_true(feature_of(&revs, "sweep_per_s") > 0.4);
    assert_true(feature_of(&revs, "comb_db") > 6);
    assert_true(feature_of(&revs, "f0_hold") > 0.7);
}

/* Noise may seem to sweep at some rate, but no orders come of it that go on. */
static void test_noise_gains_no_orders(void **state)
{
    (void) state;
    struct cb_noise hiss = of_hiss();
    assert_true(feature_of(&hiss, "comb_db") < 5.5 && feature_of(&hiss, "f0_hold") < 0.6);
}

/* Even where the lines stand so close that they take half of the bins. */
static void test_noise_has_no_power_in_lines(void **state)
{
    (void) state;
    struct cb_noise engine = of_engine(35, 36), hiss = of_hiss();
    assert_true(feature_of(&hiss, "comb_over") < 0.15);
    assert_true(feature_of(&engine, "comb_over") > 0.35);
}

/* What passes by is within 3 dB of its loudest for two fifths of the time within 8 dB. */
static void test_a_level_that_stays(void **state)
{
    (void) state;
    float *x = silence();
    add_engine(x, N, RATE, 120, 124, 4, 0.3, 5);
    let_pass_by(x, N, RATE);
    struct cb_noise passing = loudest(x), staying = of_engine(120, 124);
    assert_true(feature_of(&passing, "level_held") < 0.6);
    assert_true(feature_of(&staying, "level_held") > 0.9);
}

/* Where the pitch goes up and down, an engine's level does too; a machine's that is held does not. */
static void test_load(void **state)
{
    (void) state;
    double missing_db[2];
    for (int is_load = 0; is_load < 2; is_load++) {
        float *x = silence();
        double phase = 0;
        for (size_t i = 0; i < N; i++) {
            double t = (double) i / RATE, up = 0.5 - 0.5 * cos(2 * M_PI * t / 1.0);
            phase += 2 * M_PI * (100 + 60 * up) / RATE;
            for (int h = 1; h < 16; h++)
                x[i] += (float) ((is_load ? 0.04 + 0.06 * up : 0.1) * cos(h * phase) / h);
        }
        struct cb_noise n = loudest(x);
        missing_db[is_load] = feature_of(&n, "no_load_db");
    }
    assert_true(missing_db[1] < 0.1 && missing_db[0] > missing_db[1] + 0.3);
}

/* One note after another is music; a glide over the same notes is an engine's. */
static void test_notes(void **state)
{
    (void) state;
    static const double step[] = {1, 1.189, 0.891, 1.335, 1.498, 1};
    double notes[2];
    for (int is_glide = 0; is_glide < 2; is_glide++) {
        float *x = silence();
        double phase = 0;
        for (size_t i = 0; i < N; i++) {
            size_t k = i / (N / 6);
            double glide = 0.9 + 0.6 * (double) i / N;
            phase += 2 * M_PI * 110 * (is_glide ? glide : step[k]) / RATE;
            for (int h = 1; h < 20; h++)
                x[i] += (float) (0.05 * sin(h * phase) / h);
        }
        struct cb_noise n = loudest(x);
        notes[is_glide] = feature_of(&n, "notes_per_s");
    }
    NEAR(notes[0], 5 / 3.0, 0.7);
    NEAR(notes[1], 0, 0.01);
}

/* A pipe rings at some orders; a short pulse each turn makes lines that fall evenly. */
static void test_a_pipe_rings(void **state)
{
    (void) state;
    float *x = silence();
    double phase = 0, level = 0;
    for (size_t i = 0; i < N; i++) {
        if ((phase += 110.0 / RATE) >= 1) {
            phase -= 1;
            level += 1;
        }
        level *= exp(-1 / (0.001 * RATE));
        x[i] = (float) level;
    }
    struct cb_noise tool = loudest(x), engine = of_engine(110, 112);
    assert_true(feature_of(&engine, "uneven_db") > feature_of(&tool, "uneven_db") + 1);
}

/* Hiss in gusts, one each firing, and the same hiss all the time. */
static void test_gusts(void **state)
{
    (void) state;
    for (int is_gust = 0; is_gust < 2; is_gust++) {
        float *x = silence();
        uint64_t seed = 7;
        for (size_t i = 0; i < N; i++) {
            double u = fmod((double) i / RATE, 1 / 60.0);
            x[i] = (float) (0.1 * (is_gust ? exp(-u / 0.003) : 0.3) * noise_next(&seed));
            for (int h = 1; h < 16; h++)
                x[i] += (float) (0.05 * sin(2 * M_PI * h * 60 * u) / h);
        }
        struct cb_noise n = loudest(x);
        NEAR(feature_of(&n, "gas_pulse"), is_gust ? 0.7 : 0.0, is_gust ? 0.25 : 0.25);
    }
}

static void test_two_combs(void **state)
{
    (void) state;
    float *x = silence();
    add_horn(x, N, RATE, 220, 311);
    struct cb_noise chord = loudest(x), engine = of_engine(120, 124);
    assert_true(feature_of(&chord, "second_comb") > feature_of(&engine, "second_comb") + 0.2);
}

/* Four cylinders that fire unlike one another make half orders, which are no second voice. */
static void test_half_orders_are_of_the_same_shaft(void **state)
{
    (void) state;
    float *x = silence();
    add_horn(x, N, RATE, 220, 311);
    struct cb_noise chord = loudest(x), engine = of_engine(255, 270);
    assert_true(feature_of(&engine, "second_comb") < 0.7);
    assert_true(feature_of(&chord, "second_comb") > feature_of(&engine, "second_comb"));
}

static void test_rhythm(void **state)
{
    (void) state;
    float *x = silence();
    for (size_t i = 0; i < N; i++) {
        double u = fmod((double) i / RATE, 0.45);
        x[i] = (float) (0.1 * sin(2 * M_PI * 300 * u) * exp(-u / 0.15));
    }
    struct cb_noise beat = loudest(x), engine = of_engine(120, 124);
    assert_true(feature_of(&beat, "beat_db") > 2);
    assert_true(feature_of(&engine, "beat_db") < 1);
    assert_true(feature_of(&beat, "ripple_db") > feature_of(&engine, "ripple_db") + 1);
}

static void test_one_tone(void **state)
{
    (void) state;
    float *x = silence();
    add_sine(x, N, RATE, 700, 0.1);
    struct cb_noise tone = loudest(x), engine = of_engine(120, 124);
    NEAR(feature_of(&tone, "tone_hz"), 700, 2);
    assert_true(feature_of(&tone, "tone_share") > 0.9 && feature_of(&tone, "tone_steady") > 0.95);
    assert_true(feature_of(&engine, "tone_share") < 0.5);
    assert_true(feature_of(&engine, "order_ratio") < 0.7);
}

static void test_bangs(void **state)
{
    (void) state;
    float *x = silence();
    for (size_t i = 0; i < N; i++) {
        double u = fmod((double) i / RATE, 0.08);
        x[i] = (float) (exp(-u / 0.006) * sin(2 * M_PI * 150 * u));
    }
    struct cb_noise train = loudest(x), engine = of_engine(120, 124);
    NEAR(feature_of(&train, "bangs_per_s"), 12.5, 3);
    assert_true(feature_of(&engine, "bangs_per_s") < 1);
    assert_true(feature_of(&train, "crest_db") > feature_of(&engine, "crest_db") + 3);
}

/* The record says in words what decided, and each feature named there is one of its own. */
static void test_why_is_told(void **state)
{
    (void) state;
    struct cb_noise engine = of_engine(120, 124), hiss = of_hiss();
    assert_int_equal(engine.class_, CB_NOISE_MODIFIED_EXHAUST);
    assert_true(strncmp(engine.why_class, "engine: ", 8) == 0);
    assert_true(strncmp(hiss.why_class, "no engine: ", 11) == 0);
    char name[24];
    assert_int_equal(sscanf(engine.why_class, "engine: %23s", name), 1);
    assert_false(isnan(feature_of(&engine, name)));
    char *json = NULL;
    struct cb_noise back;
    assert_int_equal(cb_noise_print(&engine, &json), 0);
    assert_int_equal(cb_noise_parse(json, strlen(json), &back), 0);
    assert_string_equal(back.why_class, engine.why_class);
    free(json);
}

/* A parabola goes, what is no trend stays, and two points have none of their own. */
static void test_a_trend_is_taken_out(void **state)
{
    (void) state;
    double x[40], y[40], bare = 0;
    for (int i = 0; i < 40; i++) {
        x[i] = 0.05 * i;
        y[i] = 3 - 2 * x[i] + 5 * x[i] * x[i] + (i % 2 ? 0.1 : -0.1);
    }
    cb_take_trend(x, y, 40);
    for (int i = 0; i < 40; i++) {
        NEAR(y[i], i % 2 ? 0.1 : -0.1, 0.03);
        bare += y[i] / 40;
    }
    NEAR(bare, 0, 1e-9);
    y[0] = 7;
    cb_take_trend(x, y, 2);
    NEAR(y[0], 0, 1e-9);
}

/* An event made of spectra, 20 a second. */
#define SPECTRA_MAX 80
struct spectra {
    struct cb_row row[SPECTRA_MAX];
    const struct cb_row *at[SPECTRA_MAX];
    struct cb_sound_event event;
};

static struct spectra *spectra_create(double beside_db)
{
    struct spectra *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->event = (struct cb_sound_event){
        .lafmax_db = 90, .background_db = beside_db, .beside_db = beside_db, .row = s->at,
        .n_bins = 660, .bin_hz = 6};
    return s;
}

/* n moments of lines f0_hz apart over a flat floor; 0: the floor alone. */
static void add_spectra(struct spectra *s, size_t n, double f0_hz, double level_db)
{
    for (; n > 0; n--) {
        struct cb_row *r = &s->row[s->event.n_rows];
        r->t_ns = (int64_t) s->event.n_rows * 50 * CB_NS_PER_MS;
        r->level_db = level_db;
        for (size_t k = 0; k < s->event.n_bins; k++)
            r->power[k] = 1e-6f * (float) (1 + (k * 7919 + s->event.n_rows * 104729) % 13 / 13.0);
        for (double at = f0_hz / 6; f0_hz > 0 && at < 500; at += f0_hz / 6)
            r->power[(size_t) (at + 0.5)] = 1e-3f;
        s->at[s->event.n_rows++] = r;
    }
    s->event.t_end_ns = s->event.t_peak_ns = s->row[s->event.n_rows - 1].t_ns;
}

/* An engine of 90 dB, and for longer the street of 82 dB that it is heard over: what stands less
 * than 6 dB above that does not say what the event was. Not knowing of the street, all of it does. */
static void test_what_is_beside_does_not_tell(void **state)
{
    (void) state;
    double f[CB_F_COUNT], blind[CB_F_COUNT];
    struct spectra *s = spectra_create(82);
    add_spectra(s, 20, 102, 90);
    add_spectra(s, 40, 0, 83);
    cb_features_of(&s->event, f);
    s->event.beside_db = NAN;
    cb_features_of(&s->event, blind);
    assert_true(f[CB_F_COMB_OVER] > 0.6 && f[CB_F_COMB_DB] > 8);
    assert_true(blind[CB_F_COMB_OVER] < 0.2);
    /* the level is known all the same: it did not stay */
    assert_true(fabs(f[CB_F_LEVEL_HELD] - blind[CB_F_LEVEL_HELD]) < 1e-9);
    free(s);
}

/* A bark of 600 Hz over an engine, at the peak: its lines are no orders, the peak no engine's. One of
 * the engine's own lines is. */
static void test_lines_too_far_apart_are_no_orders(void **state)
{
    (void) state;
    for (int is_bark = 0; is_bark < 2; is_bark++) {
        double f[CB_F_COUNT];
        struct spectra *s = spectra_create(50);
        add_spectra(s, 30, 102, 84);
        add_spectra(s, 4, is_bark ? 600 : 102, 90);
        cb_features_of(&s->event, f);
        assert_true(f[CB_F_COMB_OVER] > 0.6);
        assert_true(is_bark ? f[CB_F_PEAK_LINES] < 0.25 : f[CB_F_PEAK_LINES] > 0.9);
        free(s);
    }
}

/* A vowel has all the signs of an engine but that it is over in a third of a second, before it could
 * be heard to go up and down as speech does. */
static void test_a_vowel_is_no_engine(void **state)
{
    (void) state;
    double f[CB_F_COUNT] = {
        [CB_F_COMB_DB] = 19.8, [CB_F_F0_HZ] = 120, [CB_F_F0_HOLD] = 1, [CB_F_COMB_SHARE] = 0.87,
        [CB_F_LOW_DB] = -30.4, [CB_F_HIGH_DB] = -4.58, [CB_F_FLATNESS] = 0.155,
        [CB_F_TONE_HZ] = 1120, [CB_F_TONE_SHARE] = 0.221, [CB_F_TONE_OCT] = 0.88,
        [CB_F_CREST_DB] = 11.8, [CB_F_LIKENESS] = 0.5, [CB_F_SECONDS] = 0.35,
        [CB_F_COMB_OVER] = 0.873, [CB_F_LEVEL_HELD] = 0.714, [CB_F_GAS] = 0.602,
        [CB_F_SECOND] = 0.836, [CB_F_LEVEL_DB] = 96.9, [CB_F_UNEVEN_DB] = 5.83,
        [CB_F_PEAK_LINES] = 1.03};
    assert_int_not_equal(cb_classify(f).class_, CB_NOISE_MODIFIED_EXHAUST);
    f[CB_F_SECONDS] = 0.45;
    assert_int_equal(cb_classify(f).class_, CB_NOISE_MODIFIED_EXHAUST);
}

static int keep_event(void *self, const struct cb_sound_event *e)
{
    struct cb_sound_event *kept = self;
    if (e->lafmax_db > kept->lafmax_db)
        *kept = *e;
    return 0;
}

/* A recording that begins with a street of 80 dB, from which on a noise of 92 dB: the background is
 * not known, but it is no louder than the quietest moment was. */
static void test_the_quietest_moment_bounds_the_background(void **state)
{
    (void) state;
    struct cb_camera_conf conf;
    struct cb_sound_event kept = {.lafmax_db = -HUGE_VAL};
    struct cb_ear *ear = NULL;
    float *x = silence();
    cb_camera_conf_init(&conf);
    conf.microphone.sensitivity_dbfs_at_94db = DBFS;
    conf.microphone.limit.default_dba = 85;
    add_noise(x, N, 0.1, 9);
    for (size_t i = 0; i < RATE; i++)
        x[i] *= 0.251f;
    scale_to(x, N, RATE, 92);
    assert_int_equal(cb_ear_create(&ear, &conf.microphone,
                                   &(struct cb_ear_listener){.self = &kept, .on_event = keep_event}),
                     0);
    struct cb_samples s = {.n = N, .n_channels = 1, .rate_hz = RATE, .channel = {x}};
    assert_int_equal(cb_ear_add(ear, &s), 0);
    assert_int_equal(cb_ear_flush(ear), 0);
    assert_true(kept.lafmax_db > 91.5);
    assert_true(isnan(kept.background_db));
    assert_true(kept.beside_db > 77 && kept.beside_db < 81);
    cb_ear_destroy(&ear);
    cb_camera_conf_deinit(&conf);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_trend_is_taken_out),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_a_rev_up_is_followed),
        cmocka_unit_test(test_noise_gains_no_orders),
        cmocka_unit_test(test_noise_has_no_power_in_lines),
        cmocka_unit_test(test_a_level_that_stays),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_a_pipe_rings),
        cmocka_unit_test(test_gusts),
        cmocka_unit_test(test_two_combs),
        cmocka_unit_test(test_half_orders_are_of_the_same_shaft),
        cmocka_unit_test(test_rhythm),
        cmocka_unit_test(test_one_tone),
        cmocka_unit_test(test_bangs),
        cmocka_unit_test(test_why_is_told),
        cmocka_unit_test(test_what_is_beside_does_not_tell),
        cmocka_unit_test(test_the_quietest_moment_bounds_the_background),
        cmocka_unit_test(test_lines_too_far_apart_are_no_orders),
        cmocka_unit_test(test_a_vowel_is_no_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
