/* The SQL of what people ask, as JSON that the gateway passes on. Values are parameters, never text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk_private.h"

#define T CB_SQL_TIME
#define ROUND(x) "round(" x "::numeric, 2)"

#define DISPATCH                                                                                   \
    "json_build_object('id', d.id, 'violation', d.violation_id, 'unit', d.unit, 'unit_name',"      \
    " coalesce((SELECT u.name FROM web_user u WHERE u.login = d.unit), d.unit),"                   \
    " 'state', citybrain_dispatch_state(d.id), 'note', d.note, 'sent_by', d.sent_by,"              \
    " 'sent_at', " T("d.sent_at") ", 'changed_at', "                                               \
    T("coalesce((SELECT max(a.at) FROM dispatch_answer a WHERE a.dispatch_id = d.id), d.sent_at)") \
    ", 'answers', (SELECT coalesce(json_agg(json_build_object('answer', a.answer, 'note', a.note," \
    " 'at', " T("a.at") ") ORDER BY a.id), '[]') FROM dispatch_answer a WHERE a.dispatch_id = d.id))"

#define DUE(stage) T("v.stored_at + make_interval(secs => current_setting('citybrain." stage "_s')::int)")
#define FIRST_REVIEW(more)                                                                         \
    "(SELECT min(r.reviewed_at) FROM review r WHERE r.violation_id = v.id" more ")"
#define FIRST_ANSWER(answer)                                                                       \
    "(SELECT min(a.at) FROM dispatch d JOIN dispatch_answer a ON a.dispatch_id = d.id"             \
    " WHERE d.violation_id = v.id AND a.answer = '" answer "')"
#define SIGNED_AT                                                                                  \
    "least(" FIRST_REVIEW("") ", (SELECT min(d.sent_at) FROM dispatch d WHERE d.violation_id = v.id))"
#define RESPONDED_AT                                                                               \
    "least(" FIRST_REVIEW(" AND r.verdict IN ('confirmed', 'rejected')") ", " FIRST_ANSWER("accepted") ")"
#define FEEDBACK_AT                                                                                \
    "least(" FIRST_REVIEW(" AND r.verdict IN ('confirmed', 'rejected', 'issued')") ", "            \
    FIRST_ANSWER("done") ")"
#define CLOCK                                                                                      \
    "json_build_array("                                                                            \
    "json_build_object('stage', 'signed', 'due_at', " DUE("signed") ", 'met_at', " T(SIGNED_AT) "),"\
    "json_build_object('stage', 'responded', 'due_at', " DUE("responded") ", 'met_at', "           \
    T(RESPONDED_AT) "),"                                                                           \
    "json_build_object('stage', 'feedback', 'due_at', " DUE("feedback") ", 'met_at', "             \
    T(FEEDBACK_AT) "))"

#define STATE                                                                                      \
    "coalesce((SELECT r.verdict FROM review r WHERE r.violation_id = v.id"                         \
    " ORDER BY r.id DESC LIMIT 1), 'new')"
#define MEDIA                                                                                      \
    "'still', " CB_SQL_STILL ", 'sound', " CB_SQL_FILE_OF("audio/%", "sound.wav")                  \
    ", 'clip', " CB_SQL_FILE_OF("video/%", "clip.mp4")
#define NO_MEDIA "'still', NULL, 'sound', NULL, 'clip', NULL"

#define VIOLATION(media, own)                                                                      \
    "json_build_object('id', v.id, 'occurred_at', " T("v.occurred_at") ", 'stored_at', "           \
    T("v.stored_at") ", 'camera', v.camera_id, 'camera_name', v.camera_name, 'road', v.road,"      \
    " 'district', v.district, 'lat', v.lat, 'lon', v.lon, 'bearing_deg', v.bearing_deg,"           \
    " 'kind', v.kind, 'severity', v.severity, 'class', v.road_user, 'direction', v.direction,"     \
    " 'track', v.track, 'speed_kmh', " ROUND("v.speed_kmh") ", 'speed_uncertainty_kmh', "          \
    ROUND("v.speed_uncertainty_kmh") ", 'charged_kmh', " ROUND("v.charged_kmh") ", 'limit_kmh', "  \
    ROUND("v.limit_kmh") ", 'lafmax_db', " ROUND("v.lafmax_db") ", 'lafmax_uncertainty_db', "      \
    ROUND("v.lafmax_uncertainty_db") ", 'charged_db', " ROUND("v.charged_db") ", 'limit_db', "     \
    ROUND("v.limit_db") ", 'noise_class', v.noise_class, 'confidence', " ROUND("v.confidence") "," \
    " 'incident', v.incident_id, 'plate', (SELECT r.plate FROM review r WHERE r.violation_id = v.id"\
    " AND r.plate IS NOT NULL ORDER BY r.id DESC LIMIT 1), 'review', " STATE ", 'reviewed_at', "   \
    T("(SELECT max(r.reviewed_at) FROM review r WHERE r.violation_id = v.id)") ", " media ","      \
    " 'dispatch', (SELECT " DISPATCH " FROM dispatch d WHERE d.violation_id = v.id" own            \
    " ORDER BY d.id DESC LIMIT 1), 'clock', " CLOCK ")"

#define REVIEW(reviewer)                                                                           \
    "json_build_object('id', r.id, 'verdict', r.verdict, 'reason', r.reason, 'plate', r.plate,"    \
    " 'reviewer', " reviewer ", 'reviewed_at', " T("r.reviewed_at") ")"
/* of those columns of a review that everyone may read */
#define BARE_REVIEW                                                                                \
    "json_build_object('id', r.id, 'verdict', r.verdict, 'reason', '', 'plate', r.plate,"          \
    " 'reviewer', NULL, 'reviewed_at', " T("r.reviewed_at") ")"

