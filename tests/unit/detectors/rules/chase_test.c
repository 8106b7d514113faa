#include "unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "registry.h"
#include "scene.h"
#include "schema/violation.h"

#define N_FIX 21

/* The detector with what it told of. */
struct rig {
    struct cb_camera_conf conf;
    struct cb_scene scene;
    struct cb_sink sink;
    struct cb_detector d;
    struct cb_incident incident[8];
    struct cb_violation violation[8];
    size_t n_incidents, n_violations;
};

static void on_incident(void *self, const struct cb_incident *i)
{
    struct rig *r = self;
    assert_true(r->n_incidents < 8);
    r->incident[r->n_incidents++] = *i;
}

static void on_violation(void *self, const struct cb_violation *v)
{
    struct rig *r = self;
    assert_true(r->n_violations < 8);
    r->violation[r->n_violations++] = *v;
}

static void start(struct rig *r)
{
    const struct cb_detector_info *info = &cb_detector_chase;
    *r = (struct rig){0};
    cb_camera_conf_init(&r->conf);
    strcpy(r->conf.id, "c1");
    cb_scene_init(&r->scene);
    r->sink = (struct cb_sink){.self = r, .on_incident = on_incident, .on_violation = on_violation};
    r->d = (struct cb_detector){.info = info, .conf = &r->conf, .scene = &r->scene,
                                .sink = &r->sink, .priv = calloc(1, info->priv_size)};
    assert_non_null(r->d.priv);
    assert_int_equal(info->init(&r->d), 0);
}

static void end(struct rig *r)
{
    assert_int_equal(cb_detector_chase.flush(&r->d), 0);
    cb_detector_chase.deinit(&r->d);
    free(r->d.priv);
    cb_scene_deinit(&r->scene);
}

/* What drove past y = 25 m at t_s, for a second on either side. */
struct drive {
    int64_t track;
    double t_s, x_m, v_mps; /* < 0: toward */
    enum cb_severity severity;
};

static struct cb_violation speeder(const struct drive *a, struct cb_fix path[N_FIX])
{
    struct cb_violation v = {.kind = CB_SPEEDING, .severity = a->severity, .camera = "c1",
                             .track = a->track, .has_passage = true, .n_stills = 2,
                             .utc_offset_ns = INT64_C(1795428000) * CB_NS_PER_S};
    for (int i = 0; i < N_FIX; i++) {
        double dt_s = (i - N_FIX / 2) * 0.1;
        path[i] = (struct cb_fix){.t_ns = (int64_t) llround((a->t_s + dt_s) * 1e9), .x_m = a->x_m,
                                  .y_m = 25 + a->v_mps * dt_s, .box = {1, 2, 30, 40}};
    }
    v.t_ns = path[N_FIX / 2].t_ns;
    v.t_from_ns = path[0].t_ns;
    v.t_to_ns = path[N_FIX - 1].t_ns;
    v.still[0] = (struct cb_still_wish){v.t_from_ns, path[0].box};
    v.still[1] = (struct cb_still_wish){v.t_to_ns, path[0].box};
    v.passage = (struct cb_passage){.track = a->track, .path = path, .n_path = N_FIX,
                                    .charged_mps = fabs(a->v_mps), .limit_mps = 60 / 3.6,
                                    .direction = a->v_mps < 0 ? CB_TOWARD : CB_AWAY};
    return v;
}

/* @return the violation as the detector left it; its path is gone */
static struct cb_violation drive(struct rig *r, struct drive a)
{
    struct cb_fix path[N_FIX];
    struct cb_violation v = speeder(&a, path);
    cb_detector_chase.on_violation(&r->d, &v);
    v.passage.path = NULL;
    return v;
}

static void test_two_that_race_are_one_incident(void **state)
{
    struct rig r;
    char id[CB_INCIDENT_ID_LEN], other[CB_INCIDENT_ID_LEN];
    (void) state;
    start(&r);
    struct cb_violation a = drive(&r, (struct drive){7, 10, 1.5, 25, CB_SERIOUS});
    struct cb_violation b = drive(&r, (struct drive){9, 11, 5, 26, CB_MODERATE});
    end(&r);
    cb_incident_id(&a.incident, "c1", id);
    cb_incident_id(&b.incident, "c1", other);
    assert_string_equal(id, "c1.1795428010000.7");
    assert_string_equal(other, id);
    assert_null(cb_incident_kind(&a.incident)); /* nothing was known of the other then */
    assert_string_equal(cb_incident_kind(&b.incident), "chase_racing");
    assert_int_equal(r.n_incidents, 1);
    assert_int_equal(r.incident[0].n_members, 2);
    assert_int_equal(r.incident[0].member[1].track, 9);
    assert_int_equal(r.n_violations, 1);
    const struct cb_violation *v = &r.violation[0];
    assert_int_equal(v->kind, CB_CHASE_RACING);
    assert_int_equal(v->severity, CB_SERIOUS);
    assert_int_equal(v->track, -1);
    assert_true(v->n_stills == 3 && v->still[0].t_ns < v->still[1].t_ns &&
                v->still[1].t_ns < v->still[2].t_ns);
    assert_true(v->t_from_ns == a.t_from_ns && v->t_to_ns == b.t_to_ns);
}

