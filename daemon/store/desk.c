#include "desk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"

int cb_desk_connect(const struct cb_desk_opts *o, PGconn **ret, struct cb_error *reterr)
{
    char sql[512], *zone = NULL;
    PGconn *c = NULL;
    int r = cb_db_connect(o->conninfo, &c, reterr);
    if (r < 0)
        return cb_error_set(reterr, -EAGAIN, "PostgreSQL", "is away");
    if (!(zone = PQescapeLiteral(c, o->timezone, strlen(o->timezone)))) {
        PQfinish(c);
        return -ENOMEM;
    }
    /* compiling statements of this size takes seconds, and pays for none of them */
    snprintf(sql, sizeof sql,
             "SET jit = off; SET statement_timeout = '20s'; SET idle_in_transaction_session_timeout = '120s';"
             "SET citybrain.timezone = %s; SET citybrain.signed_s = '%d';"
             "SET citybrain.responded_s = '%d'; SET citybrain.feedback_s = '%d'",
             zone, o->signed_s, o->responded_s, o->feedback_s);
    PQfreemem(zone);
    PGresult *res = PQexec(c, sql);
    bool is_done = PQresultStatus(res) == PGRES_COMMAND_OK;
    PQclear(res);
    if (!is_done) {
        char text[220];
        cb_db_message(PQerrorMessage(c), text, sizeof text);
        PQfinish(c);
        return cb_error_set(reterr, -EIO, "PostgreSQL", "%s", text);
    }
    *ret = c;
    return 0;
}

static void drop(struct cb_desk *d)
{
    PQfinish(d->conn);
    d->conn = NULL;
}

/* Conditions that the migrations raise, and PostgreSQL's own. */
static const struct {
    const char *state; /* its beginning */
    int code;
} meanings[] = {
    {"CB404", -ENOENT}, {"CB409", -EEXIST}, {"CB422", -EINVAL}, {"42501", -EACCES},
    {"23514", -EEXIST}, {"23505", -EEXIST}, {"23", -EINVAL},    {"22", -EINVAL},
    {"40", -EAGAIN},    {"53", -EAGAIN},    {"57", -EAGAIN},    {"08", -EAGAIN},
};

static int meaning(const char *state)
{
    for (size_t i = 0; state && i < sizeof meanings / sizeof meanings[0]; i++)
        if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) == 0)
            return meanings[i].code;
    return state ? -EIO : -EAGAIN;
}

int cb_desk_judge(struct cb_desk *d, const PGresult *res, struct cb_error *reterr)
{
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return 0;
    char text[220];
    const char *message = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *column = res ? PQresultErrorField(res, PG_DIAG_COLUMN_NAME) : NULL;
    cb_db_message(message ? message : PQerrorMessage(d->conn), text, sizeof text);
    int r = meaning(res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL);
    if (PQstatus(d->conn) != CONNECTION_OK) {
        drop(d);
        r = -EAGAIN;
    }
    return cb_error_set(reterr, r, column ? column : "", "%s", text);
}

int cb_desk_run(struct cb_desk *d, const char *sql, int n, const char *const *values,
                PGresult **ret, struct cb_error *reterr)
{
    if (!d->conn)
        return cb_error_set(reterr, -EAGAIN, "PostgreSQL", "is away");
    PGresult *res = n ? PQexecParams(d->conn, sql, n, NULL, values, NULL, NULL, 0)
                      : PQexec(d->conn, sql);
    int r = cb_desk_judge(d, res, reterr);
    if (r == 0 && ret)
        *ret = res;
    else
        PQclear(res);
    return r;
}

int cb_desk_note(struct cb_desk *d, const char *action, const char *violation, const char *detail,
                 struct cb_error *reterr)
{
    const char *v[] = {action, violation, detail};
    return cb_desk_run(d, "SELECT citybrain_log_access($1, $2::uuid, $3)", 3, v, NULL, reterr);
}

