/* The operations of schema/openapi.yaml, a row each. A test holds the file and the server against each
 * other. */
#include <string.h>

#include "gateway_private.h"

#define ALL   (CB_ROLE_BIT(CB_ROLE_COUNT) - 1)
#define COMMAND CB_ROLE_BIT(CB_ROLE_COMMAND)
#define ANALYST CB_ROLE_BIT(CB_ROLE_ANALYST)
#define FIELD CB_ROLE_BIT(CB_ROLE_FIELD)
#define ADMIN CB_ROLE_BIT(CB_ROLE_ADMIN)
#define READERS (COMMAND | ANALYST | ADMIN)

static const char *const kinds[] = {"speeding", "modified_exhaust", "chase_racing", NULL};
static const char *const severities[] = {"minor", "moderate", "serious", "extreme", NULL};
static const char *const states[] = {"new", "unclear", "confirmed", "rejected", "issued",
                                     "withdrawn", NULL};
static const char *const verdicts[] = {"confirmed", "rejected", "unclear", "issued", "withdrawn",
                                       NULL};
static const char *const classes[] = {"car", "truck", "bus", "motorcycle", "bicycle", "pedestrian",
                                      "unknown", NULL};
static const char *const directions[] = {"away", "toward", NULL};
static const char *const sorts[] = {"time", "speed", "level", NULL};
static const char *const orders[] = {"desc", "asc", NULL};
static const char *const formats[] = {"csv", "json", NULL};
static const char *const answers[] = {"accepted", "on_site", "done", "declined", NULL};

#define TEXT(name, max) {name, CB_PARAM_TEXT, 0, max, NULL, NULL, false}
#define ONE_OF(name, names) {name, CB_PARAM_ENUM, 0, 0, names, NULL, false}
#define TIME(name) {name, CB_PARAM_TIME, 0, 0, NULL, NULL, false}
#define REAL(name) {name, CB_PARAM_REAL, -1e9, 1e9, NULL, NULL, false}
#define LIMIT(max, is) {"limit", CB_PARAM_INT, 1, max, NULL, is, false}
#define FILTERS                                                                                    \
    ONE_OF("kind", kinds), TEXT("camera", 64), TEXT("district", 120), TEXT("road", 120),           \
        ONE_OF("severity", severities), ONE_OF("review", states), ONE_OF("class", classes),        \
        ONE_OF("direction", directions), TEXT("plate", 40), TEXT("incident", 160), TIME("from"),   \
        TIME("to"), REAL("min_speed"), REAL("max_speed"), REAL("min_level"), REAL("max_level")

static const struct cb_param none[] = {{0}};
static const struct cb_param by_id[] = {{"id", CB_PARAM_UUID, 0, 0, NULL, NULL, true}, {0}};
static const struct cb_param by_file[] = {{"id", CB_PARAM_UUID, 0, 0, NULL, NULL, true},
                                          {"name", CB_PARAM_TEXT, 1, 63, NULL, NULL, true}, {0}};
static const struct cb_param by_search[] = {{"search", CB_PARAM_TEXT, 1, 64, NULL, NULL, true}, {0}};
static const struct cb_param login[] = {{"login", CB_PARAM_TEXT, 1, 64, NULL, NULL, true},
                                        {"password", CB_PARAM_TEXT, 1, 256, NULL, NULL, true}, {0}};
static const struct cb_param alerts[] = {LIMIT(200, "50"), {0}};
static const struct cb_param history[] = {
    FILTERS, {"sort", CB_PARAM_ENUM, 0, 0, sorts, "time", false},
    {"order", CB_PARAM_ENUM, 0, 0, orders, "desc", false}, TEXT("after", 160), LIMIT(500, "50"), {0}};
static const struct cb_param export[] = {FILTERS, {"format", CB_PARAM_ENUM, 0, 0, formats, "csv", false},
                                         {0}};
