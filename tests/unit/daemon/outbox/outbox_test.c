#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "evidence/verify.h"
#include "outbox/inspect.h"
#include "outbox/outbox.h"
#include "scene.h"
#include "schema/alert.h"

#define N_SEALED 4

struct fixture {
    struct cb_scene scene;
    struct cb_evidence_sealer *sealer;
    struct cb_sealed sealed[N_SEALED];
};

/* Small pictures: these tests are about queues. */
static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scene_open(&f->scene);
    scene_resize(&f->scene, 160, 120);
    f->sealer = scene_sealer(&f->scene);
    for (int i = 0; i < N_SEALED; i++)
        scene_seal(&f->scene, f->sealer, &f->sealed[i]);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cb_evidence_sealer_destroy(&f->sealer);
    for (int i = 0; i < N_SEALED; i++)
        free(f->sealed[i].dir);
    scene_close(&f->scene);
    free(f);
    return 0;
}

static struct cb_outbox *outbox(struct fixture *f, const struct cb_outbox_opts *opts)
{
    struct cb_outbox *o = NULL;
    struct cb_error e = {0};
    if (cb_outbox_create(&o, f->scene.dir, opts, &e) < 0)
        fail_msg("%s %s", e.where, e.text);
    return o;
}

/* An outbox that has looked through the folder before anything was sealed there. */
static struct cb_outbox *empty_outbox(struct fixture *f)
{
    char sealed[128], hidden[128];
    snprintf(sealed, sizeof sealed, "%s/sealed", f->scene.dir);
    snprintf(hidden, sizeof hidden, "%s/hidden", f->scene.dir);
    assert_int_equal(rename(sealed, hidden), 0);
    assert_int_equal(mkdir(sealed, 0750), 0);
    struct cb_outbox *o = outbox(f, NULL);
    for (int i = 0; i < N_SEALED; i++) {
        char from[256];
        snprintf(from, sizeof from, "%s%s", hidden, strrchr(f->sealed[i].dir, '/'));
        assert_int_equal(rename(from, f->sealed[i].dir), 0);
    }
    return o;
}

static void put(struct cb_outbox *o, const struct cb_sealed *s)
{
    struct cb_error e = {0};
    if (cb_outbox_put(o, s->id, s->dir, s->sequence, NULL, &e) < 0)
        fail_msg("%s %s", e.where, e.text);
}

static void expect_next(struct cb_outbox *o, const struct cb_sealed *want)
{
    char id[CB_UUID_LEN] = "";
    char *dir = NULL;
    int r = cb_outbox_next(o, id, &dir);
    if (!want) {
        assert_int_equal(r, -EAGAIN);
        return;
    }
    assert_int_equal(r, 0);
    assert_string_equal(id, want->id);
    assert_string_equal(dir, want->dir);
    free(dir);
}

static bool has_file(const struct cb_sealed *s, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    return access(path, F_OK) == 0;
}

/* Sealed and never put, as a crash between the two leaves it. */
static void test_sealed_packages_are_adopted_in_sequence(void **state)
{
    struct fixture *f = *state;
    struct cb_outbox *o = outbox(f, NULL);
    assert_int_equal(cb_outbox_stats(o).n_waiting, N_SEALED);
    for (int i = 0; i < N_SEALED; i++) {
        expect_next(o, &f->sealed[i]);
        expect_next(o, &f->sealed[i]); /* the same until its ack */
        assert_int_equal(cb_outbox_ack(o, f->sealed[i].id), 0);
        assert_int_equal(cb_outbox_ack(o, f->sealed[i].id), 0);
    }
    expect_next(o, NULL);
    assert_int_equal(cb_outbox_ack(o, "01a209fa-bf04-7b3c-bf01-458b0d02c01c"), -ENOENT);
    cb_outbox_destroy(&o);
    o = outbox(f, NULL);
    expect_next(o, NULL);
    assert_int_equal(cb_outbox_stats(o).n_delivered, N_SEALED);
    cb_outbox_destroy(&o);
}

