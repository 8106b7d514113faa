#include "media.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define TMP "tmp"
#define LEFT_OVER_S 86400

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

/* One regular file of a sub-folder. @return 0; -errno ends the visit */
typedef int visit_fn(void *arg, int sub_fd, const char *name, const struct stat *st);

static int visit_files(int dir_fd, const char *sub, visit_fn *visit, void *arg)
{
    int fd = openat(dir_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    DIR *d = fdopendir(fd);
    if (!d) {
        int r = -errno;
        close(fd);
        return r;
    }
    int r = 0;
    struct stat st;
    for (struct dirent *e; r == 0 && (e = readdir(d));)
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            r = visit(arg, fd, e->d_name, &st);
    closedir(d);
    return r;
}

struct sweeping {
    struct cb_media_sweep *w;
    const char *sub;
};

static int sweep_file(void *arg, int sub_fd, const char *name, const struct stat *st)
{
    const struct sweeping *s = arg;
    char sha256[CB_SHA256_LEN];
    if (strlen(name) != CB_SHA256_LEN - 3 || !cb_hex_is_valid(name, CB_SHA256_LEN - 3))
        return 0;
    snprintf(sha256, sizeof sha256, "%.2s%.62s", s->sub, name);
    if (s->w->is_in_use(s->w->arg, sha256))
        return 0;
    if (!s->w->is_dry && unlinkat(sub_fd, name, 0) < 0)
        return -errno;
    s->w->n_files++;
    s->w->n_bytes += (uint64_t) st->st_size;
    return 0;
}

int cb_media_sweep(int dir_fd, const char *sub, struct cb_media_sweep *w, struct cb_error *reterr)
{
    struct sweeping s = {w, sub};
    int r = visit_files(dir_fd, sub, sweep_file, &s);
    return r < 0 ? cb_error_set(reterr, r, "media folder", "%s: %s", sub, strerror(-r)) : 0;
}

struct left_over {
    bool is_dry;
    uint64_t n;
};

static int sweep_old(void *arg, int sub_fd, const char *name, const struct stat *st)
{
    struct left_over *l = arg;
    if (time(NULL) - st->st_mtime < LEFT_OVER_S)
        return 0;
    if (!l->is_dry && unlinkat(sub_fd, name, 0) < 0)
        return -errno;
    l->n++;
    return 0;
}

int cb_media_sweep_left_over(int dir_fd, bool is_dry, uint64_t *ret_n, struct cb_error *reterr)
{
    struct left_over l = {is_dry, 0};
    int r = visit_files(dir_fd, TMP, sweep_old, &l);
    *ret_n = l.n;
    return r < 0 ? cb_error_set(reterr, r, "media folder", TMP ": %s", strerror(-r)) : 0;
}
