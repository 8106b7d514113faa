/* Which followed road users get a speed by lamplight and on a wet road, and which one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "schema/camera.h"
#include "track/lamp.h"
#include "track/mirror.h"
#include "track/passage.h"
#include "track/shadow.h"

enum { W = 640, H = 480, BLACK = 16, ROAD = 120 };
#define CAMERA_M  6.0
#define FOCAL_PX  700.0
#define TILT      0.26 /* rad */
#define ZONE_FROM 12.0
#define ZONE_TO   32.0
#define FPS       25
#define CAR_MPS   15.0
#define LIP_M     0.2
#define ROOF_M    1.4

struct scene {
    uint8_t img[W * H];
    uint16_t bg[W * H];
    struct cb_foreground fg;
    struct cb_region region;
    struct cb_camera_conf conf;
    struct cb_road *road;
};

/* From the camera over (0, 0), which looks along Y. */
static struct cb_vec2 project(double x, double y, double z)
{
    double depth = y * cos(TILT) + (CAMERA_M - z) * sin(TILT);
    double down = (CAMERA_M - z) * cos(TILT) - y * sin(TILT);
    return (struct cb_vec2){0.5 * (W - 1) + FOCAL_PX * x / depth,
                            0.5 * (H - 1) + FOCAL_PX * down / depth};
}

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct cb_calibration_point at[8];
    struct cb_error err = {0};
    for (int i = 0; i < 8; i++) {
        double x = i % 2 ? 3.5 : -3.5, y = 11 + 8 * (i / 2);
        struct cb_vec2 px = project(x, y, 0);
        at[i] = (struct cb_calibration_point){px.x, px.y, x, y, 0};
    }
    struct cb_calibration_conf calibration = {.points = at, .n_points = 8};
    if (!s || cb_road_create(&s->road, &calibration, W, H, &err) < 0 || !cb_road_pose(s->road))
        return -1;
    cb_camera_conf_init(&s->conf);
    s->conf.has_zone = true;
    s->conf.zone_y_min_m = ZONE_FROM;
    s->conf.zone_y_max_m = ZONE_TO;
    for (int i = 0; i < W * H; i++)
        s->bg[i] = ROAD << 8;
    s->region = (struct cb_region){.factor = 1, .w = W, .h = H, .x_min_m = -6, .x_max_m = 6,
                                   .y_min_m = 8, .y_max_m = 45, .zone_min_m = ZONE_FROM,
                                   .zone_max_m = ZONE_TO, .near = 1};
    s->fg = (struct cb_foreground){.img = s->img, .bg = s->bg, .w = W, .h = H, .black = BLACK};
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    cb_road_destroy(&s->road);
    cb_camera_conf_deinit(&s->conf);
    free(s);
    return 0;
}

static void add(struct scene *s, struct cb_track *t, int i, double x_m, double y_m,
                struct cb_track_point p)
{
    struct cb_vec2 px;
    assert_int_equal(cb_road_to_px(s->road, (struct cb_vec2){x_m, y_m}, &px), 0);
    p.t_ns = i * CB_NS_PER_S / FPS;
    p.x_m = x_m;
    p.y_m = y_m;
    p.solid_m = p.width_m;
    p.extent_m = 8;
    p.sample = (struct cb_speed_sample){.t_ns = p.t_ns, .x_px = px.x, .y_px = px.y,
                                        .sigma_px = 0.5, .box = {(float) px.x, (float) px.y, 9, 9}};
    assert_int_equal(cb_track_add(t, &p), 0);
    t->y.v = CAR_MPS;
    t->n_seen++;
}

/* Of its passage; ends the track. */
static enum cb_reason reason_of(struct scene *s, struct cb_track *t)
{
    struct cb_passage p = {0};
    assert_int_equal(cb_track_passage(t, s->road, &s->conf, &s->region, &p), 0);
    assert_int_equal(isnan(p.speed_mps), p.reason != CB_REASON_NONE);
    enum cb_reason why = p.reason;
    cb_passage_deinit(&p);
    cb_track_deinit(t);
    return why;
}

