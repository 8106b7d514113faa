#include "store/push.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "desk_private.h"

struct cb_push_feed {
    struct cb_desk desk; /* its connection, which listens; never in a user's rights */
};

/* What a notification shows, on a locked screen too: no plate. The page asks for the rest. */
#define MESSAGE                                                                                    \
    "json_build_object('position', c.position, 'why', c.why, 'language', c.language, 'login', c.login,"\
    " 'violation', v.id, 'kind', v.kind, 'severity', v.severity, 'class', v.road_user,"            \
    " 'occurred_at', " CB_SQL_TIME("v.occurred_at") ", 'camera_name', v.camera_name,"              \
    " 'road', v.road, 'district', v.district, 'direction', v.direction,"                           \
    " 'bearing_deg', v.bearing_deg, 'speed_kmh', round(v.speed_kmh::numeric, 1),"                  \
    " 'limit_kmh', v.limit_kmh, 'lafmax_db', round(v.lafmax_db::numeric, 1),"                      \
    " 'limit_db', v.limit_db, 'still', " CB_SQL_STILL ")"

int cb_push_feed_create(struct cb_push_feed **ret, const struct cb_desk_opts *opts, struct cb_error *reterr)
{
    struct cb_push_feed *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    f->desk = (struct cb_desk) {.opts = *opts, .media_fd = -1};
    int r = cb_desk_connect(opts, &f->desk.conn, reterr);
    if (r == 0)
        r = cb_desk_run(&f->desk, "LISTEN citybrain_event", 0, NULL, NULL, reterr);
    if (r < 0) {
        cb_push_feed_destroy(&f);
        return r;
    }
    *ret = f;
    return 0;
}

void cb_push_feed_destroy(struct cb_push_feed **feed)
{
    struct cb_push_feed *f = *feed;
    if (!f)
        return;
    *feed = NULL;
    PQfinish(f->desk.conn);
    free(f);
}

int cb_push_feed_fd(const struct cb_push_feed *f)
{
    return f->desk.conn ? PQsocket(f->desk.conn) : -1;
}

int cb_push_feed_take_news(struct cb_push_feed *f)
{
    if (!f->desk.conn || !PQconsumeInput(f->desk.conn))
        return -EAGAIN;
    return cb_desk_take_news(f->desk.conn);
}

static void give(const PGresult *res, cb_push_fn *fn, void *arg)
{
    for (int i = 0; i < PQntuples(res); i++) {
        struct cb_push_job j = {.subscription = strtoll(PQgetvalue(res, i, 0), NULL, 10),
                                .position = strtoll(PQgetvalue(res, i, 1), NULL, 10),
                                .endpoint = PQgetvalue(res, i, 2),
                                .p256dh = PQgetvalue(res, i, 3),
                                .auth = PQgetvalue(res, i, 4),
                                .topic = PQgetvalue(res, i, 5),
                                .ttl_s = atoi(PQgetvalue(res, i, 6)),
                                .json = PQgetvalue(res, i, 7)};
        fn(arg, &j);
    }
}

int cb_push_feed_claim(struct cb_push_feed *f, int max, cb_push_fn *fn, void *arg,
                       struct cb_error *reterr)
{
    char most[16], nearby[16], assigned[16];
    const char *v[] = {most, nearby, assigned};
    PGresult *res = NULL;
    snprintf(most, sizeof most, "%d", max);
    snprintf(nearby, sizeof nearby, "%d", f->desk.opts.responded_s);
    snprintf(assigned, sizeof assigned, "%d", f->desk.opts.feedback_s);
    int r = cb_desk_run(&f->desk,
                        "SELECT c.id, c.position, c.endpoint, c.p256dh, c.auth,"
                        " replace(c.violation_id::text, '-', ''), c.ttl_s,"
                        " CASE WHEN v.id IS NULL THEN '' ELSE " MESSAGE "::text END"
                        " FROM citybrain_push_claim($1::int, $2::int, $3::int) c"
                        " LEFT JOIN violation v ON v.id = c.violation_id AND v.occurred_at = c.occurred_at",
                        3, v, &res, reterr);
    if (r < 0)
        return r;
    give(res, fn, arg);
    r = PQntuples(res);
    PQclear(res);
    return r;
}

int cb_push_feed_done(struct cb_push_feed *f, int64_t subscription, int64_t position,
                      enum cb_push_outcome outcome, int retry_s, struct cb_error *reterr)
{
    char id[24], at[24], retry[16];
    const char *v[] = {id, at, outcome == CB_PUSH_TAKEN ? NULL : retry};
    snprintf(id, sizeof id, "%lld", (long long) subscription);
    snprintf(at, sizeof at, "%lld", (long long) position);
    snprintf(retry, sizeof retry, "%d", outcome == CB_PUSH_GONE ? -1 : retry_s);
    return cb_desk_run(&f->desk, "SELECT citybrain_push_done($1::bigint, $2::bigint, $3::int)", 3, v,
                       NULL, reterr);
}
