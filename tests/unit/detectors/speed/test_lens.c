#include <errno.h>

#include "synthetic.h"

#define LINES_N 4
#define DOTS_N  8

struct bent {
    struct cb_vec2 px[LINES_N][DOTS_N];
    struct cb_line_px line[LINES_N];
};

/* Two kerbs, the top of a gantry and a lane line, seen by a wide-angle camera. */
static void draw(struct bent *b, double k1, double sigma_px, uint64_t *seed)
{
    const struct synthetic c = {1920, 1080, 1300, 7, 0.45, 0, 0, k1, 0};
    static const double end[LINES_N][6] = {{-7, 9, 0, -7, 60, 0},
                                           {7, 9, 0, 7, 60, 0},
                                           {-17, 30, 4.5, 17, 30, 4.5},
                                           {-3, 8, 0, -3, 50, 0}};
    for (int i = 0; i < LINES_N; i++) {
        for (int k = 0; k < DOTS_N; k++) {
            double s = k / (DOTS_N - 1.0), *e = (double *) end[i];
            s = i == 2 ? s : s * s; /* about even in the picture */
            b->px[i][k] = synthetic_px(&c, e[0] + s * (e[3] - e[0]), e[1] + s * (e[4] - e[1]),
                                       e[2] + s * (e[5] - e[2]));
            if (sigma_px > 0) {
                b->px[i][k].x += sigma_px * normal(seed);
                b->px[i][k].y += sigma_px * normal(seed);
            }
        }
        b->line[i] = (struct cb_line_px){b->px[i], DOTS_N};
    }
}

static void fit(struct bent *b, double *ret_k1, double *ret_u)
{
    struct cb_error e = {0};
    if (cb_lens_fit_lines(b->line, LINES_N, 1920, 1080, ret_k1, ret_u, &e) < 0)
        fail_msg("%s: %s", e.where, e.text);
}

static void test_exact(void **state)
{
    (void) state;
    struct bent b;
    double k1, u;
    for (double want = -0.1; want < 0.25; want += 0.05) {
        draw(&b, want, 0, NULL);
        fit(&b, &k1, &u);
        CB_NEAR(k1, want, 1e-4);
        assert_true(u > 0 && u < 0.02);
    }
}

/* Read off with the error that is assumed, k1 lies within two of its uncertainties as often as it
 * should: 93 to 98 % of 400, three standard deviations about 95.4 %. */
static void test_uncertainty(void **state)
{
    (void) state;
    struct bent b;
    uint64_t seed = 99;
    int n = 400, n_held = 0;
    double bias = 0, sum_u = 0;
    for (int i = 0; i < n; i++) {
        double want = -0.1 + 0.3 * uniform(&seed), k1, u;
        draw(&b, want, 0.7, &seed);
        fit(&b, &k1, &u);
        n_held += fabs(k1 - want) <= 2 * u;
        bias += (k1 - want) / n;
        sum_u += u / n;
    }
    print_message("k1: held %d of %d, bias %.5f, mean u %.5f\n", n_held, n, bias, sum_u);
    assert_true(n_held > 0.92 * n && n_held < 0.99 * n);
    assert_true(fabs(bias) < 0.3 * sum_u);
}

static void refuse(struct bent *b, size_t n, const char *where, const char *words)
{
    struct cb_error e = {0};
    double k1 = 7, u = 7;
    assert_int_equal(cb_lens_fit_lines(b->line, n, 1920, 1080, &k1, &u, &e), -EINVAL);
    if (strcmp(e.where, where) || !strstr(e.text, words))
        fail_msg("said '%s: %s', expected '%s: …%s…'", e.where, e.text, where, words);
    assert_true(k1 == 7 && u == 7);
}

static void test_refusals(void **state)
{
    (void) state;
    struct bent b;
    draw(&b, -0.1, 0, NULL);
    b.px[2][3].y += 9;
    refuse(&b, LINES_N, "lines[2]", "off its line");
    draw(&b, -0.1, 0, NULL);
    b.line[1].n = 2;
    refuse(&b, LINES_N, "lines[1]", "has 2 points");
    draw(&b, -0.1, 0, NULL);
    refuse(&b, 0, "lines", "is empty");
    for (int k = 0; k < DOTS_N; k++) /* through the middle: straight whatever the lens does */
        b.px[0][k] = (struct cb_vec2){960 + 40 * k, 540 + 30 * k};
    refuse(&b, 1, "lines", "do not determine");
    for (int k = 0; k < DOTS_N; k++)
        b.px[0][k] = (struct cb_vec2){5, 5};
    refuse(&b, LINES_N, "lines[0]", "shorter");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_exact),
    cmocka_unit_test(test_uncertainty),
    cmocka_unit_test(test_refusals),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