/* By lamplight; one of every other_in sightings in another's patch; drifting. */
static enum cb_reason by_lamplight_over(struct scene *s, double width_m, double from_m, double to_m,
                                        int other_in, double drift_m)
{
    struct cb_track t = {.id = 1, .width_m = width_m};
    for (int i = 0; from_m + CAR_MPS * i / FPS < to_m; i++) {
        double y = from_m + CAR_MPS * i / FPS;
        add(s, &t, i, drift_m * (y - ZONE_FROM) / (ZONE_TO - ZONE_FROM), y,
            (struct cb_track_point){.width_m = width_m, .is_dark = true, .foot_step = NAN,
                                    .patch = other_in && i % other_in == 0 ? CB_PATCH_ANOTHERS
                                                                           : CB_PATCH_OWN});
    }
    return reason_of(s, &t);
}

static enum cb_reason by_lamplight(struct scene *s, double width_m, double from_m, int other_in,
                                   double drift_m)
{
    return by_lamplight_over(s, width_m, from_m, ZONE_TO + 1, other_in, drift_m);
}

#define LATE (ZONE_TO - 0.55 * (ZONE_TO - ZONE_FROM))

static void test_a_body_may_appear_late_by_lamplight(void **state)
{
    assert_int_equal(by_lamplight(*state, 1.8, LATE, 0, 0), CB_REASON_NONE);
    assert_int_equal(by_lamplight(*state, 0.4, LATE, 0, 0), CB_REASON_TOO_FEW_SAMPLES);
    assert_int_equal(by_lamplight(*state, 4.5, LATE, 0, 0), CB_REASON_TOO_FEW_SAMPLES);
    assert_int_equal(by_lamplight(*state, 1.8, LATE, 4, 0), CB_REASON_TOO_FEW_SAMPLES);
    assert_int_equal(by_lamplight(*state, 0.4, ZONE_FROM - 1, 4, 0), CB_REASON_NONE);
    assert_int_equal(by_lamplight(*state, 1.8, LATE, 0, 0.6), CB_REASON_NONE);
    assert_int_equal(by_lamplight(*state, 1.8, LATE, 0, 1.4), CB_REASON_TOO_FEW_SAMPLES);
    /* nor one that is seen a little longer: the pool beside the demo's car 8 was, over 0.67 of the zone */
    assert_int_equal(by_lamplight(*state, 1.8, ZONE_TO - 0.7 * (ZONE_TO - ZONE_FROM), 0, 1.6), CB_REASON_TOO_FEW_SAMPLES);
    assert_int_equal(by_lamplight(*state, 1.8, ZONE_TO - 0.7 * (ZONE_TO - ZONE_FROM), 0, 0.6), CB_REASON_NONE);
}

static void test_a_body_is_seen_over_half_of_the_zone_by_lamplight(void **state)
{
    struct scene *s = *state;
    s->conf.zone_y_max_m = s->region.zone_max_m = ZONE_FROM + 32;
    assert_int_equal(by_lamplight_over(s, 1.8, 20, 38, 0, 0), CB_REASON_NONE);
    assert_int_equal(by_lamplight_over(s, 1.8, 20, 36, 0, 0), CB_REASON_TOO_FEW_SAMPLES);
    s->conf.zone_y_max_m = s->region.zone_max_m = ZONE_TO;
}

static void test_a_body_may_drift_by_lamplight(void **state)
{
    assert_int_equal(by_lamplight(*state, 1.8, ZONE_FROM - 1, 0, 1.8), CB_REASON_NONE);
    assert_int_equal(by_lamplight(*state, 0.4, ZONE_FROM - 1, 0, 1.8), CB_REASON_INCONSISTENT);
    /* of no known class: a gleam that slides along a kerb, as beside the demo's car 8 */
    assert_int_equal(by_lamplight(*state, 0.4, ZONE_FROM - 1, 0, 1.15), CB_REASON_INCONSISTENT);
    assert_int_equal(by_lamplight(*state, 0.4, ZONE_FROM - 1, 0, 0.8), CB_REASON_NONE);
    assert_int_equal(by_lamplight(*state, 1.8, ZONE_FROM - 1, 4, 1.8), CB_REASON_INCONSISTENT);
}

