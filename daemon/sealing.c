#include "sealing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/thread.h"
#include "evidence/evidence.h"
#include "ingest/packet_ring.h"
#include "lane.h"
#include "schema/violation.h"

#define WAITING_MAX 1024
#define POLL_NS (20 * CB_NS_PER_MS)
/* A stream that stalled after the violation: its clip ends where the stream did. */
#define PATIENCE_NS (5 * CB_NS_PER_S)
/* A full disk or budget: the media are still in the ring for a while, so try again. */
#define RETRY_NS CB_NS_PER_S
#define RETRIES_MAX 10

/* One violation on its way. */
struct job {
    struct cb_lane *lane;
    struct cb_violation violation;
    int64_t due_mono_ns;   /* sealed no later than this, post-roll or not */
    int64_t retry_mono_ns; /* 0, or not before this */
    int n_tries;
};

struct cb_sealing {
    struct cb_log log;
    struct cb_sealing_opts opts;
    struct cb_queue *queue; /* of jobs from the workers */
    struct cb_thread thread;

    struct job **pending; /* the thread's alone */
    size_t n_pending, cap;

    uint64_t n_sealed, n_failed; /* atomic */
    uint64_t n_waiting;          /* atomic */
    int64_t busy_since_ns;       /* atomic; monotonic: with the job in hand; 0: none */
    int64_t seal_ns_max;         /* atomic: the slowest seal so far */
};

static void free_job(struct job *j)
{
    cb_lane_let_go(j->lane);
    cb_violation_deinit(&j->violation);
    free(j);
}

static void release_item(struct cb_item *item)
{
    free_job(item->ptr);
}

/* The pictures a violation wishes for, decoded in one go before they are asked for one by one. */
struct stills {
    int64_t t_ns[CB_STILLS_MAX];
    struct cb_frame *frame[CB_STILLS_MAX]; /* NULL: no longer kept */
    size_t n;
};

/* What is no longer kept is named by the sealer. @return 0; -ENOMEM */
static int fetch_stills(struct cb_packet_ring *ring, const struct cb_violation *v,
                        struct stills *ret)
{
    *ret = (struct stills){.n = v->n_stills};
    for (size_t i = 0; i < v->n_stills; i++)
        ret->t_ns[i] = v->still[i].t_ns;
    int r = cb_packet_ring_frames_at(ring, ret->t_ns, ret->n, ret->frame);
    return r == -ENOMEM ? r : 0;
}

static void release_stills(struct stills *s)
{
    for (size_t i = 0; i < s->n; i++)
        cb_frame_unref(&s->frame[i]);
}

static int still_at(void *self, int64_t t_ns, struct cb_frame **ret)
{
    struct stills *s = self;
    for (size_t i = 0; i < s->n; i++)
        if (s->t_ns[i] == t_ns && s->frame[i]) {
            *ret = s->frame[i];
            s->frame[i] = NULL;
            return 0;
        }
    return -ENODATA;
}

static int clip_cut(void *self, int64_t t0_ns, int64_t t1_ns, int fd, const char **ret_suffix)
{
    return cb_packet_ring_cut(self, t0_ns, t1_ns, fd, ret_suffix);
}

static int sound_at(void *self, int64_t t0_ns, int64_t t1_ns, int64_t t_must_ns,
                    struct cb_sound **ret, const char **ret_codec)
{
    return cb_packet_ring_sound(self, t0_ns, t1_ns, t_must_ns, ret, ret_codec);
}

static bool is_ripe(const struct job *j, int64_t now_mono_ns)
{
    if (now_mono_ns < j->retry_mono_ns)
        return false;
    int64_t wanted_ns = cb_evidence_wants_until(&j->violation);
    struct cb_packet_ring_stats ring = cb_packet_ring_stats(cb_lane_ring(j->lane));
    return ring.t_newest_ns >= wanted_ns || cb_lane_has_ended(j->lane) ||
           now_mono_ns >= j->due_mono_ns;
}

