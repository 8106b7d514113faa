#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "index.h"
#include "outbox_private.h"

#define MINUTES_MAX 200000 /* rows that wait; the oldest go first */

/* The first row of (number, text): yours. @return 0; -EAGAIN: none; -errno */
static int first(struct cb_outbox *o, const char *sql, uint64_t from, uint64_t to,
                 uint64_t *ret_number, char **ret_text)
{
    sqlite3_stmt *s = NULL;
    sqlite3_int64 last = to > INT64_MAX ? INT64_MAX : (sqlite3_int64) to;
    if (from > INT64_MAX)
        return -EAGAIN;
    pthread_mutex_lock(&o->lock);
    int r = cb_index_prepare(o->db, &s, sql, "ii", (sqlite3_int64) from, last);
    if (r == 0) {
        int step = sqlite3_step(s);
        char *text = step == SQLITE_ROW ? cb_index_text(s, 1) : NULL;
        if (text) {
            *ret_number = (uint64_t) sqlite3_column_int64(s, 0);
            *ret_text = text;
        } else {
            r = step == SQLITE_DONE  ? -EAGAIN
                : step == SQLITE_ROW ? -ENOMEM
                                     : cb_index_errno(o->db);
        }
        sqlite3_finalize(s);
    }
    pthread_mutex_unlock(&o->lock);
    return r;
}

static int run(struct cb_outbox *o, int *ret_n, const char *sql, uint64_t number)
{
    pthread_mutex_lock(&o->lock);
    int r = cb_index_run(o->db, ret_n, sql, "i", (sqlite3_int64) number);
    pthread_mutex_unlock(&o->lock);
    return r;
}

int cb_outbox_next_alert(struct cb_outbox *o, uint64_t *ret_sequence, char **ret_json)
{
    return first(o,
                 "SELECT sequence, alert FROM package WHERE is_announced = 0"
                 " AND sequence BETWEEN ? AND ? ORDER BY sequence LIMIT 1",
                 0, INT64_MAX, ret_sequence, ret_json);
}

int cb_outbox_mark_announced(struct cb_outbox *o, uint64_t sequence)
{
    int n = 0;
    int r = run(o, &n, "UPDATE package SET is_announced = 1 WHERE sequence = ?", sequence);
    return r < 0 ? r : n ? 0 : -ENOENT;
}

uint64_t cb_outbox_last_announced(struct cb_outbox *o)
{
    pthread_mutex_lock(&o->lock);
    int64_t n = cb_index_number(o->db, "SELECT sequence FROM package WHERE is_announced = 1"
                                       " ORDER BY sequence DESC LIMIT 1");
    pthread_mutex_unlock(&o->lock);
    return (uint64_t) n;
}

int cb_outbox_replay(struct cb_outbox *o, uint64_t from, uint64_t to,
                     int (*fn)(void *arg, uint64_t sequence, const char *json), void *arg)
{
    while (from <= to) {
        CB_AUTO_FREE char *json = NULL;
        uint64_t sequence = 0;
        int r = first(o,
                      "SELECT sequence, alert FROM package WHERE is_announced = 1"
                      " AND sequence BETWEEN ? AND ? ORDER BY sequence LIMIT 1",
                      from, to, &sequence, &json);
        if (r < 0)
            return r == -EAGAIN ? 0 : r;
        if ((r = fn(arg, sequence, json)) != 0)
            return r;
        from = sequence + 1;
    }
    return 0;
}

int cb_outbox_put_minutes(struct cb_outbox *o, const char *json)
{
    pthread_mutex_lock(&o->lock);
    int r = cb_index_run(o->db, NULL, "INSERT INTO minutes(json) VALUES(?)", "t", json);
    if (r == 0)
        cb_index_run(o->db, NULL,
                     "DELETE FROM minutes WHERE number <="
                     " (SELECT max(number) FROM minutes) - ?",
                     "i", (sqlite3_int64) MINUTES_MAX);
    pthread_mutex_unlock(&o->lock);
    return r;
}

int cb_outbox_next_minutes(struct cb_outbox *o, uint64_t *ret_number, char **ret_json)
{
    return first(o,
                 "SELECT number, json FROM minutes WHERE number BETWEEN ? AND ?"
                 " ORDER BY number LIMIT 1",
                 0, INT64_MAX, ret_number, ret_json);
}

int cb_outbox_minutes_done(struct cb_outbox *o, uint64_t number)
{
    return run(o, NULL, "DELETE FROM minutes WHERE number = ?", number);
}
