/* Which followed patches are the shadow of another: by how they move beside it, and how they look.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/clock.h"
#include "track/shadow.h"

#define N 40

struct path {
    double x_m, y_m, v_mps;
    double own_share; /* of its sightings: in a patch of its own, … */
    bool is_shade;    /* … and there it looks like cast shadow, */
    bool is_cast_out; /* … which has been taken out */
};

static void follow(struct cb_track *t, int64_t id, const struct path *p)
{
    *t = (struct cb_track){.id = id};
    for (int i = 0; i < N; i++) {
        double t_s = 0.04 * i;
        struct cb_track_point at = {.t_ns = cb_ns_from_s(t_s),
                                    .x_m = p->x_m,
                                    .y_m = p->y_m + p->v_mps * t_s,
                                    .patch =
                                        i < p->own_share * N ? CB_PATCH_OWN : CB_PATCH_ANOTHERS,
                                    .is_shade = p->is_shade,
                                    .is_cast_out = p->is_cast_out};
        assert_int_equal(cb_track_add(t, &at), 0);
    }
}

/* Two tracks, of which the second is asked about. */
static void ask(const struct path *somebody, const struct path *who, bool want)
{
    struct cb_track track[2];
    struct cb_tracker k = {.track = track, .n = 2};
    follow(&track[0], 1, somebody);
    follow(&track[1], 2, who);
    assert_int_equal(cb_track_is_shadow(&k, &track[1], NULL, NULL), want);
    assert_false(cb_track_is_shadow(&k, &track[0], NULL, NULL));
    cb_track_deinit(&track[0]);
    cb_track_deinit(&track[1]);
}

static const struct path car = {-1.8, 10, 15, 1, false, false};

static void test_what_goes_with_a_body_is_its_shadow(void **state)
{
    (void) state;
    ask(&car, &(struct path){1.4, 10.5, 15, 1, true}, true);
    ask(&car, &(struct path){1.4, 10.5, 15, 0.3, false}, true); /* seen in the car's patch mostly */
}

static void test_who_is_seen_alone_abreast_without_shadows_is_nobodys(void **state)
{
    (void) state;
    ask(&car, &(struct path){1.4, 10.5, 15, 0.3, false, true}, false);
    ask(&car, &(struct path){0.0, 10.5, 15, 0.3, false, true}, true); /* the car's own part */
    ask(&car, &(struct path){1.4, 10.5, 15, 0.1, false, true}, true); /* hardly ever alone */
}

static void test_who_is_seen_as_a_body_is_nobodys_shadow(void **state)
{
    (void) state;
    ask(&car, &(struct path){1.4, 10.5, 15, 1, false}, false); /* abreast at the same speed */
}

static void test_what_moves_otherwise_is_nobodys_shadow(void **state)
{
    (void) state;
    ask(&car, &(struct path){1.4, 10.5, 25, 1, true}, false);  /* overtakes: a dark car */
    ask(&car, &(struct path){1.4, 40, -15, 1, true}, false);   /* meets it */
    ask(&car, &(struct path){12.5, 10.5, 15, 1, true}, false); /* farther than shadows reach */
}

/* A headlight's pool has edges like a body's, but stands where its motorcycle does. */
static void test_nobody_stands_in_anothers_place(void **state)
{
    (void) state;
    ask(&car, &(struct path){-1.4, 12.7, 15, 1, false}, true);
    ask(&car, &(struct path){-0.7, 11, 15, 1, false}, false);   /* motorcycles abreast */
    ask(&car, &(struct path){-1.8, 13.5, 15, 1, false}, false); /* … and behind each other */
    ask(&car, &(struct path){-1.8, 9, 17, 1, false}, false);    /* one that passes */
}

