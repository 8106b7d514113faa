#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

int cb_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    if (n == 0)
        return 0;
    if (n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return -EINVAL;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract name space */
    CB_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t n_to = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n);
    return sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *) &to, n_to) < 0
               ? -errno
               : 0;
}

/* A number that is one to its end, > 0; else 0. */
static long long positive(const char *text)
{
    char *end = NULL;
    errno = 0;
    long long v = text ? strtoll(text, &end, 10) : 0;
    return text && end != text && !*end && errno == 0 && v > 0 ? v : 0;
}

int64_t cb_notify_watchdog_ns(void)
{
    const char *pid = getenv("WATCHDOG_PID"); /* absent: meant for whoever asks */
    long long us = positive(getenv("WATCHDOG_USEC"));
    if ((pid && positive(pid) != getpid()) || us > INT64_MAX / 1000)
        return 0;
    return us * 1000 / 2;
}
