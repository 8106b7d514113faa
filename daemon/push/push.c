#include "push/push.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "post.h"

#define POSTS_MAX 64
#define WAIT_MS 200
#define LOOK_NS CB_NS_PER_S /* what is to be sent again comes without news */
#define RETRY_NS CB_NS_PER_S
#define TOLD_NS (60 * CB_NS_PER_S)
#define FINISH_NS (2 * CB_NS_PER_S) /* at the end, for answers to what has been sent */

struct cb_push {
    /* set at create, then immutable */
    struct cb_push_opts opts;
    struct cb_log log;
    struct cb_vapid *vapid;
    struct cb_thread thread;

    /* the thread's own */
    CURLM *multi;
    struct cb_push_feed *feed; /* NULL: PostgreSQL is away */
    struct cb_post *post[POSTS_MAX];
    int n_posts;
    bool is_due;
    int64_t look_ns, connect_ns, told_ns;
    struct cb_error *error; /* of the turn */
    int r;                  /* of the turn */

    pthread_mutex_t lock; /* leaf */
    bool is_connected;    /* lock, as all below */
    uint64_t n_taken, n_gone, n_later;
    char refusal[200]; /* the newest; "": the last one was taken */
};

/* Once a minute: a service that is away is tried often. */
static void tell(struct cb_push *p, const char *endpoint, const struct cb_post_verdict *v)
{
    int64_t now_ns = cb_clock_mono_ns();
    if (v->outcome == CB_PUSH_GONE)
        cb_info(p, "a browser is no longer subscribed: %s", v->words);
    else if (now_ns >= p->told_ns) {
        p->told_ns = now_ns + TOLD_NS;
        cb_warn(p, "a push is not taken%s: service=%.*s: %s", v->is_refusal ? ", and refused" : "",
                (int) cb_push_origin_length(endpoint), endpoint, v->words);
    }
}

static void count(struct cb_push *p, const struct cb_post_verdict *v)
{
    pthread_mutex_lock(&p->lock);
    p->n_taken += v->outcome == CB_PUSH_TAKEN;
    p->n_gone += v->outcome == CB_PUSH_GONE;
    p->n_later += v->outcome == CB_PUSH_LATER;
    if (v->outcome == CB_PUSH_TAKEN)
        p->refusal[0] = '\0';
    else if (v->is_refusal)
        snprintf(p->refusal, sizeof p->refusal, "%s", v->words);
    pthread_mutex_unlock(&p->lock);
}

static void note(struct cb_push *p, int64_t subscription, int64_t position,
                 const struct cb_post_verdict *v)
{
    if (p->feed && p->r >= 0)
        p->r = p->opts.ops->done(p->feed, subscription, position, v->outcome, v->retry_s, p->error);
    p->is_due = true; /* the next of that subscription */
}

/* Never to be sent: its keys are none, or the configuration no longer has its service. */
static void drop(struct cb_push *p, const struct cb_push_job *j, const char *why)
{
    struct cb_post_verdict v = {.outcome = CB_PUSH_GONE};
    snprintf(v.words, sizeof v.words, "%.199s", why);
    tell(p, j->endpoint, &v);
    count(p, &v);
    note(p, j->subscription, j->position, &v);
}

static void on_job(void *arg, const struct cb_push_job *j)
{
    struct cb_push *p = arg;
    struct cb_error e = {0};
    struct cb_post *post = NULL;
    if (!j->json[0]) {
        note(p, j->subscription, j->position, &(struct cb_post_verdict){.outcome = CB_PUSH_TAKEN});
        return;
    }
    if (!cb_push_service_allows(p->opts.services, j->endpoint)) {
        drop(p, j, "gateway.push_services no longer has its service");
        return;
    }
    int r = cb_post_create(&post, j, p->vapid, &e);
    if (r == -EINVAL) {
        drop(p, j, e.text[0] ? e.text : "its address or its keys are none");
        return;
    }
    if (r < 0 || p->n_posts == POSTS_MAX || curl_multi_add_handle(p->multi, post->handle) != CURLM_OK) {
        cb_warn(p, "a push cannot be made, it is tried again: %s", e.text[0] ? e.text : strerror(-r));
        cb_post_destroy(&post);
        return;
    }
    p->post[p->n_posts++] = post;
}

