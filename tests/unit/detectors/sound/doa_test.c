#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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

static double error_deg(struct cb_doa *d, struct cb_spectrum *s, const double mic[][3], int n,
                        const double from[3], double want_rad, double snr_db, uint64_t seed)
{
    size_t len = cb_spectrum_window_n(s);
    float *x[N_MICS], *phase[N_MICS];
    for (int c = 0; c < n; c++) {
        x[c] = calloc(len, sizeof *x[c]);
        phase[c] = calloc(len + 2, sizeof *phase[c]);
        assert_true(x[c] && phase[c]);
    }
    hear(mic, n, from, snr_db, seed, x, len);
    for (int c = 0; c < n; c++)
        cb_spectrum_phase(s, x[c], phase[c]);
    double az;
    double coherence = cb_doa_find(d, (const float *const *) phase, &az);
    assert_true(coherence > 0.08 && coherence <= 1);
    for (int c = 0; c < n; c++) {
        free(x[c]);
        free(phase[c]);
    }
    return remainder(az - want_rad, 2 * M_PI) * 180 / M_PI;
}

static struct cb_doa *array_of(const double mic[][3], int n, struct cb_spectrum **ret_s)
{
    struct cb_doa *d;
    assert_int_equal(cb_spectrum_create(ret_s, RATE), 0);
    assert_int_equal(
        cb_doa_create(&d, mic, n, cb_spectrum_bin_hz(*ret_s), cb_spectrum_n_bins(*ret_s)), 0);
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

static void test_no_array_no_direction(void **state)
{
    static const double same[3][3] = {{1, 2, 3}, {1, 2, 3}, {1, 2, 5}};
    struct cb_doa *d = NULL;
    (void) state;
    assert_int_equal(cb_doa_create(&d, same, 3, 5.9, 680), -ENOTSUP);
    assert_int_equal(cb_doa_create(&d, same, 0, 5.9, 680), -ENOTSUP);
    assert_null(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pair_tells_the_road_ahead),
        cmocka_unit_test(test_a_square_tells_all_round),
        cmocka_unit_test(test_apparent_is_what_is_found),
        cmocka_unit_test(test_no_array_no_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