static void test_put_twice_is_one_package(void **state)
{
    struct fixture *f = *state;
    struct cb_error e = {0};
    struct cb_outbox *o = empty_outbox(f);
    expect_next(o, NULL);
    for (int i = 0; i < N_SEALED; i++)
        put(o, &f->sealed[i]);
    put(o, &f->sealed[1]);
    assert_int_equal(cb_outbox_stats(o).n_waiting, N_SEALED);
    assert_int_equal(cb_outbox_put(o, f->sealed[0].id, f->sealed[0].dir, 2, NULL, &e), -EEXIST);
    assert_int_equal(cb_outbox_put(o, f->sealed[0].id, "/tmp", 9, NULL, &e), -EINVAL);
    assert_int_equal(cb_outbox_put(o, "no id", f->sealed[0].dir, 9, NULL, &e), -EINVAL);
    cb_outbox_destroy(&o);
}

static void test_media_go_after_ack_and_the_chain_stays(void **state)
{
    struct fixture *f = *state;
    struct cb_verify_keys any = {NULL, 0};
    struct cb_verify_report v;
    struct cb_outbox *o = outbox(f, NULL);
    uint64_t before = cb_outbox_stats(o).n_bytes;
    assert_true(before > 0);
    assert_int_equal(cb_outbox_ack(o, f->sealed[0].id), 0);
    assert_false(has_file(&f->sealed[0], "still-1.jpg"));
    assert_true(has_file(&f->sealed[0], "record.json"));
    assert_true(has_file(&f->sealed[1], "still-1.jpg"));
    assert_true(cb_outbox_stats(o).n_bytes < before);
    assert_int_equal(cb_verify_package(f->sealed[0].dir, &any, &v, NULL), 0);
    assert_int_equal(v.n_faults, 0);
    assert_true(v.is_delivered);
    cb_outbox_destroy(&o);
}

static void test_media_are_kept_as_long_as_told(void **state)
{
    struct fixture *f = *state;
    struct cb_outbox_opts opts = {.keep_media_ns = -1};
    struct cb_outbox *o = outbox(f, &opts);
    assert_int_equal(cb_outbox_ack(o, f->sealed[0].id), 0);
    assert_int_equal(cb_outbox_tidy(o), 0);
    assert_true(has_file(&f->sealed[0], "still-1.jpg"));
    cb_outbox_destroy(&o);
    opts.keep_media_ns = 3600 * CB_NS_PER_S;
    o = outbox(f, &opts);
    assert_true(has_file(&f->sealed[0], "still-1.jpg"));
    cb_outbox_destroy(&o);
    opts.keep_media_ns = 1;
    o = outbox(f, &opts); /* create tidies */
    assert_false(has_file(&f->sealed[0], "still-1.jpg"));
    assert_true(has_file(&f->sealed[1], "still-1.jpg"));
    cb_outbox_destroy(&o);
}

static void test_set_aside_keeps_all_and_blocks_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t n = 0;
    struct cb_outbox *o = outbox(f, NULL);
    assert_int_equal(cb_outbox_set_aside(o, f->sealed[0].id, "the store knows another hash"), 0);
    expect_next(o, &f->sealed[1]);
    assert_true(has_file(&f->sealed[0], "still-1.jpg"));
    assert_int_equal(cb_outbox_stats(o).n_set_aside, 1);
    cb_outbox_destroy(&o);
    o = outbox(f, NULL);
    expect_next(o, &f->sealed[1]);
    assert_int_equal(cb_outbox_retry_set_aside(o, &n), 0);
    assert_int_equal(n, 1);
    expect_next(o, &f->sealed[0]);
    assert_int_equal(cb_outbox_set_aside(o, "01a209fa-bf04-7b3c-bf01-458b0d02c01c", "x"), -ENOENT);
    cb_outbox_destroy(&o);
}

struct looked {
    uint64_t n_waiting, n_set_aside;
    char reason[64];
};

static int look(void *arg, const struct cb_outbox_entry *e)
{
    struct looked *l = arg;
    l->n_waiting += !e->is_set_aside;
    l->n_set_aside += e->is_set_aside;
    if (e->is_set_aside)
        snprintf(l->reason, sizeof l->reason, "%s", e->reason);
    return 0;
}

static int stop_looking(void *arg, const struct cb_outbox_entry *e)
{
    (void) e;
    ++*(int *) arg;
    return -EPIPE;
}

