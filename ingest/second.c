#include "second.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/thread.h"
#include "reconnect.h"

#define QUEUE_MAX 2048 /* blocks: half a minute and more */
#define QUEUE_BYTES ((size_t) 8 * 1024 * 1024)

struct cb_second {
    struct cb_source_opts src; /* set at start, as the next two */
    struct cb_ingest_opts opts;
    struct cb_log log;
    struct cb_queue *queue;
    struct cb_thread thread;
};

void cb_second_packet_free(struct cb_second_packet **packet)
{
    struct cb_second_packet *p = *packet;
    if (!p)
        return;
    *packet = NULL;
    av_packet_free(&p->packet);
    avcodec_parameters_free(&p->par);
    free(p);
}

static void release(struct cb_item *item)
{
    struct cb_second_packet *p = item->ptr;
    cb_second_packet_free(&p);
}

static struct cb_second_packet *wrap(const struct cb_source *src, AVPacket *packet, bool is_first)
{
    struct cb_second_packet *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->packet = av_packet_alloc();
    p->par = is_first ? avcodec_parameters_alloc() : NULL;
    if (!p->packet || (is_first && (!p->par || avcodec_parameters_copy(
                                                   p->par, src->sound->codecpar) < 0))) {
        cb_second_packet_free(&p);
        return NULL;
    }
    av_packet_move_ref(p->packet, packet);
    p->time_base = src->sound->time_base;
    p->wrap_bits = src->sound->pts_wrap_bits;
    p->arrival_mono_ns = cb_clock_mono_ns();
    p->arrival_utc_ns = cb_clock_now_ns();
    return p;
}

/* One connection. @return why it ended */
static int read_connection(struct cb_second *s, AVPacket *packet, struct cb_error *reterr)
{
    struct cb_source *src = NULL;
    bool is_first = true;
    int r = cb_source_open(&src, &s->src, reterr);
    if (r == 0 && !src->sound)
        r = cb_error_set(reterr, -EINVAL, s->src.where, "no sound stream found");
    if (r == 0)
        cb_info(s, "the sound is live");
    while (r == 0 && (r = cb_source_read(src, packet, reterr)) == 0) {
        struct cb_item item = {.n_bytes = (size_t) packet->size, .may_drop = !is_first};
        struct cb_second_packet *p = wrap(src, packet, is_first);
        item.ptr = p;
        av_packet_unref(packet);
        r = p ? cb_queue_push(s->queue, &item) : -ENOMEM;
        if (r < 0)
            cb_second_packet_free(&p);
        is_first = false;
    }
    if (r == -ENODATA)
        cb_error_set(reterr, r, s->src.where, "the stream ended");
    cb_source_close(&src);
    return r;
}

static void *run(void *self)
{
    struct cb_second *s = self;
    struct cb_backoff backoff;
    AVPacket *packet = av_packet_alloc();
    int last = 0;
    cb_backoff_init(&backoff, s->opts.backoff_min_s, s->opts.backoff_max_s,
                    (unsigned) cb_clock_mono_ns());
    while (packet && !cb_thread_should_stop(&s->thread)) {
        struct cb_error error = {0};
        int64_t start = cb_clock_mono_ns();
        int r = read_connection(s, packet, &error);
        if (cb_thread_should_stop(&s->thread))
            break;
        if (r != last)
            cb_warn(s, "the sound is down: %s", error.text); /* once a cause */
        last = r;
        cb_backoff_lasted(&backoff, cb_clock_mono_ns() - start);
        cb_backoff_wait(&backoff, &s->thread.stop);
    }
    av_packet_free(&packet);
    return NULL;
}

int cb_second_start(struct cb_second **ret, const struct cb_source_opts *src,
                    const struct cb_ingest_opts *opts, const struct cb_log *log)
{
    const struct cb_queue_opts queue = {QUEUE_MAX, QUEUE_BYTES, CB_OVERFLOW_DROP_OLDEST, release};
    struct cb_second *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->src = *src;
    s->src.stop = &s->thread.stop;
    s->opts = *opts;
    s->log = *log;
    int r = cb_queue_create(&s->queue, &queue);
    if (r == 0)
        r = cb_thread_start(&s->thread, "ingest-sound", run, s);
    if (r < 0) {
        cb_second_stop(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void cb_second_stop(struct cb_second **second)
{
    struct cb_second *s = *second;
    if (!s)
        return;
    *second = NULL;
    cb_thread_stop_and_join(&s->thread);
    cb_queue_destroy(&s->queue);
    free(s);
}

int cb_second_take(struct cb_second *s, struct cb_second_packet **ret)
{
    struct cb_item item;
    int r = cb_queue_pop(s->queue, 0, &item);
    if (r == 0)
        *ret = item.ptr;
    return r < 0 ? -EAGAIN : 0;
}
