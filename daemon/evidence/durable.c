#include "durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int write_all(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -errno;
        p += w;
        n -= (size_t) w;
    }
    return 0;
}

int cb_durable_write(int dir_fd, const char *name, const void *bytes, size_t n, unsigned mode)
{
    CB_AUTO_CLOSE int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, bytes, n);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r;
}

void cb_durable_hash_bytes(const void *bytes, size_t n, char ret_sha256[CB_SHA256_LEN])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, bytes, n);
    sodium_bin2hex(ret_sha256, CB_SHA256_LEN, hash, sizeof hash);
}

int cb_durable_read(int dir_fd, const char *name, size_t n_max, char **ret, size_t *ret_n)
{
    CB_AUTO_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 ? -errno : cb_durable_read_fd(fd, n_max, ret, ret_n);
}

int cb_durable_read_fd(int fd, size_t n_max, char **ret, size_t *ret_n)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size < 0 || (uint64_t) st.st_size > n_max)
        return -EFBIG;
    size_t size = (size_t) st.st_size, n = 0;
    CB_AUTO_FREE char *bytes = malloc(size + 1);
    if (!bytes)
        return -ENOMEM;
    while (n < size) {
        ssize_t got = read(fd, bytes + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t) got;
    }
    bytes[n] = '\0';
    *ret = bytes;
    *ret_n = n;
    bytes = NULL;
    return 0;
}

int cb_durable_remove_dir(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(d));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            unlinkat(dirfd(d), entry->d_name, 0) < 0)
            r = -errno;
    closedir(d);
    if (r == 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
        r = -errno;
    return r;
}