static void end_post(struct cb_push *p, struct cb_post *post)
{
    for (int i = 0; i < p->n_posts; i++)
        if (p->post[i] == post) {
            p->post[i] = p->post[--p->n_posts];
            break;
        }
    curl_multi_remove_handle(p->multi, post->handle);
    cb_post_destroy(&post);
}

static void read_answers(struct cb_push *p)
{
    int n_running, n_left;
    curl_multi_perform(p->multi, &n_running);
    for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &n_left));) {
        struct cb_post *post = NULL;
        struct cb_post_verdict v;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **) &post);
        cb_post_judge(post, m->data.result, &v);
        count(p, &v);
        if (v.outcome != CB_PUSH_TAKEN)
            tell(p, post->endpoint, &v);
        note(p, post->subscription, post->position, &v);
        end_post(p, post);
    }
}

/* What is due, as much as there is room for. */
static void take_jobs(struct cb_push *p)
{
    int64_t now_ns = cb_clock_mono_ns();
    if (!p->feed || p->r < 0 || p->n_posts == POSTS_MAX || (!p->is_due && now_ns < p->look_ns))
        return;
    p->is_due = false;
    p->look_ns = now_ns + LOOK_NS;
    int room = POSTS_MAX - p->n_posts;
    int n = p->opts.ops->claim(p->feed, room, on_job, p, p->error);
    if (n < 0)
        p->r = n;
    else if (n == room)
        p->is_due = true;
}

/* Until a service or the store has something to say. */
static void wait_for_news(struct cb_push *p)
{
    struct curl_waitfd store = {.fd = p->feed ? p->opts.ops->fd(p->feed) : -1, .events = CURL_WAIT_POLLIN};
    int timeout_ms = p->is_due && p->n_posts < POSTS_MAX ? 0 : WAIT_MS;
    curl_multi_poll(p->multi, &store, p->feed ? 1 : 0, timeout_ms, NULL);
    if (!p->feed)
        return;
    int n = p->opts.ops->take_news(p->feed);
    if (n < 0)
        p->r = cb_error_set(p->error, n, "PostgreSQL", "the connection is lost");
    else if (n > 0)
        p->is_due = true;
}

static void set_connected(struct cb_push *p, bool is_connected)
{
    pthread_mutex_lock(&p->lock);
    p->is_connected = is_connected;
    pthread_mutex_unlock(&p->lock);
}

static void connect_feed(struct cb_push *p)
{
    int64_t now_ns = cb_clock_mono_ns();
    if (p->feed || now_ns < p->connect_ns)
        return;
    p->connect_ns = now_ns + RETRY_NS;
    if ((p->r = p->opts.ops->create(&p->feed, p->opts.desk_opts, p->error)) < 0)
        return;
    p->is_due = true;
    set_connected(p, true);
    cb_info(p, "sends to push services: %s", p->opts.services);
}

/* What no service has answered is handed back: it would be nobody's until its claim ends. */
static void finish(struct cb_push *p)
{
    const struct cb_post_verdict later = {.outcome = CB_PUSH_LATER};
    struct cb_error e = {0};
    p->error = &e;
    p->r = 0;
    for (int64_t until_ns = cb_clock_mono_ns() + FINISH_NS; p->n_posts && cb_clock_mono_ns() < until_ns;) {
        read_answers(p);
        curl_multi_poll(p->multi, NULL, 0, WAIT_MS, NULL);
    }
    for (int i = 0; i < p->n_posts; i++)
        note(p, p->post[i]->subscription, p->post[i]->position, &later);
}

