#include "media.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
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
    /* synced: a sub-folder that was made just before a crash may not have reached the disk */
    if (r == 0 && (fd < 0 || (mkdirat(fd, TMP, 0750) < 0 && errno != EEXIST) || fsync(fd) < 0))
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
    return 0;
}

/* A file of that name and length is the file: names are given only to what was written whole. */
static bool is_there(int dir_fd, const struct cb_media_item *m)
{
    char path[CB_SHA256_LEN + 1];
    struct stat st;
    snprintf(path, sizeof path, "%.2s/%s", m->sha256, m->sha256 + 2);
    return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t) st.st_size == m->n_bytes;
}

/* Files that are written and have no name yet. Their number bounds the open files. */
#define AT_ONCE 64
struct unnamed {
    const struct cb_media_item *item;
    int fd;
    char tmp[CB_SHA256_LEN + 32];
};

/* Begins to write it to the disk, and does not wait. */
static int write_unnamed(int dir_fd, const struct cb_media_item *m, struct unnamed *ret)
{
    /* a name of its own: another store may be writing the same bytes */
    snprintf(ret->tmp, sizeof ret->tmp, TMP "/%s.%08x%08x", m->sha256, randombytes_random(),
             randombytes_random());
    ret->item = m;
    ret->fd = openat(dir_fd, ret->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (ret->fd < 0)
        return -errno;
    int r = write_all(ret->fd, m->bytes, m->n_bytes);
    if (r == 0)
        sync_file_range(ret->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* only a hint */
    return r;
}

static int give_name(int dir_fd, const struct unnamed *u)
{
    char path[CB_SHA256_LEN + 1];
    snprintf(path, sizeof path, "%.2s/%s", u->item->sha256, u->item->sha256 + 2);
    return renameat(dir_fd, u->tmp, dir_fd, path) < 0 ? -errno : 0;
}

/* All are written before the first is waited for: the file system then syncs them together. */
static int put_some(int dir_fd, const struct cb_media_item *item, size_t n)
{
    struct unnamed u[AT_ONCE];
    size_t n_written = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        if (!is_there(dir_fd, &item[i]))
            r = write_unnamed(dir_fd, &item[i], &u[n_written++]);
    for (size_t i = 0; r == 0 && i < n_written; i++)
        r = fsync(u[i].fd) < 0 ? -errno : 0;
    for (size_t i = 0; r == 0 && i < n_written; i++)
        r = give_name(dir_fd, &u[i]);
    for (size_t i = 0; i < n_written; i++) {
        if (u[i].fd >= 0)
            close(u[i].fd);
        if (r < 0)
            unlinkat(dir_fd, u[i].tmp, 0);
    }
    return r;
}

/* The sub-folders that the items lie in, each once. @return how many */
static int list_subs(const struct cb_media_item *item, size_t n, char ret[256][3])
{
    int n_subs = 0;
    for (size_t i = 0; i < n; i++) {
        int s = 0;
        while (s < n_subs && memcmp(ret[s], item[i].sha256, 2) != 0)
            s++;
        if (s == n_subs && s < 256)
            snprintf(ret[n_subs++], 3, "%.2s", item[i].sha256);
    }
    return n_subs;
}

static int make_subs(int dir_fd, char sub[][3], int n)
{
    bool is_any_new = false;
    for (int i = 0; i < n; i++) {
        if (mkdirat(dir_fd, sub[i], 0750) == 0)
            is_any_new = true;
        else if (errno != EEXIST)
            return -errno;
    }
    return is_any_new && fsync(dir_fd) < 0 ? -errno : 0;
}

static int sync_subs(int dir_fd, char sub[][3], int n)
{
    int r = 0;
    for (int i = 0; r == 0 && i < n; i++) {
        CB_AUTO_CLOSE int fd = openat(dir_fd, sub[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC |
                                                          O_NOFOLLOW);
        if (fd < 0 || fsync(fd) < 0)
            r = -errno;
    }
    return r;
}

int cb_media_put(int dir_fd, const struct cb_media_item *item, size_t n, struct cb_error *reterr)
{
    char sub[256][3];
    int n_subs = list_subs(item, n, sub), r = make_subs(dir_fd, sub, n_subs);
    for (size_t i = 0; r == 0 && i < n; i += AT_ONCE)
        r = put_some(dir_fd, item + i, n - i < AT_ONCE ? n - i : AT_ONCE);
    /* also of what was there: its name may not have reached the disk before a crash */
    if (r == 0)
        r = sync_subs(dir_fd, sub, n_subs);
    return r < 0 ? cb_error_set(reterr, r, "media folder", "%s", strerror(-r)) : 0;
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