static const struct cb_param events[] = {{"after", CB_PARAM_INT, 0, 9e15, NULL, NULL, false}, {0}};
static const struct cb_param dispatches[] = {{"open", CB_PARAM_BOOL, 0, 0, NULL, "true", false},
                                             LIMIT(500, "100"), {0}};
#define WEEKS {"weeks", CB_PARAM_INT, 1, 12, NULL, "4", false}
static const struct cb_param hours[] = {TIME("from"), TIME("to"), TEXT("district", 120),
                                        TEXT("camera", 64), {0}};
static const struct cb_param hotspots[] = {TIME("from"), TIME("to"), TEXT("district", 120),
                                           ONE_OF("kind", kinds), WEEKS, LIMIT(1000, "20"), {0}};
static const struct cb_param change[] = {TIME("from"), TIME("to"), TEXT("district", 120),
                                         TEXT("camera", 64), WEEKS, {0}};
static const struct cb_param heat[] = {TIME("from"), TIME("to"), TEXT("district", 120),
                                       TEXT("camera", 64), ONE_OF("kind", kinds), {0}};
static const struct cb_param response[] = {TIME("from"), TIME("to"), TEXT("district", 120), {0}};
static const struct cb_param access_lines[] = {{"violation", CB_PARAM_UUID, 0, 0, NULL, NULL, false},
                                               TEXT("who", 64),
                                               {"before", CB_PARAM_INT, 1, 9e15, NULL, NULL, false},
                                               LIMIT(500, "100"), {0}};
static const struct cb_param inbox[] = {{"after", CB_PARAM_INT, 0, 9e15, NULL, NULL, false},
                                        LIMIT(200, "50"), {0}};
static const struct cb_param review[] = {{"verdict", CB_PARAM_ENUM, 0, 0, verdicts, NULL, true},
                                         TEXT("reason", 2000), TEXT("plate", 40), {0}};
static const struct cb_param dispatch[] = {{"unit", CB_PARAM_TEXT, 1, 64, NULL, NULL, true},
                                           TEXT("note", 2000), {0}};
static const struct cb_param search[] = {{"query", CB_PARAM_MAP, 0, 30, NULL, NULL, true}, {0}};
static const struct cb_param position[] = {{"lat", CB_PARAM_REAL, -90, 90, NULL, NULL, true},
                                           {"lon", CB_PARAM_REAL, -180, 180, NULL, NULL, true},
                                           {"accuracy_m", CB_PARAM_REAL, 0, 1e7, NULL, NULL, false}, {0}};
static const struct cb_param beat[] = {{"roads", CB_PARAM_TEXTS, 0, 100, NULL, NULL, true},
                                       {"cameras", CB_PARAM_TEXTS, 0, 200, NULL, NULL, true},
                                       {"radius_m", CB_PARAM_REAL, 0, 20000, NULL, NULL, true}, {0}};
static const struct cb_param answer[] = {{"violation", CB_PARAM_UUID, 0, 0, NULL, NULL, true},
                                         {"answer", CB_PARAM_ENUM, 0, 0, answers, NULL, true},
                                         TEXT("note", 2000), {0}};

static const char *const languages[] = {"zh", "en", NULL};
static const struct cb_param push[] = {{"endpoint", CB_PARAM_TEXT, 1, 1024, NULL, NULL, true},
                                       {"p256dh", CB_PARAM_TEXT, 1, 128, NULL, NULL, true},
                                       {"auth", CB_PARAM_TEXT, 1, 64, NULL, NULL, true},
                                       {"language", CB_PARAM_ENUM, 0, 0, languages, "zh", false}, {0}};

#define V1 "/api/v1/"
#define ASK(path, roles, query, question) \
    {"GET", V1 path, roles, CB_ROUTE_ASK, NULL, query, NULL, question, NULL, 0}
#define DO(method, path, roles, in_path, body, question, status) \
    {method, V1 path, roles, CB_ROUTE_ASK, in_path, NULL, body, question, NULL, status}
#define CALL(path, roles, in_path, query, call) \
    {"GET", V1 path, roles, CB_ROUTE_CALL, in_path, query, NULL, 0, call, 0}

