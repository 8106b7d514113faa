#include "gateway_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "hash/certificate.h"

#define CONNECTIONS_MAX 2200
#define TIMEOUT_S 30
#define REQUEST_MEMORY_BYTES 32768
#define FILE_BYTES_MAX (16 << 20)
/* 1.0 and 1.1 are no longer to be used (RFC 8996). GnuTLS's words. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

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

static int copy_sources(struct cb_gateway *g, const struct cb_metrics_source *s, size_t n)
{
    if (!(g->source = calloc(n ? n : 1, sizeof *g->source)))
        return -ENOMEM;
    if (n)
        memcpy(g->source, s, n * sizeof *s);
    return 0;
}

static bool is_said(const char *text)
{
    return text && text[0];
}

/* A whole file as a string, yours to free. */
static int read_file(const char *path, char **ret, struct cb_error *reterr)
{
    CB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return cb_error_set(reterr, -errno, path, "cannot be read: %s", strerror(errno));
    if (st.st_size > FILE_BYTES_MAX)
        return cb_error_set(reterr, -EFBIG, path, "is too large");
    CB_AUTO_FREE char *text = calloc(1, (size_t) st.st_size + 1);
    if (!text)
        return -ENOMEM;
    ssize_t n = read(fd, text, (size_t) st.st_size);
    if (n != st.st_size)
        return cb_error_set(reterr, -EIO, path, "cannot be read");
    *ret = text;
    text = NULL;
    return 0;
}

/* Scripts and styles are files of our own; a map's tiles come from where the configuration says. */
static void print_policy(struct cb_gateway *g)
{
    char map[300] = "";
    const char *url = g->opts.map_style_url, *host = is_said(url) ? strstr(url, "://") : NULL;
    if (host)
        snprintf(map, sizeof map, " %.*s", (int) (host + 3 - url + (long) strcspn(host + 3, "/?#")), url);
    snprintf(g->csp, sizeof g->csp,
             "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:%s; "
             "connect-src 'self'%s; font-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; "
             "manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
             "frame-ancestors 'none'", map, map);
}

static int read_tls(struct cb_gateway *g, struct cb_error *reterr)
{
    const struct cb_gateway_opts *o = &g->opts;
    bool is_over = false;
    int r = read_file(o->tls_certificate, &g->certificate, reterr);
    if (r >= 0)
        r = read_file(o->tls_key, &g->key, reterr);
    if (r < 0)
        return r;
    const struct cb_certificate_files files = {o->tls_certificate, o->tls_key, g->certificate, g->key};
    r = cb_certificate_check(&files, &is_over, reterr);
    if (is_over)
        cb_warn(g, "the certificate is over: browsers will refuse it: file=%s", o->tls_certificate);
    return r;
}

static int read_files(struct cb_gateway *g, struct cb_error *reterr)
{
    const struct cb_gateway_opts *o = &g->opts;
    int r = 0;
    if (is_said(o->map_style_url) &&
        (!strstr(o->map_style_url, "://") || strpbrk(o->map_style_url, "\"\\;', \t\r\n")))
        return cb_error_set(reterr, -EINVAL, "gateway.map_style_url", "expected a URL, as "
                            "https://tiles.example/style.json");
    if (is_said(o->timezone) && strpbrk(o->timezone, "\"\\"))
        return cb_error_set(reterr, -EINVAL, "gateway.timezone", "expected one as Asia/Shanghai");
    if (is_said(o->tls_certificate) != is_said(o->tls_key))
        return cb_error_set(reterr, -EINVAL, "gateway",
                            "tls_certificate and tls_key: expected both or none");
    if (is_said(o->tls_certificate) && (r = read_tls(g, reterr)) < 0)
        return r;
    if (is_said(o->roads) && (r = read_file(o->roads, &g->roads, reterr)) < 0)
        return r;
    if (is_said(o->web_dir) &&
        (g->web_fd = open(o->web_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return cb_error_set(reterr, -errno, o->web_dir, "cannot be opened as a folder: %s",
                            strerror(errno));
    return 0;
}

/* What is on its way to a worker or from it is not to be touched: paths stay as they come. */
static int start_http(struct cb_gateway *g, struct cb_error *reterr)
{
    int fd = -1, r = open_listener(g->opts.listen, &fd, reterr);
    if (r < 0)
        return r;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                     (g->certificate ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, g->certificate},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, g->key},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *) TLS_PRIORITIES},
                                   {MHD_OPTION_END, 0, NULL}};
    g->port = port_of(fd);
    g->http = MHD_start_daemon(
        flags, 0, NULL, NULL, cb_http_on_request, g, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned) CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned) TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) REQUEST_MEMORY_BYTES,
        MHD_OPTION_URI_LOG_CALLBACK, cb_http_on_uri, g, MHD_OPTION_NOTIFY_COMPLETED, cb_http_on_end,
        g, MHD_OPTION_ARRAY, g->certificate ? tls : &tls[3], MHD_OPTION_END);
    if (!g->http) {
        close(fd);
        return cb_error_set(reterr, -EIO, g->opts.listen, "the HTTP server does not start");
    }
    return 0;
}

static int start(struct cb_gateway *g, struct cb_error *reterr)
{
    const struct cb_gateway_opts *o = &g->opts;
    int r = read_files(g, reterr);
    if (r < 0)
        return r;
    g->is_secure = g->certificate || o->is_behind_proxy;
    print_policy(g);
    if (o->desk && ((r = cb_hub_create(&g->hub, g, reterr)) < 0 ||
                    (r = cb_pool_create(&g->pool, g, o->n_workers, reterr)) < 0))
        return r;
    return start_http(g, reterr);
}

int cb_gateway_create(struct cb_gateway **ret, const struct cb_gateway_opts *opts,
                      struct cb_error *reterr)
{
    struct cb_gateway *g = calloc(1, sizeof *g);
    if (!g)
        return cb_error_set(reterr, -ENOMEM, "gateway", "out of memory");
    g->opts = *opts;
    g->web_fd = -1;
    g->log = (struct cb_log) {"gateway", NULL};
    pthread_mutex_init(&g->lock, NULL);
    pthread_mutex_init(&g->hashing, NULL);
    int r = copy_sources(g, opts->sources, opts->n_sources);
    if (r == 0)
        r = start(g, reterr);
    if (r < 0) {
        cb_gateway_destroy(&g);
        return r;
    }
    cb_info(g, "serves %s: address=%s port=%" PRIu16 "%s",
            opts->desk ? "pages and /api/v1, /healthz and /metrics" : "/healthz and /metrics",
            opts->listen, g->port, g->certificate ? " tls" : "");
    *ret = g;
    return 0;
}

/* Streams and workers end first: no connection may sleep when the server stops. */
void cb_gateway_destroy(struct cb_gateway **gateway)
{
    struct cb_gateway *g = *gateway;
    if (!g)
        return;
    *gateway = NULL;
    if (g->hub)
        cb_hub_stop(g->hub);
    if (g->pool)
        cb_pool_stop(g->pool);
    if (g->http)
        MHD_stop_daemon(g->http); /* closes the listener, waits for its thread */
    cb_pool_destroy(&g->pool);
    cb_hub_destroy(&g->hub);
    if (g->web_fd >= 0)
        close(g->web_fd);
    free(g->certificate);
    free(g->key);
    free(g->roads);
    free(g->source);
    pthread_mutex_destroy(&g->hashing);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

uint16_t cb_gateway_port(const struct cb_gateway *g)
{
    return g->port;
}
