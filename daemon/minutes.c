#include "minutes.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "schema/minute.h"
#include "schema/noise.h"

#define MINUTE_NS (60 * CB_NS_PER_S)
#define GRACE_NS (20 * CB_NS_PER_S) /* a passage is reported seconds after it was seen */
#define WAITING_MAX 20000           /* rows; then the oldest go: 64 cameras for five hours */
#define SPEEDS_MAX 600              /* ten vehicles a second */

/* One camera's minute that is being counted. */
struct slot {
    bool is_used;
    struct cb_minute row;
    double speed_mps[SPEEDS_MAX];
    double energy; /* sum of 10^(LAF/10) */
    int n_levels;
};

struct camera {
    char id[CB_CAMERA_ID_LEN];
    bool is_gone;
    struct slot slot[2]; /* this minute's and the one before: by the minute's parity */
};

struct cb_minutes {
    pthread_mutex_t lock; /* leaf: guards all below */
    struct camera *camera;
    size_t n_cameras, cameras_cap;
    struct cb_minute *row; /* closed, in order of closing */
    size_t n_rows, cap;
    uint64_t number;       /* of the batch that was last given */
    size_t n_given;        /* its rows: the first of row[]; 0: none is under way */
};

int cb_minutes_create(struct cb_minutes **ret)
{
    struct cb_minutes *m = calloc(1, sizeof *m);
    if (!m || pthread_mutex_init(&m->lock, NULL)) {
        free(m);
        return -ENOMEM;
    }
    *ret = m;
    return 0;
}

