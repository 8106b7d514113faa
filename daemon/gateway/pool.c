/* Workers: each has a desk, takes one request at a time, and wakes its connection when it is done. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_private.h"
#include "stream.h"

#define QUEUED_MAX 512

struct worker {
    struct cb_pool *pool;
    struct cb_desk *desk;
    struct cb_thread thread;
};

struct cb_pool {
    struct cb_gateway *g;
    struct worker *worker;
    int n;

    pthread_mutex_t lock; /* leaf */
    pthread_cond_t changed;
    struct cb_request *first, *last; /* lock, as all below */
    struct cb_stream *first_stream, *last_stream;
    int n_queued;
    bool is_stopped;
};

static struct cb_request *take_request(struct cb_pool *p)
{
    struct cb_request *q = p->first;
    if (!q)
        return NULL;
    if (!(p->first = q->next))
        p->last = NULL;
    q->next = NULL;
    p->n_queued--;
    return q;
}

static struct cb_stream *take_stream(struct cb_pool *p)
{
    struct cb_stream *s = p->first_stream;
    if (s && !(p->first_stream = s->next_job))
        p->last_stream = NULL;
    return s;
}

/* @return false: stopped, and nothing is left */
static bool take(struct cb_pool *p, struct cb_request **ret_q, struct cb_stream **ret_s)
{
    pthread_mutex_lock(&p->lock);
    while (!p->first && !p->first_stream && !p->is_stopped)
        pthread_cond_wait(&p->changed, &p->lock);
    *ret_q = take_request(p);
    *ret_s = *ret_q ? NULL : take_stream(p);
    pthread_mutex_unlock(&p->lock);
    return *ret_q || *ret_s;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct cb_request *q;
    struct cb_stream *s;
    while (take(w->pool, &q, &s)) {
        if (q) {
            struct MHD_Connection *c = q->connection;
            cb_request_work(q, w->desk);
            MHD_resume_connection(c); /* q is the HTTP thread's again */
        } else {
            cb_stream_catch_up(s, w->desk);
        }
    }
    return NULL;
}

int cb_pool_submit(struct cb_pool *p, struct cb_request *q)
{
    int r = 0;
    pthread_mutex_lock(&p->lock);
    if (p->n_queued >= QUEUED_MAX || p->is_stopped) {
        r = -EBUSY;
    } else {
        *(p->last ? &p->last->next : &p->first) = q;
        p->last = q;
        p->n_queued++;
        pthread_cond_signal(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

int cb_pool_submit_stream(struct cb_pool *p, struct cb_stream *s)
{
    pthread_mutex_lock(&p->lock);
    bool is_stopped = p->is_stopped;
    s->next_job = NULL;
    if (!is_stopped) {
        *(p->last_stream ? &p->last_stream->next_job : &p->first_stream) = s;
        p->last_stream = s;
        pthread_cond_signal(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return is_stopped ? -ECANCELED : 0;
}

static int start(struct cb_pool *p, struct cb_error *reterr)
{
    for (int i = 0; i < p->n; i++) {
        struct worker *w = &p->worker[i];
        char name[16];
        snprintf(name, sizeof name, "gateway-%u", (unsigned) i % 1000);
        w->pool = p;
        int r = p->g->opts.desk->create(&w->desk, p->g->opts.desk_opts, reterr);
        if (r == 0)
            r = cb_thread_start(&w->thread, name, run, w);
        if (r < 0)
            return r;
    }
    return 0;
}

int cb_pool_create(struct cb_pool **ret, struct cb_gateway *g, int n, struct cb_error *reterr)
{
    struct cb_pool *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->g = g;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    int r = -ENOMEM;
    if ((p->worker = calloc((size_t) n, sizeof *p->worker))) {
        p->n = n;
        r = start(p, reterr);
    }
    if (r < 0) {
        cb_pool_destroy(&p);
        return r;
    }
    *ret = p;
    return 0;
}

void cb_pool_stop(struct cb_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->is_stopped = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n; i++)
        cb_thread_stop_and_join(&p->worker[i].thread);
}

void cb_pool_destroy(struct cb_pool **pool)
{
    struct cb_pool *p = *pool;
    if (!p)
        return;
    *pool = NULL;
    cb_pool_stop(p);
    for (int i = 0; i < p->n; i++)
        if (p->worker[i].desk)
            p->g->opts.desk->destroy(&p->worker[i].desk);
    free(p->worker);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
