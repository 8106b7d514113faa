/* What happens is read from the store once, rendered once, and kept for a while in a ring from which all
 * streams read. */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define PAGE 200
#define WAIT_MS 250
#define RETRY_NS CB_NS_PER_S
#define CHECK_NS (15 * CB_NS_PER_S)
#define CAMERAS_NS (2 * CB_NS_PER_S)
#define PRUNE_NS (3600 * CB_NS_PER_S)
#define HEARTBEAT_NS (15 * CB_NS_PER_S)

static bool is_one_of(const char *kind, const char *a, const char *b, const char *c)
{
    return !strcmp(kind, a) || !strcmp(kind, b) || (c && !strcmp(kind, c));
}

/* The store decides by row security who reads what; this is the same for what is read for all at once. */
bool cb_hub_may_see(const struct cb_desk_user *u, const struct cb_hub_item *i)
{
    if (!cb_desk_user_sees(u, i->district))
        return false;
    if (is_one_of(i->kind, "nearby", "assigned", NULL))
        return u->role == CB_ROLE_FIELD && !strcmp(u->login, i->unit);
    if (is_one_of(i->kind, "alert", "review", "dispatch"))
        return u->role == CB_ROLE_COMMAND || u->role == CB_ROLE_ANALYST || u->role == CB_ROLE_ADMIN;
    return !strcmp(i->kind, "camera");
}

char *cb_hub_print(int64_t id, const char *kind, const char *json, size_t *ret_n)
{
    char *text = NULL;
    int n = id > 0 ? asprintf(&text, "id: %lld\nevent: %s\ndata: %s\n\n", (long long) id, kind, json)
                   : asprintf(&text, "event: %s\ndata: %s\n\n", kind, json);
    if (n < 0)
        return NULL;
    *ret_n = (size_t) n;
    return text;
}

static void wake(struct cb_stream *s)
{
    if (!s->is_waiting)
        return;
    s->is_waiting = false;
    MHD_resume_connection(s->connection);
}

static void release_item(struct cb_hub_item *i)
{
    free(i->frame);
    free(i->bare);
    memset(i, 0, sizeof *i);
}

/* With the lock held. */
static void append(struct cb_hub *h, const struct cb_hub_item *i)
{
    struct cb_hub_item *slot = &h->ring[h->end % CB_HUB_RING];
    if (h->end - h->first == CB_HUB_RING) {
        if (slot->position)
            h->from_position = slot->position;
        release_item(slot);
        h->first++;
    }
    *slot = *i;
    h->end++;
    h->n_told++;
    if (i->position)
        h->position = i->position;
    for (struct cb_stream *s = h->streams; s; s = s->next)
        if (cb_hub_may_see(&s->user, i))
            wake(s);
}

static int make_item(const struct cb_feed_event *e, struct cb_hub_item *ret)
{
    struct cb_hub_item i = {.position = e->position};
    snprintf(i.kind, sizeof i.kind, "%s", e->kind);
    snprintf(i.district, sizeof i.district, "%s", e->district);
    snprintf(i.unit, sizeof i.unit, "%s", e->unit);
    i.frame = cb_hub_print(e->position, e->kind, e->json, &i.n_frame);
    if (i.frame && e->json_bare != e->json)
        i.bare = cb_hub_print(e->position, e->kind, e->json_bare, &i.n_bare);
    if (!i.frame || (e->json_bare != e->json && !i.bare)) {
        release_item(&i);
        return -ENOMEM;
    }
    *ret = i;
    return 0;
}

struct reading {
    struct cb_hub *h;
    int r;
    int64_t last;
};

static void on_event(void *arg, const struct cb_feed_event *e)
{
    struct reading *d = arg;
    struct cb_hub_item i;
    if (d->r < 0)
        return;
    d->last = e->position;
    if (!e->json[0] || (d->r = make_item(e, &i)) < 0)
        return; /* empty: what it was of is erased */
    pthread_mutex_lock(&d->h->lock);
    append(d->h, &i);
    pthread_mutex_unlock(&d->h->lock);
}

static int read_news(struct cb_hub *h, struct cb_feed *f, struct cb_error *e)
{
    const struct cb_desk_ops *ops = h->g->opts.desk;
    struct reading d = {.h = h, .last = h->position};
    int n = PAGE;
    int r = 0;
    while (r >= 0 && n == PAGE && d.r >= 0)
        n = r = ops->feed_read(f, d.last, PAGE, on_event, &d, e);
    /* after what all are told, and not before: it waits for the disk, and wakes us again */
    if (r >= 0 && d.r >= 0)
        r = ops->feed_spread(f, e);
    return r < 0 ? r : d.r;
}

struct camera {
    char id[CB_CAMERA_ID_LEN], state[16];
};

