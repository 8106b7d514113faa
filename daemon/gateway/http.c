/* A request from its first byte to its answer. Nothing here waits: what needs the database is done by a
 * worker while the connection is suspended. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_string.h"
#include "gateway_private.h"

void *cb_http_on_uri(void *self, const char *uri, struct MHD_Connection *c)
{
    struct cb_request *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->g = self;
    q->connection = c;
    q->file.fd = -1;
    q->is_uri_too_long = strlen(uri) > CB_URI_BYTES_MAX;
    q->is_uri_broken = strstr(uri, "%00") != NULL;
    return q;
}

void cb_request_destroy(struct cb_request **request)
{
    struct cb_request *q = *request;
    if (!q)
        return;
    *request = NULL;
    cb_values_deinit(&q->values);
    cb_desk_user_deinit(&q->user);
    if (q->file.fd >= 0)
        close(q->file.fd);
    free(q->file.bytes);
    cb_stream_destroy(&q->stream);
    free(q->json);
    free(q->body);
    free(q->path);
    free(q);
}

void cb_http_on_end(void *self, struct MHD_Connection *c, void **state,
                    enum MHD_RequestTerminationCode code)
{
    (void) self, (void) c, (void) code;
    cb_request_destroy((struct cb_request **) state);
}

void cb_request_fail(struct cb_request *q, unsigned status, const char *code, const char *field,
                     const char *message)
{
    size_t n = 0;
    free(q->json);
    q->json = NULL;
    q->status = status;
    __atomic_add_fetch(&q->g->n_refused, 1, __ATOMIC_RELAXED);
    FILE *out = open_memstream(&q->json, &n);
    if (!out)
        return;
    fprintf(out, "{\"error\":\"%s\",\"message\":", code);
    cb_json_put_string(out, message);
    if (field && field[0]) {
        fputs(",\"field\":", out);
        cb_json_put_string(out, field);
    }
    fputs("}", out);
    if (fclose(out) != 0) {
        free(q->json);
        q->json = NULL;
    }
}

void cb_request_fail_with(struct cb_request *q, int r, const struct cb_error *e)
{
    static const struct {
        int r;
        unsigned status;
        const char *code, *words; /* words: NULL: the database's */
    } as[] = {
        {-EPERM, 401, "unauthenticated", "no session, or it is over: log in"},
        {-EACCES, 403, "forbidden", "no right to that"},
        {-ENOENT, 404, "not_found", "there is no such thing, or no right to it"},
        {-EINVAL, 422, "invalid", NULL},
        {-EBADMSG, 400, "malformed", NULL},
        {-EEXIST, 409, "conflict", NULL},
        {-ERANGE, 416, "range", NULL},
        {-EAGAIN, 503, "unavailable", "the database is away"},
        {-EBUSY, 429, "rate", NULL},
    };
    for (size_t i = 0; i < sizeof as / sizeof as[0]; i++)
        if (as[i].r == r) {
            cb_request_fail(q, as[i].status, as[i].code, r == -EINVAL ? e->where : NULL,
                            as[i].words ? as[i].words : e->text);
            if (r == -EAGAIN || r == -EBUSY)
                q->retry_after_s = q->retry_after_s ? q->retry_after_s : 2;
            return;
        }
    cb_warn(q->g, "%s %s: %s: %s", q->route->method, q->route->path, e->where, e->text);
    cb_request_fail(q, 500, "internal", NULL, "it went wrong here; the log says how");
}

static void read_address(struct cb_request *q)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = i ? i->client_addr : NULL;
    snprintf(q->address, sizeof q->address, "unknown");
    if (a && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *) a)->sin_addr, q->address, sizeof q->address);
    else if (a && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) a)->sin6_addr, q->address,
                  sizeof q->address);
    if (!q->g->opts.is_behind_proxy)
        return;
    /* the last one is what the proxy itself saw; those before are the client's word */
    const char *f = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "X-Forwarded-For");
    const char *last = f ? strrchr(f, ',') : NULL;
    last = last ? last + 1 + strspn(last + 1, " ") : f;
    if (last && last[0] && strlen(last) < sizeof q->address &&
        strspn(last, "0123456789abcdefABCDEF.:") == strlen(last))
        snprintf(q->address, sizeof q->address, "%s", last);
}

static const char *header(struct cb_request *q, const char *name)
{
    return MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, name);
}

/* A page of somebody else's asks: by what browsers say of it themselves. */
static bool is_cross_site(struct cb_request *q)
{
    const char *site = header(q, "Sec-Fetch-Site"), *origin = header(q, "Origin");
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return true;
    return origin && !cb_origin_is_own(origin, header(q, "Host"));
}