void cb_minutes_destroy(struct cb_minutes **minutes)
{
    struct cb_minutes *m = *minutes;
    if (!m)
        return;
    *minutes = NULL;
    pthread_mutex_destroy(&m->lock);
    free(m->camera);
    free(m->row);
    free(m);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static void finish_row(struct slot *s)
{
    struct cb_minute *r = &s->row;
    int n = r->n_measured;
    r->mean_mps = r->p85_mps = r->laeq_db = NAN;
    if (n > 0) {
        double sum = 0;
        for (int i = 0; i < n; i++)
            sum += s->speed_mps[i];
        qsort(s->speed_mps, (size_t) n, sizeof *s->speed_mps, compare);
        r->mean_mps = sum / n;
        r->p85_mps = s->speed_mps[(int) ceil(0.85 * n) - 1]; /* nearest rank */
    }
    if (s->n_levels)
        r->laeq_db = 10 * log10(s->energy / s->n_levels);
    else
        r->lafmax_db = NAN;
}

/* Takes a counted minute to the rows that wait. Out of memory loses it: aggregates, no evidence. */
static void close_slot(struct cb_minutes *m, struct slot *s)
{
    s->is_used = false;
    finish_row(s);
    if (m->n_rows == WAITING_MAX) {
        m->n_rows--;
        memmove(m->row, m->row + 1, m->n_rows * sizeof *m->row);
        m->n_given -= m->n_given > 0;
    }
    if (cb_grow((void **) &m->row, &m->cap, m->n_rows + 1, sizeof *m->row) == 0)
        m->row[m->n_rows++] = s->row;
}

static void open_slot(struct slot *s, const char *camera, int64_t minute_utc_ns, int from_s)
{
    memset(s, 0, sizeof *s);
    s->is_used = true;
    s->row.minute_utc_ns = minute_utc_ns;
    s->row.from_s = from_s;
    s->row.lafmax_db = -HUGE_VAL;
    memcpy(s->row.camera, camera, sizeof s->row.camera);
}

static struct slot *slot_at(struct cb_minutes *m, size_t i, int64_t utc_ns)
{
    struct camera *c = &m->camera[i];
    int64_t minute = utc_ns / MINUTE_NS;
    struct slot *s = &c->slot[minute & 1];
    if (s->is_used && s->row.minute_utc_ns == minute * MINUTE_NS)
        return s;
    if (s->is_used && s->row.minute_utc_ns > minute * MINUTE_NS)
        return NULL; /* older than what is counted: its minute has been told already */
    if (s->is_used)
        close_slot(m, s);
    open_slot(s, c->id, minute * MINUTE_NS, 0);
    return s;
}

/* @return NULL: out of memory */
static struct camera *camera_of(struct cb_minutes *m, const char *id)
{
    for (size_t i = 0; i < m->n_cameras; i++)
        if (!strcmp(m->camera[i].id, id))
            return &m->camera[i];
    if (cb_grow((void **) &m->camera, &m->cameras_cap, m->n_cameras + 1, sizeof *m->camera) < 0)
        return NULL;
    struct camera *c = &m->camera[m->n_cameras++];
    memset(c, 0, sizeof *c);
    snprintf(c->id, sizeof c->id, "%s", id);
    return c;
}

int cb_minutes_add_camera(struct cb_minutes *m, const char *camera, int64_t now_utc_ns)
{
    int r = -ENOMEM;
    pthread_mutex_lock(&m->lock);
    struct camera *c = camera_of(m, camera);
    if (c) {
        int64_t minute = now_utc_ns / MINUTE_NS;
        struct slot *s = &c->slot[minute & 1];
        c->is_gone = false;
        if (s->is_used && s->row.minute_utc_ns < minute * MINUTE_NS)
            close_slot(m, s);
        if (!s->is_used)
            open_slot(s, c->id, minute * MINUTE_NS, (int) (now_utc_ns % MINUTE_NS / CB_NS_PER_S));
        r = (int) (c - m->camera);
    }
    pthread_mutex_unlock(&m->lock);
    return r;
}

void cb_minutes_remove_camera(struct cb_minutes *m, size_t i)
{
    pthread_mutex_lock(&m->lock);
    m->camera[i].is_gone = true;
    pthread_mutex_unlock(&m->lock);
}

void cb_minutes_add_passage(struct cb_minutes *m, size_t i, int64_t utc_ns,
                            const struct cb_passage *p)
{
    pthread_mutex_lock(&m->lock);
    struct slot *s = slot_at(m, i, utc_ns);
    if (s) {
        s->row.n_passages++;
        s->row.n_violations += p->violation != CB_VIOLATION_NONE;
        if (isfinite(p->speed_mps) && s->row.n_measured < SPEEDS_MAX)
            s->speed_mps[s->row.n_measured++] = p->speed_mps;
    }
    pthread_mutex_unlock(&m->lock);
}

void cb_minutes_add_level(struct cb_minutes *m, size_t i, int64_t utc_ns,
                          const struct cb_noise_level *l)
{
    pthread_mutex_lock(&m->lock);
    struct slot *s = slot_at(m, i, utc_ns);
    if (s && isfinite(l->laf_db)) {
        s->energy += pow(10, l->laf_db / 10);
        s->n_levels++;
        if (l->lafmax_db > s->row.lafmax_db)
            s->row.lafmax_db = l->lafmax_db;
    }
    pthread_mutex_unlock(&m->lock);
}

void cb_minutes_tick(struct cb_minutes *m, int64_t now_utc_ns)
{
    int64_t minute = now_utc_ns / MINUTE_NS;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->n_cameras; i++)
        for (int k = 0; k < 2; k++) {
            struct slot *s = &m->camera[i].slot[k];
            if (s->is_used && s->row.minute_utc_ns + MINUTE_NS + GRACE_NS < now_utc_ns)
                close_slot(m, s);
        }
    /* A minute in which nothing came is told as well: silence is not the same as no camera. */
    for (size_t i = 0; i < m->n_cameras; i++)
        if (!m->camera[i].is_gone && !m->camera[i].slot[minute & 1].is_used)
            open_slot(&m->camera[i].slot[minute & 1], m->camera[i].id, minute * MINUTE_NS, 0);
    pthread_mutex_unlock(&m->lock);
}

int cb_minutes_next(struct cb_minutes *m, uint64_t *ret_number, char **ret_json)
{
    pthread_mutex_lock(&m->lock);
    int r = m->n_rows ? 0 : -EAGAIN;
    if (r == 0) {
        size_t n = m->n_rows < CB_MINUTES_MAX ? m->n_rows : CB_MINUTES_MAX;
        r = cb_minutes_print(m->row, n, ret_json);
        if (r == 0) {
            m->n_given = n;
            *ret_number = ++m->number;
        }
    }
    pthread_mutex_unlock(&m->lock);
    return r;
}

void cb_minutes_done(struct cb_minutes *m, uint64_t number)
{
    pthread_mutex_lock(&m->lock);
    if (number == m->number) {
        m->n_rows -= m->n_given;
        memmove(m->row, m->row + m->n_given, m->n_rows * sizeof *m->row);
        m->n_given = 0;
    }
    pthread_mutex_unlock(&m->lock);
}