/* As they are and as they were two seconds ago, both in the order of their ids. */
struct cameras {
    struct cb_hub *h;
    struct camera *now, *before;
    size_t n, cap, n_before, cap_before, at; /* at: of `before`, the first that may still come */
    bool is_first; /* nothing is news to who has just begun to look */
    int r;
};

/* Whether the camera was there before, in this state. */
static bool was_so(struct cameras *c, const struct camera *k)
{
    while (c->at < c->n_before && strcmp(c->before[c->at].id, k->id) < 0)
        c->at++;
    const struct camera *was = c->at < c->n_before ? &c->before[c->at] : NULL;
    return was && !strcmp(was->id, k->id) && !strcmp(was->state, k->state);
}

/* Only what has another state is told: the figures are asked for. */
static void on_camera(void *arg, const struct cb_feed_event *e)
{
    struct cameras *c = arg;
    struct cb_hub_item item;
    if (c->r < 0 ||
        (c->r = cb_grow((void **) &c->now, &c->cap, c->n + 1, sizeof *c->now)) < 0)
        return;
    struct camera *k = &c->now[c->n++];
    snprintf(k->id, sizeof k->id, "%s", e->camera);
    snprintf(k->state, sizeof k->state, "%s", e->state);
    if (c->is_first || was_so(c, k) || make_item(e, &item) < 0)
        return;
    pthread_mutex_lock(&c->h->lock);
    append(c->h, &item);
    pthread_mutex_unlock(&c->h->lock);
}

static int read_cameras(struct cameras *c, struct cb_feed *f, struct cb_error *e)
{
    struct cameras was = *c;
    *c = (struct cameras){.h = was.h, .now = was.before, .cap = was.cap_before, .before = was.now,
                          .n_before = was.n, .cap_before = was.cap, .is_first = was.is_first};
    int r = c->h->g->opts.desk->feed_cameras(f, on_camera, c, e);
    r = r < 0 ? r : c->r;
    c->is_first = c->is_first && r < 0;
    return r;
}

static void beat(struct cb_hub *h)
{
    int64_t now_ns = cb_clock_mono_ns();
    pthread_mutex_lock(&h->lock);
    for (struct cb_stream *s = h->streams; s; s = s->next)
        if (now_ns - s->sent_ns >= HEARTBEAT_NS)
            wake(s);
    pthread_mutex_unlock(&h->lock);
}

/* Streams whose session was ended, here or at another gateway, end too. */
static int check_sessions(struct cb_hub *h, struct cb_feed *f, struct cb_error *e)
{
    pthread_mutex_lock(&h->lock);
    size_t n = h->n_streams, i = 0;
    unsigned char(*hash)[CB_TOKEN_HASH_BYTES] = calloc(n + 1, sizeof *hash);
    bool *is_valid = calloc(n + 1, sizeof *is_valid);
    for (struct cb_stream *s = h->streams; s && hash; s = s->next)
        memcpy(hash[i++], s->token_sha256, sizeof *hash);
    pthread_mutex_unlock(&h->lock);
    int r = !hash || !is_valid ? -ENOMEM
            : i ? h->g->opts.desk->feed_check(f, (const unsigned char(*)[CB_TOKEN_HASH_BYTES]) hash, i, is_valid, e)
                : 0;
    pthread_mutex_lock(&h->lock);
    for (size_t k = 0; r >= 0 && k < i; k++)
        for (struct cb_stream *s = is_valid[k] ? NULL : h->streams; s; s = s->next)
            if (!memcmp(s->token_sha256, hash[k], sizeof *hash)) {
                s->is_over = true;
                wake(s);
            }
    pthread_mutex_unlock(&h->lock);
    free(hash);
    free(is_valid);
    return r;
}

static void set_connected(struct cb_hub *h, bool is_connected)
{
    pthread_mutex_lock(&h->lock);
    h->is_connected = is_connected;
    pthread_mutex_unlock(&h->lock);
}

static int connect_feed(struct cb_hub *h, struct cb_feed **ret, struct cb_error *e)
{
    const struct cb_desk_ops *ops = h->g->opts.desk;
    int64_t head;
    int r = ops->feed_create(ret, h->g->opts.desk_opts, e);
    if (r < 0 || h->position >= 0)
        return r;
    if ((r = ops->feed_head(*ret, &head, e)) < 0)
        return r;
    pthread_mutex_lock(&h->lock);
    h->position = h->from_position = head;
    for (struct cb_stream *s = h->streams; s; s = s->next)
        wake(s);
    pthread_mutex_unlock(&h->lock);
    return 0;
}

