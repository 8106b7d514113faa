#include "store/feed.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "desk_private.h"

struct cb_feed {
    struct cb_desk desk; /* its connection, which listens; never in a user's rights */
};

int cb_feed_create(struct cb_feed **ret, const struct cb_desk_opts *opts, struct cb_error *reterr)
{
    struct cb_feed *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    f->desk = (struct cb_desk) {.opts = *opts, .media_fd = -1};
    int r = cb_desk_connect(opts, &f->desk.conn, reterr);
    if (r == 0)
        r = cb_desk_run(&f->desk, "LISTEN citybrain_event; LISTEN citybrain_camera", 0, NULL, NULL,
                        reterr);
    if (r < 0) {
        cb_feed_destroy(&f);
        return r;
    }
    *ret = f;
    return 0;
}

void cb_feed_destroy(struct cb_feed **feed)
{
    struct cb_feed *f = *feed;
    if (!f)
        return;
    *feed = NULL;
    PQfinish(f->desk.conn);
    free(f);
}

bool cb_desk_take_news(PGconn *c)
{
    bool is_told = false;
    for (PGnotify *n; (n = PQnotifies(c)); PQfreemem(n))
        is_told = true;
    return is_told;
}

int cb_feed_wait(struct cb_feed *f, int timeout_ms)
{
    PGconn *c = f->desk.conn;
    if (!c || PQstatus(c) != CONNECTION_OK)
        return -EAGAIN;
    if (cb_desk_take_news(c))
        return 0;
    struct pollfd p = {PQsocket(c), POLLIN, 0};
    int n = poll(&p, 1, timeout_ms);
    if (n <= 0)
        return n < 0 && errno != EINTR ? -EAGAIN : -ETIMEDOUT;
    if (!PQconsumeInput(c))
        return -EAGAIN;
    return cb_desk_take_news(c) ? 0 : -ETIMEDOUT;
}

int cb_feed_spread(struct cb_feed *f, struct cb_error *reterr)
{
    return cb_desk_run(&f->desk, "SELECT citybrain_spread()", 0, NULL, NULL, reterr);
}

static int number(struct cb_desk *d, const char *sql, int64_t *ret, struct cb_error *reterr)
{
    PGresult *res = NULL;
    int r = cb_desk_run(d, sql, 0, NULL, &res, reterr);
    if (r < 0)
        return r;
    *ret = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return 0;
}

int cb_feed_head(struct cb_feed *f, int64_t *ret, struct cb_error *reterr)
{
    return number(&f->desk, "SELECT citybrain_event_head()", ret, reterr);
}

/* json, json_bare (NULL: the same), position, kind, district, unit; of cameras also id and state */
static int give(const PGresult *res, bool is_camera, cb_feed_fn *fn, void *arg)
{
    int n = PQntuples(res);
    for (int i = 0; i < n; i++) {
        const char *json = PQgetvalue(res, i, 0);
        struct cb_feed_event e = {.position = strtoll(PQgetvalue(res, i, 2), NULL, 10),
                                  .kind = PQgetvalue(res, i, 3),
                                  .district = PQgetvalue(res, i, 4),
                                  .unit = PQgetvalue(res, i, 5),
                                  .json = json,
                                  .json_bare = PQgetisnull(res, i, 1) ? json : PQgetvalue(res, i, 1),
                                  .camera = is_camera ? PQgetvalue(res, i, 6) : NULL,
                                  .state = is_camera ? PQgetvalue(res, i, 7) : NULL};
        fn(arg, &e);
    }
    return n;
}

/* An event whose violation was erased has nothing to tell: an empty text keeps its place. */
static int read_events(struct cb_desk *d, const char *json, const char *bare, int64_t after, int max,
                       cb_feed_fn *fn, void *arg,
                       struct cb_error *reterr)
{
    char at[24], n[16], *sql = NULL;
    const char *v[] = {at, n};
    PGresult *res = NULL;
    snprintf(at, sizeof at, "%lld", (long long) after);
    snprintf(n, sizeof n, "%d", max);
    if (asprintf(&sql,
                 "SELECT CASE WHEN v.id IS NULL THEN '' ELSE (%s)::text END,"
                 " CASE WHEN v.id IS NOT NULL THEN (%s)::text END, e.position, e.kind, coalesce(e.district, ''), coalesce(e.unit, '')"
                 " FROM (SELECT * FROM event WHERE position > $1::bigint ORDER BY position"
                 " LIMIT $2::int) e LEFT JOIN violation v ON v.id = e.violation_id"
                 " AND v.occurred_at = e.occurred_at ORDER BY e.position", json, bare) < 0)
        return -ENOMEM;
    int r = cb_desk_run(d, sql, 2, v, &res, reterr);
    free(sql);
    if (r < 0)
        return r;
    r = give(res, false, fn, arg);
    PQclear(res);
    return r;
}