#define EVENT(media, review)                                                                       \
    "CASE e.kind WHEN 'alert' THEN " VIOLATION(media, "")                                          \
    " WHEN 'review' THEN (SELECT json_build_object('violation', e.violation_id, 'review', " review \
    ") FROM review r WHERE r.id = e.review_id)"                                                    \
    " WHEN 'dispatch' THEN (SELECT " DISPATCH " FROM dispatch d WHERE d.id = e.dispatch_id)"       \
    " ELSE json_build_object('position', e.position, 'why', e.kind, 'at', " T("e.at") ","          \
    " 'violation', " VIOLATION(media, " AND d.unit = e.unit") ") END"

const char *cb_sql_violation(bool has_media)
{
    return has_media ? VIOLATION(MEDIA, "") : VIOLATION(NO_MEDIA, "");
}

const char *cb_sql_event(bool has_media)
{
    return has_media ? EVENT(MEDIA, REVIEW("r.reviewer")) : EVENT(NO_MEDIA, BARE_REVIEW);
}

const char *cb_sql_event_of_unit(void)
{
    return EVENT(MEDIA, BARE_REVIEW);
}

const char *cb_sql_dispatches(void)
{
    return "coalesce((SELECT json_agg(" DISPATCH " ORDER BY d.id) FROM dispatch d"
           " WHERE d.violation_id = v.id), '[]')";
}

bool cb_role_sees_media(enum cb_role role)
{
    return role == CB_ROLE_COMMAND || role == CB_ROLE_FIELD;
}

#define LIST(key, row, from) "SELECT json_build_object('" key "', coalesce((SELECT json_agg(x.row) FROM (SELECT " row " AS row " from ") x), '[]'))"

/* Not what was found to be no violation. */
#define COUNTS STATE " NOT IN ('rejected', 'withdrawn')"
#define FROM_TO(from) "coalesce($1::timestamptz, " from ") AS f, coalesce($2::timestamptz, now()) AS t"
#define RANGE_WORDS "'from', " T("min(x.f)") ", 'to', " T("min(x.t)")
#define CHANGE                                                                                     \
    "CASE WHEN before > 0 THEN round((100 * (n - before) / before)::numeric, 1) END"
/* n: now; before: the mean of the weeks before */
#define WEEKS(key, where)                                                                          \
    "SELECT v." key ", count(*) FILTER (WHERE k = 0) AS n,"                                        \
    " count(*) FILTER (WHERE k > 0) / $5::float8 AS before"                                        \
    " FROM r CROSS JOIN generate_series(0, $5::int) k"                                             \
    " JOIN violation v ON v.occurred_at >= r.f - make_interval(weeks => k)"                        \
    " AND v.occurred_at < r.t - make_interval(weeks => k)"                                         \
    " WHERE ($3::text IS NULL OR v.district = $3) AND " where " AND " COUNTS " GROUP BY v." key