static int seal(struct cb_sealing *s, struct job *j, struct cb_error *e)
{
    struct cb_packet_ring *ring = cb_lane_ring(j->lane);
    struct stills fetched;
    struct cb_still_source stills = {&fetched, still_at};
    struct cb_packet_ring_stats kept = cb_packet_ring_stats(ring);
    struct cb_clip_source clip = {ring, clip_cut, kept.video_codec, kept.sound_codec};
    struct cb_sound_source sound = {ring, sound_at};
    struct cb_clock_check clock;
    struct cb_evidence_request request = {.violation = &j->violation,
                                          .camera = cb_lane_conf(j->lane),
                                          .stills = &stills,
                                          .clip = &clip,
                                          .sound = &sound};
    struct cb_sealed sealed = {0};
    if (s->opts.clock && s->opts.clock(s->opts.self, j->lane, &clock))
        request.clock = &clock;
    int64_t start_ns = cb_clock_mono_ns();
    int r = s->opts.has_room(s->opts.self, e);
    if (r < 0)
        return r;
    r = fetch_stills(ring, &j->violation, &fetched);
    if (r < 0)
        return r;
    r = cb_evidence_sealer_set_config(s->opts.sealer, cb_lane_config_sha256(j->lane));
    if (r == 0)
        r = cb_evidence_seal(s->opts.sealer, &request, &sealed, e);
    release_stills(&fetched);
    if (r < 0)
        return r;
    int64_t took_ns = cb_clock_mono_ns() - start_ns;
    if (took_ns > __atomic_load_n(&s->seal_ns_max, __ATOMIC_RELAXED))
        __atomic_store_n(&s->seal_ns_max, took_ns, __ATOMIC_RELAXED);
    __atomic_add_fetch(&s->n_sealed, 1, __ATOMIC_RELAXED);
    cb_info(s, "%s %s track=%lld record=%s sequence=%llu", j->violation.camera,
            cb_violation_kind_name(j->violation.kind), (long long) j->violation.track, sealed.id,
            (unsigned long long) sealed.sequence);
    r = s->opts.on_sealed(s->opts.self, &sealed);
    if (r < 0)
        cb_err(s, "record %s is sealed but not in the outbox: %s; the next start adopts it",
               sealed.id, strerror(-r));
    free(sealed.dir);
    return 0;
}

/* @return true when the job is done with, for good or for bad */
static bool try_job(struct cb_sealing *s, struct job *j)
{
    struct cb_error e = {0};
    __atomic_store_n(&s->busy_since_ns, cb_clock_mono_ns(), __ATOMIC_RELAXED);
    int r = seal(s, j, &e);
    __atomic_store_n(&s->busy_since_ns, 0, __ATOMIC_RELAXED);
    if (r == 0)
        return true;
    bool may_pass = r == -ENOSPC || r == -EIO || r == -EDQUOT || r == -ENOMEM;
    if (may_pass && ++j->n_tries < RETRIES_MAX) {
        j->retry_mono_ns = cb_clock_mono_ns() + RETRY_NS;
        cb_err(s, "%s: evidence cannot be written (%s: %s), trying again", j->violation.camera,
               e.where, e.text[0] ? e.text : strerror(-r));
        return false;
    }
    __atomic_add_fetch(&s->n_failed, 1, __ATOMIC_RELAXED);
    cb_err(s, "%s: a %s has no evidence and is not charged: %s: %s", j->violation.camera,
           cb_violation_kind_name(j->violation.kind), e.where, e.text[0] ? e.text : strerror(-r));
    return true;
}

static void work_pending(struct cb_sealing *s, bool is_last)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_pending; i++) {
        struct job *j = s->pending[i];
        bool is_due = is_last || is_ripe(j, cb_clock_mono_ns());
        if (is_due && (try_job(s, j) || is_last))
            free_job(j);
        else
            s->pending[kept++] = j;
    }
    s->n_pending = kept;
    __atomic_store_n(&s->n_waiting, kept, __ATOMIC_RELAXED);
}