/* By day, in every picture but those from i_gap on for n_gap. */
static enum cb_reason by_day(struct scene *s, int i_gap, int n_gap, bool is_doubtful)
{
    struct cb_track t = {.id = 1, .width_m = 1.8, .is_on_dry_road = true, .is_doubtful = is_doubtful};
    for (int i = 0; ZONE_FROM - 1 + CAR_MPS * i / FPS < ZONE_TO + 1; i++)
        if (i < i_gap || i >= i_gap + n_gap)
            add(s, &t, i, 0, ZONE_FROM - 1 + CAR_MPS * i / FPS,
                (struct cb_track_point){.width_m = 1.8, .foot_step = 40});
    return reason_of(s, &t);
}

static void test_who_is_placed_in_few_pictures_has_no_speed(void **state)
{
    assert_int_equal(by_day(*state, 0, 0, false), CB_REASON_NONE);
    assert_int_equal(by_day(*state, 9, 12, false), CB_REASON_NONE); /* behind a post */
    assert_int_equal(by_day(*state, 9, 22, false), CB_REASON_TOO_FEW_SAMPLES);
}

static void test_who_may_be_a_part_has_no_speed(void **state)
{
    assert_int_equal(by_day(*state, 0, 0, true), CB_REASON_SEVERAL_VEHICLES);
}

static void fill(struct scene *s, double y_m, double from_m, double to_m, double luma)
{
    for (int i = 0; i < W * H; i++) {
        struct cb_vec2 a = project(-0.9, y_m, to_m), b = project(0.9, y_m, from_m);
        if (i % W >= a.x && i % W <= b.x && i / W >= a.y && i / W < b.y)
            s->img[i] = (uint8_t) luma;
    }
}

/* A dark car's front end and its image in a wet road, lumas as shares of the road's. */
struct wet {
    double lip_m[2];   /* where the body begins: from one to the other in seven sightings, again and again */
    double gap, image; /* as dark as the car, a gap shows no end */
    double seen_m;     /* what is followed lies so high; its image: so far below the road, < 0 */
    double width_m;
};
static const struct wet plain = {{LIP_M, LIP_M}, 1.3, 0.9, -LIP_M, 1.8};

static void draw_mirrored(struct scene *s, const struct wet *w, double y_m, double lip_m)
{
    memset(s->img, ROAD, sizeof s->img);
    fill(s, y_m, -ROOF_M, -lip_m, BLACK + w->image * (ROAD - BLACK));
    fill(s, y_m, -lip_m, lip_m, BLACK + w->gap * (ROAD - BLACK));
    fill(s, y_m, lip_m, ROOF_M, BLACK + 0.3 * (ROAD - BLACK));
}

/* Where a ray over (0, y_m, z_m) meets the road. */
static double read_m(double y_m, double z_m)
{
    return y_m * CAMERA_M / (CAMERA_M - z_m);
}

/* The passage is the caller's; its path is gone. */
static struct cb_passage drive(struct scene *s, const struct wet *w)
{
    struct cb_track t = {.id = 1, .width_m = w->width_m};
    struct cb_passage p = {0};
    for (int i = 0; 10 + CAR_MPS * i / FPS < ZONE_TO + 8; i++) {
        double y = 10 + CAR_MPS * i / FPS, seen_m = read_m(y, w->seen_m);
        double lip_m = w->lip_m[0] + (w->lip_m[1] - w->lip_m[0]) * (i % 7) / 6;
        struct cb_sight sight = {.fg = &s->fg, .region = &s->region, .road = s->road};
        draw_mirrored(s, w, y, lip_m);
        add(s, &t, i, 0, seen_m,
            (struct cb_track_point){.width_m = w->width_m,
                                    .gap = cb_mirror_gap(&sight, 0, seen_m)});
    }
    assert_int_equal(cb_track_passage(&t, s->road, &s->conf, &s->region, &p), 0);
    cb_passage_deinit(&p);
    cb_track_deinit(&t);
    return p;
}

