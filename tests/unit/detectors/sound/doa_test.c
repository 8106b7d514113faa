#include "unit/test.h"

#include <complex.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/dsp_sound.h"
#include "signal.h"
#include "sound/doa.h"
#include "sound/spectrum.h"

#define RATE      48000
#define SOUND_MPS 343.0
#define N_MICS    4

/*
 * One window of noise from a place, at each microphone with its own delay and its own noise. The
 * source is a sum of sines at random, so that a delay of any fraction of a sample is exact.
 */
static void hear(const double mic[][3], int n, const double from[3], double snr_db, uint64_t seed,
                 float **ret, size_t n_samples)
{
    const int n_sines = 300;
    uint64_t state = seed;
    for (int c = 0; c < n; c++)
        memset(ret[c], 0, n_samples * sizeof *ret[c]);
    for (int k = 0; k < n_sines; k++) {
        double hz = 150 + 2800 * (noise_next(&state) + 1) / 2, phase = M_PI * noise_next(&state);
        for (int c = 0; c < n; c++) {
            double d = sqrt(pow(from[0] - mic[c][0], 2) + pow(from[1] - mic[c][1], 2) +
                            pow(from[2] - mic[c][2], 2));
            for (size_t i = 0; i < n_samples; i++)
                ret[c][i] +=
                    (float) (0.01 *
                             sin(2 * M_PI * hz * ((double) i / RATE - d / SOUND_MPS) + phase));
        }
    }
    double rms = 0.01 * sqrt(n_sines / 2.0), noise = rms * pow(10, -snr_db / 20) * sqrt(3);
    for (int c = 0; c < n; c++)
        add_noise(ret[c], n_samples, noise, seed * 31 + (uint64_t) c);
}

/* What the array tells of a source. */
static struct cb_arrival arrival(struct cb_doa *d, struct cb_spectrum *s, const double mic[][3],
                                 int n, const double from[3], double snr_db, uint64_t seed)
{
    size_t len = cb_spectrum_window_n(s);
    float *x[N_MICS], *phase[N_MICS];
    struct cb_arrival a;
    for (int c = 0; c < n; c++) {
        x[c] = calloc(len, sizeof *x[c]);
        phase[c] = calloc(len + 2, sizeof *phase[c]);
        assert_true(x[c] && phase[c]);
    }
    hear(mic, n, from, snr_db, seed, x, len);
    for (int c = 0; c < n; c++)
        cb_spectrum_phase(s, x[c], phase[c]);
    cb_doa_find(d, (const float *const *) phase, NULL, &a);
    for (int c = 0; c < n; c++) {
        free(x[c]);
        free(phase[c]);
    }
    return a;
}

static double error_deg(struct cb_doa *d, struct cb_spectrum *s, const double mic[][3], int n,
                        const double from[3], double want_rad, double snr_db, uint64_t seed)
{
    struct cb_arrival a = arrival(d, s, mic, n, from, snr_db, seed);
    assert_true(a.coherence > 0.08 && a.coherence <= 1);
    return remainder(a.azimuth_rad - want_rad, 2 * M_PI) * 180 / M_PI;
}

static struct cb_doa *array_of(const double mic[][3], int n, struct cb_spectrum **ret_s)
{
    struct cb_doa *d;
    assert_int_equal(cb_spectrum_create(ret_s, RATE), 0);
    assert_int_equal(cb_doa_create(&d, mic, n, cb_spectrum_bin_hz(*ret_s),
                                   cb_spectrum_n_bins(*ret_s), SOUND_MPS, 1),
                     0);
    return d;
}

/* Two microphones 20 cm apart on X: all the road ahead, within 2° as far as 60° to the side. */
static void test_a_pair_tells_the_road_ahead(void **state)
{
    static const double mic[2][3] = {{0, 0, 1}, {0.2, 0, 1}};
    struct cb_spectrum *s;
    struct cb_doa *d = array_of(mic, 2, &s);
    (void) state;
    for (int deg = -60; deg <= 60; deg += 15) {
        double az = deg * M_PI / 180;
        double ahead[3] = {0.1 + 40 * sin(az), 40 * cos(az), 1};
        double behind[3] = {0.1 + 40 * sin(az), -40 * cos(az), 1};
        NEAR(error_deg(d, s, mic, 2, ahead, az, 20, (uint64_t) deg + 100), 0, 2);
        NEAR(error_deg(d, s, mic, 2, ahead, az, 3, (uint64_t) deg + 200), 0, 4);
        /* what comes from behind is told as ahead: two microphones can't know */
        NEAR(error_deg(d, s, mic, 2, behind, az, 20, (uint64_t) deg + 300), 0, 2);
    }
    cb_doa_destroy(&d);
    cb_spectrum_destroy(&s);
}

