#ifndef DAEMON_STORE_DESK_PRIVATE_H
#define DAEMON_STORE_DESK_PRIVATE_H

#include <libpq-fe.h>

#include "store/desk.h"

/** Private to the store: what the desk's files share. */
struct cb_desk {
    struct cb_desk_opts opts;
    PGconn *conn; /* NULL: not yet, or lost */
    int media_fd; /* -1: none */
};

#define CB_SQL_TIME(x) "to_char((" x ") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
/** The file of a violation v of that type: `best`, else a still; NULL: there is none. */
#define CB_SQL_FILE_OF(type, best)                                                                 \
    "(SELECT m.name FROM evidence_media m WHERE m.violation_id = v.id AND m.media_type LIKE '" type\
    "' ORDER BY m.name = '" best "' DESC, m.name LIKE 'still%' DESC, m.name LIMIT 1)"
#define CB_SQL_STILL CB_SQL_FILE_OF("image/jpeg", "closeup.jpg")

/** One statement with its rows. On 0 *ret is yours to PQclear; ret may be NULL. */
int cb_desk_run(struct cb_desk *d, const char *sql, int n, const char *const *values,
                PGresult **ret, struct cb_error *reterr);
/** Takes what was notified. @return whether there was something */
bool cb_desk_take_news(PGconn *c);
/** What a refusal means; the connection is dropped when it is lost. */
int cb_desk_judge(struct cb_desk *d, const PGresult *res, struct cb_error *reterr);
/** Notes in access_log what is read or done. */
int cb_desk_note(struct cb_desk *d, const char *action, const char *violation, const char *detail,
                 struct cb_error *reterr);
/** A connection for the gateway, with the deadlines and the time zone set. */
int cb_desk_connect(const struct cb_desk_opts *o, PGconn **ret, struct cb_error *reterr);

/** The SQL of one violation as a JSON object; v is `violation`. has_media: with names of files. */
const char *cb_sql_violation(bool has_media);
/** The same of what the role field may read. */
const char *cb_sql_event_of_unit(void);
/** The SQL of all dispatches of a violation v, as a JSON array. */
const char *cb_sql_dispatches(void);
/** The SQL of an event as a JSON object: e is `event`, v its violation or NULL. */
const char *cb_sql_event(bool has_media);
/** The SQL of a camera as a JSON object: c is `camera_health`. */
const char *cb_sql_camera(void);
/** Whether that role may see names of files and of reviewers. */
bool cb_role_sees_media(enum cb_role role);

/** " WHERE …" and " ORDER BY …" of what CB_ASK_VIOLATIONS is asked; values go to v, *ret_n of them. */
#define CB_HISTORY_SQL_LEN 3072
struct cb_history_sql {
    char where[CB_HISTORY_SQL_LEN], order[256];
    const char *v[CB_QUESTION_VALUES_MAX + 4];
    int n;
    char sort_value[64], at[64], id[64]; /* of `after` */
    const char *sort_column;
};
int cb_history_sql(const char *const values[CB_QUESTION_VALUES_MAX], struct cb_history_sql *ret,
                   struct cb_error *reterr);
enum cb_history_value {
    CB_HV_KIND, CB_HV_CAMERA, CB_HV_DISTRICT, CB_HV_ROAD, CB_HV_SEVERITY, CB_HV_REVIEW,
    CB_HV_CLASS, CB_HV_DIRECTION, CB_HV_PLATE, CB_HV_INCIDENT, CB_HV_FROM, CB_HV_TO,
    CB_HV_MIN_SPEED, CB_HV_MAX_SPEED, CB_HV_MIN_LEVEL, CB_HV_MAX_LEVEL,
    CB_HV_SORT, CB_HV_ORDER, CB_HV_AFTER, CB_HV_LIMIT
};

#endif