/* On the pavement, too far off to tell a shadow from a body by its look. */
static void test_what_goes_beside_the_road_with_a_body_is_its_shadow(void **state)
{
    (void) state;
    const struct cb_region g = {.x_min_m = -3.5 - CB_REGION_SIDE_M, .x_max_m = 3.5 + CB_REGION_SIDE_M};
    const struct path beside = {4.4, 10.5, 15, 1, false}, passes = {4.4, 10.5, 19, 1, false};
    const struct path abreast = {1.8, 10.5, 15, 1, false};
    const struct path *of[] = {&beside, &passes, &abreast};
    for (size_t i = 0; i < 3; i++) {
        struct cb_track track[2];
        struct cb_tracker k = {.track = track, .n = 2};
        follow(&track[0], 1, &car);
        follow(&track[1], 2, of[i]);
        assert_int_equal(cb_track_is_shadow(&k, &track[1], NULL, &g), of[i] == &beside);
        assert_false(cb_track_is_shadow(&k, &track[0], NULL, &g));
        cb_track_deinit(&track[0]);
        cb_track_deinit(&track[1]);
    }
}

/* From the side a motorcycle may fall in two, and its parts drift apart. */
static void test_what_touches_another_all_along_is_part_of_it(void **state)
{
    (void) state;
    struct cb_track track[2];
    struct cb_tracker k = {.track = track, .n = 2};
    for (int gap_dm = 0; gap_dm <= 30; gap_dm += 30) {
        follow(&track[0], 1, &(struct path){-1.8, 10, 15, 1});
        follow(&track[1], 2, &(struct path){-1.7, 10.5 - 0.1 * gap_dm, 13, 1});
        assert_false(cb_track_is_shadow(&k, &track[1], NULL, NULL)); /* lengths are not known */
        track[0].length_m = track[1].length_m = 1.7;
        assert_int_equal(cb_track_is_shadow(&k, &track[1], NULL, NULL), gap_dm == 0);
        assert_false(cb_track_is_shadow(&k, &track[0], NULL, NULL));
        cb_track_deinit(&track[0]);
        cb_track_deinit(&track[1]);
    }
}

/* A piece of a car that a post cuts in two, until both are behind it. */
static void test_a_piece_comes_to_be_in_its_cars_place(void **state)
{
    (void) state;
    struct cb_track track[2];
    struct cb_tracker k = {.track = track, .n = 2};
    follow(&track[0], 1, &car);
    follow(&track[1], 2, &(struct path){-1.6, 10.2, 15, 1, false});
    track[1].n = 10;
    for (int i = 0; i < 4; i++)
        track[1].point[i].y_m = 12.5;
    assert_true(cb_track_is_shadow(&k, &track[1], NULL, NULL));
    assert_false(cb_track_is_shadow(&k, &track[0], NULL, NULL));
    cb_track_deinit(&track[0]);
    cb_track_deinit(&track[1]);
}

/* The body is forgotten first: what went with it is remembered to have done so. */
static void test_a_shadow_outlives_its_body(void **state)
{
    (void) state;
    struct cb_track track[2];
    struct cb_tracker k = {.track = track, .n = 2};
    follow(&track[0], 1, &car);
    follow(&track[1], 2, &(struct path){1.4, 10.5, 15, 1, true});
    cb_track_note_shadows(&k, &track[0], NULL, NULL);
    struct cb_tracker left = {.track = &track[1], .n = 1};
    assert_true(cb_track_is_shadow(&left, &track[1], NULL, NULL));
    cb_track_deinit(&track[0]);
    cb_track_deinit(&track[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_with_a_body_is_its_shadow),
        cmocka_unit_test(test_who_is_seen_alone_abreast_without_shadows_is_nobodys),
        cmocka_unit_test(test_who_is_seen_as_a_body_is_nobodys_shadow),
        cmocka_unit_test(test_what_moves_otherwise_is_nobodys_shadow),
        cmocka_unit_test(test_nobody_stands_in_anothers_place),
        cmocka_unit_test(test_what_goes_beside_the_road_with_a_body_is_its_shadow),
        cmocka_unit_test(test_what_touches_another_all_along_is_part_of_it),
        cmocka_unit_test(test_a_piece_comes_to_be_in_its_cars_place),
        cmocka_unit_test(test_a_shadow_outlives_its_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