static const struct cb_route routes[] = {
    {"POST", V1 "login", 0, CB_ROUTE_OPEN, NULL, NULL, login, 0, cb_do_login, 0},
    {"POST", V1 "logout", ALL, CB_ROUTE_CALL, NULL, NULL, NULL, 0, cb_do_logout, 204},
    CALL("me", ALL, NULL, none, cb_do_me),
    CALL("settings", ALL, NULL, none, cb_do_settings),
    CALL("roads", ALL, NULL, none, cb_do_roads),
    {"GET", V1 "events", ALL, CB_ROUTE_STREAM, NULL, events, NULL, CB_ASK_EVENTS, cb_do_stream, 0},
    ASK("alerts", READERS, alerts, CB_ASK_ALERTS),
    ASK("violations", READERS, history, CB_ASK_VIOLATIONS),
    CALL("export", READERS, NULL, export, cb_do_export),
    CALL("violations/{id}", READERS | FIELD, by_id, none, cb_do_evidence),
    CALL("violations/{id}/files/{name}", COMMAND | FIELD, by_file, none, cb_do_file),
    DO("POST", "violations/{id}/reviews", COMMAND, by_id, review, CB_DO_REVIEW, 201),
    DO("POST", "violations/{id}/dispatches", COMMAND, by_id, dispatch, CB_DO_DISPATCH, 201),
    ASK("dispatches", COMMAND | ADMIN, dispatches, CB_ASK_DISPATCHES),
    ASK("units", COMMAND | ADMIN, none, CB_ASK_UNITS),
    ASK("cameras", ALL, none, CB_ASK_CAMERAS),
    ASK("kpis/hours", READERS, hours, CB_ASK_HOURS),
    ASK("kpis/hotspots", READERS, hotspots, CB_ASK_HOTSPOTS),
    ASK("kpis/change", READERS, change, CB_ASK_CHANGE),
    ASK("kpis/heat", READERS, heat, CB_ASK_HEAT),
    ASK("kpis/response", READERS, response, CB_ASK_RESPONSE),
    ASK("searches", READERS, none, CB_ASK_SEARCHES),
    DO("PUT", "searches/{search}", READERS, by_search, search, CB_DO_PUT_SEARCH, 204),
    DO("DELETE", "searches/{search}", READERS, by_search, NULL, CB_DO_DELETE_SEARCH, 204),
    DO("PUT", "field/position", FIELD, NULL, position, CB_DO_PUT_POSITION, 204),
    DO("DELETE", "field/position", FIELD, NULL, NULL, CB_DO_DELETE_POSITION, 204),
    ASK("field/beat", FIELD, none, CB_ASK_BEAT),
    DO("PUT", "field/beat", FIELD, NULL, beat, CB_DO_PUT_BEAT, 200),
    ASK("field/inbox", FIELD, inbox, CB_ASK_INBOX),
    DO("POST", "field/answers", FIELD, NULL, answer, CB_DO_ANSWER, 201),
    {"PUT", V1 "field/push", FIELD, CB_ROUTE_CALL, NULL, NULL, push, CB_DO_PUT_PUSH, cb_do_put_push, 204},
    DO("DELETE", "field/push", FIELD, NULL, NULL, CB_DO_DELETE_PUSH, 204),
    ASK("access", ADMIN, access_lines, CB_ASK_ACCESS),
};

const struct cb_route *cb_route_find(const char *method, const char *path, struct cb_part parts[2],
                                     unsigned *ret_status, char allow[64])
{
    bool is_head = !strcmp(method, "HEAD");
    *ret_status = 404;
    allow[0] = '\0';
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (!cb_path_match(routes[i].path, path, parts, 2))
            continue;
        if (!strcmp(routes[i].method, is_head ? "GET" : method))
            return &routes[i];
        *ret_status = 405;
        size_t n = strlen(allow);
        snprintf(allow + n, 64 - n, "%s%s", n ? ", " : "", routes[i].method);
    }
    return NULL;
}
