#include "classify/yolox.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "classify/look.h"
#include "unit/test.h"

#define SIDE    416
#define CAR     7 /* columns of the scores */
#define TRUCK   12
#define PERSON  5
#define BICYCLE 6
#define DOG     21

static float *blank(void)
{
    float *rows = calloc(cb_yolox_rows(SIDE) * CB_YOLOX_COLUMNS, sizeof *rows);
    assert_non_null(rows);
    return rows;
}

/* Writes a detection of a w × h box around (x, y) into its cell of the grid with that stride. */
static void detect(float *rows, int stride, float x, float y, float w, float h, int column,
                   float score)
{
    size_t at = 0;
    for (int s = 8; s < stride; s *= 2)
        at += (size_t) (SIDE / s) * (size_t) (SIDE / s);
    int cx = (int) x / stride, cy = (int) y / stride;
    float *r = rows + (at + (size_t) cy * (size_t) (SIDE / stride) + (size_t) cx) * CB_YOLOX_COLUMNS;
    r[0] = x / (float) stride - (float) cx;
    r[1] = y / (float) stride - (float) cy;
    r[2] = logf(w / (float) stride);
    r[3] = logf(h / (float) stride);
    r[4] = 0.9f;
    r[column] = score / 0.9f;
}

static const struct cb_box box = {78, 100, 260, 216}; /* around 208, 208 */

static void test_decode(void **state)
{
    (void) state;
    assert_int_equal(cb_yolox_rows(SIDE), 3549);
    for (int stride = 8; stride <= 32; stride *= 2) {
        CB_AUTO_FREE float *rows = blank();
        assert_int_equal(cb_yolox_vote(rows, SIDE, &box).user, CB_UNKNOWN);
        detect(rows, stride, 208, 208, 250, 200, CAR, 0.8f);
        struct cb_vote v = cb_yolox_vote(rows, SIDE, &box);
        assert_int_equal(v.user, CB_CAR);
        assert_true(fabs(v.score - 0.8) < 1e-5);
        detect(rows, stride, 208, 208 + (float) stride, 250, 200, TRUCK, 0.85f);
        assert_int_equal(cb_yolox_vote(rows, SIDE, &box).user, CB_TRUCK);
    }
}

static void test_others_do_not_vote(void **state)
{
    (void) state;
    CB_AUTO_FREE float *rows = blank();
    detect(rows, 8, 30, 30, 50, 50, TRUCK, 0.9f);     /* beside it */
    detect(rows, 16, 208, 208, 50, 50, PERSON, 0.9f); /* in it: who drives */
    detect(rows, 32, 208, 208, 250, 200, DOG, 0.9f);
    detect(rows, 32, 208, 250, 250, 200, TRUCK, 0.2f); /* unsure */
    assert_int_equal(cb_yolox_vote(rows, SIDE, &box).user, CB_UNKNOWN);
    rows[2] = NAN; /* numbers that are none are no detection */
    rows[4] = 1;
    rows[5 + 2] = 1;
    assert_int_equal(cb_yolox_vote(rows, SIDE, &box).user, CB_UNKNOWN);
}

static void test_who_rides(void **state)
{
    (void) state;
    CB_AUTO_FREE float *rows = blank();
    detect(rows, 16, 208, 200, 200, 200, PERSON, 0.9f);
    assert_int_equal(cb_yolox_vote(rows, SIDE, &box).user, CB_PEDESTRIAN);
    detect(rows, 16, 208, 230, 240, 180, BICYCLE, 0.5f);
    assert_int_equal(cb_yolox_vote(rows, SIDE, &box).user, CB_BICYCLE);
}

static void test_votes(void **state)
{
    (void) state;
    static const struct {
        struct cb_vote v[3];
        enum cb_road_user want;
    } table[] = {
        {{{CB_UNKNOWN, 0}}, CB_UNKNOWN},
        {{{CB_CAR, 0.5}}, CB_UNKNOWN}, /* one, not sure */
        {{{CB_CAR, 0.8}}, CB_CAR},
        {{{CB_CAR, 0.4}, {CB_CAR, 0.4}}, CB_CAR},
        {{{CB_CAR, 0.4}, {CB_UNKNOWN, 0}, {CB_CAR, 0.4}}, CB_CAR},
        {{{CB_CAR, 0.8}, {CB_TRUCK, 0.7}}, CB_UNKNOWN}, /* at odds */
        {{{CB_CAR, 0.8}, {CB_TRUCK, 0.6}, {CB_CAR, 0.7}}, CB_CAR},
    };
    for (size_t i = 0; i < CB_LEN(table); i++)
        assert_int_equal(cb_votes_agree(table[i].v, 3), table[i].want);
}

/* A red square in a grey picture comes out red, and where the look says it is. */
static void test_look(void **state)
{
    (void) state;
    static uint8_t y[120 * 160], u[60 * 80], v[60 * 80];
    for (int j = 0; j < 120; j++)
        for (int i = 0; i < 160; i++) {
            bool in = i >= 100 && i < 140 && j >= 40 && j < 80;
            y[j * 160 + i] = in ? 81 : 126;
            u[j / 2 * 80 + i / 2] = in ? 90 : 128;
            v[j / 2 * 80 + i / 2] = in ? 240 : 128;
        }
    struct cb_picture p = {.plane = {y, u, v}, .stride = {160, 80, 80}, .width = 160, .height = 120,
                           .chroma_shift_x = 1, .chroma_shift_y = 1, .t_ns = 7};
    struct cb_box b = {100, 40, 40, 40};
    struct cb_look look = {0};
    assert_true(cb_look_is_worth(&p, &b));
    assert_false(cb_look_is_worth(&p, &(struct cb_box){120, 40, 40, 40})); /* at the rim */
    assert_false(cb_look_is_worth(&p, &(struct cb_box){100, 40, 12, 12})); /* too small */
    assert_int_equal(cb_look_take(&look, &p, &b), 0);
    assert_true(fabsf(look.box.x - 78) < 0.5f && fabsf(look.box.w - 260) < 0.5f);
    const uint8_t *mid = look.bgr + (208 * SIDE + 208) * 3, *out = look.bgr + (208 * SIDE + 30) * 3;
    assert_true(mid[0] < 12 && mid[1] < 12 && mid[2] > 243); /* B, G, R */
    assert_true(abs(out[0] - 128) < 3 && abs(out[1] - 128) < 3 && abs(out[2] - 128) < 3);
    /* all of the box is red, but for the chroma's own softness */
    for (int k = 12; k < 248; k++)
        assert_true(look.bgr[(208 * SIDE + 78 + k) * 3 + 2] > 200);
    assert_int_equal(look.t_ns, 7);
    assert_int_equal(cb_look_take(&look, &p, &(struct cb_box){3, 3, 40, 40}), 0);
    assert_int_equal(look.bgr[0], 114); /* outside the picture */
    p.plane[1] = p.plane[2] = NULL; /* a grey picture */
    assert_int_equal(cb_look_take(&look, &p, &b), 0);
    mid = look.bgr + (208 * SIDE + 208) * 3;
    assert_true(mid[0] == mid[1] && mid[1] == mid[2]);
    free(look.bgr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode), cmocka_unit_test(test_others_do_not_vote),
        cmocka_unit_test(test_who_rides), cmocka_unit_test(test_votes),
        cmocka_unit_test(test_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