/* As long as the connection holds. */
static int follow(struct cb_hub *h, struct cb_feed *f, struct cameras *c, struct cb_error *e)
{
    const struct cb_desk_ops *ops = h->g->opts.desk;
    int64_t check_ns = 0, cameras_ns = 0, prune_ns = cb_clock_mono_ns() + PRUNE_NS;
    int r = read_news(h, f, e); /* what came while it was away */
    while (r >= 0 && !cb_thread_should_stop(&h->thread)) {
        r = ops->feed_wait(f, WAIT_MS);
        int64_t now_ns = cb_clock_mono_ns();
        if (r == 0)
            r = read_news(h, f, e);
        else if (r == -ETIMEDOUT)
            r = 0;
        if (r >= 0 && now_ns >= cameras_ns) {
            r = read_cameras(c, f, e);
            cameras_ns = now_ns + CAMERAS_NS;
        }
        if (r >= 0 && now_ns >= check_ns) {
            r = check_sessions(h, f, e);
            check_ns = now_ns + CHECK_NS;
        }
        if (r >= 0 && now_ns >= prune_ns) {
            r = ops->feed_prune(f, e);
            prune_ns = now_ns + PRUNE_NS;
        }
        beat(h);
    }
    return r;
}

static void *run(void *arg)
{
    struct cb_hub *h = arg;
    struct cameras *c = calloc(1, sizeof *c);
    bool is_told = false;
    while (c && !cb_thread_should_stop(&h->thread)) {
        struct cb_feed *f = NULL;
        struct cb_error e = {0};
        c->h = h;
        c->is_first = true;
        int r = connect_feed(h, &f, &e);
        if (r >= 0) {
            set_connected(h, true);
            cb_info(h, "reads events from the store");
            is_told = false;
            r = follow(h, f, c, &e);
            set_connected(h, false);
        }
        h->g->opts.desk->feed_destroy(&f);
        if (r < 0 && !is_told)
            cb_err(h, "events do not come: %s: %s", e.where, e.text);
        is_told = r < 0;
        for (int64_t until_ns = cb_clock_mono_ns() + RETRY_NS;
             !cb_thread_should_stop(&h->thread) && cb_clock_mono_ns() < until_ns;) {
            beat(h);
            cb_clock_sleep_ns(100 * CB_NS_PER_MS);
        }
    }
    if (c) {
        free(c->now);
        free(c->before);
    }
    free(c);
    return NULL;
}

int cb_hub_create(struct cb_hub **ret, struct cb_gateway *g, struct cb_error *reterr)
{
    struct cb_hub *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    h->g = g;
    h->log = (struct cb_log) {"gateway", "events"};
    h->position = -1;
    pthread_mutex_init(&h->lock, NULL);
    int r = cb_thread_start(&h->thread, "gateway-events", run, h);
    if (r < 0) {
        cb_hub_destroy(&h);
        return cb_error_set(reterr, r, "gateway", "cannot start a thread");
    }
    *ret = h;
    return 0;
}

void cb_hub_stop(struct cb_hub *h)
{
    cb_thread_stop_and_join(&h->thread);
    pthread_mutex_lock(&h->lock);
    h->is_stopped = true;
    for (struct cb_stream *s = h->streams; s; s = s->next) {
        s->is_over = true;
        wake(s);
    }
    pthread_mutex_unlock(&h->lock);
}

void cb_hub_destroy(struct cb_hub **hub)
{
    struct cb_hub *h = *hub;
    if (!h)
        return;
    *hub = NULL;
    cb_thread_stop_and_join(&h->thread);
    for (size_t i = 0; i < CB_HUB_RING; i++)
        release_item(&h->ring[i]);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

bool cb_hub_is_connected(struct cb_hub *h)
{
    pthread_mutex_lock(&h->lock);
    bool is_connected = h->is_connected;
    pthread_mutex_unlock(&h->lock);
    return is_connected;
}

void cb_hub_print_metrics(struct cb_hub *h, FILE *out)
{
    pthread_mutex_lock(&h->lock);
    size_t n = h->n_streams;
    uint64_t n_told = h->n_told, n_cut_off = h->n_cut_off;
    bool is_connected = h->is_connected;
    pthread_mutex_unlock(&h->lock);
    fprintf(out,
            "# HELP citybrain_gateway_streams Readers of events\n"
            "# TYPE citybrain_gateway_streams gauge\ncitybrain_gateway_streams %zu\n"
            "# HELP citybrain_gateway_events_total Events read from the store\n"
            "# TYPE citybrain_gateway_events_total counter\ncitybrain_gateway_events_total %llu\n"
            "# HELP citybrain_gateway_cut_off_total Readers that were too slow\n"
            "# TYPE citybrain_gateway_cut_off_total counter\ncitybrain_gateway_cut_off_total %llu\n"
            "# HELP citybrain_gateway_connected Whether events can be read from the store\n"
            "# TYPE citybrain_gateway_connected gauge\ncitybrain_gateway_connected %d\n",
            n, (unsigned long long) n_told, (unsigned long long) n_cut_off, is_connected);
}
