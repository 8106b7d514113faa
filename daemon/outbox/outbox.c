#include "outbox/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index.h"
#include "media.h"
#include "outbox_private.h"
#include "schema/alert.h"

static const struct cb_outbox_opts defaults = {
    .budget_bytes = UINT64_C(20) << 30,
    .min_free_bytes = UINT64_C(256) << 20,
};

static int open_sealed(struct cb_outbox *o, const char *data_dir, struct cb_error *reterr)
{
    int r = cb_path_join(data_dir, "sealed", &o->sealed_dir);
    if (r < 0)
        return r;
    if ((mkdir(data_dir, 0750) < 0 && errno != EEXIST) ||
        (mkdir(o->sealed_dir, 0750) < 0 && errno != EEXIST))
        return cb_error_set(reterr, -errno, o->sealed_dir, "cannot be made: %s", strerror(errno));
    o->sealed_fd = open(o->sealed_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (o->sealed_fd < 0)
        return cb_error_set(reterr, -errno, o->sealed_dir, "cannot be opened: %s", strerror(errno));
    return 0;
}

static int open_index(struct cb_outbox *o, const char *data_dir, struct cb_error *reterr)
{
    CB_AUTO_FREE char *file = NULL;
    int r = cb_path_join(data_dir, "outbox.db", &file);
    if (r == 0)
        r = cb_index_open(&o->db, file, reterr);
    if (r == 0)
        o->n_bytes = (uint64_t) cb_index_number(
            o->db, "SELECT coalesce(sum(n_bytes), 0) FROM package WHERE has_media = 1");
    return r;
}

int cb_outbox_create(struct cb_outbox **ret, const char *data_dir,
                     const struct cb_outbox_opts *opts, struct cb_error *reterr)
{
    struct cb_outbox *o = calloc(1, sizeof *o);
    int r;
    if (!o)
        return -ENOMEM;
    o->sealed_fd = -1;
    o->log = (struct cb_log){"outbox", NULL};
    o->opts = opts ? *opts : defaults;
    if (!o->opts.budget_bytes)
        o->opts.budget_bytes = defaults.budget_bytes;
    if (!o->opts.min_free_bytes)
        o->opts.min_free_bytes = defaults.min_free_bytes;
    if (o->opts.resend_ns < 0)
        o->opts.resend_ns = 0;
    r = -pthread_mutex_init(&o->lock, NULL);
    o->has_lock = r == 0;
    if (r < 0 || (r = open_sealed(o, data_dir, reterr)) < 0 ||
        (r = open_index(o, data_dir, reterr)) < 0)
        goto fail;
    if ((r = cb_outbox_adopt(o)) < 0) {
        cb_error_set(reterr, r, o->sealed_dir, "cannot be taken in: %s", strerror(-r));
        goto fail;
    }
    cb_outbox_remove_due(o);
    *ret = o;
    return 0;
fail:
    cb_outbox_destroy(&o);
    return r;
}

void cb_outbox_destroy(struct cb_outbox **outbox)
{
    struct cb_outbox *o = *outbox;
    if (!o)
        return;
    *outbox = NULL;
    sqlite3_close(o->db); /* takes NULL */
    if (o->sealed_fd >= 0)
        close(o->sealed_fd);
    if (o->has_lock)
        pthread_mutex_destroy(&o->lock);
    free(o->sealed_dir);
    free(o);
}

static uint64_t free_bytes(const struct cb_outbox *o)
{
    struct statvfs st;
    if (fstatvfs(o->sealed_fd, &st) < 0)
        return UINT64_MAX;
    return (uint64_t) st.f_bavail * st.f_frsize;
}

int cb_outbox_check_room(struct cb_outbox *o, struct cb_error *reterr)
{
    uint64_t n_free = free_bytes(o);
    pthread_mutex_lock(&o->lock);
    uint64_t n_bytes = o->n_bytes;
    pthread_mutex_unlock(&o->lock);
    if (n_bytes >= o->opts.budget_bytes)
        return cb_error_set(reterr, -ENOSPC, o->sealed_dir,
                            "holds %" PRIu64 " MB of evidence that waits, the budget is %" PRIu64
                            " MB: no new evidence until the store takes some",
                            n_bytes / 1000000, o->opts.budget_bytes / 1000000);
    if (n_free < o->opts.min_free_bytes)
        return cb_error_set(reterr, -ENOSPC, o->sealed_dir,
                            "has %" PRIu64 " MB free on its disk, expected at least %" PRIu64
                            " MB: no new evidence until there is room",
                            n_free / 1000000, o->opts.min_free_bytes / 1000000);
    return 0;
}

/* The folder's name, if dir is a folder right in sealed/. */
static const char *name_in_sealed(const struct cb_outbox *o, const char *dir)
{
    size_t n = strlen(o->sealed_dir);
    if (strncmp(dir, o->sealed_dir, n) || dir[n] != '/')
        return NULL;
    const char *name = dir + n + 1;
    return *name && *name != '.' && !strchr(name, '/') ? name : NULL;
}

int cb_outbox_put(struct cb_outbox *o, const char *id, const char *dir, uint64_t sequence,
                  const char *alert_json, struct cb_error *reterr)
{
    const char *name = name_in_sealed(o, dir);
    CB_AUTO_FREE char *made = NULL;
    int r = 0;
    if (!name || !cb_uuid_is_valid(id) || sequence == 0 || sequence > INT64_MAX)
        return cb_error_set(reterr, -EINVAL, dir, "is no package in %s", o->sealed_dir);
    pthread_mutex_lock(&o->lock);
    if (o->must_adopt)
        r = cb_outbox_adopt(o); /* what came before goes first */
    if (r == 0 && !alert_json)
        r = cb_outbox_make_alert(o, name, &made);
    if (r == 0)
        r = cb_outbox_insert(o, id, name, sequence, alert_json ? alert_json : made, false);
    if (r < 0 && r != -EEXIST)
        o->must_adopt = true;
    pthread_mutex_unlock(&o->lock);
    if (r < 0)
        return cb_error_set(reterr, r, dir, "is sealed but not yet in the outbox: %s",
                            strerror(-r));
    return 0;
}

int cb_outbox_set_aside(struct cb_outbox *o, const char *id, const char *reason)
{
    int n = 0;
    pthread_mutex_lock(&o->lock);
    int r = cb_index_run(o->db, &n,
                         "UPDATE package SET state = 2, reason = ? WHERE id = ?"
                         " AND state <> 1",
                         "tt", reason, id);
    pthread_mutex_unlock(&o->lock);
    return r < 0 ? r : n ? 0 : -ENOENT;
}

int cb_outbox_retry_set_aside(struct cb_outbox *o, uint64_t *ret_n)
{
    int n = 0;
    pthread_mutex_lock(&o->lock);
    int r = cb_index_retry_set_aside(o->db, &n);
    pthread_mutex_unlock(&o->lock);
    if (r == 0 && ret_n)
        *ret_n = (uint64_t) n;
    return r;
}

static uint64_t count(struct cb_outbox *o, const char *sql)
{
    return (uint64_t) cb_index_number(o->db, sql);
}

struct cb_outbox_stats cb_outbox_stats(struct cb_outbox *o)
{
    struct cb_outbox_stats s = {.free_bytes = free_bytes(o)};
    pthread_mutex_lock(&o->lock);
    s.n_waiting = count(o, "SELECT count(*) FROM package WHERE state = 0");
    s.n_set_aside = count(o, "SELECT count(*) FROM package WHERE state = 2");
    s.n_delivered = count(o, "SELECT count(*) FROM package") - s.n_waiting - s.n_set_aside;
    s.n_unannounced = count(o, "SELECT count(*) FROM package WHERE is_announced = 0");
    s.n_bytes = o->n_bytes;
    s.n_damaged = o->n_damaged;
    int64_t oldest_ns = cb_index_number(
        o->db, "SELECT put_utc_ns FROM package WHERE state = 0 ORDER BY sequence LIMIT 1");
    pthread_mutex_unlock(&o->lock);
    if (s.n_waiting) {
        int64_t age_ns = cb_clock_now_ns() - oldest_ns;
        s.oldest_age_ns = age_ns > 0 ? age_ns : 0;
    }
    return s;
}

void cb_outbox_print_metrics(void *self, FILE *out)
{
    struct cb_outbox_stats s = cb_outbox_stats(self);
    fprintf(out,
            "# TYPE citybrain_outbox_packages gauge\n"
            "citybrain_outbox_packages{state=\"waiting\"} %" PRIu64 "\n"
            "citybrain_outbox_packages{state=\"set_aside\"} %" PRIu64 "\n"
            "citybrain_outbox_packages{state=\"delivered\"} %" PRIu64 "\n"
            "# TYPE citybrain_outbox_unannounced gauge\n"
            "citybrain_outbox_unannounced %" PRIu64 "\n"
            "# TYPE citybrain_outbox_bytes gauge\n"
            "citybrain_outbox_bytes %" PRIu64 "\n"
            "# TYPE citybrain_outbox_oldest_age_seconds gauge\n"
            "citybrain_outbox_oldest_age_seconds %.3f\n"
            "# TYPE citybrain_outbox_damaged gauge\n"
            "citybrain_outbox_damaged %" PRIu64 "\n"
            "# TYPE citybrain_outbox_disk_free_bytes gauge\n"
            "citybrain_outbox_disk_free_bytes %" PRIu64 "\n",
            s.n_waiting, s.n_set_aside, s.n_delivered, s.n_unannounced, s.n_bytes,
            cb_s_from_ns(s.oldest_age_ns), s.n_damaged, s.free_bytes);
}
