#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "evidence/verify.h"
#include "faults.h"
#include "outbox/outbox.h"
#include "scene.h"

#define PACKAGES_MAX 512
#define SWEEP_MAX    400 /* more system calls than a pass makes */

#define RUNS_WANTED  500 /* with a fault in each, all tests of this file together */

static size_t n_runs;
static double recovery_ms[4096];
static size_t n_recoveries;

/* A noise that names nobody: no pictures, so that hundreds of passes take seconds. */
static void open_scene(struct cb_scene *s)
{
    scene_open(s);
    scene_resize(s, 160, 120);
    s->exhaust.track = s->exhaust.noise.track = -1;
    s->exhaust.has_passage = false;
    s->exhaust.n_stills = 0;
    s->request.violation = &s->exhaust;
}

/* What the outside world was told; a struct at a time through a pipe, which a kill cannot tear. */
struct told {
    char what; /* 'p' put returned 0, 'a' ack returned 0 */
    char id[CB_UUID_LEN];
};

static void tell(int fd, char what, const char *id)
{
    struct told t = {.what = what};
    memcpy(t.id, id, sizeof t.id);
    struct iovec v = {&t, sizeof t}; /* writev: not one of the calls that are struck */
    if (fd >= 0 && writev(fd, &v, 1) != (ssize_t) sizeof t)
        _exit(3);
}

struct state {
    struct cb_verify_link link[PACKAGES_MAX];
    bool is_delivered[PACKAGES_MAX];
    size_t n;
};

static int by_sequence(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Every folder whole, none a draft, the chain unbroken from 1. */
static void read_folders(const struct cb_scene *s, struct state *st)
{
    static const struct cb_verify_keys any_key = {NULL, 0};
    char sealed[128], dir[512];
    struct dirent **entry;
    snprintf(sealed, sizeof sealed, "%s/sealed", s->dir);
    int n = scandir(sealed, &entry, NULL, by_sequence);
    assert_true(n >= 0);
    st->n = 0;
    for (int i = 0; i < n; i++) {
        const char *name = entry[i]->d_name;
        struct cb_verify_report v;
        struct cb_fault fault;
        if (strncmp(name, ".draft", 6) == 0)
            fail_msg("%s is left", name);
        if (name[0] != '.') {
            snprintf(dir, sizeof dir, "%s/%s", sealed, name);
            assert_int_equal(cb_verify_package(dir, &any_key, &v, NULL), 0);
            if (v.n_faults)
                fail_msg("%s: %s %s", name, v.fault[0].name, v.fault[0].text);
            if (!cb_verify_follows(st->n ? &st->link[st->n - 1] : NULL, &v.link, false, &fault))
                fail_msg("%s %s", fault.name, fault.text);
            st->is_delivered[st->n] = v.is_delivered;
            st->link[st->n++] = v.link;
        }
        free(entry[i]);
    }
    free(entry);
}

static bool has_id(const struct state *st, const char *id)
{
    for (size_t i = 0; i < st->n; i++)
        if (!strcmp(st->link[i].id, id))
            return true;
    return false;
}

static int count_alert(void *arg, uint64_t sequence, const char *json)
{
    (void) json;
    uint64_t *last = arg;
    assert_true(sequence == *last + 1);
    *last = sequence;
    return 0;
}

/* After any crash: what a start finds is consistent, and it can go on. */
static void expect_consistent(struct cb_scene *s, struct state *st)
{
    struct cb_error e = {0};
    struct cb_outbox *o = NULL;
    int64_t start_ns = cb_clock_mono_ns();
    struct cb_evidence_sealer *sealer = scene_sealer(s);
    if (cb_outbox_create(&o, s->dir, NULL, &e) < 0)
        fail_msg("%s %s", e.where, e.text);
    if (n_recoveries < sizeof recovery_ms / sizeof recovery_ms[0])
        recovery_ms[n_recoveries++] = (double) (cb_clock_mono_ns() - start_ns) * 1e-6;
    read_folders(s, st);
    struct cb_outbox_stats stats = cb_outbox_stats(o);
    assert_int_equal(stats.n_waiting + stats.n_delivered, st->n);
    assert_int_equal(stats.n_damaged, 0);
    assert_int_equal(cb_evidence_sealer_sequence(sealer), st->n);
    uint64_t sequence, last = 0;
    char *json;
    while (cb_outbox_next_alert(o, &sequence, &json) == 0) {
        free(json);
        assert_int_equal(cb_outbox_mark_announced(o, sequence), 0);
    }
    assert_int_equal(cb_outbox_replay(o, 0, UINT64_MAX, count_alert, &last), 0);
    assert_int_equal(last, st->n); /* each once, in sequence, without a gap */
    cb_outbox_destroy(&o);
    cb_evidence_sealer_destroy(&sealer);
}

/* One pass of an edge and its bus: a package sealed, put, and an older one acknowledged. */
static int pass(struct cb_scene *s, struct cb_evidence_sealer *sealer, struct cb_outbox *o, int fd)
{
    struct cb_sealed sealed = {0};
    struct cb_error e = {0};
    char id[CB_UUID_LEN];
    char *dir = NULL;
    n_runs++; /* a child's count is lost with it: its parent counts it too */
    int r = cb_evidence_seal(sealer, &s->request, &sealed, &e);
    if (r < 0)
        return r;
    r = cb_outbox_put(o, sealed.id, sealed.dir, sealed.sequence, NULL, &e);
    if (r == 0)
        tell(fd, 'p', sealed.id);
    free(sealed.dir);
    if (r == 0 && cb_outbox_next(o, id, &dir) == 0) {
        free(dir);
        r = cb_outbox_ack(o, id);
        if (r == 0)
            tell(fd, 'a', id);
    }
    return r;
}

static void be_edge(struct cb_scene *s, int fd, int n_passes, enum fault fault, int at)
{
    struct cb_evidence_sealer *sealer = scene_sealer(s);
    struct cb_outbox *o = NULL;
    if (cb_outbox_create(&o, s->dir, NULL, NULL) < 0)
        _exit(2);
    faults_set(fault, at, EIO);
    for (int i = 0; i < n_passes; i++)
        if (pass(s, sealer, o, fd) < 0)
            _exit(2);
    _exit(0);
}

/* @return how the child ended; *ret_told: what it had told before, added behind what is there */
static int reap(pid_t child, int fd, struct told *told, size_t *n_told)
{
    int status;
    while (*n_told < PACKAGES_MAX &&
           read(fd, &told[*n_told], sizeof told[0]) == (ssize_t) sizeof told[0])
        ++*n_told;
    assert_int_equal(waitpid(child, &status, 0), child);
    close(fd);
    return status;
}

static pid_t start_edge(struct cb_scene *s, int n_passes, enum fault fault, int at, int *ret_fd)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    n_runs++;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        be_edge(s, fds[1], n_passes, fault, at);
    }
    close(fds[1]);
    *ret_fd = fds[0];
    return child;
}