static void test_near_misses_stay_alone(void **state)
{
    static const struct drive first = {7, 10, 1.5, 25, CB_SERIOUS};
    static const struct {
        struct drive second;
        const char *what;
    } cases[] = {
        {{9, 14, 1.5, 25, CB_SERIOUS}, "4 s and 100 m behind"},
        {{9, 12.5, 1.5, 25, CB_SERIOUS}, "62 m behind"},
        {{9, 10.5, -2, -25, CB_SERIOUS}, "the other way"},
        {{9, 200, 1.5, 25, CB_SERIOUS}, "minutes later"},
    };
    (void) state;
    for (size_t i = 0; i < CB_LEN(cases); i++) {
        struct rig r;
        start(&r);
        drive(&r, first);
        struct cb_violation b = drive(&r, cases[i].second);
        end(&r);
        if (b.incident.n_members != 1 || r.n_incidents || r.n_violations)
            fail_msg("%s: linked", cases[i].what);
        assert_true(b.incident.is_set && b.incident.track == 9);
    }
}

/* Slow enough that 40 m take longer than the gap. */
static void test_the_gap_is_in_seconds_too(void **state)
{
    struct rig r;
    (void) state;
    start(&r);
    drive(&r, (struct drive){7, 10, 1.5, 10, CB_SERIOUS});
    struct cb_violation b = drive(&r, (struct drive){9, 14, 1.5, 10, CB_SERIOUS});
    end(&r);
    assert_int_equal(b.incident.n_members, 1);
}

static void test_a_column_a_little_too_fast_is_no_chase(void **state)
{
    struct rig r;
    (void) state;
    start(&r);
    for (int i = 0; i < 4; i++)
        drive(&r, (struct drive){i, 10 + i, 1.5, 18, i == 2 ? CB_SERIOUS : CB_MINOR});
    end(&r);
    assert_int_equal(r.n_incidents, 1);
    assert_int_equal(r.incident[0].n_vehicles, 4);
    assert_string_equal(cb_incident_kind(&r.incident[0]), "convoy");
    assert_int_equal(r.n_violations, 0);
}

/* One motorcycle that is too fast and too loud does not race with itself. */
static void test_one_vehicle_twice_is_one(void **state)
{
    struct rig r;
    struct drive a = {7, 10, 1.5, 25, CB_EXTREME};
    struct cb_fix path[N_FIX];
    (void) state;
    start(&r);
    drive(&r, a);
    struct cb_violation v = speeder(&a, path);
    v.kind = CB_MODIFIED_EXHAUST;
    v.has_noise = true;
    v.noise.charged_db = 97;
    v.noise.limit_db = 85;
    cb_detector_chase.on_violation(&r.d, &v);
    end(&r);
    assert_int_equal(v.incident.n_members, 2);
    assert_int_equal(v.incident.n_vehicles, 1);
    assert_true(v.incident.member[1].charged == 97);
    assert_int_equal(r.n_incidents + r.n_violations, 0);
}

/* A loud one has no passage of its own: its motion is the scene's. */
static void test_a_loud_one_is_linked_by_the_scene(void **state)
{
    struct rig r;
    (void) state;
    start(&r);
    for (int i = 0; i <= 50; i++) {
        struct cb_fix f = {.t_ns = 10 * CB_NS_PER_S + i * CB_NS_PER_S / 25, .x_m = 3,
                           .y_m = 5 + 0.9 * i};
        cb_scene_advance(&r.scene, f.t_ns);
        assert_int_equal(cb_scene_add(&r.scene, 9, CB_MOTORCYCLE, &f), 0);
    }
    drive(&r, (struct drive){7, 10.5, 1.5, 25, CB_SERIOUS});
    struct cb_violation v = {.kind = CB_MODIFIED_EXHAUST, .severity = CB_SERIOUS, .track = 9,
                             .camera = "c1", .t_ns = 11 * CB_NS_PER_S, .has_noise = true,
                             .t_to_ns = 12 * CB_NS_PER_S};
    cb_detector_chase.on_violation(&r.d, &v);
    struct cb_violation nobody = v;
    nobody.track = -1;
    nobody.incident = (struct cb_incident){0};
    cb_detector_chase.on_violation(&r.d, &nobody);
    end(&r);
    assert_int_equal(v.incident.n_vehicles, 2);
    assert_true(v.incident.is_chase);
    assert_false(nobody.incident.is_set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_that_race_are_one_incident),
        cmocka_unit_test(test_near_misses_stay_alone),
        cmocka_unit_test(test_the_gap_is_in_seconds_too),
        cmocka_unit_test(test_a_column_a_little_too_fast_is_no_chase),
        cmocka_unit_test(test_one_vehicle_twice_is_one),
        cmocka_unit_test(test_a_loud_one_is_linked_by_the_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
