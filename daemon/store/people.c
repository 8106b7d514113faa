#include "store/people.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"

static int fail(PGconn *conn, const PGresult *res, struct cb_error *reterr)
{
    char text[220];
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    int r = !state ? -EIO : !strcmp(state, "23505") ? -EEXIST : !strncmp(state, "23", 2) ? -EINVAL : -EIO;
    cb_db_message(PQerrorMessage(conn), text, sizeof text);
    return cb_error_set(reterr, r, "PostgreSQL", "%s", text);
}

static int run(const char *conninfo, const char *sql, int n, const char *const *v,
               struct cb_error *reterr)
{
    PGconn *conn = NULL;
    int r = cb_db_connect(conninfo, &conn, reterr);
    if (r < 0)
        return r;
    PGresult *res = PQexecParams(conn, sql, n, NULL, v, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        r = fail(conn, res, reterr);
    else if (!strcmp(PQcmdTuples(res), "0"))
        r = cb_error_set(reterr, -ENOENT, v[0], "there is no such user");
    PQclear(res);
    PQfinish(conn);
    return r;
}

int cb_people_set(const char *conninfo, const struct cb_people_change *c, struct cb_error *reterr)
{
    struct cb_db_array districts = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->n_districts; i++)
        r = cb_db_array_add(&districts, c->district[i]);
    const char *list = c->n_districts ? cb_db_array_end(&districts) : NULL;
    if (r < 0 || (c->n_districts && !list)) {
        cb_db_array_deinit(&districts);
        return cb_error_set(reterr, -ENOMEM, "user", "out of memory");
    }
    const char *v[] = {c->login, c->name, c->role, c->password_hash, list,
                       c->has_districts ? "t" : "f", c->has_disabled ? "t" : "f",
                       c->is_disabled ? "t" : "f"};
    if (c->is_new)
        r = run(conninfo,
                "INSERT INTO web_user (login, name, role, password_hash, districts)"
                " VALUES ($1, coalesce($2, $1), $3, $4, $5::text[])", 5, v, reterr);
    else
        r = run(conninfo,
                "UPDATE web_user SET name = coalesce($2, name), role = coalesce($3, role),"
                " password_hash = coalesce($4, password_hash),"
                " districts = CASE WHEN $6::bool THEN $5::text[] ELSE districts END,"
                " disabled_at = CASE WHEN NOT $7::bool THEN disabled_at WHEN $8::bool THEN now() END"
                " WHERE login = $1", 8, v, reterr);
    cb_db_array_deinit(&districts);
    return r;
}

int cb_people_list(const char *conninfo,
                   void (*fn)(void *arg, const char *login, const char *role, const char *name,
                              const char *districts, bool is_disabled),
                   void *arg, struct cb_error *reterr)
{
    PGconn *conn = NULL;
    int r = cb_db_connect(conninfo, &conn, reterr);
    if (r < 0)
        return r;
    PGresult *res = PQexec(conn, "SELECT login, role, name, coalesce(array_to_string(districts, ', '), '*'),"
                                 " disabled_at IS NOT NULL FROM web_user ORDER BY login");
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        r = fail(conn, res, reterr);
    for (int i = 0; r == 0 && i < PQntuples(res); i++)
        fn(arg, PQgetvalue(res, i, 0), PQgetvalue(res, i, 1), PQgetvalue(res, i, 2),
           PQgetvalue(res, i, 3), PQgetvalue(res, i, 4)[0] == 't');
    PQclear(res);
    PQfinish(conn);
    return r;
}