#define STAGE(name, at)                                                                            \
    "SELECT '" name "' AS stage, v.stored_at, current_setting('citybrain." name "_s')::int AS within_s, " \
    at " AS met_at FROM r JOIN violation v ON v.occurred_at >= r.f AND v.occurred_at < r.t"        \
    " WHERE ($3::text IS NULL OR v.district = $3)"

#define BEAT "json_build_object('roads', f.roads, 'cameras', f.cameras, 'radius_m', f.radius_m)"
#define NO_BEAT "json_build_object('roads', '{}'::text[], 'cameras', '{}'::text[], 'radius_m', 1500)"
#define FRESH(x) "CASE WHEN f.position_at > now() - interval '10 minutes' THEN " x " END"
#define CAMERA                                                                                     \
    "json_build_object('id', c.camera_id, 'name', c.name, 'road', c.road, 'district', c.district," \
    " 'lat', c.lat, 'lon', c.lon, 'bearing_deg', c.bearing_deg, 'limit_kmh', c.limit_kmh,"         \
    " 'limit_db', c.limit_db, 'node', c.node, 'state', CASE WHEN c.updated_at > now() -"           \
    " interval '30 seconds' THEN c.state ELSE 'unknown' END, 'fps', " ROUND("c.fps") ","           \
    " 'last_frame_at', " T("c.last_frame_at") ", 'drift_px', " ROUND("c.drift_px") ", 'level_db', "\
    ROUND("c.level_db") ", 'n_dropped', c.n_dropped, 'updated_at', " T("c.updated_at") ")"

const char *cb_sql_camera(void)
{
    return CAMERA;
}

/* The values of each in the order of $1, $2, …. SQL NULL as the only row: there is nothing to tell. No
 * row: there is no such thing. A second column that is true: it was so already. */