int cb_desk_create(struct cb_desk **ret, const struct cb_desk_opts *opts, struct cb_error *reterr)
{
    struct cb_desk *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->opts = *opts;
    d->media_fd = opts->media_dir[0]
                      ? open(opts->media_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (opts->media_dir[0] && d->media_fd < 0 && errno != ENOENT) {
        int r = -errno;
        free(d);
        return cb_error_set(reterr, r, opts->media_dir, "cannot be opened: %s", strerror(-r));
    }
    *ret = d;
    return 0;
}

void cb_desk_destroy(struct cb_desk **desk)
{
    struct cb_desk *d = *desk;
    if (!d)
        return;
    *desk = NULL;
    drop(d);
    if (d->media_fd >= 0)
        close(d->media_fd);
    free(d);
}

/* A connection that died while nobody asked is found out by its first statement: once more then. */
static int begin(struct cb_desk *d, struct cb_error *reterr)
{
    int r = -EAGAIN;
    for (int i = 0; i < 2 && r == -EAGAIN; i++) {
        if (d->conn && PQtransactionStatus(d->conn) != PQTRANS_IDLE)
            drop(d);
        if (!d->conn && (r = cb_desk_connect(&d->opts, &d->conn, reterr)) < 0)
            return r;
        r = cb_desk_run(d, "BEGIN", 0, NULL, NULL, reterr);
        if (r == -EAGAIN)
            drop(d);
    }
    return r;
}

int cb_desk_leave(struct cb_desk *d, bool is_done, struct cb_error *reterr)
{
    PGresult *res = NULL;
    if (!d->conn)
        return cb_error_set(reterr, -EAGAIN, "PostgreSQL", "is away");
    int r = cb_desk_run(d, is_done ? "COMMIT" : "ROLLBACK", 0, NULL, &res, reterr);
    if (r == 0 && is_done && strcmp(PQcmdStatus(res), "COMMIT") != 0)
        r = cb_error_set(reterr, -EIO, "PostgreSQL", "the transaction was rolled back");
    PQclear(res);
    if (r < 0)
        drop(d);
    return r;
}

/* A function of the login's, outside of any user's rights. */
static int call(struct cb_desk *d, const char *sql, int n, const char *const *v, PGresult **ret,
                struct cb_error *reterr)
{
    int r = begin(d, reterr);
    if (r < 0)
        return r;
    PGresult *res = NULL;
    r = cb_desk_run(d, sql, n, v, &res, reterr);
    struct cb_error ignored;
    int left = cb_desk_leave(d, r == 0, r == 0 ? reterr : &ignored);
    r = r < 0 ? r : left;
    if (r == 0 && ret)
        *ret = res;
    else
        PQclear(res);
    return r;
}

int cb_desk_login_begin(struct cb_desk *d, const char *login, const char *address, char **ret_hash,
                        int *ret_wait_s, struct cb_error *reterr)
{
    const char *v[] = {login, address};
    PGresult *res = NULL;
    int r = call(d, "SELECT password_hash, wait_s FROM citybrain_login_begin($1, $2)", 2, v, &res,
                 reterr);
    if (r < 0)
        return r;
    char *hash = PQgetisnull(res, 0, 0) ? NULL : strdup(PQgetvalue(res, 0, 0));
    bool has_none = PQgetisnull(res, 0, 0);
    *ret_wait_s = atoi(PQgetvalue(res, 0, 1));
    PQclear(res);
    if (!has_none && !hash)
        return -ENOMEM;
    *ret_hash = hash;
    return 0;
}

#define BYTEA_LEN (2 * CB_TOKEN_HASH_BYTES + 3)

static void print_bytea(const unsigned char hash[CB_TOKEN_HASH_BYTES], char ret[BYTEA_LEN])
{
    ret[0] = '\\';
    ret[1] = 'x';
    sodium_bin2hex(ret + 2, BYTEA_LEN - 2, hash, CB_TOKEN_HASH_BYTES);
}

int cb_desk_login_end(struct cb_desk *d, const char *login, const char *address,
                      const unsigned char token_sha256[CB_TOKEN_HASH_BYTES],
                      struct cb_error *reterr)
{
    char token[BYTEA_LEN];
    const char *v[] = {login, address, token};
    print_bytea(token_sha256, token);
    return call(d, "SELECT citybrain_login_end($1, $2, $3::bytea)", 3, v, NULL, reterr);
}

int cb_desk_logout(struct cb_desk *d, const unsigned char token_sha256[CB_TOKEN_HASH_BYTES],
                   struct cb_error *reterr)
{
    char token[BYTEA_LEN];
    const char *v[] = {token};
    print_bytea(token_sha256, token);
    return call(d, "SELECT citybrain_logout($1::bytea)", 1, v, NULL, reterr);
}

static int fill_user(const PGresult *res, struct cb_desk_user *ret)
{
    struct cb_desk_user u = {.role = CB_ROLE_COUNT};
    snprintf(u.login, sizeof u.login, "%s", PQgetvalue(res, 0, 0));
    snprintf(u.name, sizeof u.name, "%s", PQgetvalue(res, 0, 1));
    for (int i = 0; i < CB_ROLE_COUNT; i++)
        if (!strcmp(PQgetvalue(res, 0, 2), cb_role_names[i]))
            u.role = (enum cb_role) i;
    snprintf(u.expires_at, sizeof u.expires_at, "%s", PQgetvalue(res, 0, 5));
    u.districts_json = strdup(PQgetisnull(res, 0, 4) ? "null" : PQgetvalue(res, 0, 4));
    if (!PQgetisnull(res, 0, 3) && !(u.districts = strdup(PQgetvalue(res, 0, 3)))) {
        cb_desk_user_deinit(&u);
        return -ENOMEM;
    }
    if (!u.districts_json || u.role == CB_ROLE_COUNT) {
        cb_desk_user_deinit(&u);
        return u.role == CB_ROLE_COUNT ? -EIO : -ENOMEM;
    }
    *ret = u;
    return 0;
}

int cb_desk_enter(struct cb_desk *d, const unsigned char token_sha256[CB_TOKEN_HASH_BYTES],
                  struct cb_desk_user *ret, struct cb_error *reterr)
{
    char token[BYTEA_LEN];
    const char *v[] = {token};
    PGresult *res = NULL;
    struct cb_error ignored;
    print_bytea(token_sha256, token);
    int r = begin(d, reterr);
    if (r < 0)
        return r;
    r = cb_desk_run(d,
                    "SELECT login, name, role,"
                    " U&'\\001F' || array_to_string(districts, U&'\\001F') || U&'\\001F',"
                    " array_to_json(districts), " CB_SQL_TIME("expires_at") ","
                    " set_config('role', 'citybrain_' || role, true)"
                    " FROM citybrain_enter($1::bytea)",
                    1, v, &res, reterr);
    if (r == 0 && PQntuples(res) == 0)
        r = cb_error_set(reterr, -EPERM, "", "no such session, or it is over");
    if (r == 0)
        r = fill_user(res, ret);
    PQclear(res);
    if (r < 0)
        cb_desk_leave(d, false, &ignored);
    return r;
}
