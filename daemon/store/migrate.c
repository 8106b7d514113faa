#include "store/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db.h"
#include "schema/id.h"

#define FILES_MAX 999
#define FILE_BYTES_MAX (4 << 20)
#define MONTHS_AHEAD "12"
/* Any number that no other program takes: who holds it migrates. */
#define LOCK_KEY "7116220251123"

struct file {
    char name[128];
    int number;
    char *sql;
    char sha256[CB_SHA256_LEN];
};

struct job {
    const char *dir;
    PGconn *conn;
    struct file *file;
    size_t n_files;
    void (*on_file)(void *arg, const char *name);
    void *arg;
    struct cb_migrate_result result;
};

static int is_migration(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 9 && n < 128 && strspn(e->d_name, "0123456789") == 4 && e->d_name[4] == '_' &&
           strcmp(e->d_name + n - 4, ".sql") == 0;
}

static int read_file(const char *dir, struct file *f, struct cb_error *reterr)
{
    CB_AUTO_FREE char *path = NULL;
    unsigned char h[crypto_hash_sha256_BYTES];
    if (cb_path_join(dir, f->name, &path) < 0 || !(f->sql = malloc(FILE_BYTES_MAX + 1)))
        return cb_error_set(reterr, -ENOMEM, f->name, "out of memory");
    FILE *in = fopen(path, "re");
    if (!in)
        return cb_error_set(reterr, -errno, path, "cannot be read: %s", strerror(errno));
    size_t n = fread(f->sql, 1, FILE_BYTES_MAX + 1, in);
    int is_bad = ferror(in);
    fclose(in);
    if (is_bad || n > FILE_BYTES_MAX || memchr(f->sql, '\0', n))
        return cb_error_set(reterr, -EBADMSG, path, "is no SQL text of at most %d bytes",
                            FILE_BYTES_MAX);
    f->sql[n] = '\0';
    crypto_hash_sha256(h, (unsigned char *) f->sql, n);
    sodium_bin2hex(f->sha256, sizeof f->sha256, h, sizeof h);
    return 0;
}

/* 0001, 0002, … without gaps or doubles: a file that is missing would never be applied. */
static int read_files(struct job *j, struct dirent **e, int n, struct cb_error *reterr)
{
    for (int i = 0; i < n; i++) {
        struct file *f = &j->file[j->n_files++];
        snprintf(f->name, sizeof f->name, "%.127s", e[i]->d_name);
        f->number = atoi(f->name);
        if (f->number != i + 1)
            return cb_error_set(reterr, -EBADMSG, f->name, "expected number %04d here", i + 1);
        int r = read_file(j->dir, f, reterr);
        if (r < 0)
            return r;
    }
    return 0;
}

static int load(struct job *j, struct cb_error *reterr)
{
    struct dirent **e = NULL;
    int n = scandir(j->dir, &e, is_migration, alphasort);
    if (n < 0)
        return cb_error_set(reterr, -errno, j->dir, "cannot be read: %s", strerror(errno));
    int r = 0;
    if (n == 0 || n > FILES_MAX)
        r = cb_error_set(reterr, -ENOENT, j->dir, "has %d files NNNN_name.sql, expected 1 to %d", n,
                         FILES_MAX);
    else if (!(j->file = calloc((size_t) n, sizeof *j->file)))
        r = cb_error_set(reterr, -ENOMEM, j->dir, "out of memory");
    else
        r = read_files(j, e, n, reterr);
    for (int i = 0; i < n; i++)
        free(e[i]);
    free(e);
    return r;
}

static int fail(struct job *j, const char *where, struct cb_error *reterr)
{
    char text[220];
    cb_db_message(PQerrorMessage(j->conn), text, sizeof text);
    return cb_error_set(reterr, -EIO, where, "%s", text);
}

static int run(struct job *j, const char *where, const char *sql, struct cb_error *reterr)
{
    PGresult *res = PQexec(j->conn, sql);
    ExecStatusType status = PQresultStatus(res);
    PQclear(res);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return fail(j, where, reterr);
    return 0;
}

/* @return 1: applied, and as it is; 0: not yet; -EBADMSG: it was edited */
static int is_applied(struct job *j, const struct file *f, struct cb_error *reterr)
{
    char number[16];
    const char *v[] = {number};
    snprintf(number, sizeof number, "%d", f->number);
    PGresult *res =
        PQexecParams(j->conn, "SELECT sha256 FROM citybrain_migration WHERE number = $1", 1, NULL,
                     v, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        PQclear(res);
        return fail(j, f->name, reterr);
    }
    int r = PQntuples(res);
    if (r == 1 && strcmp(PQgetvalue(res, 0, 0), f->sha256) != 0)
        r = cb_error_set(reterr, -EBADMSG, f->name,
                         "was edited after it was applied: put it back and add a new file");
    PQclear(res);
    return r;
}