static const struct question {
    const char *sql, *sql_bare; /* bare: for who sees no media; NULL: the same */
    int n;
    const char *action;  /* in access_log; NULL: no evidence is read by it */
    bool is_of_violation; /* $1 is its id */
    const char *then; /* the answer, of what the first column named: it sees what was done; or NULL */
} questions[CB_QUESTION_COUNT] = {
    /* limit */
    [CB_ASK_ALERTS] = {
        "SELECT json_build_object('cursor', citybrain_event_head(), 'violations', coalesce((SELECT"
        " json_agg(x.row) FROM (SELECT " VIOLATION(MEDIA, "") " AS row FROM violation v"
        " ORDER BY v.occurred_at DESC, v.id DESC LIMIT $1::int) x), '[]'))",
        "SELECT json_build_object('cursor', citybrain_event_head(), 'violations', coalesce((SELECT"
        " json_agg(x.row) FROM (SELECT " VIOLATION(NO_MEDIA, "") " AS row FROM violation v"
        " ORDER BY v.occurred_at DESC, v.id DESC LIMIT $1::int) x), '[]'))", 1, "alerts", false},
    [CB_ASK_CAMERAS] = {
        LIST("cameras", CAMERA, "FROM camera_health c ORDER BY c.camera_id"), NULL, 0, NULL, false},
    [CB_ASK_UNITS] = {
        LIST("units", "json_build_object('unit', u.login, 'name', u.name, 'districts', u.districts,"
             " 'lat', " FRESH("f.lat") ", 'lon', " FRESH("f.lon") ", 'accuracy_m', "
             FRESH("f.accuracy_m") ", 'position_at', " T(FRESH("f.position_at")) ", 'beat',"
             " CASE WHEN f.unit IS NULL THEN " NO_BEAT " ELSE " BEAT " END, 'open_dispatches',"
             " (SELECT count(*) FROM dispatch d WHERE d.unit = u.login AND"
             " citybrain_dispatch_state(d.id) NOT IN ('done', 'declined')))",
             "FROM web_user u LEFT JOIN field_unit f ON f.unit = u.login WHERE u.role = 'field'"
             " AND u.disabled_at IS NULL AND ((SELECT citybrain_sees_all()) OR u.districts IS NULL"
             " OR u.districts && (SELECT citybrain_districts())::text[]) ORDER BY u.login"),
        NULL, 0, NULL, false},
    /* open, limit */
    [CB_ASK_DISPATCHES] = {
        LIST("dispatches", DISPATCH, "FROM dispatch d WHERE NOT $1::bool OR"
             " citybrain_dispatch_state(d.id) NOT IN ('done', 'declined')"
             " ORDER BY d.id DESC LIMIT $2::int"), NULL, 2, NULL, false},
    /* from, to, district, camera */
    [CB_ASK_HOURS] = {
        "WITH r AS (SELECT date_trunc('hour', f) AS f, t FROM (SELECT "
        FROM_TO("now() - interval '23 hours'") ") q),"
        " c AS (SELECT date_trunc('hour', v.occurred_at) AS at, v.kind, count(*) AS n"
        " FROM r JOIN violation v ON v.occurred_at >= r.f AND v.occurred_at < r.t"
        " WHERE ($3::text IS NULL OR v.district = $3) AND ($4::text IS NULL OR v.camera_id = $4)"
        " AND " COUNTS " GROUP BY 1, 2),"
        " x AS (SELECT r.f, r.t, h.at FROM r, LATERAL generate_series(r.f, r.t - interval '1 us',"
        " interval '1 hour') h(at) LIMIT 744)"
        "SELECT json_build_object('from', " T("(SELECT f FROM r)") ", 'to', " T("(SELECT t FROM r)") ","
        " 'hours', coalesce((SELECT json_agg(json_build_object('at', " T("x.at") ","
        " 'speeding', coalesce((SELECT n FROM c WHERE c.at = x.at AND kind = 'speeding'), 0),"
        " 'modified_exhaust', coalesce((SELECT n FROM c WHERE c.at = x.at AND kind = 'modified_exhaust'), 0),"
        " 'chase_racing', coalesce((SELECT n FROM c WHERE c.at = x.at AND kind = 'chase_racing'), 0))"
        " ORDER BY x.at) FROM x), '[]'))", NULL, 4, NULL, false},
    /* from, to, district, kind, weeks, limit */
    [CB_ASK_HOTSPOTS] = {
        "WITH r AS (SELECT " FROM_TO("now() - interval '24 hours'") "), w AS ("
        WEEKS("camera_id", "($4::text IS NULL OR v.kind = $4)") "), top AS (SELECT * FROM w WHERE n > 0"
        " ORDER BY n DESC, camera_id LIMIT $6::int)"
        " SELECT json_build_object('from', " T("(SELECT f FROM r)") ", 'to', " T("(SELECT t FROM r)")
        ", 'weeks', $5::int, 'hotspots', coalesce((SELECT json_agg(json_build_object("
        "'camera', top.camera_id, 'camera_name', v.camera_name, 'road', v.road, 'district', v.district,"
        " 'lat', v.lat, 'lon', v.lon, 'n', n, 'before', before, 'change_percent', " CHANGE ")"
        " ORDER BY n DESC, top.camera_id) FROM top, LATERAL (SELECT * FROM violation_history h"
        " WHERE h.camera_id = top.camera_id ORDER BY h.occurred_at DESC LIMIT 1) v), '[]'))",
        NULL, 6, NULL, false},
    /* from, to, district, camera, weeks */
    [CB_ASK_CHANGE] = {
        "WITH r AS (SELECT " FROM_TO("now() - interval '24 hours'") "), w AS ("
        WEEKS("kind", "($4::text IS NULL OR v.camera_id = $4)") ")"
        " SELECT json_build_object('from', " T("(SELECT f FROM r)") ", 'to', " T("(SELECT t FROM r)")
        ", 'weeks', $5::int, 'kinds', (SELECT json_agg(json_build_object('kind', k.kind,"
        " 'n', coalesce(n, 0), 'before', coalesce(before, 0), 'change_percent', " CHANGE "))"
        " FROM unnest(ARRAY['speeding', 'modified_exhaust', 'chase_racing']) k(kind)"
        " LEFT JOIN w ON w.kind = k.kind))", NULL, 5, NULL, false},
    /* from, to, district, camera, kind */
    [CB_ASK_HEAT] = {
        "WITH r AS (SELECT " FROM_TO("now() - interval '28 days'") "), c AS ("
        "SELECT extract(isodow FROM l.at)::int AS weekday, extract(hour FROM l.at)::int AS hour,"
        " count(*) AS n FROM r JOIN violation v ON v.occurred_at >= r.f AND v.occurred_at < r.t,"
        " LATERAL (SELECT v.occurred_at AT TIME ZONE current_setting('citybrain.timezone') AS at) l"
        " WHERE ($3::text IS NULL OR v.district = $3) AND ($4::text IS NULL OR v.camera_id = $4)"
        " AND ($5::text IS NULL OR v.kind = $5) AND " COUNTS " GROUP BY 1, 2)"
        " SELECT json_build_object('from', " T("(SELECT f FROM r)") ", 'to', " T("(SELECT t FROM r)")
        ", 'cells', coalesce((SELECT json_agg(json_build_object('weekday', weekday, 'hour', hour,"
        " 'n', n) ORDER BY weekday, hour) FROM c), '[]'))", NULL, 5, NULL, false},
    /* from, to, district */
    [CB_ASK_RESPONSE] = {
        "WITH r AS (SELECT " FROM_TO("now() - interval '24 hours'") "), s AS ("
        STAGE("signed", SIGNED_AT) " UNION ALL " STAGE("responded", RESPONDED_AT) " UNION ALL "
        STAGE("feedback", FEEDBACK_AT) "), d AS (SELECT *, stored_at + make_interval(secs => within_s)"
        " AS due_at FROM s)"
        " SELECT json_build_object('from', " T("(SELECT f FROM r)") ", 'to', " T("(SELECT t FROM r)")
        ", 'stages', (SELECT json_agg(json_build_object('stage', k.stage, 'within_s',"
        " current_setting('citybrain.' || k.stage || '_s')::int,"
        " 'n_met', (SELECT count(*) FROM d WHERE d.stage = k.stage AND met_at <= due_at),"
        " 'n_late', (SELECT count(*) FROM d WHERE d.stage = k.stage AND due_at < coalesce(met_at, now())),"
        " 'n_waiting', (SELECT count(*) FROM d WHERE d.stage = k.stage AND met_at IS NULL AND due_at >= now()),"
        " 'median_s', (SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY"
        " extract(epoch FROM met_at - stored_at)::float8))::numeric, 1) FROM d"
        " WHERE d.stage = k.stage AND met_at IS NOT NULL)))"
        " FROM unnest(ARRAY['signed', 'responded', 'feedback']) k(stage)))", NULL, 3, NULL, false},
    [CB_ASK_SEARCHES] = {
        LIST("searches", "json_build_object('name', s.name, 'query', s.query, 'saved_at', "
             T("s.saved_at") ")", "FROM web_search s ORDER BY s.name"), NULL, 0, NULL, false},
    /* violation, who, before, limit */
    [CB_ASK_ACCESS] = {
        LIST("lines", "json_build_object('id', l.id, 'at', " T("l.at") ", 'who', l.who, 'action',"
             " l.action, 'violation', l.violation_id, 'detail', l.detail)", "FROM access_log l WHERE"
             " ($1::uuid IS NULL OR l.violation_id = $1) AND ($2::text IS NULL OR l.who = $2) AND"
             " ($3::bigint IS NULL OR l.id < $3) ORDER BY l.id DESC LIMIT $4::int"),
        NULL, 4, "access", false},
    [CB_ASK_BEAT] = {
        "SELECT coalesce((SELECT " BEAT " FROM field_unit f), " NO_BEAT ")", NULL, 0, NULL, false},
    /* after, limit */
    [CB_ASK_INBOX] = {
        "WITH i AS (SELECT * FROM (SELECT e.* FROM event e WHERE $1::bigint IS NULL OR e.position > $1"
        " ORDER BY CASE WHEN $1::bigint IS NULL THEN -e.position ELSE e.position END LIMIT $2::int) q"
        " ORDER BY position)"
        " SELECT json_build_object('cursor', coalesce((SELECT max(i.position) FROM i),"
        " greatest($1::bigint, citybrain_event_head())), 'items', coalesce((SELECT json_agg("
        EVENT(MEDIA, BARE_REVIEW) " ORDER BY e.position) FROM i e JOIN violation v ON v.id = e.violation_id"
        " AND v.occurred_at = e.occurred_at), '[]'))", NULL, 2, "inbox", false},
    /* violation, verdict, reason, plate */
    [CB_DO_REVIEW] = {
        "INSERT INTO review AS r (violation_id, verdict, reason, plate)"
        " SELECT i.id, $2, coalesce($3, ''), nullif(citybrain_plate($4), '') FROM violation_id i"
        " WHERE i.id = $1::uuid RETURNING " REVIEW("r.reviewer"), NULL, 4, "review", true},
    /* violation, unit, note */
    [CB_DO_DISPATCH] = {
        "INSERT INTO dispatch AS d (violation_id, unit, note) SELECT i.id, $2, coalesce($3, '')"
        " FROM violation_id i WHERE i.id = $1::uuid RETURNING " DISPATCH, NULL, 3, "dispatch", true},
    /* name, query */
    [CB_DO_PUT_SEARCH] = {
        "INSERT INTO web_search (name, query) VALUES ($1, $2::json) ON CONFLICT (login, name)"
        " DO UPDATE SET query = excluded.query, saved_at = clock_timestamp() RETURNING NULL",
        NULL, 2, NULL, false},
    /* name */
    [CB_DO_DELETE_SEARCH] = {
        "DELETE FROM web_search WHERE name = $1 RETURNING NULL", NULL, 1, NULL, false},
    /* lat, lon, accuracy_m */
    [CB_DO_PUT_POSITION] = {
        "INSERT INTO field_unit (unit, lat, lon, accuracy_m, position_at) VALUES (citybrain_web_login(),"
        " $1::float8, $2::float8, $3::float8, clock_timestamp()) ON CONFLICT (unit) DO UPDATE SET"
        " lat = excluded.lat, lon = excluded.lon, accuracy_m = excluded.accuracy_m,"
        " position_at = excluded.position_at RETURNING NULL", NULL, 3, NULL, false},
    [CB_DO_DELETE_POSITION] = {
        "INSERT INTO field_unit (unit) VALUES (citybrain_web_login()) ON CONFLICT (unit) DO UPDATE SET"
        " lat = NULL, lon = NULL, accuracy_m = NULL, position_at = NULL RETURNING NULL",
        NULL, 0, NULL, false},
    /* roads, cameras (JSON arrays), radius_m */
    [CB_DO_PUT_BEAT] = {
        "INSERT INTO field_unit AS f (unit, roads, cameras, radius_m) VALUES (citybrain_web_login(),"
        " ARRAY(SELECT json_array_elements_text($1::json)), ARRAY(SELECT json_array_elements_text($2::json)),"
        " $3::float8) ON CONFLICT (unit) DO UPDATE SET roads = excluded.roads,"
        " cameras = excluded.cameras, radius_m = excluded.radius_m RETURNING " BEAT,
        NULL, 3, NULL, false},
    /* violation, answer, note */
    [CB_DO_ANSWER] = {
        "SELECT x.dispatch_id, NOT x.is_new FROM citybrain_answer($1::uuid, $2, $3) x", NULL, 3,
        "answer", true, "SELECT " DISPATCH " FROM dispatch d WHERE d.id = $1::bigint"},
    /* endpoint, p256dh, auth, language */
    [CB_DO_PUT_PUSH] = {
        "SELECT nullif(citybrain_push_put($1, $2, $3, $4)::text, '')", NULL, 4, NULL, false},
    [CB_DO_DELETE_PUSH] = {
        "SELECT nullif(citybrain_push_delete()::text, '')", NULL, 0, NULL, false},
    /* after, limit: rows of their own, see feed.c */
    [CB_ASK_EVENTS] = {NULL, NULL, 0, "events", false},
    [CB_ASK_VIOLATIONS] = {NULL, NULL, 0, "query", false},
};