int cb_feed_read(struct cb_feed *f, int64_t after, int max,
                 cb_feed_fn *fn, void *arg,
                 struct cb_error *reterr)
{
    char *bare = NULL;
    if (asprintf(&bare, "CASE WHEN e.kind IN ('alert', 'review') THEN %s END", cb_sql_event(false)) < 0)
        return -ENOMEM;
    int r = read_events(&f->desk, cb_sql_event(true), bare, after, max, fn, arg, reterr);
    free(bare);
    return r;
}

int cb_desk_events(struct cb_desk *d, const struct cb_desk_user *u, int64_t after, int max,
                   cb_feed_fn *fn, void *arg,
                   struct cb_error *reterr)
{
    char detail[40];
    if (u->role == CB_ROLE_TECHNICIAN)
        return 0; /* is told of cameras alone, which are no part of the sequence */
    snprintf(detail, sizeof detail, "after %lld", (long long) after);
    int r = cb_desk_note(d, "events", NULL, detail, reterr);
    if (r < 0)
        return r;
    const char *sql = u->role == CB_ROLE_FIELD ? cb_sql_event_of_unit()
                                               : cb_sql_event(cb_role_sees_media(u->role));
    return read_events(d, sql, "NULL", after, max, fn, arg, reterr);
}

int cb_desk_events_since(struct cb_desk *d, int64_t after, int64_t *ret_head,
                         struct cb_error *reterr)
{
    int64_t pruned, head;
    int r = number(d, "SELECT citybrain_event_head()", &head, reterr);
    if (r < 0 || (r = number(d, "SELECT citybrain_event_pruned()", &pruned, reterr)) < 0)
        return r;
    *ret_head = head;
    return after < pruned || after > head ? -ESTALE : 0;
}

int cb_feed_cameras(struct cb_feed *f, cb_feed_fn *fn,
                    void *arg, struct cb_error *reterr)
{
    char *sql = NULL;
    PGresult *res = NULL;
    if (asprintf(&sql, "SELECT json::text, NULL, 0, 'camera', district, '', json->>'id', json->>'state' FROM"
                 " (SELECT %s AS json, coalesce(c.district, '') AS district, c.camera_id FROM camera_health c) c"
                 " ORDER BY camera_id COLLATE \"C\"", cb_sql_camera()) < 0)
        return -ENOMEM;
    int r = cb_desk_run(&f->desk, sql, 0, NULL, &res, reterr);
    free(sql);
    if (r < 0)
        return r;
    r = give(res, true, fn, arg);
    PQclear(res);
    return r;
}

int cb_feed_prune(struct cb_feed *f, struct cb_error *reterr)
{
    return cb_desk_run(&f->desk, "SELECT citybrain_prune_events('7 days')", 0, NULL, NULL, reterr);
}

#define ITEM_LEN (2 * CB_TOKEN_HASH_BYTES + 1)

int cb_feed_check(struct cb_feed *f, const unsigned char (*hashes)[CB_TOKEN_HASH_BYTES], size_t n,
                  bool *ret, struct cb_error *reterr)
{
    char *list = calloc(n + 1, ITEM_LEN + 1);
    PGresult *res = NULL;
    if (!list)
        return -ENOMEM;
    for (size_t i = 0, at = 0; i < n; i++, at += ITEM_LEN) {
        sodium_bin2hex(list + at, ITEM_LEN, hashes[i], CB_TOKEN_HASH_BYTES);
        list[at + ITEM_LEN - 1] = i + 1 < n ? ',' : '\0';
    }
    const char *v[] = {list};
    int r = cb_desk_run(&f->desk,
                        "SELECT s.token_sha256 IS NOT NULL FROM unnest(string_to_array($1, ','))"
                        " WITH ORDINALITY h(hex, i) LEFT JOIN web_session s ON s.token_sha256 ="
                        " decode(h.hex, 'hex') AND s.created_at > now() - interval '7 days' ORDER BY h.i",
                        1, v, &res, reterr);
    free(list);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n && (int) i < PQntuples(res); i++)
        ret[i] = PQgetvalue(res, (int) i, 0)[0] == 't';
    PQclear(res);
    return 0;
}