/* Killed at each system call that changes the disk, one after the other. */
static void test_kill_at_every_call_loses_and_doubles_nothing(void **state)
{
    (void) state;
    static struct told told[PACKAGES_MAX];
    static struct state st;
    struct cb_scene s;
    size_t n_told = 0;
    int at = 1;
    open_scene(&s);
    for (bool is_done = false; !is_done; at++) {
        int fd;
        pid_t child = start_edge(&s, 1, FAULT_KILLS, at, &fd);
        int status = reap(child, fd, told, &n_told);
        is_done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        assert_true(is_done || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        assert_true(at < SWEEP_MAX);
        expect_consistent(&s, &st);
        for (size_t i = 0; i < n_told; i++)
            assert_true(has_id(&st, told[i].id));
    }
    assert_true(at > 20);  /* the sweep met the calls it is about */
    assert_true(st.n > 3); /* and some passes had sealed before they were killed */
    printf("killed at each of %d calls, %zu packages sealed\n", at - 2, st.n);
    scene_close(&s);
}


/* Killed at any moment, also inside SQLite, while pictures are encoded, between the calls. */
static void test_kill_at_random_moments_loses_and_doubles_nothing(void **state)
{
    (void) state;
    static struct told told[PACKAGES_MAX];
    static struct state st;
    struct cb_scene s;
    size_t n_told = 0;
    unsigned seed = 20261123;
    open_scene(&s);
    for (int round = 0; round < 25; round++) {
        int fd;
        s.request.violation = round % 5 == 4 ? &s.speeding : &s.exhaust;
        pid_t child = start_edge(&s, 1000000, FAULT_NONE, 0, &fd);
        /* At least one package is told of before the clock of the kill runs. */
        assert_int_equal(read(fd, &told[n_told], sizeof told[0]), sizeof told[0]);
        n_told++;
        cb_clock_sleep_ns((int64_t) (rand_r(&seed) % 20000) * 1000);
        assert_int_equal(kill(child, SIGKILL), 0);
        reap(child, fd, told, &n_told);
        if (n_told > PACKAGES_MAX - 64)
            break;
    }
    expect_consistent(&s, &st);
    for (size_t i = 0; i < n_told && n_told < PACKAGES_MAX; i++)
        assert_true(has_id(&st, told[i].id));
    printf("%zu packages sealed, %zu tellings\n", st.n, n_told);
    scene_close(&s);
}

/* Each call fails once, as on a full or broken disk; the same process goes on afterwards. */
static void sweep(enum fault fault, int error, bool has_pictures)
{
    static struct state st;
    struct cb_scene s;
    struct cb_outbox *o = NULL;
    open_scene(&s);
    if (has_pictures)
        s.request.violation = &s.speeding;
    s.request.sound = NULL; /* nor drawings of it: hundreds of passes */
    struct cb_evidence_sealer *sealer = scene_sealer(&s);
    assert_int_equal(cb_outbox_create(&o, s.dir, NULL, NULL), 0);
    int n_failed = 0, n_passes = 0;
    for (int at = 1;; at++) {
        assert_true(at < SWEEP_MAX);
        faults_set(fault, at, error);
        int r = pass(&s, sealer, o, -1);
        n_passes++;
        int n_calls = faults_count();
        faults_set(FAULT_NONE, 0, 0);
        n_failed += r < 0;
        if (n_calls < at)
            break;
    }
    assert_int_equal(pass(&s, sealer, o, -1), 0);
    uint64_t sequence = cb_evidence_sealer_sequence(sealer);
    cb_outbox_destroy(&o);
    cb_evidence_sealer_destroy(&sealer);
    expect_consistent(&s, &st);
    assert_int_equal(st.n, sequence);
    if (!error)
        assert_int_equal(n_failed, 0); /* half a write is no fault: the rest goes with the next */
    else
        assert_true(n_failed > (fault == FAULT_SHORT ? 2 : 10));
    assert_true(n_passes > (fault == FAULT_SHORT ? 4 : 20));
    scene_close(&s);
}

static void test_full_and_broken_disks_leave_a_whole_chain(void **state)
{
    (void) state;
    static const int errors[] = {ENOSPC, EIO, EDQUOT, EROFS, EMFILE, ENODEV};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        sweep(FAULT_FAILS, errors[i], false);
        sweep(FAULT_FULL, errors[i], false);
    }
    sweep(FAULT_FAILS, ENOSPC, true);
    sweep(FAULT_SHORT, 0, false);
    sweep(FAULT_SHORT, ENOSPC, false);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static void test_enough_was_tried(void **state)
{
    (void) state;
    qsort(recovery_ms, n_recoveries, sizeof recovery_ms[0], by_size);
    printf("%zu runs with a fault in them; chain and outbox opened again %zu times: median %.1f ms, "
           "longest %.1f ms\n",
           n_runs, n_recoveries, recovery_ms[n_recoveries / 2], recovery_ms[n_recoveries - 1]);
    assert_true(n_runs >= RUNS_WANTED);
}

/* Both are made, one pass is done, both are destroyed. */
static int whole_run(struct cb_scene *s)
{
    struct cb_evidence_sealer *sealer = NULL;
    struct cb_outbox *o = NULL;
    struct cb_evidence_opts opts = {.node = "edge-1",
                                    .data_dir = s->dir,
                                    .key_file = s->key_file,
                                    .software = "x",
                                    .config_sha256 = s->public_key};
    int r = cb_evidence_sealer_create(&sealer, &opts, NULL);
    if (r == 0)
        r = cb_outbox_create(&o, s->dir, NULL, NULL);
    if (r == 0)
        r = pass(s, sealer, o, -1);
    cb_outbox_destroy(&o);
    cb_evidence_sealer_destroy(&sealer);
    return r;
}

static void test_each_allocation_may_fail(void **state)
{
    (void) state;
    static struct state st;
    struct cb_scene s;
    int n_failed = 0;
    open_scene(&s);
    s.request.violation = &s.speeding; /* with pictures */
    assert_int_equal(whole_run(&s), 0);
    for (int at = 1;; at++) {
        assert_true(at < SWEEP_MAX);
        faults_set_memory(at);
        int r = whole_run(&s);
        int n = faults_count_memory();
        faults_set_memory(0);
        n_failed += r < 0;
        if (n < at)
            break;
    }
    assert_true(n_failed > 10);
    expect_consistent(&s, &st);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_at_every_call_loses_and_doubles_nothing),
        cmocka_unit_test(test_kill_at_random_moments_loses_and_doubles_nothing),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_full_and_broken_disks_leave_a_whole_chain),
        cmocka_unit_test(test_enough_was_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