static void test_is_looked_into_and_retried_while_held(void **state)
{
    struct fixture *f = *state;
    struct cb_outbox_depth d = {0};
    struct looked l = {0};
    uint64_t n = 0;
    int n_given = 0;
    struct cb_outbox *o = outbox(f, NULL);
    assert_int_equal(cb_outbox_set_aside(o, f->sealed[0].id, "another hash"), 0);
    assert_int_equal(cb_outbox_ack(o, f->sealed[1].id), 0);
    assert_int_equal(cb_outbox_inspect(f->scene.dir, &d, look, &l, NULL), 0);
    assert_int_equal(d.n_waiting, N_SEALED - 2);
    assert_int_equal(d.n_set_aside, 1);
    assert_int_equal(d.n_delivered, 1);
    assert_int_equal(d.n_unannounced, N_SEALED);
    assert_true(d.oldest_put_utc_ns > 0 && d.n_bytes == cb_outbox_stats(o).n_bytes);
    assert_int_equal(l.n_waiting, d.n_waiting);
    assert_int_equal(l.n_set_aside, 1);
    assert_string_equal(l.reason, "another hash");
    assert_int_equal(cb_outbox_inspect(f->scene.dir, &d, stop_looking, &n_given, NULL), -EPIPE);
    assert_int_equal(n_given, 1);
    assert_int_equal(cb_outbox_inspect_retry(f->scene.dir, &n, NULL), 0);
    assert_int_equal(n, 1);
    expect_next(o, &f->sealed[0]); /* the holder sees it at once */
    cb_outbox_destroy(&o);
}

static void test_looking_makes_nothing(void **state)
{
    struct fixture *f = *state;
    struct cb_outbox_depth d;
    struct cb_error e = {0};
    char file[160];
    snprintf(file, sizeof file, "%s/outbox.db", f->scene.dir);
    assert_int_equal(cb_outbox_inspect(f->scene.dir, &d, NULL, NULL, &e), -ENOENT);
    assert_string_equal(e.where, file);
    assert_int_equal(access(file, F_OK), -1);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    for (int i = 0; i < 100; i++)
        fputs("this is no index. ", out);
    fclose(out);
    assert_true(cb_outbox_inspect(f->scene.dir, &d, NULL, NULL, &e) < 0);
    assert_non_null(strstr(e.text, "not a database"));
}

static void test_flights_are_passed_over_until_their_time(void **state)
{
    struct fixture *f = *state;
    struct cb_outbox_opts opts = {.resend_ns = 3600 * CB_NS_PER_S};
    struct cb_outbox *o = outbox(f, &opts);
    for (int i = 0; i < N_SEALED; i++)
        expect_next(o, &f->sealed[i]);
    expect_next(o, NULL);
    assert_int_equal(cb_outbox_ack(o, f->sealed[1].id), 0);
    cb_outbox_forget_flights(o);
    expect_next(o, &f->sealed[0]);
    expect_next(o, &f->sealed[2]);
    cb_outbox_destroy(&o);
    opts.resend_ns = 1; /* past at once, however slow or fast the machine */
    o = outbox(f, &opts);
    expect_next(o, &f->sealed[0]);
    cb_clock_sleep_ns(1000);
    expect_next(o, &f->sealed[0]);
    cb_outbox_destroy(&o);
}

struct heard {
    uint64_t sequence[16];
    int n, stop_after;
};

static int on_alert(void *arg, uint64_t sequence, const char *json)
{
    struct heard *h = arg;
    struct cb_alert a;
    assert_int_equal(cb_alert_parse(json, strlen(json), &a), 0);
    assert_int_equal(a.sequence, sequence);
    h->sequence[h->n++] = sequence;
    return h->n == h->stop_after ? 7 : 0;
}

static void test_alerts_come_in_sequence_and_are_replayed(void **state)
{
    struct fixture *f = *state;
    struct heard h = {0};
    struct cb_outbox *o = outbox(f, NULL);
    assert_int_equal(cb_outbox_last_announced(o), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        uint64_t sequence = 0;
        char *json = NULL;
        assert_int_equal(cb_outbox_next_alert(o, &sequence, &json), 0);
        assert_int_equal(sequence, i);
        assert_non_null(strstr(json, f->sealed[i - 1].id));
        free(json);
        assert_int_equal(cb_outbox_mark_announced(o, sequence), 0);
    }
    cb_outbox_destroy(&o);
    o = outbox(f, NULL);
    assert_int_equal(cb_outbox_last_announced(o), 3);
    assert_int_equal(cb_outbox_replay(o, 2, UINT64_MAX, on_alert, &h), 0);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.sequence[0], 2);
    h = (struct heard){.stop_after = 1};
    assert_int_equal(cb_outbox_replay(o, 0, 3, on_alert, &h), 7);
    assert_int_equal(h.n, 1);
    assert_int_equal(cb_outbox_mark_announced(o, 99), -ENOENT);
    cb_outbox_destroy(&o);
}