struct query {
    struct cb_request *q;
    struct cb_error error;
    int r;
};

static enum MHD_Result on_parameter(void *arg, enum MHD_ValueKind kind, const char *key, size_t n_key,
                                    const char *value, size_t n)
{
    struct query *y = arg;
    (void) kind;
    if (y->r == 0 && strlen(key) != n_key)
        y->r = cb_error_set(&y->error, -EINVAL, "", "a parameter's name has a byte of zero");
    if (y->r == 0)
        y->r = cb_values_set(&y->q->values, y->q->route->in_query, y->q->n_path, key,
                             value ? value : "", n, &y->error);
    return y->r == 0 ? MHD_YES : MHD_NO;
}

static int read_path(struct cb_request *q, const struct cb_part parts[2], struct cb_error *reterr)
{
    int r = 0;
    for (size_t i = 0; r == 0 && q->route->in_path && q->route->in_path[i].name; i++, q->n_path++)
        r = cb_values_set(&q->values, q->route->in_path, 0, q->route->in_path[i].name, parts[i].at,
                          parts[i].n, reterr);
    /* an id that can be none is the id of nothing */
    return r == -EINVAL ? -ENOENT : r;
}

static int read_query(struct cb_request *q, struct cb_error *reterr)
{
    struct query y = {.q = q};
    MHD_get_connection_values_n(q->connection, MHD_GET_ARGUMENT_KIND, on_parameter, &y);
    if (y.r == 0 && q->route->in_query)
        y.r = cb_values_finish(&q->values, q->route->in_query, q->n_path, &y.error);
    if (y.r < 0)
        *reterr = y.error;
    return y.r;
}

static bool has_json_type(struct cb_request *q)
{
    const char *type = header(q, "Content-Type");
    return type && strncasecmp(type, "application/json", 16) == 0 &&
           (!type[16] || type[16] == ';' || type[16] == ' ');
}

/* What can be refused before the body is read. @return false: it is refused */
static bool check_head(struct cb_request *q, const struct cb_part parts[2])
{
    struct cb_error e = {0};
    const char *length = header(q, "Content-Length");
    bool is_get = !strcmp(q->route->method, "GET"), has_session = cb_session_read_cookie(q);
    int r, wait_s;
    if (is_cross_site(q))
        cb_request_fail(q, 403, "cross_site", NULL, "asked by a page of another site");
    else if (!has_session && q->route->kind != CB_ROUTE_OPEN)
        cb_request_fail(q, 401, "unauthenticated", NULL, "no session: log in");
    else if (has_session && (wait_s = cb_limit_take(q->g->bucket, q->token_sha256, cb_clock_mono_ns()))) {
        cb_request_fail(q, 429, "rate", NULL, "too many requests");
        q->retry_after_s = wait_s;
    } else if (q->route->kind != CB_ROUTE_OPEN && !is_get &&
               !cb_session_csrf_is_right(q->token, header(q, "X-CSRF-Token")))
        cb_request_fail(q, 403, "cross_site", NULL, "X-CSRF-Token is missing or wrong");
    else if (length && (strlen(length) > 9 || atol(length) > CB_BODY_BYTES_MAX))
        cb_request_fail(q, 413, "too_large", NULL, "the body is too large");
    else if (q->route->in_body && !has_json_type(q))
        cb_request_fail(q, 415, "media_type", NULL, "expected a body of application/json");
    else if ((r = read_path(q, parts, &e)) < 0 || (r = read_query(q, &e)) < 0)
        cb_request_fail_with(q, r, &e);
    else
        return true;
    return false;
}

static bool is_of_api(const char *url)
{
    return !strncmp(url, "/api/", 5) || !strcmp(url, "/api");
}

/* The head has come. @return whether the body is wanted, and then a worker */
static bool begin(struct cb_request *q, const char *url, const char *method)
{
    struct cb_part parts[2] = {{0}};
    char allow[64];
    unsigned status;
    __atomic_add_fetch(&q->g->n_requests, 1, __ATOMIC_RELAXED);
    read_address(q);
    q->range = header(q, "Range");
    q->last_event_id = header(q, "Last-Event-ID");
    if (!(q->path = strdup(url)))
        return q->status = 500, false;
    if (q->is_uri_too_long)
        return cb_request_fail(q, 414, "too_long", NULL, "the path is too long"), false;
    if (q->is_uri_broken)
        return cb_request_fail(q, 400, "malformed", NULL, "the path has a byte of zero"), false;
    q->route = cb_route_find(method, q->path, parts, &status, allow);
    if (!q->route && status == 405) {
        snprintf(q->disposition, sizeof q->disposition, "%s", allow);
        return cb_request_fail(q, 405, "method", NULL, "not by that method"), false;
    }
    if (!q->route)
        return cb_request_fail(q, 404, "not_found", NULL, "there is no such path"), false;
    if (!q->g->pool)
        return cb_request_fail(q, 503, "unavailable", NULL, "no database is configured"), false;
    return check_head(q, parts);
}