static int record(struct job *j, const struct file *f, struct cb_error *reterr)
{
    char number[16];
    const char *v[] = {number, f->name, f->sha256};
    snprintf(number, sizeof number, "%d", f->number);
    PGresult *res = PQexecParams(
        j->conn, "INSERT INTO citybrain_migration (number, name, sha256) VALUES ($1, $2, $3)", 3,
        NULL, v, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(res);
    PQclear(res);
    return status == PGRES_COMMAND_OK ? 0 : fail(j, f->name, reterr);
}

static int apply(struct job *j, const struct file *f, struct cb_error *reterr)
{
    int r;
    if ((r = run(j, f->name, "BEGIN", reterr)) < 0)
        return r;
    r = run(j, f->name, f->sql, reterr);
    if (r == 0 && PQtransactionStatus(j->conn) != PQTRANS_INTRANS)
        r = cb_error_set(reterr, -EBADMSG, f->name, "ends the transaction it is applied in");
    if (r == 0 && (r = record(j, f, reterr)) == 0)
        r = run(j, f->name, "COMMIT", reterr);
    if (r < 0) {
        PQclear(PQexec(j->conn, "ROLLBACK"));
        return r;
    }
    if (j->on_file)
        j->on_file(j->arg, f->name);
    j->result.n_applied++;
    return 0;
}

/* A database that knows more files than there are belongs to a newer citybrain. */
static int check_no_newer(struct job *j, struct cb_error *reterr)
{
    PGresult *res = PQexec(j->conn, "SELECT coalesce(max(number), 0) FROM citybrain_migration");
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        PQclear(res);
        return fail(j, j->dir, reterr);
    }
    int max = atoi(PQgetvalue(res, 0, 0));
    PQclear(res);
    if (max > (int) j->n_files)
        return cb_error_set(reterr, -EBADMSG, j->dir,
                            "the database has migration %04d, the folder ends at %04zu", max,
                            j->n_files);
    return 0;
}

static int make_partitions(struct job *j, struct cb_error *reterr)
{
    PGresult *res = PQexec(j->conn, "SELECT citybrain_make_partitions(" MONTHS_AHEAD ")");
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        PQclear(res);
        return fail(j, "citybrain_make_partitions", reterr);
    }
    j->result.n_partitions = atoi(PQgetvalue(res, 0, 0));
    PQclear(res);
    return 0;
}

static int apply_all(struct job *j, struct cb_error *reterr)
{
    int r = run(j, "citybrain_migration",
                "CREATE TABLE IF NOT EXISTS citybrain_migration (number integer PRIMARY KEY,"
                " name text NOT NULL, sha256 text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT now(),"
                " applied_by text NOT NULL DEFAULT session_user)", reterr);
    if (r == 0)
        r = check_no_newer(j, reterr);
    for (size_t i = 0; r == 0 && i < j->n_files; i++) {
        int is = is_applied(j, &j->file[i], reterr);
        if (is == 1)
            j->result.n_before++;
        r = is == 0 ? apply(j, &j->file[i], reterr) : is < 0 ? is : 0;
    }
    return r == 0 ? make_partitions(j, reterr) : r;
}

static int migrate(struct job *j, const char *conninfo, struct cb_error *reterr)
{
    int r = j->dir ? load(j, reterr) : 0;
    if (r < 0 || (r = cb_db_connect(conninfo, &j->conn, reterr)) < 0)
        return r;
    /* the lock is the session's: it goes with the connection, whatever happens */
    if ((r = run(j, "lock", "SELECT pg_advisory_lock(" LOCK_KEY ")", reterr)) == 0)
        r = j->dir ? apply_all(j, reterr) : make_partitions(j, reterr);
    PQfinish(j->conn);
    return r;
}

int cb_store_migrate(const char *conninfo, const char *dir,
                     void (*on_file)(void *arg, const char *name), void *arg,
                     struct cb_migrate_result *ret, struct cb_error *reterr)
{
    struct job j = {.dir = dir, .on_file = on_file, .arg = arg};
    int r = migrate(&j, conninfo, reterr);
    for (size_t i = 0; i < j.n_files; i++)
        free(j.file[i].sql);
    free(j.file);
    if (r == 0)
        *ret = j.result;
    return r;
}
