#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define PAGE 500
#define BLOCK_BYTES 16384
#define STREAMS_MAX 2000
#define STREAMS_OF_SESSION_MAX 8
#define HEARTBEAT_NS (15 * CB_NS_PER_S)

static const char greeting[] = "retry: 1000\n: citybrain\n\n";

bool cb_hub_join(struct cb_hub *h, struct cb_stream *s)
{
    if (h->position < 0 || s->position < h->from_position)
        return false;
    s->at = h->end;
    for (uint64_t i = h->end; i > h->first; i--) {
        const struct cb_hub_item *item = &h->ring[(i - 1) % CB_HUB_RING];
        if (item->position && item->position <= s->position)
            break;
        s->at = i - 1;
    }
    s->is_live = true;
    return true;
}

static int add_pending(struct cb_stream *s, const char *text, size_t n)
{
    char *more = realloc(s->pending, s->n_pending + n);
    if (!more)
        return -ENOMEM;
    memcpy(more + s->n_pending, text, n);
    s->pending = more;
    s->n_pending += n;
    return 0;
}

struct page {
    struct cb_stream *s;
    int r;
    int64_t last;
};

static void on_event(void *arg, const struct cb_feed_event *e)
{
    struct page *p = arg;
    size_t n;
    if (p->r < 0)
        return;
    p->last = e->position;
    if (!e->json[0])
        return; /* what it was of is erased */
    char *text = cb_hub_print(e->position, e->kind, e->json, &n);
    p->r = text ? add_pending(p->s, text, n) : -ENOMEM;
    free(text);
}

/* A page of what came after the stream's position, in the user's transaction; nobody else looks at the
 * stream meanwhile. What is in the store by `head` and is not among the rows is not for him. */
static int read_page(struct cb_stream *s, struct cb_desk *d, struct cb_error *e)
{
    const struct cb_desk_ops *ops = s->hub->g->opts.desk;
    struct page p = {.s = s, .last = s->position};
    int64_t head = 0;
    int r = ops->events_since(d, s->position, &head, e);
    if (r == -ESTALE) {
        char text[80];
        int n = snprintf(text, sizeof text, "event: reset\ndata: {\"cursor\":%lld}\n\n", (long long) head);
        s->position = head;
        return add_pending(s, text, (size_t) n);
    }
    if (r < 0)
        return r;
    int n = ops->events(d, &s->user, s->position, PAGE, on_event, &p, e);
    if (n < 0 || p.r < 0)
        return n < 0 ? n : p.r;
    s->position = n == PAGE ? p.last : p.last > head ? p.last : head;
    return 0;
}

static bool is_one_too_many(struct cb_hub *h, const struct cb_request *q)
{
    size_t n = 0;
    for (struct cb_stream *s = h->streams; s; s = s->next)
        n += !memcmp(s->token_sha256, q->token_sha256, sizeof s->token_sha256);
    return h->n_streams >= STREAMS_MAX || n >= STREAMS_OF_SESSION_MAX;
}

static int list(struct cb_hub *h, struct cb_stream *s, const struct cb_request *q)
{
    int r = 0;
    pthread_mutex_lock(&h->lock);
    if (h->is_stopped || is_one_too_many(h, q)) {
        r = -EBUSY;
    } else {
        s->next = h->streams;
        if (s->next)
            s->next->prev = s;
        h->streams = s;
        h->n_streams++;
        s->is_listed = true;
        cb_hub_join(h, s);
    }
    pthread_mutex_unlock(&h->lock);
    return r;
}

static int start(struct cb_stream *s, struct cb_request *q, int64_t after, struct cb_desk *d,
                 struct cb_error *e)
{
    const struct cb_desk_ops *ops = s->hub->g->opts.desk;
    int64_t head;
    int r = add_pending(s, greeting, sizeof greeting - 1);
    if (r < 0)
        return r;
    if (after >= 0) {
        s->position = after;
        r = read_page(s, d, e);
    } else if ((r = ops->events_since(d, 0, &head, e)) == 0 || r == -ESTALE) {
        s->position = head;
        r = read_page(s, d, e); /* finds at most what came this moment; and notes that he reads */
    }
    if (r < 0)
        return r;
    if ((r = list(s->hub, s, q)) < 0) {
        q->retry_after_s = 10;
        return cb_error_set(e, r, "", "too many streams of events");
    }
    return 0;
}

int cb_stream_create(struct cb_stream **ret, struct cb_hub *h, struct cb_request *q, int64_t after,
                     struct cb_desk *d, struct cb_error *reterr)
{
    struct cb_stream *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->hub = h;
    memcpy(s->token_sha256, q->token_sha256, sizeof s->token_sha256);
    s->user = q->user;
    q->user = (struct cb_desk_user) {0};
    q->user.role = s->user.role;
    s->sent_ns = cb_clock_mono_ns();
    int r = start(s, q, after, d, reterr);
    if (r < 0) {
        cb_stream_destroy(&s);
        return r;
    }
    *ret = s;
    return 0;
}

