/* Operations that are more than one question to the desk. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway_private.h"
#include "hash/webpush.h"
#include "schema/push.h"

static int out_of_memory(struct cb_error *reterr)
{
    return cb_error_set(reterr, -ENOMEM, "gateway", "out of memory");
}

static int print_me(struct cb_request *q, const struct cb_desk_user *u, const char *token,
                    struct cb_error *reterr)
{
    char csrf[CB_TOKEN_LEN], *name = NULL;
    size_t n = 0;
    cb_session_csrf(token, csrf);
    FILE *out = open_memstream(&name, &n);
    if (!out)
        return out_of_memory(reterr);
    fprintf(out, "{\"login\":\"%s\",\"name\":\"", u->login);
    for (const char *s = u->name; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', out);
        if ((unsigned char) *s >= 0x20)
            fputc(*s, out);
    }
    fprintf(out, "\",\"role\":\"%s\",\"districts\":%s,\"unit\":", cb_role_names[u->role],
            u->districts_json);
    if (u->role == CB_ROLE_FIELD)
        fprintf(out, "\"%s\"", u->login);
    else
        fputs("null", out);
    fprintf(out, ",\"csrf\":\"%s\",\"expires_at\":\"%s\"}", csrf, u->expires_at);
    if (fclose(out) != 0) {
        free(name);
        return out_of_memory(reterr);
    }
    q->json = name;
    return 0;
}

/* As long for a login that nobody has: who tries names learns nothing from the time it takes. */
static bool is_password_right(struct cb_gateway *g, const char *hash, const char *password)
{
    static const char nobody[crypto_pwhash_STRBYTES] =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    char known[crypto_pwhash_STRBYTES] = "";
    snprintf(known, sizeof known, "%s", hash ? hash : nobody);
    pthread_mutex_lock(&g->hashing);
    bool is_right = crypto_pwhash_str_verify(known, password, strlen(password)) == 0;
    pthread_mutex_unlock(&g->hashing);
    return hash && is_right;
}

static int begin_session(struct cb_request *q, struct cb_desk *d, const char *login,
                         struct cb_error *reterr)
{
    const struct cb_desk_ops *ops = q->g->opts.desk;
    char token[CB_TOKEN_LEN];
    unsigned char hash[CB_TOKEN_HASH_BYTES];
    cb_session_new_token(token);
    cb_session_hash(token, hash);
    int r = ops->login_end(d, login, q->address, hash, reterr);
    if (r < 0 || (r = ops->enter(d, hash, &q->user, reterr)) < 0)
        return r;
    if ((r = ops->leave(d, true, reterr)) < 0 || (r = print_me(q, &q->user, token, reterr)) < 0)
        return r;
    snprintf(q->set_cookie, sizeof q->set_cookie, CB_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; "
             "Max-Age=604800%s", token, q->g->is_secure ? "; Secure" : "");
    return 0;
}

int cb_do_login(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    char *hash = NULL;
    int wait_s = 0;
    const char *login = q->values.v[0], *password = q->values.v[1];
    int r = q->g->opts.desk->login_begin(d, login, q->address, &hash, &wait_s, reterr);
    if (r < 0)
        return r;
    if (wait_s > 0) {
        q->retry_after_s = wait_s;
        cb_warn(q->g, "too many failed logins: login=%s address=%s wait_s=%d", login, q->address, wait_s);
        return cb_error_set(reterr, -EBUSY, "", "too many failed logins");
    }
    bool is_right = is_password_right(q->g, hash, password);
    free(hash);
    if (!is_right) {
        cb_request_fail(q, 401, "wrong_password", NULL, "no such login, or another password");
        return 0;
    }
    return begin_session(q, d, login, reterr);
}

int cb_do_logout(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    const struct cb_desk_ops *ops = q->g->opts.desk;
    /* outside of the user's transaction, whose rights do not reach that far */
    int r = ops->leave(d, true, reterr);
    if (r == 0)
        r = ops->logout(d, q->token_sha256, reterr);
    if (r < 0)
        return r;
    snprintf(q->set_cookie, sizeof q->set_cookie,
             CB_COOKIE "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s", q->g->is_secure ? "; Secure" : "");
    return 0;
}

int cb_do_me(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    (void) d;
    return print_me(q, &q->user, q->token, reterr);
}

int cb_do_settings(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    const struct cb_gateway_opts *o = &q->g->opts;
    bool has_map = o->map_style_url && o->map_style_url[0], has_push = o->push_public_key != NULL;
    (void) d;
    if (asprintf(&q->json,
                 "{\"version\":\"%s\",\"timezone\":\"%s\",\"map_style_url\":%s%s%s,\"push_key\":%s%s%s,\"deadlines\":["
                 "{\"stage\":\"signed\",\"within_s\":%d},{\"stage\":\"responded\",\"within_s\":%d},"
                 "{\"stage\":\"feedback\",\"within_s\":%d}]}",
                 o->version, o->timezone, has_map ? "\"" : "", has_map ? o->map_style_url : "null",
                 has_map ? "\"" : "", has_push ? "\"" : "", has_push ? o->push_public_key : "null",
                 has_push ? "\"" : "", o->signed_s, o->responded_s, o->feedback_s) >= 0)
        return 0;
    q->json = NULL;
    return out_of_memory(reterr);
}