static void assert_right(const struct cb_passage *p)
{
    assert_int_equal(p->reason, CB_REASON_NONE);
    assert_true(fabs(p->speed_mps - CAR_MPS) < 0.01 * CAR_MPS);
    assert_true(p->u95_mps > 0.012 * CAR_MPS && p->u95_mps < 0.04 * CAR_MPS);
}

/* The gap's image reads 3 % slow, that of the roof 19 %. */
static void test_a_mirrored_body_is_put_where_it_stands(void **state)
{
    struct wet deep = plain;
    deep.image = 0.65;
    deep.gap = 1;
    deep.seen_m = -ROOF_M;
    const struct wet *of[] = {&plain, &deep};
    for (size_t i = 0; i < CB_LEN(of); i++) {
        struct cb_passage p = drive(*state, of[i]);
        assert_right(&p);
    }
}

static void assert_refused(struct scene *s, const struct wet *w)
{
    struct cb_passage p = drive(s, w);
    assert_int_equal(p.reason, CB_REASON_INCONSISTENT);
}

/* A gap of no one height, none at all, the image of a light body down to the road, a two-wheeler. */
static void test_what_tells_no_place_is_refused(void **state)
{
    struct wet loose = plain, none = plain, down = plain, narrow = plain;
    loose.lip_m[0] = 0.1;
    loose.lip_m[1] = 0.45;
    none.gap = 0.3;
    down.image = 1;
    narrow.width_m = 0.6;
    const struct wet *of[] = {&loose, &none, &down, &narrow};
    for (size_t i = 0; i < CB_LEN(of); i++)
        assert_refused(*state, of[i]);
}

#define LAMP_Z_M 0.66
#define NIGHT    40

/* A headlight's light by night: on a wet road its image, on a dry one the pool ahead of it. */
static void draw_lamps(struct scene *s, double y_m, bool is_wet)
{
    memset(s->img, NIGHT, sizeof s->img);
    for (int i = 0; i < W * H; i++) {
        struct cb_vec2 m, px = {i % W, i / W};
        bool is_road = cb_road_from_px(s->road, px, &m) == 0;
        if (!is_wet && is_road && m.y > y_m - 7 && m.y < y_m - 2 && fabs(m.x) < 1.5)
            s->img[i] = NIGHT + 80;
        for (int side = -1; side < 2; side += 2)
            for (int up = is_wet ? -1 : 1; up < 2; up += 2) {
                struct cb_vec2 a = project(0.6 * side, y_m, up * LAMP_Z_M);
                double half = 0.1 * FOCAL_PX / (y_m * cos(TILT) + CAMERA_M * sin(TILT));
                if (fabs(px.x - a.x) <= half && fabs(px.y - a.y) <= half)
                    s->img[i] = up > 0 ? 235 : 170;
            }
    }
}

/* Followed where its image begins, or on a dry road where it stands. The track is the caller's. */
static struct cb_track follow_lamps(struct scene *s, bool is_wet, int from, int to)
{
    struct cb_track t = {.id = 1, .width_m = 1.5};
    for (int i = 0; i < W * H; i++)
        s->bg[i] = NIGHT << 8;
    for (int i = from; i < to && 10 + CAR_MPS * i / FPS < ZONE_TO + 6; i++) {
        double y = 10 + CAR_MPS * i / FPS, seen_m = read_m(y, is_wet ? -LAMP_Z_M - 0.1 : 0);
        struct cb_sight sight = {.fg = &s->fg, .region = &s->region, .road = s->road};
        draw_lamps(s, y, is_wet);
        add(s, &t, i, 0, seen_m,
            (struct cb_track_point){.width_m = 1.5, .is_dark = true, .foot_step = NAN,
                                    .gap = cb_lamp_pair(&sight, 0, seen_m, 1.5)});
    }
    for (int i = 0; i < W * H; i++)
        s->bg[i] = ROAD << 8;
    return t;
}