/* Waits for a job, briefly when others are pending. @return false: closed and empty */
static bool take_new(struct cb_sealing *s)
{
    struct cb_item item;
    int r = cb_queue_pop(s->queue, s->n_pending ? POLL_NS : CB_NS_PER_S, &item);
    for (; r == 0; r = cb_queue_pop(s->queue, 0, &item)) {
        if (cb_grow((void **) &s->pending, &s->cap, s->n_pending + 1, sizeof *s->pending) < 0) {
            try_job(s, item.ptr); /* no room to wait in: what the ring has now */
            free_job(item.ptr);
            continue;
        }
        s->pending[s->n_pending++] = item.ptr;
    }
    return r != -ECANCELED;
}

static void *run(void *self)
{
    struct cb_sealing *s = self;
    int64_t tick_ns = 0;
    bool is_open = true;
    while (is_open) {
        is_open = take_new(s);
        work_pending(s, !is_open);
        if (s->opts.on_tick && cb_clock_mono_ns() >= tick_ns) {
            s->opts.on_tick(s->opts.self);
            tick_ns = cb_clock_mono_ns() + CB_NS_PER_S;
        }
    }
    return NULL;
}

int cb_sealing_create(struct cb_sealing **ret, const struct cb_sealing_opts *opts)
{
    struct cb_sealing *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->log = (struct cb_log){"evidence", NULL};
    s->opts = *opts;
    struct cb_queue_opts queue = {WAITING_MAX, 0, CB_OVERFLOW_DROP_OLDEST, release_item};
    int r = cb_queue_create(&s->queue, &queue);
    if (r == 0)
        r = cb_thread_start(&s->thread, "cb-evidence", run, s);
    if (r < 0) {
        cb_sealing_destroy(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void cb_sealing_push(struct cb_sealing *s, struct cb_lane *l, const struct cb_violation *v)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j || cb_violation_copy(v, &j->violation) < 0) {
        free(j);
        cb_err(s, "%s: out of memory, a violation is lost", v->camera);
        return;
    }
    j->lane = l;
    cb_lane_hold(l);
    j->due_mono_ns = cb_clock_mono_ns() + PATIENCE_NS;
    uint64_t n_before = cb_queue_stats(s->queue).n_dropped;
    struct cb_item item = {j, 0, true, sizeof *j};
    if (cb_queue_push(s->queue, &item) < 0)
        free_job(j);
    else if (cb_queue_stats(s->queue).n_dropped > n_before)
        cb_err(s, "more than %d violations wait for their evidence, the oldest are given up",
               WAITING_MAX);
}

void cb_sealing_finish(struct cb_sealing *s)
{
    if (s->queue)
        cb_queue_close(s->queue);
    cb_thread_stop_and_join(&s->thread);
}

int64_t cb_sealing_busy_ns(const struct cb_sealing *s)
{
    int64_t since_ns = __atomic_load_n(&s->busy_since_ns, __ATOMIC_RELAXED);
    return since_ns ? cb_clock_mono_ns() - since_ns : 0;
}

void cb_sealing_destroy(struct cb_sealing **sealing)
{
    struct cb_sealing *s = *sealing;
    if (!s)
        return;
    *sealing = NULL;
    cb_sealing_finish(s);
    cb_queue_destroy(&s->queue);
    free(s->pending);
    free(s);
}

void cb_sealing_print_metrics(struct cb_sealing *s, FILE *out)
{
    fprintf(out, "citybrain_evidence_sealed_total %llu\n",
            (unsigned long long) __atomic_load_n(&s->n_sealed, __ATOMIC_RELAXED));
    fprintf(out, "citybrain_evidence_failed_total %llu\n",
            (unsigned long long) (__atomic_load_n(&s->n_failed, __ATOMIC_RELAXED) +
                                  cb_queue_stats(s->queue).n_dropped));
    fprintf(out, "citybrain_evidence_waiting %llu\n",
            (unsigned long long) (__atomic_load_n(&s->n_waiting, __ATOMIC_RELAXED) +
                                  cb_queue_stats(s->queue).n));
    fprintf(out, "citybrain_evidence_seal_seconds_max %.3f\n",
            cb_s_from_ns(__atomic_load_n(&s->seal_ns_max, __ATOMIC_RELAXED)));
}