/* Only to a service that is configured: a browser must not choose whom the gateway sends to. */
int cb_do_put_push(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    const struct cb_gateway_opts *o = &q->g->opts;
    struct cb_desk_answer a = {0};
    struct cb_push_keys keys;
    if (!o->push_public_key)
        return cb_error_set(reterr, -ENOENT, "", "Web Push is not configured");
    if (!cb_push_service_allows(o->push_services, q->values.v[0]))
        return cb_error_set(reterr, -EINVAL, "endpoint", "expected one of a push service that is configured");
    int r = cb_push_keys_parse(q->values.v[1], q->values.v[2], &keys, reterr);
    if (r == 0)
        r = o->desk->ask(d, CB_DO_PUT_PUSH, &q->user, q->values.v, &a, reterr);
    free(a.json);
    return r;
}

int cb_do_roads(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    (void) d;
    q->json = strdup(q->g->roads ? q->g->roads : "{\"type\":\"FeatureCollection\",\"features\":[]}");
    return q->json ? 0 : out_of_memory(reterr);
}

int cb_do_evidence(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    return q->g->opts.desk->evidence(d, &q->user, q->values.v[0], &q->json, reterr);
}

int cb_do_file(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    struct cb_desk_file f;
    int r = q->g->opts.desk->file(d, q->values.v[0], q->values.v[1], q->range, &f, reterr);
    if (r < 0)
        return r;
    /* what a record calls its files' types is shown by a browser only if it is of these */
    if (strncmp(f.media_type, "image/", 6) != 0 && strncmp(f.media_type, "video/", 6) != 0 &&
        strncmp(f.media_type, "audio/", 6) != 0 && strcmp(f.media_type, "application/json") != 0 &&
        strcmp(f.media_type, "text/plain; charset=utf-8") != 0)
        snprintf(f.media_type, sizeof f.media_type, "application/octet-stream");
    q->file = f;
    return 0;
}

static bool take_export(struct cb_gateway *g)
{
    pthread_mutex_lock(&g->lock);
    bool is_free = !g->is_exporting;
    g->is_exporting = true;
    pthread_mutex_unlock(&g->lock);
    return is_free;
}

static void give_export(struct cb_gateway *g)
{
    pthread_mutex_lock(&g->lock);
    g->is_exporting = false;
    pthread_mutex_unlock(&g->lock);
}

static int export_to(struct cb_request *q, struct cb_desk *d, bool is_json, struct cb_error *reterr)
{
    const char *tmp = getenv("TMPDIR");
    unsigned char tag[16];
    struct stat st;
    int fd = open(tmp ? tmp : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return cb_error_set(reterr, -EIO, "export", "no temporary file: %s", strerror(errno));
    int r = q->g->opts.desk->export_rows(d, &q->user, q->values.v, is_json, fd, reterr);
    if (r == 0 && fstat(fd, &st) < 0)
        r = cb_error_set(reterr, -EIO, "export", "%s", strerror(errno));
    if (r < 0) {
        close(fd);
        return r;
    }
    q->file = (struct cb_desk_file) {.fd = fd, .n_bytes = (uint64_t) st.st_size};
    snprintf(q->file.media_type, sizeof q->file.media_type, "%s",
             is_json ? "application/x-ndjson" : "text/csv; charset=utf-8");
    randombytes_buf(tag, sizeof tag); /* no two exports are the same one */
    sodium_bin2hex(q->file.sha256, sizeof q->file.sha256, tag, sizeof tag);
    snprintf(q->disposition, sizeof q->disposition, "attachment; filename=\"violations.%s\"",
             is_json ? "ndjson" : "csv");
    return 0;
}

/* One at a time: it keeps a worker for as long as it takes. */
int cb_do_export(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    enum { FORMAT = 16 }; /* behind the filters */
    bool is_json = !strcmp(q->values.v[FORMAT], "json");
    if (!take_export(q->g)) {
        q->retry_after_s = 10;
        return cb_error_set(reterr, -EBUSY, "", "another export is being made");
    }
    /* what stands behind the filters is for the desk sort, order, after and limit */
    q->values.v[FORMAT] = NULL;
    int r = export_to(q, d, is_json, reterr);
    give_export(q->g);
    return r;
}

int cb_do_stream(struct cb_request *q, struct cb_desk *d, struct cb_error *reterr)
{
    int64_t after = cb_number_parse(q->last_event_id);
    if (after < 0)
        after = cb_number_parse(q->values.v[0]);
    return cb_stream_create(&q->stream, q->g->hub, q, after, d, reterr);
}