static struct cb_passage pass_by_night(struct scene *s, bool is_wet, bool is_known)
{
    struct cb_track t = follow_lamps(s, is_wet, 0, 999);
    struct cb_passage p = {0};
    t.is_on_wet_road = is_known;
    assert_int_equal(cb_track_passage(&t, s->road, &s->conf, &s->region, &p), 0);
    cb_passage_deinit(&p);
    cb_track_deinit(&t);
    return p;
}

/* The image reads 11 % slow. */
static void test_lamps_and_their_images_tell_the_place(void **state)
{
    struct cb_passage p = pass_by_night(*state, true, true);
    assert_int_equal(p.reason, CB_REASON_NONE);
    assert_true(fabs(p.speed_mps - CAR_MPS) < 0.01 * CAR_MPS && p.u95_mps < 0.05 * CAR_MPS);
    p = pass_by_night(*state, true, false); /* nobody knows yet that the road is wet */
    assert_int_equal(p.reason, CB_REASON_NONE);
    assert_true(p.speed_mps < 0.93 * CAR_MPS && p.speed_mps + p.u95_mps > 0.99 * CAR_MPS);
    p = pass_by_night(*state, false, false);
    assert_true(fabs(p.speed_mps - CAR_MPS) < 0.01 * CAR_MPS && p.u95_mps < 0.06 * CAR_MPS);
    p = pass_by_night(*state, false, true); /* without images on a wet road: who knows what was followed */
    assert_int_equal(p.reason, CB_REASON_INCONSISTENT);
}

static void note(struct scene *s, struct cb_mirrors *m, bool is_wet, int n)
{
    struct cb_track t = follow_lamps(s, is_wet, 10, 30);
    for (int i = 0; i < n; i++)
        cb_mirrors_note(m, &t, s->road);
    cb_track_deinit(&t);
}

static void test_lamps_show_whether_the_road_is_wet(void **state)
{
    struct cb_mirrors m = {0};
    note(*state, &m, false, 50);
    assert_false(cb_mirrors_show_wet(&m));
    note(*state, &m, true, 1);
    assert_false(cb_mirrors_show_wet(&m));
    note(*state, &m, true, 4); /* it has begun to rain */
    assert_true(cb_mirrors_show_wet(&m));
    note(*state, &m, false, 20);
    assert_false(cb_mirrors_show_wet(&m));
    m = (struct cb_mirrors){0};
    note(*state, &m, true, 2);
    assert_true(cb_mirrors_show_wet(&m));
}

/* Each of a car's lamps is followed on its own: it is counted once. */
static void test_two_lamps_are_one_vehicle(void **state)
{
    struct scene *s = *state;
    struct cb_track both[] = {follow_lamps(s, true, 0, 999), follow_lamps(s, true, 8, 28)};
    struct cb_tracker k = {.track = both, .n = 2};
    both[1].id = 2;
    for (size_t i = 0; i < both[1].n; i++)
        both[1].point[i].y_m += 6 * sin((double) i); /* its edge jumps, its lamp does not */
    assert_true(cb_track_is_shadow(&k, &both[1], s->road, &s->region));
    assert_false(cb_track_is_shadow(&k, &both[0], s->road, &s->region));
    for (size_t i = 0; i < both[1].n; i++)
        both[1].point[i].x_m += 3.5; /* another's, abreast of it */
    assert_false(cb_track_is_shadow(&k, &both[1], s->road, &s->region));
    cb_track_deinit(&both[0]);
    cb_track_deinit(&both[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_may_appear_late_by_lamplight),
        cmocka_unit_test(test_a_body_is_seen_over_half_of_the_zone_by_lamplight),
        cmocka_unit_test(test_a_body_may_drift_by_lamplight),
        cmocka_unit_test(test_who_is_placed_in_few_pictures_has_no_speed),
        cmocka_unit_test(test_who_may_be_a_part_has_no_speed),
        cmocka_unit_test(test_a_mirrored_body_is_put_where_it_stands),
        cmocka_unit_test(test_what_tells_no_place_is_refused),
        cmocka_unit_test(test_lamps_and_their_images_tell_the_place),
        cmocka_unit_test(test_lamps_show_whether_the_road_is_wet),
        cmocka_unit_test(test_two_lamps_are_one_vehicle),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