static void add_body(struct cb_request *q, const char *bytes, size_t n)
{
    if (q->n_body + n > CB_BODY_BYTES_MAX) {
        q->is_body_too_large = true; /* the rest is read and forgotten, so that it can be said */
        return;
    }
    char *more = realloc(q->body, q->n_body + n);
    if (!more) {
        q->is_body_too_large = true;
        return;
    }
    memcpy(more + q->n_body, bytes, n);
    q->body = more;
    q->n_body += n;
}

static int read_body(struct cb_request *q, struct cb_error *reterr)
{
    if (!q->route->in_body)
        return q->n_body ? cb_error_set(reterr, -EBADMSG, "", "no body was expected") : 0;
    int r = cb_values_set_body(&q->values, q->route->in_body, q->n_path, q->body ? q->body : "",
                               q->n_body, reterr);
    return r < 0 ? r : cb_values_finish(&q->values, q->route->in_body, q->n_path, reterr);
}

/* All has come. */
static enum MHD_Result submit(struct cb_request *q)
{
    struct cb_error e = {0};
    int r;
    if (q->is_body_too_large) {
        cb_request_fail(q, 413, "too_large", NULL, "the body is too large");
        return cb_answer_request(q);
    }
    if ((r = read_body(q, &e)) < 0) {
        cb_request_fail_with(q, r, &e);
        return cb_answer_request(q);
    }
    q->is_submitted = true;
    MHD_suspend_connection(q->connection);
    if (cb_pool_submit(q->g->pool, q) < 0) {
        cb_request_fail(q, 503, "unavailable", NULL, "too much to do");
        q->retry_after_s = 2;
        MHD_resume_connection(q->connection); /* comes again, with this answer */
    }
    return MHD_YES;
}

/* On a worker. */
static int work(struct cb_request *q, struct cb_desk *d, struct cb_error *e)
{
    const struct cb_desk_ops *ops = q->g->opts.desk;
    if (q->route->kind == CB_ROUTE_OPEN)
        return q->route->call(q, d, e);
    int r = ops->enter(d, q->token_sha256, &q->user, e);
    if (r < 0)
        return r;
    if (!(q->route->roles & CB_ROLE_BIT(q->user.role)))
        r = cb_error_set(e, -EACCES, "", "no right to that");
    else if (q->route->kind == CB_ROUTE_ASK) {
        struct cb_desk_answer a = {0};
        r = ops->ask(d, q->route->question, &q->user, q->values.v, &a, e);
        q->json = a.json;
        q->status = a.is_same ? 200 : q->status;
    } else
        r = q->route->call(q, d, e);
    struct cb_error ignored;
    int left = ops->leave(d, r == 0, r == 0 ? e : &ignored);
    return r < 0 ? r : left;
}

void cb_request_work(struct cb_request *q, struct cb_desk *d)
{
    struct cb_error e = {0};
    q->status = q->route->status ? q->route->status : 200;
    int r = work(q, d, &e);
    if (r < 0)
        cb_request_fail_with(q, r, &e);
}

static enum MHD_Result answer_page(struct cb_request *q, const char *method)
{
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        cb_request_fail(q, 405, "method", NULL, "not by that method");
        snprintf(q->disposition, sizeof q->disposition, "GET");
        return cb_answer_request(q);
    }
    return cb_page_answer(q);
}

enum MHD_Result cb_http_on_request(void *self, struct MHD_Connection *c, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *n_upload, void **state)
{
    struct cb_request *q = *state;
    (void) self, (void) c, (void) version;
    if (!q)
        return MHD_NO;
    if (q->is_submitted)
        return cb_answer_request(q);
    if (!q->is_begun) {
        q->is_begun = true;
        if (!is_of_api(url) && !q->is_uri_too_long && !q->is_uri_broken) {
            read_address(q);
            if (!(q->path = strdup(url)))
                return MHD_NO;
            return answer_page(q, method);
        }
        if (!begin(q, url, method))
            return cb_answer_request(q);
        return MHD_YES;
    }
    if (*n_upload) {
        if (!q->is_body_too_large)
            add_body(q, upload, *n_upload);
        *n_upload = 0;
        return MHD_YES;
    }
    return submit(q);
}