static void test_a_square_tells_all_round(void **state)
{
    static const double mic[4][3] = {{0, 0, 2}, {0.15, 0, 2}, {0.15, 0.15, 2}, {0, 0.15, 2}};
    struct cb_spectrum *s;
    struct cb_doa *d = array_of(mic, 4, &s);
    (void) state;
    for (int deg = -180; deg < 180; deg += 24) {
        double az = deg * M_PI / 180;
        double from[3] = {0.075 + 30 * sin(az), 0.075 + 30 * cos(az), 2};
        NEAR(error_deg(d, s, mic, 4, from, az, 10, (uint64_t) deg + 400), 0, 2);
    }
    cb_doa_destroy(&d);
    cb_spectrum_destroy(&s);
}

/* High over the road a source seems nearer to the middle; apparent says so, and by how much. */
static void test_apparent_is_what_is_found(void **state)
{
    static const double mic[2][3] = {{0, 0, 6}, {0.2, 0, 6}};
    struct cb_spectrum *s;
    struct cb_doa *d = array_of(mic, 2, &s);
    (void) state;
    for (double x = -10; x <= 10; x += 4) {
        double from[3] = {x, 8, 0.4};
        double want = cb_doa_apparent_rad(d, x, 8, 0.4);
        assert_true(fabs(want) <= fabs(atan2(x - 0.1, 8)) + 0.01);
        NEAR(error_deg(d, s, mic, 2, from, want, 20, 77), 0, 2);
    }
    cb_doa_destroy(&d);
    cb_spectrum_destroy(&s);
}

/* A tetrahedron on its pole, sources on the road under it: height must not bend the azimuth. */
static void test_height_does_not_bend_four(void **state)
{
    static const double mic[4][3] = {
        {0, 0, 5.15}, {-0.12, -0.07, 4.95}, {0.12, -0.07, 4.95}, {0, 0.14, 4.95}};
    struct cb_spectrum *s;
    struct cb_doa *d = array_of(mic, 4, &s);
    (void) state;
    for (int deg = -165; deg < 180; deg += 30) {
        double az = deg * M_PI / 180, from[3] = {7 * sin(az), 7 * cos(az), 0.4};
        NEAR(error_deg(d, s, mic, 4, from, az, 10, (uint64_t) deg + 900), 0, 1.5);
        NEAR(cb_doa_offset_rad(d, az, from[0], from[1], from[2]), 0, 0.01);
    }
    cb_doa_destroy(&d);
    cb_spectrum_destroy(&s);
}

/* A lane under the array: the direction turns by half a circle within two metres, and is told all
 * the way. Of half a metre aside 3° are 3 cm. */
static void test_four_follow_what_passes_under_them(void **state)
{
    static const double mic[4][3] = {
        {0, 0, 6.1}, {-0.1, -0.06, 5.94}, {0.1, -0.06, 5.94}, {0, 0.12, 5.94}};
    struct cb_spectrum *s;
    struct cb_doa *d = array_of(mic, 4, &s);
    (void) state;
    for (double x = 0.5; x <= 3; x += 1.25) {
        for (double y = -6; y <= 6; y += 0.75) {
            double from[3] = {x, y, 0.4}, allow = x < 1 && fabs(y) < 2 ? 6 : 3;
            NEAR(error_deg(d, s, mic, 4, from, atan2(x, y), 15, (uint64_t) (20 + y)), 0, allow);
        }
    }
    cb_doa_destroy(&d);
    cb_spectrum_destroy(&s);
}

/* The uncertainty told is the scatter there is, within a factor of two, at 0 and at 12 dB. */
static void test_uncertainty_is_the_scatter(void **state)
{
    static const double mic[2][3] = {{0, 0, 1}, {0.2, 0, 1}};
    const int n = 40;
    struct cb_spectrum *s;
    struct cb_doa *d = array_of(mic, 2, &s);
    (void) state;
    for (double snr_db = 0; snr_db <= 12; snr_db += 12) {
        double from[3] = {0.1 + 20, 34, 1}, az = atan2(20, 34), square = 0, told = 0;
        for (int i = 0; i < n; i++) {
            struct cb_arrival a = arrival(d, s, mic, 2, from, snr_db, 3000 + (uint64_t) i);
            square += pow(a.azimuth_rad - az, 2) / n;
            told += a.u_rad / n;
        }
        if (!(told > 0.5 * sqrt(square) && told < 2 * sqrt(square)))
            fail_msg("at %g dB told %g rad, scatters by %g", snr_db, told, sqrt(square));
    }
    cb_doa_destroy(&d);
    cb_spectrum_destroy(&s);
}