static void describe(const struct question *q, const char *const *values, char *ret, size_t size)
{
    size_t n = 0;
    ret[0] = '\0';
    for (int i = q->is_of_violation ? 1 : 0; i < CB_QUESTION_VALUES_MAX && n < size; i++)
        if (values[i] && (i < q->n || !q->sql))
            n += (size_t) snprintf(ret + n, size - n, "%s%.200s", n ? " " : "", values[i]);
}

static int note(struct cb_desk *d, enum cb_question which, const char *const *values,
                struct cb_error *reterr)
{
    const struct question *q = &questions[which];
    char detail[1024];
    if (!q->action)
        return 0;
    describe(q, values, detail, sizeof detail);
    return cb_desk_note(d, q->action, q->is_of_violation ? values[0] : NULL, detail, reterr);
}

static int take(const PGresult *res, struct cb_desk_answer *ret)
{
    struct cb_desk_answer a = {0};
    if (PQntuples(res) == 0)
        return -ENOENT;
    if (!PQgetisnull(res, 0, 0) && !(a.json = strdup(PQgetvalue(res, 0, 0))))
        return -ENOMEM;
    a.is_same = PQnfields(res) > 1 && PQgetvalue(res, 0, 1)[0] == 't';
    *ret = a;
    return 0;
}

