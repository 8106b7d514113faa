/* Every request for memory fails once in its turn, and once from there on: each way through must
 * end in success or in -ENOMEM, leave its results as they were, and (under ASan) leak nothing. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/sound.h"
#include "config.h"
#include "detectors/pipeline.h"
#include "failing.h"
#include "samples.h"
#include "unit/test.h"

/* A run: 0 or -errno. What it needs is made by the time it is called. */
typedef int run_fn(void);

enum { N_MAX = 20000 };

/* jansson calls a token that it had no memory for an invalid one: there, and only there, a good
 * text may be refused as a bad one. */
static void run_with_failures(const char *name, run_fn *run, bool reads_json)
{
    failing_arm(-1, false);
    int r = run();
    long n = failing_disarm();
    if (r != 0 || n == 0 || n > N_MAX)
        fail_msg("%s: %d with plenty of memory, %ld requests", name, r, n);
    for (long i = 1; i <= n; i++)
        for (int and_on = 0; and_on < 2; and_on++) {
            failing_arm(i, and_on);
            r = run();
            failing_disarm();
            if (r != 0 && r != -ENOMEM && !(reads_json && r == -EINVAL))
                fail_msg("%s: request %ld of %ld failed and gave %d (%s)", name, i, n, r,
                         strerror(-r));
            if (r == 0 && and_on && i == 1)
                fail_msg("%s: a success without any memory", name);
        }
    printf("%s: %ld requests\n", name, n);
}

static void drop(struct cb_item *item)
{
    free(item->ptr);
}

static int make_queue(void)
{
    struct cb_queue *q = NULL;
    const struct cb_queue_opts opts = {8, 0, CB_OVERFLOW_WAIT, drop};
    int r = cb_queue_create(&q, &opts);
    assert_true((r == 0) == (q != NULL));
    cb_queue_destroy(&q);
    return r;
}

static void release_nothing(void *owner)
{
    (void) owner;
}

static int make_handles(void)
{
    const struct cb_picture picture = {.width = 4, .height = 2};
    const struct cb_samples samples = {.n = 1, .n_channels = 1, .rate_hz = 48000};
    struct cb_frame *f = cb_frame_wrap(&picture, release_nothing, NULL);
    struct cb_sound *s = cb_sound_wrap(&samples, release_nothing, NULL);
    int r = f && s ? 0 : -ENOMEM;
    cb_frame_unref(&f);
    cb_sound_unref(&s);
    return r;
}

static int load_config(void)
{
    struct cb_config *c = NULL;
    struct cb_error e = {0};
    int r = cb_config_parse(&c, "sample.yaml", "/srv", sample_city, strlen(sample_city), &e);
    assert_true((r == 0) == (c != NULL));
    cb_config_destroy(&c);
    return r;
}

static int carry_passage(void)
{
    struct cb_fix path[SAMPLE_FIXES];
    struct cb_passage p, copy = {0}, back = {0};
    char *json = NULL;
    sample_passage(&p, path);
    int r = cb_passage_copy(&p, &copy);
    if (r == 0)
        r = cb_passage_print(&copy, &json);
    if (r == 0)
        r = cb_passage_parse(json, strlen(json), &back);
    free(json);
    cb_passage_deinit(&copy);
    cb_passage_deinit(&back);
    return r;
}

static int carry_violation(void)
{
    struct cb_fix path[SAMPLE_FIXES];
    struct cb_violation v, copy = {0}, back = {0};
    char *json = NULL;
    sample_exhaust(&v, path);
    int r = cb_violation_copy(&v, &copy);
    if (r == 0)
        r = cb_violation_print(&copy, &json);
    if (r == 0)
        r = cb_violation_parse(json, strlen(json), &back);
    free(json);
    cb_violation_deinit(&copy);
    cb_violation_deinit(&back);
    return r;
}

static int carry_evidence(void)
{
    struct cb_fix path[SAMPLE_FIXES];
    struct cb_violation v;
    struct cb_evidence e, back = {0};
    struct cb_alert a, alert_back;
    char *json = NULL, *alert = NULL;
    size_t n = 0;
    sample_exhaust(&v, path);
    sample_evidence(&e, &v);
    cb_alert_from_evidence(&e, &a);
    int r = cb_evidence_print(&e, &json, &n);
    if (r == 0)
        r = cb_evidence_parse(json, n, &back, NULL);
    if (r == 0)
        r = cb_alert_print(&a, &alert);
    if (r == 0)
        r = cb_alert_parse(alert, strlen(alert), &alert_back);
    free(json);
    free(alert);
    cb_evidence_deinit(&back);
    return r;
}

static struct cb_config *city;

/* A point that drives 15 m/s along the road of sample_city. */
static int drive(struct cb_pipeline *p)
{
    struct cb_track_sample s[50];
    for (int i = 0; i < 50; i++) {
        double y_m = 12.0 + 0.6 * i;
        s[i] = (struct cb_track_sample){i * INT64_C(40000000), 640.0 + 440.0 / y_m,
                                        220.0 + 4800.0 / y_m};
    }
    return cb_pipeline_on_track(p, 7, s, 50);
}

static int measure(void)
{
    struct cb_pipeline *p = NULL;
    struct cb_error e = {0};
    const struct cb_sink sink = {0};
    int r = cb_pipeline_create(&p, &city->camera[0], &sink, &e);
    assert_true((r == 0) == (p != NULL));
    if (r == 0)
        r = drive(p);
    if (r == 0)
        r = cb_pipeline_flush(p);
    cb_pipeline_destroy(&p);
    return r;
}

static void test_base(void **state)
{
    (void) state;
    run_with_failures("queue", make_queue, false);
    run_with_failures("handles", make_handles, false);
}

static void test_schema(void **state)
{
    (void) state;
    run_with_failures("passage", carry_passage, true);
    run_with_failures("violation", carry_violation, true);
    run_with_failures("evidence", carry_evidence, true);
}

static void test_config(void **state)
{
    (void) state;
    run_with_failures("config", load_config, false);
}

static void test_pipeline(void **state)
{
    (void) state;
    struct cb_error e = {0};
    assert_int_equal(cb_config_parse(&city, "sample.yaml", "/srv", sample_city,
                                     strlen(sample_city), &e), 0);
    run_with_failures("pipeline", measure, false);
    cb_config_destroy(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_pipeline),
    };
    failing_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
