#include "gateway/gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define CONNECTIONS_MAX 64
#define TIMEOUT_S 10
#define REQUEST_MEMORY_BYTES 16384

struct cb_gateway {
    /* set at create, then immutable */
    struct cb_metrics_source *source;
    size_t n_sources;
    struct MHD_Daemon *http;
    uint16_t port;
    struct cb_log log;
};

struct address {
    struct sockaddr_storage at;
    socklen_t n;
};

/* "host:port" or "[v6]:port", numbers only: a name that resolves late would be a surprise. */
static int parse_listen(const char *listen, struct address *ret, struct cb_error *reterr)
{
    char host[64];
    const char *colon = strrchr(listen, ':'), *from = listen;
    size_t n = colon ? (size_t) (colon - listen) : 0;
    if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']') {
        from++;
        n -= 2;
    }
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *a = NULL;
    snprintf(host, sizeof host, "%.*s", n < sizeof host ? (int) n : 0, from);
    if (!host[0] || !colon[1] || getaddrinfo(host, colon + 1, &hints, &a) != 0)
        return cb_error_set(reterr, -EINVAL, listen,
                            "expected an address and a port, as 127.0.0.1:9464 or [::1]:9464");
    memcpy(&ret->at, a->ai_addr, a->ai_addrlen);
    ret->n = a->ai_addrlen;
    freeaddrinfo(a);
    return 0;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t n = sizeof at;
    if (getsockname(fd, (struct sockaddr *) &at, &n) < 0)
        return 0;
    return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &at)->sin6_port
                                          : ((struct sockaddr_in *) &at)->sin_port);
}

static int open_listener(const char *listen_at, int *ret_fd, struct cb_error *reterr)
{
    struct address a = {0};
    int one = 1, r = parse_listen(listen_at, &a, reterr);
    if (r < 0)
        return r;
    int fd = socket(a.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *) &a.at, a.n) < 0 || listen(fd, 64) < 0) {
        r = -errno;
        if (fd >= 0)
            close(fd);
        return cb_error_set(reterr, r, listen_at, "cannot listen: %s", strerror(-r));
    }
    *ret_fd = fd;
    return 0;
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
                              char *text, size_t n, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(n, text, mode);
    if (!r) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(text);
        return MHD_NO;
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result done = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned status, const char *text)
{
    return answer(c, status, "text/plain; charset=utf-8", (char *) text, strlen(text),
                  MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result answer_metrics(struct cb_gateway *g, struct MHD_Connection *c)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return MHD_NO;
    for (size_t i = 0; i < g->n_sources; i++)
        g->source[i].print(g->source[i].self, out);
    if (fclose(out) != 0) {
        free(text);
        return MHD_NO;
    }
    return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, n,
                  MHD_RESPMEM_MUST_FREE);
}

/* What the sources complain of, behind a word for the whole. */
static enum MHD_Result answer_health(struct cb_gateway *g, struct MHD_Connection *c)
{
    char *lines = NULL, *text = NULL;
    size_t n_lines = 0;
    bool is_well = true;
    FILE *out = open_memstream(&lines, &n_lines);
    if (!out)
        return MHD_NO;
    for (size_t i = 0; i < g->n_sources; i++) {
        const struct cb_metrics_source *s = &g->source[i];
        if (s->complain)
            s->complain(s->self, out);
        is_well = is_well && (!s->is_well || s->is_well(s->self));
    }
    int n = fclose(out) ? -1
                        : asprintf(&text, "%s\n%s", !is_well ? "down" : n_lines ? "degraded" : "ok",
                                   lines);
    free(lines);
    if (n < 0)
        return MHD_NO;
    return answer(c, is_well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                  "text/plain; charset=utf-8", text, (size_t) n, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *n_upload, void **state)
{
    (void) version, (void) upload, (void) n_upload, (void) state;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    if (strcmp(url, "/healthz") == 0)
        return answer_health(self, c);
    if (strcmp(url, "/metrics") == 0)
        return answer_metrics(self, c);
    return answer_text(c, MHD_HTTP_NOT_FOUND, "there are /healthz and /metrics\n");
}

static int copy_sources(struct cb_gateway *g, const struct cb_metrics_source *s, size_t n)
{
    if (!(g->source = calloc(n ? n : 1, sizeof *g->source)))
        return -ENOMEM;
    if (n)
        memcpy(g->source, s, n * sizeof *s);
    g->n_sources = n;
    return 0;
}

static int start(struct cb_gateway *g, const char *listen_at, struct cb_error *reterr)
{
    int fd = -1, r = open_listener(listen_at, &fd, reterr);
    if (r < 0)
        return r;
    g->port = port_of(fd);
    g->http = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_request, g,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t) REQUEST_MEMORY_BYTES, MHD_OPTION_END);
    if (!g->http) {
        close(fd);
        return cb_error_set(reterr, -EIO, listen_at, "the HTTP server does not start");
    }
    return 0;
}

int cb_gateway_create(struct cb_gateway **ret, const char *listen,
                      const struct cb_metrics_source *sources, size_t n_sources,
                      struct cb_error *reterr)
{
    struct cb_gateway *g = calloc(1, sizeof *g);
    int r = g ? copy_sources(g, sources, n_sources) : -ENOMEM;
    if (r < 0)
        cb_error_set(reterr, r, "gateway", "out of memory");
    else
        r = start(g, listen, reterr);
    if (r < 0) {
        cb_gateway_destroy(&g);
        return r;
    }
    g->log = (struct cb_log) {"gateway", NULL};
    cb_info(g, "serves /healthz and /metrics: address=%s port=%" PRIu16, listen, g->port);
    *ret = g;
    return 0;
}

void cb_gateway_destroy(struct cb_gateway **gateway)
{
    struct cb_gateway *g = *gateway;
    if (!g)
        return;
    *gateway = NULL;
    if (g->http)
        MHD_stop_daemon(g->http); /* closes the listener, waits for its thread */
    free(g->source);
    free(g);
}

uint16_t cb_gateway_port(const struct cb_gateway *g)
{
    return g->port;
}
