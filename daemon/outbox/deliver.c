#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index.h"
#include "media.h"
#include "outbox_private.h"

#define BACKOFF_DOUBLINGS_MAX 6
#define TIDY_EVERY_NS         (60 * CB_NS_PER_S)
#define REMOVE_AT_ONCE_MAX    16 /* packages; the rest at the next occasion */

static int note_flight(struct cb_outbox *o, sqlite3_int64 sequence, sqlite3_int64 n_tries)
{
    sqlite3_int64 doublings = n_tries < BACKOFF_DOUBLINGS_MAX ? n_tries : BACKOFF_DOUBLINGS_MAX;
    sqlite3_int64 until_ns = cb_clock_mono_ns() + (o->opts.resend_ns << doublings);
    return cb_index_run(o->db, NULL, "INSERT OR REPLACE INTO flight VALUES(?, ?, ?)", "iii",
                        sequence, n_tries + 1, until_ns);
}

static int next(struct cb_outbox *o, char ret_id[CB_UUID_LEN], char **ret_dir)
{
    sqlite3_stmt *s = NULL;
    CB_AUTO_FREE char *dir = NULL;
    int r = cb_index_prepare(o->db, &s,
                             "SELECT p.sequence, p.id, p.dir, coalesce(f.n_tries, 0) FROM package p"
                             " LEFT JOIN flight f ON f.sequence = p.sequence WHERE p.state = 0"
                             " AND coalesce(f.not_before_ns, 0) <= ? ORDER BY p.sequence LIMIT 1",
                             "i", (sqlite3_int64) cb_clock_mono_ns());
    if (r < 0)
        return r;
    int step = sqlite3_step(s);
    if (step != SQLITE_ROW) {
        r = step == SQLITE_DONE ? -EAGAIN : cb_index_errno(o->db);
    } else {
        sqlite3_int64 sequence = sqlite3_column_int64(s, 0), n_tries = sqlite3_column_int64(s, 3);
        char id[CB_UUID_LEN] = "";
        strncpy(id, (const char *) sqlite3_column_text(s, 1), sizeof id - 1);
        r = cb_path_join(o->sealed_dir, (const char *) sqlite3_column_text(s, 2), &dir);
        sqlite3_reset(s);
        if (r == 0 && o->opts.resend_ns > 0)
            r = note_flight(o, sequence, n_tries);
        if (r == 0) {
            memcpy(ret_id, id, sizeof id);
            *ret_dir = dir;
            dir = NULL;
        }
    }
    sqlite3_finalize(s);
    return r;
}

int cb_outbox_next(struct cb_outbox *o, char ret_id[CB_UUID_LEN], char **ret_dir)
{
    pthread_mutex_lock(&o->lock);
    if (o->must_adopt)
        cb_outbox_adopt(o); /* if it fails again, what is known is delivered meanwhile */
    if (cb_clock_mono_ns() >= o->tidy_mono_ns) {
        cb_outbox_remove_due(o);
        o->tidy_mono_ns = cb_clock_mono_ns() + TIDY_EVERY_NS;
    }
    int r = next(o, ret_id, ret_dir);
    pthread_mutex_unlock(&o->lock);
    return r;
}

void cb_outbox_forget_flights(struct cb_outbox *o)
{
    pthread_mutex_lock(&o->lock);
    cb_index_run(o->db, NULL, "UPDATE flight SET not_before_ns = 0", "");
    pthread_mutex_unlock(&o->lock);
}

/* One package's media, and the index told. @return false: it could not be done now */
static bool remove_one(struct cb_outbox *o, sqlite3_int64 sequence, const char *name,
                       uint64_t n_bytes)
{
    int r = cb_media_remove(o->sealed_fd, name);
    if (r == 0)
        r = cb_index_run(o->db, NULL, "UPDATE package SET has_media = 0 WHERE sequence = ?", "i",
                         sequence);
    if (r < 0) {
        cb_warn(o, "the media of %s cannot be removed (%s), trying again later", name,
                strerror(-r));
        return false;
    }
    o->n_bytes -= n_bytes < o->n_bytes ? n_bytes : o->n_bytes;
    return true;
}

static bool remove_oldest_due(struct cb_outbox *o)
{
    sqlite3_stmt *s = NULL;
    sqlite3_int64 before_ns = cb_clock_now_ns() - o->opts.keep_media_ns;
    if (cb_index_prepare(o->db, &s,
                         "SELECT sequence, dir, n_bytes FROM package WHERE state = 1"
                         " AND has_media = 1 AND acked_utc_ns <= ?"
                         " ORDER BY acked_utc_ns LIMIT 1",
                         "i", before_ns) < 0)
        return false;
    bool is_done = false;
    if (sqlite3_step(s) == SQLITE_ROW) {
        sqlite3_int64 sequence = sqlite3_column_int64(s, 0);
        uint64_t n_bytes = (uint64_t) sqlite3_column_int64(s, 2);
        CB_AUTO_FREE char *name = cb_index_text(s, 1);
        sqlite3_reset(s);
        is_done = name && remove_one(o, sequence, name, n_bytes);
    }
    sqlite3_finalize(s);
    return is_done;
}

void cb_outbox_remove_due(struct cb_outbox *o)
{
    for (int i = 0; o->opts.keep_media_ns >= 0 && i < REMOVE_AT_ONCE_MAX; i++)
        if (!remove_oldest_due(o))
            break;
}

int cb_outbox_tidy(struct cb_outbox *o)
{
    pthread_mutex_lock(&o->lock);
    int r = o->must_adopt ? cb_outbox_adopt(o) : 0;
    cb_outbox_remove_due(o);
    pthread_mutex_unlock(&o->lock);
    return r;
}

int cb_outbox_ack(struct cb_outbox *o, const char *id)
{
    int n = 0;
    pthread_mutex_lock(&o->lock);
    int r = cb_index_run(o->db, &n,
                         "UPDATE package SET acked_utc_ns = CASE state WHEN 1 THEN acked_utc_ns"
                         " ELSE ? END, state = 1, reason = NULL WHERE id = ?",
                         "it", (sqlite3_int64) cb_clock_now_ns(), id);
    if (r == 0 && n) {
        cb_index_run(o->db, NULL,
                     "DELETE FROM flight WHERE sequence ="
                     " (SELECT sequence FROM package WHERE id = ?)",
                     "t", id);
        cb_outbox_remove_due(o);
    }
    pthread_mutex_unlock(&o->lock);
    return r < 0 ? r : n ? 0 : -ENOENT;
}
