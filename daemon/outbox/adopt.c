#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index.h"
#include "media.h"
#include "outbox_private.h"
#include "schema/alert.h"

/* A package of this name, sequence and id is there already: then there is nothing to do. */
static bool is_same_there(struct cb_outbox *o, const char *id, const char *name, uint64_t sequence)
{
    sqlite3_stmt *s = NULL;
    if (cb_index_prepare(o->db, &s,
                         "SELECT 1 FROM package WHERE sequence = ? AND id = ?"
                         " AND dir = ?",
                         "itt", (sqlite3_int64) sequence, id, name) < 0)
        return false;
    bool is_there = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return is_there;
}

int cb_outbox_insert(struct cb_outbox *o, const char *id, const char *name, uint64_t sequence,
                     const char *alert_json, bool is_delivered)
{
    uint64_t n_bytes = cb_media_n_bytes(o->sealed_fd, name);
    int64_t now_ns = cb_clock_now_ns(), flag = is_delivered ? 1 : 0;
    int r = cb_index_run(o->db, NULL,
                         "INSERT INTO package(sequence, id, dir, n_bytes, put_utc_ns, alert, state,"
                         " is_announced, acked_utc_ns, has_media) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?,"
                         " ?)",
                         "ittiitiiii", (sqlite3_int64) sequence, id, name, (sqlite3_int64) n_bytes,
                         (sqlite3_int64) now_ns, alert_json, (sqlite3_int64) flag,
                         (sqlite3_int64) flag, (sqlite3_int64) now_ns, (sqlite3_int64) !flag);
    if (r == -EEXIST && is_same_there(o, id, name, sequence))
        return 0;
    if (r == 0 && !is_delivered)
        o->n_bytes += n_bytes;
    return r;
}

static int alert_of(const struct cb_evidence *e, char **ret_json)
{
    struct cb_alert a;
    cb_alert_from_evidence(e, &a);
    a.published_utc_ns = cb_clock_now_ns();
    return cb_alert_print(&a, ret_json);
}

int cb_outbox_make_alert(struct cb_outbox *o, const char *name, char **ret_json)
{
    struct cb_evidence e;
    int r = cb_media_read_record(o->sealed_fd, name, &e);
    if (r < 0)
        return r;
    r = alert_of(&e, ret_json);
    cb_evidence_deinit(&e);
    return r;
}

static bool is_known(struct cb_outbox *o, const char *name)
{
    sqlite3_stmt *s = NULL;
    if (cb_index_prepare(o->db, &s, "SELECT 1 FROM package WHERE dir = ?", "t", name) < 0)
        return false;
    bool is_there = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return is_there;
}

static int adopt_one(struct cb_outbox *o, const char *name, int *n_taken)
{
    struct cb_evidence e;
    CB_AUTO_FREE char *alert = NULL;
    int r = cb_media_read_record(o->sealed_fd, name, &e);
    if (r < 0) {
        cb_warn(o, "%s/%s has no record that can be read, leaving it alone", o->sealed_dir, name);
        o->n_damaged++;
        return 0;
    }
    bool is_delivered = cb_media_is_delivered(o->sealed_fd, name);
    r = alert_of(&e, &alert);
    if (r == 0)
        r = cb_outbox_insert(o, e.id, name, e.sequence, alert, is_delivered);
    if (r == -EEXIST) {
        cb_warn(o, "%s/%s has the sequence or id of another package, leaving it alone",
                o->sealed_dir, name);
        o->n_damaged++;
        r = 0;
    } else if (r == 0) {
        ++*n_taken;
    }
    cb_evidence_deinit(&e);
    return r;
}

static int adopt_all(struct cb_outbox *o, DIR *d, int *ret_n_taken)
{
    int r = 0;
    o->n_damaged = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(d));)
        if (entry->d_name[0] != '.' && !is_known(o, entry->d_name))
            r = adopt_one(o, entry->d_name, ret_n_taken);
    return r;
}

/* In one transaction: an index lost with a hundred thousand packages is refilled by one commit. */
int cb_outbox_adopt(struct cb_outbox *o)
{
    int fd = openat(o->sealed_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    uint64_t n_bytes = o->n_bytes;
    int n_taken = 0;
    int r = cb_index_run(o->db, NULL, "BEGIN IMMEDIATE", "");
    if (r == 0 && (r = adopt_all(o, d, &n_taken)) == 0)
        r = cb_index_run(o->db, NULL, "COMMIT", "");
    if (r < 0) {
        cb_index_run(o->db, NULL, "ROLLBACK", ""); /* fails harmlessly if none is open */
        o->n_bytes = n_bytes;
    } else if (n_taken) {
        cb_info(o, "took in %d sealed packages that the index did not know", n_taken);
    }
    o->must_adopt = r < 0;
    closedir(d);
    return r;
}