void cb_stream_destroy(struct cb_stream **stream)
{
    struct cb_stream *s = *stream;
    if (!s)
        return;
    *stream = NULL;
    pthread_mutex_lock(&s->hub->lock);
    if (s->is_listed) {
        *(s->prev ? &s->prev->next : &s->hub->streams) = s->next;
        if (s->next)
            s->next->prev = s->prev;
        s->hub->n_streams--;
    }
    pthread_mutex_unlock(&s->hub->lock);
    cb_desk_user_deinit(&s->user);
    free(s->pending);
    free(s);
}

void cb_stream_catch_up(struct cb_stream *s, struct cb_desk *d)
{
    const struct cb_desk_ops *ops = s->hub->g->opts.desk;
    struct cb_error e = {0}, ignored;
    struct cb_desk_user u = {0};
    int r = ops->enter(d, s->token_sha256, &u, &e);
    if (r == 0) {
        r = read_page(s, d, &e);
        ops->leave(d, r == 0, &ignored);
    }
    cb_desk_user_deinit(&u);
    pthread_mutex_lock(&s->hub->lock);
    s->is_over = s->is_over || r < 0; /* it comes again, and goes on where it was */
    s->is_working = false;
    MHD_resume_connection(s->connection);
    pthread_mutex_unlock(&s->hub->lock);
}

/* With the lock held: whole events as long as they fit, the rest of one for later. */
static size_t fill(struct cb_hub *h, struct cb_stream *s, char *buf, size_t max)
{
    size_t n = 0;
    bool has_media = s->user.role == CB_ROLE_COMMAND || s->user.role == CB_ROLE_FIELD;
    while (s->at < h->end && n < max) {
        const struct cb_hub_item *i = &h->ring[s->at++ % CB_HUB_RING];
        if (i->position && i->position <= s->position)
            continue; /* the store had told it before the ring did */
        if (i->position)
            s->position = i->position;
        if (!cb_hub_may_see(&s->user, i))
            continue;
        const char *text = has_media || !i->bare ? i->frame : i->bare;
        size_t n_text = has_media || !i->bare ? i->n_frame : i->n_bare;
        size_t fits = n_text < max - n ? n_text : max - n;
        memcpy(buf + n, text, fits);
        n += fits;
        if (fits < n_text && add_pending(s, text + fits, n_text - fits) < 0)
            s->is_over = true;
    }
    return n;
}

static size_t send_pending(struct cb_stream *s, char *buf, size_t max)
{
    size_t n = s->n_pending - s->at_pending;
    if (n > max)
        n = max;
    memcpy(buf, s->pending + s->at_pending, n);
    s->at_pending += n;
    if (s->at_pending == s->n_pending) {
        free(s->pending);
        s->pending = NULL;
        s->n_pending = s->at_pending = 0;
    }
    return n;
}

/* With the lock held. Nothing to send: the connection sleeps until there is. */
static ssize_t rest(struct cb_stream *s, bool is_for_worker)
{
    *(is_for_worker ? &s->is_working : &s->is_waiting) = true;
    MHD_suspend_connection(s->connection);
    if (is_for_worker && cb_pool_submit_stream(s->hub->g->pool, s) < 0) {
        s->is_working = false;
        s->is_over = true;
        MHD_resume_connection(s->connection);
    }
    return 0;
}

static ssize_t next(struct cb_hub *h, struct cb_stream *s, char *buf, size_t max)
{
    int64_t now_ns = cb_clock_mono_ns();
    size_t n = 0;
    if (s->n_pending)
        return (ssize_t) send_pending(s, buf, max);
    if (s->is_over)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!s->is_live && !cb_hub_join(h, s))
        return h->position < 0 ? rest(s, false) : rest(s, true);
    if (s->at < h->first) {
        h->n_cut_off++;
        cb_warn(h, "a reader is too slow and is cut off: login=%s", s->user.login);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    n = fill(h, s, buf, max);
    if (n == 0 && now_ns - s->sent_ns >= HEARTBEAT_NS)
        n = (size_t) snprintf(buf, max, ":\n\n");
    return n ? (ssize_t) n : rest(s, false);
}

static ssize_t on_read(void *self, uint64_t at, char *buf, size_t max)
{
    struct cb_stream *s = self;
    (void) at;
    pthread_mutex_lock(&s->hub->lock);
    ssize_t n = next(s->hub, s, buf, max);
    if (n > 0)
        s->sent_ns = cb_clock_mono_ns();
    pthread_mutex_unlock(&s->hub->lock);
    return n;
}

static void on_free(void *self)
{
    struct cb_stream *s = self;
    cb_stream_destroy(&s);
}

struct MHD_Response *cb_stream_respond(struct cb_stream *s, struct MHD_Connection *c)
{
    s->connection = c;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, s, on_free);
}
