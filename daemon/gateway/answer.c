/* What goes out: the headers that all answers have, tags, compression, files and their ranges. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "gateway_private.h"

#define GZIP_MIN_BYTES 1024
#define TAG_LEN 33

void cb_answer_secure(const struct cb_gateway *g, struct MHD_Response *r)
{
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Content-Security-Policy", g->csp);
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(r, "Cross-Origin-Opener-Policy", "same-origin");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(r, "X-Frame-Options", "DENY");
    MHD_add_response_header(r, "Permissions-Policy", "camera=(), microphone=(), geolocation=(self)");
    if (g->is_secure)
        MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000");
}

static enum MHD_Result queue(struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
    enum MHD_Result done = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return done;
}

enum MHD_Result cb_answer_text(struct cb_gateway *g, struct MHD_Connection *c, unsigned status,
                               const char *type, char *text, size_t n,
                               enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(n, text, mode);
    if (!r) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(text);
        return MHD_NO;
    }
    cb_answer_secure(g, r);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    return queue(c, status, r);
}

/* @return NULL: it stays as it is */
static char *compress_text(const char *text, size_t n, size_t *ret_n)
{
    z_stream z = {0};
    if (n < GZIP_MIN_BYTES || deflateInit2(&z, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    size_t size = deflateBound(&z, n);
    char *out = malloc(size);
    z.next_in = (Bytef *) text;
    z.avail_in = (uInt) n;
    z.next_out = (Bytef *) out;
    z.avail_out = (uInt) size;
    bool is_done = out && deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < n;
    *ret_n = z.total_out;
    deflateEnd(&z);
    if (!is_done) {
        free(out);
        return NULL;
    }
    return out;
}

static void print_tag(const char *text, size_t n, char ret[TAG_LEN])
{
    unsigned char h[16];
    crypto_generichash(h, sizeof h, (const unsigned char *) text, n, NULL, 0);
    sodium_bin2hex(ret, TAG_LEN, h, sizeof h);
}

static void add_own(struct cb_request *q, struct MHD_Response *r)
{
    char text[24];
    cb_answer_secure(q->g, r);
    if (q->set_cookie[0])
        MHD_add_response_header(r, "Set-Cookie", q->set_cookie);
    if (q->retry_after_s > 0) {
        snprintf(text, sizeof text, "%d", q->retry_after_s);
        MHD_add_response_header(r, "Retry-After", text);
    }
    if (q->disposition[0])
        MHD_add_response_header(r, q->status == 405 ? "Allow" : "Content-Disposition", q->disposition);
}

static enum MHD_Result answer_json(struct cb_request *q)
{
    const char *none = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "If-None-Match");
    const char *takes = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Accept-Encoding");
    size_t n = q->json ? strlen(q->json) : 0, n_small = 0;
    char tag[TAG_LEN] = "", quoted[TAG_LEN + 2], *small = NULL;
    if (q->status == 200 && q->json && q->route && !strcmp(q->route->method, "GET")) {
        print_tag(q->json, n, tag);
        if (cb_etag_matches(none, tag)) {
            q->status = 304;
            n = 0;
        }
    }
    if (n && cb_takes_gzip(takes))
        small = compress_text(q->json, n, &n_small);
    struct MHD_Response *r = small ? MHD_create_response_from_buffer(n_small, small, MHD_RESPMEM_MUST_FREE)
                                   : MHD_create_response_from_buffer(n, q->json ? q->json : "",
                                                                     MHD_RESPMEM_MUST_COPY);
    if (!r) {
        free(small);
        return MHD_NO;
    }
    add_own(q, r);
    MHD_add_response_header(r, "Vary", "Accept-Encoding, Cookie");
    MHD_add_response_header(r, "Cache-Control", "private, no-cache");
    if (n)
        MHD_add_response_header(r, "Content-Type", "application/json");
    if (small)
        MHD_add_response_header(r, "Content-Encoding", "gzip");
    if (tag[0]) {
        snprintf(quoted, sizeof quoted, "\"%s\"", tag);
        MHD_add_response_header(r, "ETag", quoted);
    }
    return queue(q->connection, q->status, r);
}

static struct MHD_Response *file_response(struct cb_request *q, uint64_t first, uint64_t n)
{
    if (q->file.fd < 0)
        return MHD_create_response_from_buffer(n, q->file.bytes + first, MHD_RESPMEM_MUST_COPY);
    struct MHD_Response *r = MHD_create_response_from_fd_at_offset64(n, q->file.fd, first);
    if (r)
        q->file.fd = -1; /* the response closes it */
    return r;
}

static enum MHD_Result answer_file(struct cb_request *q)
{
    const char *none = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "If-None-Match");
    const char *if_range = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "If-Range");
    char tag[CB_SHA256_LEN + 2], text[96];
    uint64_t first = 0, n = q->file.n_bytes;
    bool is_same = !if_range || cb_etag_matches(if_range, q->file.sha256);
    int range = is_same ? cb_range_parse(q->range, q->file.n_bytes, &first, &n) : -ENOENT;
    struct MHD_Response *r;
    q->status = 200;
    if (cb_etag_matches(none, q->file.sha256)) {
        q->status = 304;
        r = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    } else if (range == -ERANGE) {
        cb_request_fail(q, 416, "range", NULL, "the file ends before that range");
        r = MHD_create_response_from_buffer(q->json ? strlen(q->json) : 0, q->json ? q->json : "",
                                            MHD_RESPMEM_MUST_COPY);
    } else {
        q->status = range == 0 ? 206 : 200;
        r = file_response(q, first, n);
    }
    if (!r)
        return MHD_NO;
    add_own(q, r);
    snprintf(tag, sizeof tag, "\"%s\"", q->file.sha256);
    MHD_add_response_header(r, "ETag", tag);
    MHD_add_response_header(r, "Accept-Ranges", "bytes");
    MHD_add_response_header(r, "Cache-Control", "private, no-cache");
    MHD_add_response_header(r, "Vary", "Cookie");
    if (q->status != 304)
        MHD_add_response_header(r, "Content-Type",
                                q->status == 416 ? "application/json" : q->file.media_type);
    if (q->status == 206)
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long) first,
                 (unsigned long long) (first + n - 1), (unsigned long long) q->file.n_bytes);
    else
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long) q->file.n_bytes);
    if (q->status == 206 || q->status == 416)
        MHD_add_response_header(r, "Content-Range", text);
    return queue(q->connection, q->status, r);
}

static enum MHD_Result answer_stream(struct cb_request *q)
{
    struct MHD_Response *r = cb_stream_respond(q->stream, q->connection);
    if (!r)
        return MHD_NO;
    q->stream = NULL;
    add_own(q, r);
    MHD_add_response_header(r, "Content-Type", "text/event-stream");
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Accel-Buffering", "no");
    return queue(q->connection, 200, r);
}

enum MHD_Result cb_answer_request(struct cb_request *q)
{
    if (q->stream)
        return answer_stream(q);
    if (q->file.media_type[0])
        return answer_file(q);
    return answer_json(q);
}