/* "next" names the last row of this page by what it is sorted by, its time and its id. */
static int ask_violations(struct cb_desk *d, const struct cb_desk_user *u,
                          const char *const *values, PGresult **ret, struct cb_error *reterr)
{
    struct cb_history_sql h;
    char *sql = NULL;
    int r = cb_history_sql(values, &h, reterr);
    if (r < 0)
        return r;
    h.v[h.n++] = values[CB_HV_LIMIT];
    if (asprintf(&sql,
                 "WITH p AS MATERIALIZED (SELECT v.* FROM (SELECT v.id, v.occurred_at, %s AS sort_by"
                 " FROM violation v%s%s LIMIT $%d::int) v), n AS (SELECT count(*) AS n FROM p),"
                 " l AS (SELECT * FROM (SELECT p.*, row_number() OVER () AS i FROM p) q, n"
                 " WHERE q.i = n.n)"
                 " SELECT json_build_object('violations', coalesce((SELECT json_agg(%s ORDER BY p.i)"
                 " FROM (SELECT *, row_number() OVER () AS i FROM p) p JOIN violation v ON v.id = p.id"
                 " AND v.occurred_at = p.occurred_at), '[]'), 'next',"
                 " (SELECT concat_ws('_', l.sort_by, " T("l.occurred_at") ", l.id) FROM l"
                 " WHERE l.n = $%d::int))",
                 h.sort_column, h.where, h.order, h.n,
                 cb_sql_violation(cb_role_sees_media(u->role)), h.n) < 0)
        return -ENOMEM;
    r = cb_desk_run(d, sql, h.n, h.v, ret, reterr);
    free(sql);
    return r;
}

