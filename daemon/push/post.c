#include "post.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

#define TIMEOUT_S 15L
#define CONNECT_TIMEOUT_S 5L
#define PROOF_S (12 * 3600) /* of a day that RFC 8292, 2 allows: clocks differ */

static size_t on_answer(char *bytes, size_t size, size_t n, void *arg)
{
    struct cb_post *p = arg;
    size_t room = sizeof p->said - 1 - p->n_said, k = size * n < room ? size * n : room;
    memcpy(p->said + p->n_said, bytes, k);
    p->n_said += k;
    return size * n; /* the rest is let pass */
}

static int add_header(struct cb_post *p, const char *name, const char *value)
{
    CB_AUTO_FREE char *line = NULL;
    if (asprintf(&line, "%s: %s", name, value) < 0) {
        line = NULL;
        return -ENOMEM;
    }
    struct curl_slist *more = curl_slist_append(p->headers, line);
    if (!more)
        return -ENOMEM;
    p->headers = more;
    return 0;
}

static int add_headers(struct cb_post *p, const struct cb_push_job *j, const struct cb_vapid *v,
                       struct cb_error *reterr)
{
    char ttl[16];
    CB_AUTO_FREE char *proof = NULL;
    int64_t until_s = cb_clock_now_ns() / CB_NS_PER_S + PROOF_S;
    size_t n = cb_push_origin_length(j->endpoint);
    int r = cb_vapid_authorize(v, j->endpoint, n, until_s, &proof, reterr);
    if (r < 0)
        return r;
    snprintf(ttl, sizeof ttl, "%d", j->ttl_s);
    const char *const headers[][2] = {{"Authorization", proof},
                                      {"Content-Encoding", "aes128gcm"},
                                      {"Content-Type", "application/octet-stream"},
                                      {"TTL", ttl},
                                      {"Urgency", "high"},
                                      {"Topic", j->topic}};
    for (size_t i = 0; i < CB_LEN(headers) && r == 0; i++)
        r = add_header(p, headers[i][0], headers[i][1]);
    return r;
}

/* A redirection is not followed: it would lead to where the configuration did not say. */
static int set_up(struct cb_post *p, size_t n_body)
{
    CURL *h = p->handle;
    bool is_set = curl_easy_setopt(h, CURLOPT_URL, p->endpoint) == CURLE_OK &&
                  curl_easy_setopt(h, CURLOPT_HTTPHEADER, p->headers) == CURLE_OK &&
                  curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long) n_body) == CURLE_OK &&
                  curl_easy_setopt(h, CURLOPT_POSTFIELDS, (const char *) p->body) == CURLE_OK &&
                  curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    curl_easy_setopt(h, CURLOPT_PRIVATE, p);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, p->error);
    curl_easy_setopt(h, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    return is_set ? 0 : -EINVAL;
}

static int fill(struct cb_post *p, const struct cb_push_job *j, const struct cb_vapid *v,
                struct cb_error *reterr)
{
    struct cb_push_keys to;
    size_t n = 0;
    int r = cb_push_keys_parse(j->p256dh, j->auth, &to, reterr);
    if (r == 0)
        r = cb_push_encrypt(&to, j->json, strlen(j->json), NULL, p->body, &n);
    if (r == 0)
        r = add_headers(p, j, v, reterr);
    if (r == 0 && (!(p->endpoint = strdup(j->endpoint)) || !(p->handle = curl_easy_init())))
        r = -ENOMEM;
    return r < 0 ? r : set_up(p, n);
}

int cb_post_create(struct cb_post **ret, const struct cb_push_job *j, const struct cb_vapid *v,
                   struct cb_error *reterr)
{
    struct cb_post *p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->subscription = j->subscription;
    p->position = j->position;
    int r = fill(p, j, v, reterr);
    if (r < 0) {
        cb_post_destroy(&p);
        return r;
    }
    *ret = p;
    return 0;
}

void cb_post_destroy(struct cb_post **post)
{
    struct cb_post *p = *post;
    if (!p)
        return;
    *post = NULL;
    curl_easy_cleanup(p->handle);
    curl_slist_free_all(p->headers);
    free(p->endpoint);
    free(p);
}

static void print_said(const struct cb_post *p, long status, char ret[200])
{
    char plain[sizeof p->said];
    size_t n = 0;
    for (size_t i = 0; i < p->n_said; i++)
        if ((unsigned char) p->said[i] >= 0x20 && (unsigned char) p->said[i] < 0x7f)
            plain[n++] = p->said[i];
    plain[n] = '\0';
    snprintf(ret, 200, "%ld %s", status, plain);
}

void cb_post_judge(const struct cb_post *p, CURLcode result, struct cb_post_verdict *ret)
{
    long status = 0;
    curl_off_t retry_s = 0;
    *ret = (struct cb_post_verdict){.outcome = CB_PUSH_LATER};
    if (result != CURLE_OK) {
        snprintf(ret->words, sizeof ret->words, "%.199s", p->error[0] ? p->error : curl_easy_strerror(result));
        return;
    }
    curl_easy_getinfo(p->handle, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) {
        ret->outcome = CB_PUSH_TAKEN;
        return;
    }
    print_said(p, status, ret->words);
    if (status == 404 || status == 410) {
        ret->outcome = CB_PUSH_GONE;
        return;
    }
    curl_easy_getinfo(p->handle, CURLINFO_RETRY_AFTER, &retry_s);
    ret->retry_s = retry_s > 0 ? (int) (retry_s < 3600 ? retry_s : 3600) : 0;
    ret->is_refusal = status >= 300 && status < 500 && status != 429;
}
