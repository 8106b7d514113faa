/* A camera that answers RTSP with anything: the input is its answers, parted by NUL NUL, one for
 * each request; what comes after the last is sent and the connection closed. SDP, headers, and
 * interleaved RTP and RTCP are all the stranger's. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "ingest/ingest.h"
#include "schema/camera.h"
#include "target.h"

#define ANSWER_MS 20 /* longer a client is not waited for */

struct camera {
    int listen_fd;
    const uint8_t *data;
    size_t size;
};

/* libavformat (5.1, rtsp.c: ff_rtsp_send_cmd_with_content) forgets the body of a 401 when it asks again with
 * credentials: some hundred bytes a try. It has no frame pointers, so that nothing but the allocator tells
 * what is its own; what we forget of libav's is looked for by the target `clip` and the tests under ASan. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:av_malloc";
}

static void want(bool is_true, const char *what)
{
    if (is_true)
        return;
    perror(what);
    abort();
}

static void quiet(void *self, enum cb_level level, const char *topic, const char *id,
                  const char *text)
{
    (void) self, (void) level, (void) topic, (void) id, (void) text;
}

static bool is_readable(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, ANSWER_MS) == 1;
}

/* Waits for a request's end, or long enough. */
static bool has_request(int fd)
{
    char b[2048];
    ssize_t n = is_readable(fd) ? recv(fd, b, sizeof b, 0) : 0;
    return n > 0;
}

static const uint8_t *end_of_answer(const uint8_t *at, const uint8_t *end)
{
    for (; at + 1 < end; at++)
        if (!at[0] && !at[1])
            return at;
    return NULL;
}

static void answer(struct camera *c, int fd)
{
    const uint8_t *at = c->data, *end = c->data + c->size, *stop;
    while ((stop = end_of_answer(at, end)) && has_request(fd)) {
        if (send(fd, at, (size_t) (stop - at), MSG_NOSIGNAL) < 0)
            return;
        at = stop + 2;
    }
    if (has_request(fd))
        send(fd, at, (size_t) (end - at), MSG_NOSIGNAL);
}

static void *serve(void *self)
{
    struct camera *c = self;
    /* again for what libav may try anew; the listening socket is shut down in the end */
    for (int i = 0; i < 3; i++) {
        CB_AUTO_CLOSE int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            break;
        answer(c, fd);
    }
    return NULL;
}

static int on_frame(void *self, struct cb_frame *f)
{
    int *n = self;
    want(cb_frame_picture(f)->width > 0, "a picture has a size");
    return ++*n < 20 ? 0 : -ECANCELED;
}

static int on_sound(void *self, struct cb_sound *s)
{
    (void) self, (void) s;
    return 0;
}

static int listen_anywhere(int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    want(fd >= 0 && bind(fd, (struct sockaddr *) &a, n) == 0 && listen(fd, 4) == 0 &&
             getsockname(fd, (struct sockaddr *) &a, &n) == 0,
         "a port on loopback");
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static void watch(int port)
{
    struct cb_camera_conf conf;
    struct cb_ingest *in = NULL;
    struct cb_error e = {0};
    int n_frames = 0;
    const struct cb_ingest_sink sink = {.self = &n_frames, .on_frame = on_frame,
                                        .on_sound = on_sound};
    cb_camera_conf_init(&conf);
    snprintf(conf.id, sizeof conf.id, "fuzz");
    snprintf(conf.url, sizeof conf.url, "rtsp://127.0.0.1:%d/1", port);
    struct cb_ingest_opts opts = cb_ingest_defaults(&conf);
    opts.is_live = false; /* once; a live camera would be tried again */
    opts.open_timeout_s = opts.read_timeout_s = 0.1;
    opts.width_max = opts.height_max = 512;
    want(cb_ingest_create(&in, &conf, &opts, &sink) == 0, "it can be created");
    int r = cb_ingest_run(in, &e);
    want(r == 0 || r == -ECANCELED || e.text[0], "a refusal has words");
    cb_ingest_destroy(&in);
    cb_camera_conf_deinit(&conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct camera c = {.data = data, .size = size};
    pthread_t thread;
    int port;
    cb_log_set_sink(quiet, NULL);
    c.listen_fd = listen_anywhere(&port);
    want(pthread_create(&thread, NULL, serve, &c) == 0, "a thread");
    watch(port);
    shutdown(c.listen_fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(c.listen_fd);
    return 0;
}