static void *run(void *arg)
{
    struct cb_push *p = arg;
    bool is_told = false;
    while (!cb_thread_should_stop(&p->thread)) {
        struct cb_error e = {0};
        p->error = &e;
        p->r = 0;
        connect_feed(p);
        take_jobs(p);
        read_answers(p);
        wait_for_news(p);
        if (p->r < 0) {
            if (!is_told)
                cb_err(p, "no pushes: %s: %s", e.where, e.text);
            p->opts.ops->destroy(&p->feed);
            set_connected(p, false);
        }
        is_told = p->r < 0 || (is_told && !p->feed);
    }
    finish(p);
    return NULL;
}

static int check(const struct cb_push_opts *o, struct cb_error *reterr)
{
    const char *const key[] = {"gateway.push_services", "gateway.push_key", "gateway.push_contact"};
    const char *const value[] = {o->services, o->key, o->contact};
    for (int i = 0; i < 3; i++)
        if (!value[i] || !value[i][0])
            return cb_error_set(reterr, -EINVAL, key[i],
                                "is missing, expected it with the other keys of Web Push");
    return cb_push_services_check(o->services, reterr);
}

int cb_push_create(struct cb_push **ret, const struct cb_push_opts *opts, struct cb_error *reterr)
{
    struct cb_push *p = calloc(1, sizeof *p);
    if (!p)
        return cb_error_set(reterr, -ENOMEM, "push", "out of memory");
    p->opts = *opts;
    p->log = (struct cb_log){"push", NULL};
    pthread_mutex_init(&p->lock, NULL);
    int r = check(opts, reterr);
    if (r == 0)
        r = cb_vapid_create(&p->vapid, opts->key, opts->contact, reterr);
    if (r == 0 && (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(p->multi = curl_multi_init())))
        r = cb_error_set(reterr, -ENOMEM, "push", "libcurl does not start");
    if (r == 0 && (r = cb_thread_start(&p->thread, "push", run, p)) < 0)
        cb_error_set(reterr, r, "push", "cannot start a thread");
    if (r < 0) {
        cb_push_destroy(&p);
        return r;
    }
    *ret = p;
    return 0;
}

void cb_push_destroy(struct cb_push **push)
{
    struct cb_push *p = *push;
    if (!p)
        return;
    *push = NULL;
    cb_thread_stop_and_join(&p->thread);
    while (p->n_posts)
        end_post(p, p->post[0]);
    p->opts.ops->destroy(&p->feed);
    curl_multi_cleanup(p->multi);
    cb_vapid_destroy(&p->vapid);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

const char *cb_push_public_key(const struct cb_push *p)
{
    return cb_vapid_public(p->vapid);
}

void cb_push_print_metrics(struct cb_push *p, FILE *out)
{
    pthread_mutex_lock(&p->lock);
    uint64_t n_taken = p->n_taken, n_gone = p->n_gone, n_later = p->n_later;
    bool is_connected = p->is_connected;
    pthread_mutex_unlock(&p->lock);
    fprintf(out,
            "# HELP citybrain_push_total Web Push messages by what became of them\n"
            "# TYPE citybrain_push_total counter\n"
            "citybrain_push_total{outcome=\"taken\"} %llu\n"
            "citybrain_push_total{outcome=\"gone\"} %llu\n"
            "citybrain_push_total{outcome=\"later\"} %llu\n"
            "# HELP citybrain_push_connected Whether what is due can be read from the store\n"
            "# TYPE citybrain_push_connected gauge\ncitybrain_push_connected %d\n",
            (unsigned long long) n_taken, (unsigned long long) n_gone, (unsigned long long) n_later,
            is_connected);
}

void cb_push_complain(struct cb_push *p, FILE *out)
{
    pthread_mutex_lock(&p->lock);
    if (!p->is_connected)
        fputs("push: the store is away\n", out);
    if (p->refusal[0])
        fprintf(out, "push: a service refuses us: %s\n", p->refusal);
    pthread_mutex_unlock(&p->lock);
}
