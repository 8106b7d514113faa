#include "media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define TMP "tmp"

static int make_parents(const char *dir)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s", dir) >= (int) sizeof path)
        return -ENAMETOOLONG;
    for (char *s = path + 1; *s; s++) {
        if (*s != '/')
            continue;
        *s = '\0';
        if (mkdir(path, 0750) < 0 && errno != EEXIST)
            return -errno;
        *s = '/';
    }
    return mkdir(path, 0750) < 0 && errno != EEXIST ? -errno : 0;
}

int cb_media_open(const char *dir, int *ret_fd, struct cb_error *reterr)
{
    int r = make_parents(dir);
    int fd = r < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r == 0 && (fd < 0 || (mkdirat(fd, TMP, 0750) < 0 && errno != EEXIST)))
        r = -errno;
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return cb_error_set(reterr, r, dir, "cannot be used as media folder: %s", strerror(-r));
    }
    *ret_fd = fd;
    return 0;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -errno;
        p += k;
        n -= (size_t) k;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* A file of that name and length is the file: names are given only to what was written whole. */
static bool is_there(int fd, const char *name, size_t n)
{
    struct stat st;
    return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t) st.st_size == n;
}

static int write_named(int dir_fd, int sub_fd, const char *sha256, const void *bytes, size_t n)
{
    char tmp[CB_SHA256_LEN + 8];
    snprintf(tmp, sizeof tmp, TMP "/%s", sha256);
    CB_AUTO_CLOSE int fd = openat(dir_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int r = fd < 0 ? -errno : write_all(fd, bytes, n);
    if (r == 0 && renameat(dir_fd, tmp, sub_fd, sha256 + 2) < 0)
        r = -errno;
    if (r < 0 && fd >= 0)
        unlinkat(dir_fd, tmp, 0);
    return r;
}

static int put(int dir_fd, const char *sha256, const void *bytes, size_t n)
{
    char sub[3] = {sha256[0], sha256[1], '\0'};
    bool is_new = mkdirat(dir_fd, sub, 0750) == 0;
    if (!is_new && errno != EEXIST)
        return -errno;
    CB_AUTO_CLOSE int fd = openat(dir_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || (is_new && fsync(dir_fd) < 0))
        return -errno;
    int r = is_there(fd, sha256 + 2, n) ? 0 : write_named(dir_fd, fd, sha256, bytes, n);
    /* also when it was there: its name may not have reached the disk before a crash */
    return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int cb_media_put(int dir_fd, const char sha256[CB_SHA256_LEN], const void *bytes, size_t n,
                 struct cb_error *reterr)
{
    int r = put(dir_fd, sha256, bytes, n);
    return r < 0 ? cb_error_set(reterr, r, "media folder", "%s: %s", sha256, strerror(-r)) : 0;
}
