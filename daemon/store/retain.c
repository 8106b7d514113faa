#include "store/retain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "db.h"
#include "media.h"

#define AT_ONCE "500" /* violations a transaction: its locks are short */

struct retain {
    PGconn *conn;
    const struct cb_retain_opts *opts;
    struct cb_retain_result *ret;
    struct cb_error *reterr;
};

static int fail(struct retain *t, PGresult *res)
{
    char text[220];
    cb_db_message(PQerrorMessage(t->conn), text, sizeof text);
    PQclear(res);
    return cb_error_set(t->reterr, -EIO, "PostgreSQL", "%s", text);
}

/* @return 0: *ret is yours (NULL: it is not wanted) */
static int ask(struct retain *t, const char *sql, const char *value, PGresult **ret)
{
    PGresult *res = PQexecParams(t->conn, sql, value != NULL, NULL, &value, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return fail(t, res);
    if (ret)
        *ret = res;
    else
        PQclear(res);
    return 0;
}

static int ask_number(struct retain *t, const char *sql, uint64_t *ret)
{
    PGresult *res;
    int r = ask(t, sql, NULL, &res);
    if (r < 0)
        return r;
    *ret = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return 0;
}

static int erase_rows(struct retain *t)
{
    if (t->opts->is_dry)
        return ask_number(t, "SELECT count(*) FROM retention_due", &t->ret->n_erased);
    uint64_t n = 0;
    int r;
    do {
        r = ask_number(t, "SELECT citybrain_erase_due(" AT_ONCE ")", &n);
        t->ret->n_erased += r == 0 ? n : 0;
    } while (r == 0 && n > 0);
    return r;
}

static bool is_in_use(void *arg, const char *sha256)
{
    const PGresult *used = arg;
    int low = 0, high = PQntuples(used) - 1;
    while (low <= high) {
        int middle = (low + high) / 2, order = strcmp(sha256, PQgetvalue(used, middle, 0));
        if (order == 0)
            return true;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return false;
}

/* No store may be between writing a file and noting it: the lock is what both take. */
static int sweep_sub(struct retain *t, int media_fd, const char *sub)
{
    PGresult *used = NULL;
    int r = ask(t, "BEGIN", NULL, NULL);
    if (r == 0)
        r = ask(t, "SELECT pg_advisory_xact_lock(" CB_MEDIA_LOCK ")", NULL, NULL);
    if (r == 0)
        r = ask(t, "SELECT u COLLATE \"C\" FROM citybrain_media_in_use($1) u ORDER BY 1", sub, &used);
    if (r == 0) {
        struct cb_media_sweep w = {.is_in_use = is_in_use, .arg = used, .is_dry = t->opts->is_dry};
        r = cb_media_sweep(media_fd, sub, &w, t->reterr);
        t->ret->n_files += w.n_files;
        t->ret->n_bytes += w.n_bytes;
        PQclear(used);
    }
    return r == 0 ? ask(t, "COMMIT", NULL, NULL) : r;
}

static int sweep(struct retain *t)
{
    CB_AUTO_CLOSE int fd = -1;
    int r = cb_media_open(t->opts->media_dir, &fd, t->reterr);
    for (int i = 0; r == 0 && i < 256; i++) {
        char sub[3];
        snprintf(sub, sizeof sub, "%02x", i);
        r = sweep_sub(t, fd, sub);
    }
    if (r == 0)
        r = cb_media_sweep_left_over(fd, t->opts->is_dry, &t->ret->n_left_over, t->reterr);
    return r;
}

int cb_retain_run(const struct cb_retain_opts *opts, struct cb_retain_result *ret,
                  struct cb_error *reterr)
{
    struct retain t = {.opts = opts, .ret = ret, .reterr = reterr};
    *ret = (struct cb_retain_result){0};
    int r = cb_db_connect(opts->conninfo, &t.conn, reterr);
    if (r < 0)
        return r;
    if ((r = erase_rows(&t)) == 0 && opts->media_dir)
        r = sweep(&t);
    PQfinish(t.conn);
    return r;
}
