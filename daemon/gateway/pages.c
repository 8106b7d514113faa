/* The built pages, as files of a folder: regular ones with plain names alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway_private.h"

static const struct {
    const char *end, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},   {".json", "application/json"},
    {".svg", "image/svg+xml"},             {".png", "image/png"},
    {".ico", "image/x-icon"},              {".woff2", "font/woff2"},
    {".webmanifest", "application/manifest+json"}, {".map", "application/json"},
    {".wasm", "application/wasm"},         {".txt", "text/plain; charset=utf-8"},
    {".pbf", "application/x-protobuf"},    {".jpg", "image/jpeg"},
    {".geojson", "application/geo+json"},
};

static const char *type_of(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t k = strlen(types[i].end);
        if (n > k && !strcmp(path + n - k, types[i].end))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* @return a file descriptor; -ENOENT */
static int open_file(int dir, const char *path, struct stat *st)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -ENOENT;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    return -ENOENT;
}

static enum MHD_Result send_file(struct cb_request *q, int fd, const struct stat *st,
                                 const char *path, bool is_gzip)
{
    const char *none = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "If-None-Match");
    char tag[64], quoted[66];
    bool is_named_by_hash = !strncmp(path, "assets/", 7); /* Vite's: another content, another name */
    snprintf(tag, sizeof tag, "%llx-%llx%s", (unsigned long long) st->st_mtim.tv_sec * 1000000000ull +
             (unsigned long long) st->st_mtim.tv_nsec, (unsigned long long) st->st_size, is_gzip ? "-z" : "");
    snprintf(quoted, sizeof quoted, "\"%s\"", tag);
    bool is_same = cb_etag_matches(none, tag);
    struct MHD_Response *r = is_same ? MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT)
                                     : MHD_create_response_from_fd64((uint64_t) st->st_size, fd);
    if (is_same || !r)
        close(fd);
    if (!r)
        return MHD_NO;
    cb_answer_secure(q->g, r);
    MHD_add_response_header(r, "ETag", quoted);
    MHD_add_response_header(r, "Vary", "Accept-Encoding");
    MHD_add_response_header(r, "Cache-Control",
                            is_named_by_hash ? "public, max-age=31536000, immutable" : "no-cache");
    MHD_add_response_header(r, "Content-Type", type_of(path));
    if (is_gzip && !is_same)
        MHD_add_response_header(r, "Content-Encoding", "gzip");
    enum MHD_Result done = MHD_queue_response(q->connection, is_same ? 304 : 200, r);
    MHD_destroy_response(r);
    return done;
}

/* @return MHD_NO also when there is no such file; then *ret_found is false */
static enum MHD_Result send_path(struct cb_request *q, const char *path, bool *ret_found)
{
    char packed[CB_URI_BYTES_MAX + 4];
    struct stat st;
    const char *takes = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Accept-Encoding");
    snprintf(packed, sizeof packed, "%s.gz", path);
    int fd = cb_takes_gzip(takes) ? open_file(q->g->web_fd, packed, &st) : -ENOENT;
    bool is_gzip = fd >= 0;
    if (fd < 0)
        fd = open_file(q->g->web_fd, path, &st);
    *ret_found = fd >= 0;
    return fd < 0 ? MHD_NO : send_file(q, fd, &st, path, is_gzip);
}

static enum MHD_Result answer_health(struct cb_request *q);
static enum MHD_Result answer_metrics(struct cb_request *q);

enum MHD_Result cb_page_answer(struct cb_request *q)
{
    const char *path = q->path + 1, *last = strrchr(q->path, '/');
    bool is_found = false;
    if (!strcmp(path, "healthz"))
        return answer_health(q);
    if (!strcmp(path, "metrics"))
        return answer_metrics(q);
    if (q->g->web_fd >= 0 && cb_path_is_plain(path)) {
        enum MHD_Result done = path[0] ? send_path(q, path, &is_found) : MHD_NO;
        if (!is_found && !strchr(last, '.'))
            done = send_path(q, "index.html", &is_found);
        if (is_found)
            return done;
    }
    cb_request_fail(q, 404, "not_found", NULL, "there is no such page");
    return cb_answer_request(q);
}

static enum MHD_Result answer_metrics(struct cb_request *q)
{
    struct cb_gateway *g = q->g;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return MHD_NO;
    for (size_t i = 0; i < g->opts.n_sources; i++)
        g->source[i].print(g->source[i].self, out);
    fprintf(out,
            "# HELP citybrain_gateway_requests_total Requests of the API\n"
            "# TYPE citybrain_gateway_requests_total counter\ncitybrain_gateway_requests_total %llu\n"
            "# HELP citybrain_gateway_refused_total Of these, how many were answered by an error\n"
            "# TYPE citybrain_gateway_refused_total counter\ncitybrain_gateway_refused_total %llu\n",
            (unsigned long long) __atomic_load_n(&g->n_requests, __ATOMIC_RELAXED),
            (unsigned long long) __atomic_load_n(&g->n_refused, __ATOMIC_RELAXED));
    if (g->hub)
        cb_hub_print_metrics(g->hub, out);
    if (fclose(out) != 0) {
        free(text);
        return MHD_NO;
    }
    return cb_answer_text(g, q->connection, 200, "text/plain; version=0.0.4; charset=utf-8", text, n,
                          MHD_RESPMEM_MUST_FREE);
}

/* What the sources complain of, behind a word for the whole. */
static enum MHD_Result answer_health(struct cb_request *q)
{
    struct cb_gateway *g = q->g;
    char *lines = NULL, *text = NULL;
    size_t n_lines = 0;
    bool is_well = true;
    FILE *out = open_memstream(&lines, &n_lines);
    if (!out)
        return MHD_NO;
    for (size_t i = 0; i < g->opts.n_sources; i++) {
        const struct cb_metrics_source *s = &g->source[i];
        if (s->complain)
            s->complain(s->self, out);
        is_well = is_well && (!s->is_well || s->is_well(s->self));
    }
    if (g->hub && !cb_hub_is_connected(g->hub))
        fputs("gateway: events do not come from the store\n", out);
    int n = fclose(out) ? -1
                        : asprintf(&text, "%s\n%s", !is_well ? "down" : n_lines ? "degraded" : "ok",
                                   lines);
    free(lines);
    if (n < 0)
        return MHD_NO;
    return cb_answer_text(g, q->connection, is_well ? 200 : 503, "text/plain; charset=utf-8", text,
                          (size_t) n, MHD_RESPMEM_MUST_FREE);
}
