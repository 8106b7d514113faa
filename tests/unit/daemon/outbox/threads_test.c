#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "outbox/outbox.h"
#include "scene.h"

#define N_PACKAGES 40

/* The evidence thread seals and puts; the bus's thread announces, delivers, acknowledges; a third
 * reads the figures. Run under TSan too. */
struct shared {
    struct cb_scene scene;
    struct cb_outbox *outbox;
    bool is_over; /* atomic */
};

static void *seal_all(void *arg)
{
    struct shared *s = arg;
    struct cb_evidence_sealer *sealer = scene_sealer(&s->scene);
    for (int i = 0; i < N_PACKAGES; i++) {
        struct cb_sealed sealed;
        scene_seal(&s->scene, sealer, &sealed);
        if (cb_outbox_put(s->outbox, sealed.id, sealed.dir, sealed.sequence, NULL, NULL) < 0)
            abort();
        free(sealed.dir);
    }
    cb_evidence_sealer_destroy(&sealer);
    return NULL;
}

static void *read_figures(void *arg)
{
    struct shared *s = arg;
    while (!__atomic_load_n(&s->is_over, __ATOMIC_RELAXED)) {
        if (cb_outbox_stats(s->outbox).n_waiting > N_PACKAGES)
            abort();
        cb_outbox_check_room(s->outbox, NULL);
        cb_clock_sleep_ns(CB_NS_PER_MS);
    }
    return NULL;
}

static int count(void *arg, uint64_t sequence, const char *json)
{
    (void) json;
    uint64_t *last = arg;
    assert_int_equal(sequence, *last + 1);
    *last = sequence;
    return 0;
}

/* @return true when there was something to do */
static bool deliver_one(struct shared *s, int *n_acked, uint64_t *n_announced)
{
    char id[CB_UUID_LEN];
    char *dir, *json;
    uint64_t sequence;
    bool is_busy = false;
    if (cb_outbox_next_alert(s->outbox, &sequence, &json) == 0) {
        free(json);
        assert_int_equal(sequence, ++*n_announced);
        assert_int_equal(cb_outbox_mark_announced(s->outbox, sequence), 0);
        is_busy = true;
    }
    if (cb_outbox_next(s->outbox, id, &dir) == 0) {
        free(dir);
        assert_int_equal(cb_outbox_ack(s->outbox, id), 0);
        ++*n_acked;
        is_busy = true;
    }
    return is_busy;
}

static void test_put_and_ack_from_two_threads(void **state)
{
    (void) state;
    struct shared s = {0};
    pthread_t sealer, reader;
    int n_acked = 0;
    uint64_t n_announced = 0, last = 0;
    scene_open(&s.scene);
    s.scene.exhaust.track = s.scene.exhaust.noise.track = -1;
    s.scene.exhaust.has_passage = false;
    s.scene.exhaust.n_stills = 0;
    s.scene.request.violation = &s.scene.exhaust;
    assert_int_equal(cb_outbox_create(&s.outbox, s.scene.dir, NULL, NULL), 0);
    assert_int_equal(pthread_create(&sealer, NULL, seal_all, &s), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_figures, &s), 0);
    while (n_acked < N_PACKAGES || n_announced < N_PACKAGES)
        if (!deliver_one(&s, &n_acked, &n_announced))
            cb_clock_sleep_ns(CB_NS_PER_MS);
    assert_int_equal(cb_outbox_replay(s.outbox, 1, N_PACKAGES, count, &last), 0);
    assert_int_equal(last, N_PACKAGES);
    __atomic_store_n(&s.is_over, true, __ATOMIC_RELAXED);
    pthread_join(sealer, NULL);
    pthread_join(reader, NULL);
    assert_int_equal(cb_outbox_stats(s.outbox).n_delivered, N_PACKAGES);
    assert_int_equal(cb_outbox_stats(s.outbox).n_bytes, 0);
    cb_outbox_destroy(&s.outbox);
    scene_close(&s.scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_and_ack_from_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