static int read_what_was_done(struct cb_desk *d, const char *sql, struct cb_desk_answer *a,
                              struct cb_error *reterr)
{
    struct cb_desk_answer done = {0};
    PGresult *res = NULL;
    const char *v[] = {a->json};
    int r = cb_desk_run(d, sql, 1, v, &res, reterr);
    if (r == 0)
        r = take(res, &done);
    PQclear(res);
    free(a->json);
    a->json = done.json;
    return r;
}

int cb_desk_ask(struct cb_desk *d, enum cb_question which, const struct cb_desk_user *u,
                const char *const values[CB_QUESTION_VALUES_MAX], struct cb_desk_answer *ret,
                struct cb_error *reterr)
{
    const struct question *q = &questions[which];
    PGresult *res = NULL;
    int r = note(d, which, values, reterr);
    if (r < 0)
        return r;
    if (which == CB_ASK_VIOLATIONS)
        r = ask_violations(d, u, values, &res, reterr);
    else
        r = cb_desk_run(d, q->sql_bare && !cb_role_sees_media(u->role) ? q->sql_bare : q->sql, q->n,
                        values, &res, reterr);
    if (r < 0)
        return r;
    r = take(res, ret);
    PQclear(res);
    if (r == 0 && q->then)
        r = read_what_was_done(d, q->then, ret, reterr);
    return r == -ENOENT ? cb_error_set(reterr, r, "", "there is no such thing") : r;
}