static void test_room_is_refused_over_budget_and_comes_back(void **state)
{
    struct fixture *f = *state;
    struct cb_error e = {0};
    struct cb_outbox_opts opts = {.budget_bytes = 1};
    struct cb_outbox *o = outbox(f, &opts);
    assert_int_equal(cb_outbox_check_room(o, &e), -ENOSPC);
    assert_non_null(strstr(e.text, "budget"));
    for (int i = 0; i < N_SEALED; i++)
        assert_int_equal(cb_outbox_ack(o, f->sealed[i].id), 0);
    assert_int_equal(cb_outbox_check_room(o, &e), 0);
    cb_outbox_destroy(&o);
    opts = (struct cb_outbox_opts){.min_free_bytes = UINT64_MAX};
    o = outbox(f, &opts);
    assert_int_equal(cb_outbox_check_room(o, &e), -ENOSPC);
    assert_non_null(strstr(e.text, "free"));
    cb_outbox_destroy(&o);
}

static void test_lost_index_is_made_again_from_the_folders(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct cb_outbox *o = outbox(f, NULL);
    assert_int_equal(cb_outbox_ack(o, f->sealed[0].id), 0);
    cb_outbox_destroy(&o);
    snprintf(path, sizeof path, "%s/outbox.db", f->scene.dir);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_true(write(fd, "this is no database, whatever it is called, and never was", 57) == 57);
    close(fd);
    o = outbox(f, NULL);
    struct cb_outbox_stats s = cb_outbox_stats(o);
    assert_int_equal(s.n_waiting, N_SEALED - 1);
    assert_int_equal(s.n_delivered, 1); /* its folder says so */
    expect_next(o, &f->sealed[1]);
    cb_outbox_destroy(&o);
    strcat(path, ".damaged");
    assert_int_equal(access(path, F_OK), 0);
}

static void test_damaged_record_is_left_alone(void **state)
{
    struct fixture *f = *state;
    char path[256];
    snprintf(path, sizeof path, "%s/record.json", f->sealed[1].dir);
    assert_int_equal(truncate(path, 20), 0);
    struct cb_outbox *o = outbox(f, NULL);
    assert_int_equal(cb_outbox_stats(o).n_damaged, 1);
    assert_int_equal(cb_outbox_stats(o).n_waiting, N_SEALED - 1);
    assert_true(has_file(&f->sealed[1], "still-1.jpg"));
    cb_outbox_destroy(&o);
}

static void test_minutes_wait_until_done(void **state)
{
    struct fixture *f = *state;
    uint64_t number = 0;
    char *json = NULL;
    struct cb_outbox *o = outbox(f, NULL);
    assert_int_equal(cb_outbox_next_minutes(o, &number, &json), -EAGAIN);
    assert_int_equal(cb_outbox_put_minutes(o, "[1]"), 0);
    assert_int_equal(cb_outbox_put_minutes(o, "[2]"), 0);
    cb_outbox_destroy(&o);
    o = outbox(f, NULL);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(cb_outbox_next_minutes(o, &number, &json), 0);
        assert_int_equal(json[1], '0' + i);
        free(json);
        assert_int_equal(cb_outbox_minutes_done(o, number), 0);
    }
    assert_int_equal(cb_outbox_next_minutes(o, &number, &json), -EAGAIN);
    cb_outbox_destroy(&o);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_sealed_packages_are_adopted_in_sequence),
        CASE(test_put_twice_is_one_package),
        CASE(test_media_go_after_ack_and_the_chain_stays),
        CASE(test_media_are_kept_as_long_as_told),
        CASE(test_set_aside_keeps_all_and_blocks_nothing),
        CASE(test_is_looked_into_and_retried_while_held),
        CASE(test_looking_makes_nothing),
        CASE(test_flights_are_passed_over_until_their_time),
        CASE(test_alerts_come_in_sequence_and_are_replayed),
        CASE(test_room_is_refused_over_budget_and_comes_back),
        CASE(test_lost_index_is_made_again_from_the_folders),
        CASE(test_damaged_record_is_left_alone),
        CASE(test_minutes_wait_until_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