/* ISO 9613-1 has 331.3 m/s at 0 °C; at −10 °C for 20 °C a pair is 3° off at 55°. */
static void test_the_airs_temperature_matters(void **state)
{
    static const double mic[2][3] = {{0, 0, 1}, {0.2, 0, 1}};
    double az = 55 * M_PI / 180, from[3] = {0.1 + 40 * sin(az), 40 * cos(az), 1};
    struct cb_spectrum *s;
    struct cb_doa *right = array_of(mic, 2, &s), *cold;
    (void) state;
    NEAR(cb_sound_mps(0), 331.3, 1e-9);
    NEAR(cb_sound_mps(20), 343.2, 0.1);
    assert_int_equal(cb_doa_create(&cold, mic, 2, cb_spectrum_bin_hz(s), cb_spectrum_n_bins(s),
                                   cb_sound_mps(-10), 6),
                     0);
    NEAR(error_deg(right, s, mic, 2, from, az, 20, 5), 0, 0.7);
    NEAR(error_deg(cold, s, mic, 2, from, az, 20, 5), -4, 1.5);
    /* and the uncertainty says as much of a speed that is 6 m/s unsure */
    NEAR(cb_doa_lasting_u_rad(cold, az) * 180 / M_PI, 6 / 325.1 * tan(az) * 180 / M_PI, 0.05);
    NEAR(cb_doa_lasting_u_rad(cold, 0), 0, 1e-9);
    cb_doa_destroy(&right);
    cb_doa_destroy(&cold);
    cb_spectrum_destroy(&s);
}

/* A pair along the road: right and left sound alike, and an offset does not mind which is told. */
static void test_offset_does_not_mind_the_mirror(void **state)
{
    static const double mic[2][3] = {{8, 20, 5}, {8, 20.2, 5}};
    struct cb_spectrum *s;
    struct cb_doa *d = array_of(mic, 2, &s);
    (void) state;
    double az = cb_doa_apparent_rad(d, 1.75, 26, 0.4);
    NEAR(cb_doa_offset_rad(d, az, 1.75, 26, 0.4), 0, 1e-6);
    NEAR(cb_doa_offset_rad(d, -az, 1.75, 26, 0.4), 0, 1e-6);
    assert_true(fabs(cb_doa_offset_rad(d, az, 1.75, 24, 0.4)) > 0.1);
    cb_doa_destroy(&d);
    cb_spectrum_destroy(&s);
}

/* Amplitude and phase of what is left of a sine after halving, against itself. */
static double complex halved(double cycles_per_sample)
{
    enum { N = 4096, EDGE = 64 };
    float x[N], scratch[N + 2 * CB_DSP_HALF_TAPS];
    double complex sum = 0;
    for (int i = 0; i < N; i++)
        x[i] = (float) cos(2 * M_PI * cycles_per_sample * i);
    cb_dsp_halve(x, N, scratch);
    for (int j = EDGE; j < N / 2 - EDGE; j++) {
        double w = 0.5 - 0.5 * cos(2 * M_PI * (j - EDGE) / (N / 2 - 2 * EDGE));
        sum += 2 * w * x[j] * cexp(-I * 4 * M_PI * cycles_per_sample * j);
    }
    return sum / (N / 4 - EDGE);
}

/* Up to a sixth of the rate a halved window is the window; what folds back is 50 dB down. */
static void test_halving_keeps_what_is_below(void **state)
{
    (void) state;
    for (double f = 0.01; f <= 1 / 6.0; f += 0.013) {
        NEAR(20 * log10(cabs(halved(f))), 0, 0.1);
        NEAR(carg(halved(f)), 0, 0.005);
        assert_true(20 * log10(cabs(halved(0.5 - f))) < -50);
    }
}

static void test_no_array_no_direction(void **state)
{
    static const double same[3][3] = {{1, 2, 3}, {1, 2, 3}, {1, 2, 5}};
    struct cb_doa *d = NULL;
    (void) state;
    assert_int_equal(cb_doa_create(&d, same, 3, 5.9, 680, SOUND_MPS, 1), -ENOTSUP);
    assert_int_equal(cb_doa_create(&d, same, 0, 5.9, 680, SOUND_MPS, 1), -ENOTSUP);
    assert_null(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pair_tells_the_road_ahead),
        cmocka_unit_test(test_a_square_tells_all_round),
        cmocka_unit_test(test_apparent_is_what_is_found),
        cmocka_unit_test(test_height_does_not_bend_four),
        cmocka_unit_test(test_four_follow_what_passes_under_them),
        cmocka_unit_test(test_uncertainty_is_the_scatter),
        cmocka_unit_test(test_the_airs_temperature_matters),
        cmocka_unit_test(test_offset_does_not_mind_the_mirror),
        cmocka_unit_test(test_halving_keeps_what_is_below),
        cmocka_unit_test(test_no_array_no_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
