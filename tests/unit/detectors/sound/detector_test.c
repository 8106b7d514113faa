#include "unit/test.h"

#include "sound/meter.h"

#include "listen.h"
#include "sound/bands.h"

#define RATE 48000

static float *buffer(size_t n)
{
    float *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

/* Street, long enough for its level to be known, the sound, and as much street. */
static struct listen *hear(float *x, size_t n, int rate_hz, double db)
{
    size_t pad = 5 * (size_t) rate_hz / 2;
    float *y = buffer(n + 2 * pad);
    scale_to(x, n, rate_hz, db);
    memcpy(y + pad, x, n * sizeof *x);
    add_noise(y, n + 2 * pad, amplitude_of(50, DBFS), 7);
    struct listen *l = listen_create();
    listen_start(l);
    listen_to(l, &y, 1, n + 2 * pad, rate_hz, 1024);
    listen_end(l);
    free(y);
    return l;
}

static void print_noises(const struct listen *l)
{
    for (size_t i = 0; i < l->n_noises; i++) {
        const struct cb_noise *n = &l->noise[i];
        fprintf(stderr, "%s %.2f, %.1f dB:", cb_noise_class_name(n->class_), n->confidence,
                n->lafmax_db);
        for (size_t k = 0; k < n->n_features; k++)
            fprintf(stderr, " %s %.3g", n->feature[k].name, n->feature[k].value);
        fprintf(stderr, "\n");
    }
}

static void expect(float *x, size_t n, int rate_hz, double db, enum cb_noise_class want,
                   const char *what)
{
    struct listen *l = hear(x, n, rate_hz, db);
    bool is_one = false;
    for (size_t i = 0; i < l->n_noises; i++)
        is_one = is_one || l->noise[i].class_ == want;
    size_t n_due = want == CB_NOISE_MODIFIED_EXHAUST && db > 86 ? 1 : 0;
    if (!is_one || l->n_violations != n_due) {
        print_noises(l);
        fail_msg("%s at %d Hz, %g dB: want %s and %zu violations, got %zu", what, rate_hz, db,
                 cb_noise_class_name(want), n_due, l->n_violations);
    }
    listen_destroy(l);
}

static void test_open_pipes_are_told(void **state)
{
    static const struct {
        double from_hz, to_hz;
        int cylinders;
        const char *what;
    } engines[] = {
        {36, 40, 1, "single at 4500/min"},  {80, 92, 2, "twin at 5000/min"},
        {130, 160, 4, "four at 4300/min"},  {230, 300, 4, "four at 8000/min"},
        {195, 215, 8, "eight at 3000/min"}, {100, 200, 4, "four speeding up an octave"},
    };
    static const int rates[] = {16000, 44100, 48000};
    (void) state;
    for (size_t i = 0; i < CB_LEN(engines); i++) {
        for (size_t r = 0; r < CB_LEN(rates); r++) {
            size_t n = 3 * (size_t) rates[r];
            float *x = buffer(n);
            add_engine(x, n, rates[r], engines[i].from_hz, engines[i].to_hz, engines[i].cylinders,
                       0.3, 11 + i);
            expect(x, n, rates[r], 95, CB_NOISE_MODIFIED_EXHAUST, engines[i].what);
            free(x);
        }
    }
}

static void test_an_open_pipe_under_the_limit_is_no_violation(void **state)
{
    float *x = buffer(3 * RATE);
    (void) state;
    add_engine(x, 3 * RATE, RATE, 130, 160, 4, 0.3, 11);
    expect(x, 3 * RATE, RATE, 82, CB_NOISE_MODIFIED_EXHAUST, "four at 82 dB");
    free(x);
}

static void test_horns_are_told(void **state)
{
    static const double chords[][2] = {{400, 500}, {335, 420}, {420, 420}, {430, 535}};
    static const int rates[] = {8000, 16000, 48000};
    (void) state;
    for (size_t i = 0; i < CB_LEN(chords); i++) {
        for (size_t r = 0; r < CB_LEN(rates); r++) {
            size_t n = 2 * (size_t) rates[r];
            float *x = buffer(n);
            add_horn(x, n, rates[r], chords[i][0], chords[i][1]);
            expect(x, n, rates[r], 104, CB_NOISE_HORN, "horn");
            free(x);
        }
    }
}

static void test_sirens_are_told(void **state)
{
    static const double periods_s[] = {4.0, 1.5, 0.3};
    (void) state;
    for (size_t i = 0; i < CB_LEN(periods_s); i++) {
        float *x = buffer(5 * RATE);
        add_sweep(x, 5 * RATE, RATE, 600, 1500, periods_s[i]);
        expect(x, 5 * RATE, RATE, 104, CB_NOISE_SIREN, periods_s[i] < 1 ? "yelp" : "wail");
        free(x);
    }
}

static void test_hi_lo_is_a_siren(void **state)
{
    static const double pitches[][2] = {{440, 585}, {650, 750}};
    (void) state;
    for (size_t k = 0; k < CB_LEN(pitches); k++) {
        float *x = buffer(4 * RATE);
        for (size_t i = 0; i < 8; i++)
            for (int h = 1; h < 6; h++)
                add_sine(x + i * RATE / 2, RATE / 2, RATE, h * pitches[k][i % 2], 0.1 / h);
        expect(x, 4 * RATE, RATE, 104, CB_NOISE_SIREN, "hi-lo");
        free(x);
    }
}

static void test_a_bang_is_an_impulse(void **state)
{
    float *x = buffer(RATE);
    (void) state;
    add_noise(x, RATE, 0.5, 3);
    for (size_t i = 0; i < RATE; i++)
        x[i] *= (float) exp(-(double) i / RATE / 0.03);
    expect(x, RATE, RATE, 103, CB_NOISE_IMPULSE, "bang");
    free(x);
}

/* Noise of any pitch: tyres, wind in the microphone, rain, a crowd. */
static void test_noise_is_other(void **state)
{
    static const double low_pass_hz[] = {60, 120, 250, 500, 1000, 3000, 20000};
    (void) state;
    for (size_t k = 0; k < CB_LEN(low_pass_hz); k++) {
        float *x = buffer(4 * RATE);
        double a = 1 - exp(-2 * M_PI * low_pass_hz[k] / RATE), y1 = 0, y2 = 0, y3 = 0;
        add_noise(x, 4 * RATE, 0.5, 40 + k);
        for (size_t i = 0; i < 4 * RATE; i++) {
            y1 += a * (x[i] - y1);
            y2 += a * (y1 - y2);
            y3 += a * (y2 - y3);
            x[i] = (float) y3;
        }
        expect(x, 4 * RATE, RATE, 105, CB_NOISE_OTHER, "noise");
        free(x);
    }
}

/* From the first sample to the last, no background, as short as a tenth of a second. */
static void test_clips_that_are_all_event(void **state)
{
    static const double lengths_s[] = {0.1, 0.15, 0.3, 1, 15};
    (void) state;
    for (size_t i = 0; i < CB_LEN(lengths_s); i++) {
        size_t n = (size_t) (lengths_s[i] * RATE);
        float *x = buffer(n);
        add_engine(x, n, RATE, 130, 132, 4, 0.3, 5);
        scale_to(x, n, RATE, 95);
        struct listen *l = listen_create();
        listen_start(l);
        listen_to(l, &x, 1, n, RATE, 999);
        listen_end(l);
        assert_int_equal(l->n_noises, 1);
        NEAR(l->noise[0].lafmax_db, 95, 0.1);
        assert_true(isnan(l->noise[0].background_db));
        assert_true(l->noise[0].t_start_ns >= 0);
        assert_true(l->noise[0].t_end_ns <= (int64_t) (lengths_s[i] * 1e9) + 1);
        /* loud enough, but nobody knows over what */
        assert_int_equal(l->noise[0].voids, 1u << CB_VOID_BACKGROUND_UNKNOWN);
        assert_int_equal(l->n_violations, 0);
        listen_destroy(l);
        free(x);
    }
}

static void test_levels_come_each_100_ms(void **state)
{
    float *x = buffer(2 * RATE);
    struct listen *l = listen_create();
    (void) state;
    add_sine(x, 2 * RATE, RATE, 1000, amplitude_of(80, DBFS));
    listen_start(l);
    listen_to(l, &x, 1, 2 * RATE, RATE, 777);
    listen_end(l);
    assert_int_equal(l->n_levels, 20);
    for (size_t i = 0; i < l->n_levels; i++) {
        assert_int_equal(l->level[i].t_ns, (int64_t) (i + 1) * 100000000);
        assert_true(l->level[i].lafmax_db >= l->level[i].laf_db);
    }
    NEAR(l->level[0].laf_db, 80 + 10 * log10(1 - exp(-0.1 / 0.125)), 0.05);
    NEAR(l->level[19].laf_db, 80, 0.02);
    listen_destroy(l);
    free(x);
}

/* The same to the last bit, however the stream was cut into blocks, and every run. */
static void test_blocks_do_not_matter(void **state)
{
    static const size_t blocks[] = {1024, 1024, 1, 333, 4800, 1u << 20};
    size_t n = 3 * RATE;
    float *x = buffer(n);
    struct listen *first = NULL;
    (void) state;
    add_engine(x + RATE, RATE, RATE, 120, 150, 4, 0.3, 2);
    scale_to(x, n, RATE, 96);
    add_noise(x, n, amplitude_of(55, DBFS), 9);
    for (size_t b = 0; b < CB_LEN(blocks); b++) {
        struct listen *l = listen_create();
        listen_start(l);
        listen_to(l, &x, 1, n, RATE, blocks[b]);
        listen_end(l);
        if (!first) {
            first = l;
            assert_int_equal(l->n_noises, 1);
            continue;
        }
        assert_int_equal(l->n_noises, first->n_noises);
        assert_memory_equal(l->noise, first->noise, sizeof l->noise);
        assert_int_equal(l->n_levels, first->n_levels);
        assert_memory_equal(l->level, first->level, sizeof l->level);
        listen_destroy(l);
    }
    listen_destroy(first);
    free(x);
}

static void test_silence_garbage_and_clipping(void **state)
{
    size_t n = 2 * RATE;
    float *x = buffer(n);
    struct listen *l = listen_create();
    (void) state;
    listen_start(l);
    listen_to(l, &x, 1, n, RATE, 1000);
    listen_end(l);
    assert_int_equal(l->n_noises, 0);
    for (size_t i = 0; i < l->n_levels; i++)
        assert_true(l->level[i].laf_db == CB_LEVEL_FLOOR_DB);
    listen_destroy(l);

    l = listen_create();
    listen_start(l);
    for (size_t i = 0; i < n; i++)
        x[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -3e38f;
    listen_to(l, &x, 1, n, RATE, 1000);
    listen_end(l);
    for (size_t i = 0; i < l->n_levels; i++)
        assert_true(isfinite(l->level[i].laf_db) && isfinite(l->level[i].lafmax_db));
    assert_int_equal(l->n_violations, 0);
    listen_destroy(l);

    memset(x, 0, n * sizeof *x);
    add_engine(x, n, RATE, 130, 140, 4, 0.3, 5);
    scale_to(x, n, RATE, 120);
    for (size_t i = 0; i < n; i++)
        x[i] = fmaxf(-1, fminf(1, x[i]));
    l = listen_create();
    listen_start(l);
    listen_to(l, &x, 1, n, RATE, 1000);
    listen_end(l);
    assert_int_equal(l->n_noises, 1);
    assert_true(l->noise[0].is_overload); /* never evidence */
    assert_int_equal(l->n_violations, 0);
    listen_destroy(l);
    free(x);
}

/* Clipped before the camera's gain was taken back, or so coarse that its rounding is heard. */
static void test_what_is_out_of_range_is_no_evidence(void **state)
{
    const size_t n = 3 * RATE;
    float *x = buffer(n);
    (void) state;
    for (int trial = 0; trial < 3; trial++) {
        memset(x, 0, n * sizeof *x);
        add_engine(x, n, RATE, 130, 140, 4, 0.3, 5);
        scale_to(x, n, RATE, 95);
        float top = 0;
        for (size_t i = 0; i < n; i++)
            top = fmaxf(top, fabsf(x[i]));
        for (size_t i = 0; i < n && trial == 1; i++)
            x[i] = 2 * fmaxf(-0.4f * top, fminf(0.4f * top, x[i]));
        for (size_t i = 0; i < n && trial == 2; i++)
            x[i] = rintf(x[i] / top) * top;
        struct listen *l = listen_create();
        listen_start(l);
        listen_to(l, &x, 1, n, RATE, 1000);
        listen_end(l);
        assert_true(l->n_noises >= 1);
        const struct cb_noise *e = &l->noise[0];
        assert_int_equal(e->is_overload, trial == 1);
        assert_int_equal(e->is_under_range, trial == 2);
        if (trial)
            assert_int_equal(l->n_violations, 0);
        /* what the meter gives beside it hangs together */
        double s = (double) (e->t_end_ns - e->t_start_ns) * 1e-9;
        NEAR(e->lae_db - e->laeq_db, 10 * log10(s), 0.1);
        assert_true(e->laeq_db < e->lafmax_db && e->lcpeak_db > e->lafmax_db + 3);
        double sum = 0;
        assert_true(e->has_third_octaves);
        for (size_t i = 0; i < CB_BANDS; i++)
            sum += pow(10, (e->third_octave_db[i] + cb_weighting_a_db(cb_band_hz(i))) / 10);
        NEAR(10 * log10(sum), e->lafmax_db, 1.0); /* the bands' A-weighted sum is the level */
        listen_destroy(l);
    }
    free(x);
}

/* A new rate, a new number of channels, a gap, a step back in time: on with it. */
static void test_changes_of_the_stream(void **state)
{
    float *x = buffer(RATE);
    const float *ch[16];
    struct listen *l = listen_create();
    (void) state;
    add_engine(x, RATE, RATE, 130, 140, 4, 0.3, 5);
    scale_to(x, RATE, RATE, 90);
    for (int c = 0; c < 16; c++)
        ch[c] = x;
    l->conf.microphone.n_positions = 2;
    l->conf.microphone.position_m[1][0] = 0.2;
    listen_start(l);
    listen_give(l, ch, 1, RATE, 48000, 0);
    listen_give(l, ch, 16, RATE / 2, 8000, CB_NS_PER_S);
    listen_give(l, ch, 2, 0, 8000, CB_NS_PER_S);
    listen_give(l, ch, 2, RATE, 96000, 20 * CB_NS_PER_S);
    listen_give(l, ch, 2, 3, 96000, 2 * CB_NS_PER_S);
    listen_give(l, ch, 1, RATE, 44100, 1000 * CB_NS_PER_S);
    listen_end(l);
    assert_true(l->n_noises >= 4);
    for (size_t i = 1; i < l->n_levels; i++)
        assert_true(l->level[i].t_ns > l->level[i - 1].t_ns);
    listen_destroy(l);
    free(x);
}

static void test_background_and_severity(void **state)
{
    size_t n = 8 * RATE;
    float *x = buffer(n), *y = buffer(RATE);
    struct listen *l = listen_create();
    (void) state;
    add_engine(y, RATE, RATE, 130, 140, 4, 0.3, 5);
    scale_to(y, RATE, RATE, 96.5);
    memcpy(x + 5 * RATE, y, RATE * sizeof *y);
    add_sine(x, n, RATE, 1000, amplitude_of(58, DBFS));
    listen_start(l);
    listen_to(l, &x, 1, n, RATE, 1024);
    listen_end(l);
    assert_int_equal(l->n_noises, 1);
    NEAR(l->noise[0].background_db, 58, 0.2);
    NEAR((double) l->noise[0].t_start_ns * 1e-9, 4.95, 0.1);
    assert_int_equal(l->n_violations, 1);
    assert_int_equal(l->violation[0].severity, CB_SERIOUS); /* 11.5 dB over */
    assert_int_equal(l->violation[0].n_stills, CB_STILLS_MAX);
    assert_int_equal(l->violation[0].track, -1);
    assert_string_equal(l->noise[0].why_no_track, "no_pictures");
    listen_destroy(l);
    free(x);
    free(y);
}

/* The vehicle's last pictures may come after its sound: an event waits for them, not for ever. */
static void test_an_event_waits_for_its_pictures(void **state)
{
    static const struct {
        int64_t pictures_ns, behind_ns;
        double after_s; /* of sound after the event, until it is told */
    } cases[] = {
        {INT64_MIN, 0, 3},
        {2 * CB_NS_PER_S, 0, 10},
        {60 * CB_NS_PER_S, 0, 0},
        {60 * CB_NS_PER_S, 59 * CB_NS_PER_S, 10}, /* pictures, whose road users are yet to come */
    };
    size_t n = 15 * RATE;
    float *x = buffer(n);
    (void) state;
    add_engine(x, RATE, RATE, 130, 140, 4, 0.3, 5);
    scale_to(x, RATE, RATE, 95);
    for (size_t i = 0; i < CB_LEN(cases); i++) {
        struct listen *l = listen_create();
        double told_s = NAN;
        listen_start(l);
        l->scene.t_ns = cases[i].pictures_ns;
        l->scene.behind_ns = cases[i].behind_ns;
        for (size_t k = 0; k < n && !l->n_noises; k += RATE / 10) {
            const float *at = x + k;
            listen_give(l, &at, 1, RATE / 10, RATE, (int64_t) k * CB_NS_PER_S / RATE);
            told_s = (double) k / RATE + 0.1;
        }
        assert_int_equal(l->n_noises, 1);
        NEAR(told_s - (double) l->noise[0].t_end_ns * 1e-9, cases[i].after_s + 0.05, 0.06);
        listen_destroy(l);
    }
    free(x);
}

#define LEAD_S 3
#define PASS_N ((LEAD_S + 12) * RATE)

/* A loud motorcycle in front of a pair of microphones, 8° to the right: 4 samples between them. */
static struct listen *pass_a_pair(float *x[2])
{
    struct listen *l = listen_create();
    enum { LATER = 4 };
    x[0] = buffer(PASS_N);
    x[1] = buffer(PASS_N);
    add_engine(x[1] + LEAD_S * RATE, 2 * RATE, RATE, 130, 140, 4, 0.3, 5);
    scale_to(x[1] + LEAD_S * RATE, 2 * RATE, RATE, 95);
    memcpy(x[0] + LATER, x[1], (PASS_N - LATER) * sizeof **x);
    for (int c = 0; c < 2; c++)
        add_noise(x[c], PASS_N, amplitude_of(50, DBFS), 7 + (uint64_t) c);
    l->conf.microphone.n_positions = 2;
    l->conf.microphone.position_m[0][0] = -0.1;
    l->conf.microphone.position_m[1][0] = 0.1;
    for (int c = 0; c < 2; c++)
        l->conf.microphone.position_m[c][2] = 5.4;
    listen_start(l);
    for (int i = 0; i <= 100; i++) {
        struct cb_fix f = {.t_ns = LEAD_S * CB_NS_PER_S + i * CB_NS_PER_S / 25,
                           .x_m = 2,
                           .y_m = 13 + 0.04 * i,
                           .box = {(float) i, 10, 40, 30}};
        cb_scene_advance(&l->scene, f.t_ns);
        assert_int_equal(cb_scene_add(&l->scene, 9, CB_MOTORCYCLE, &f), 0);
    }
    return l;
}

static void end_pass(struct listen *l, float *x[2])
{
    listen_destroy(l);
    free(x[0]);
    free(x[1]);
}

/* A vehicle alone on the road is named, marked at three times, and its distance taken out. */
static void test_a_violation_names_its_vehicle(void **state)
{
    float *x[2];
    struct listen *l = pass_a_pair(x);
    (void) state;
    listen_to(l, x, 2, (LEAD_S + 2) * RATE, RATE, 1024);
    listen_end(l);
    assert_int_equal(l->n_violations, 1);
    const struct cb_violation *v = &l->violation[0];
    const struct cb_noise *n = &v->noise;
    assert_int_equal(v->track, 9);
    assert_int_equal(v->n_stills, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(v->still[i].box.w == 40 && (i == 0 || v->still[i].t_ns > v->still[i - 1].t_ns));
    double s = (double) n->t_peak_ns * 1e-9 - LEAD_S, y = 13 + s - 0.3, d = hypot(hypot(2, y), 5);
    NEAR(n->lafmax_7m5_db, 95 + 20 * log10(d / 7.5), 0.5);
    assert_true(n->lafmax_7m5_u95_db > hypot(n->lafmax_u95_db, 3) && n->lafmax_7m5_u95_db < 5);
    NEAR(n->azimuth_deg, atan2(2, y) * 180 / M_PI, 2);
    assert_true(n->azimuth_u95_deg > 3 && n->azimuth_u95_deg < 6);
    assert_true(n->attribution_odds >= 200 && n->n_directions > 10);
    assert_int_equal(n->second_track, -1);
    assert_false(v->has_passage); /* none was measured until the stream's end */
    end_pass(l, x);
}

/* The noise is told as soon as its pictures are there, the violation with the vehicle's passage, or
 * when its track has ended without one, or eight seconds later. */
static void test_a_violation_waits_for_its_passage(void **state)
{
    enum { NEVER, PASSAGE, LOST, CASES };
    (void) state;
    for (int what = NEVER; what < CASES; what++) {
        struct cb_passage passage = {.track = 9, .road_user = CB_MOTORCYCLE, .speed_mps = 1};
        float *x[2];
        struct listen *l = pass_a_pair(x);
        double told_s = NAN, accused_s = NAN;
        for (size_t i = 0; i < PASS_N && !l->n_violations; i += RATE / 10) {
            const float *at[2] = {x[0] + i, x[1] + i};
            double t_s = (double) i / RATE;
            if (what == PASSAGE && i == (LEAD_S + 5) * RATE)
                assert_int_equal(cb_scene_add_passage(&l->scene, 9, &passage), 0);
            if (what == LOST && i == (LEAD_S + 5) * RATE)
                cb_scene_end(&l->scene, 9);
            listen_give(l, at, 2, RATE / 10, RATE, (int64_t) (t_s * 1e9));
            told_s = l->n_noises && isnan(told_s) ? t_s : told_s;
            accused_s = t_s;
        }
        assert_int_equal(l->n_violations, 1);
        NEAR(told_s, LEAD_S + 2.5, 0.6);
        NEAR(accused_s, what == NEVER ? told_s + 8 : LEAD_S + 5, 0.6);
        assert_int_equal(l->violation[0].has_passage, what == PASSAGE);
        if (what == PASSAGE)
            assert_int_equal(l->violation[0].passage.road_user, CB_MOTORCYCLE);
        end_pass(l, x);
    }
}

static void test_without_a_calibrated_microphone_nothing_is_said(void **state)
{
    float *x = buffer(RATE);
    struct listen *l = listen_create();
    (void) state;
    add_noise(x, RATE, 0.5, 1);
    l->conf.has_microphone = false;
    listen_start(l);
    listen_to(l, &x, 1, RATE, RATE, 1024);
    listen_end(l);
    assert_int_equal(l->n_levels + l->n_noises, 0);
    listen_destroy(l);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_pipes_are_told),
        cmocka_unit_test(test_an_open_pipe_under_the_limit_is_no_violation),
        cmocka_unit_test(test_horns_are_told),
        cmocka_unit_test(test_sirens_are_told),
        cmocka_unit_test(test_hi_lo_is_a_siren),
        cmocka_unit_test(test_a_bang_is_an_impulse),
        cmocka_unit_test(test_noise_is_other),
        cmocka_unit_test(test_clips_that_are_all_event),
        cmocka_unit_test(test_levels_come_each_100_ms),
        cmocka_unit_test(test_blocks_do_not_matter),
        cmocka_unit_test(test_silence_garbage_and_clipping),
        cmocka_unit_test(test_what_is_out_of_range_is_no_evidence),
        cmocka_unit_test(test_changes_of_the_stream),
        cmocka_unit_test(test_background_and_severity),
        cmocka_unit_test(test_an_event_waits_for_its_pictures),
        cmocka_unit_test(test_a_violation_names_its_vehicle),
        cmocka_unit_test(test_a_violation_waits_for_its_passage),
        cmocka_unit_test(test_without_a_calibrated_microphone_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
