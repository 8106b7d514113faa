#include "media.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define DELIVERED        "delivered"
#define RECORD_BYTES_MAX (1 << 20)

static DIR *open_folder(int sealed_fd, const char *name)
{
    int fd = openat(sealed_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    return d;
}

uint64_t cb_media_n_bytes(int sealed_fd, const char *name)
{
    DIR *d = open_folder(sealed_fd, name);
    uint64_t n = 0;
    struct stat st;
    if (!d)
        return 0;
    for (struct dirent *entry; (entry = readdir(d));)
        if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            n += (uint64_t) st.st_size;
    closedir(d);
    return n;
}

static void print_marker(const char *name, char *ret, size_t size)
{
    snprintf(ret, size, "%s/" DELIVERED, name);
}

bool cb_media_is_delivered(int sealed_fd, const char *name)
{
    char path[320];
    print_marker(name, path, sizeof path);
    return faccessat(sealed_fd, path, F_OK, 0) == 0;
}

/* Durable before the first file goes: a half-emptied folder without it would look tampered with. */
static int write_marker(int sealed_fd, const char *name)
{
    char path[320], at[CB_UTC_LEN + 1];
    print_marker(name, path, sizeof path);
    CB_AUTO_CLOSE int fd = openat(sealed_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    cb_utc_print(cb_clock_now_ns(), at);
    strcat(at, "\n");
    return write(fd, at, strlen(at)) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static bool is_kept(const char *name)
{
    return name[0] == '.' || !strcmp(name, "record.json") || !strcmp(name, "record.sig") ||
           !strcmp(name, DELIVERED);
}

int cb_media_remove(int sealed_fd, const char *name)
{
    DIR *d = open_folder(sealed_fd, name);
    if (!d)
        return errno == ENOENT ? 0 : -errno; /* somebody has removed the whole of it */
    int r = write_marker(sealed_fd, name);
    if (r == 0 && fsync(dirfd(d)) < 0)
        r = -errno;
    for (struct dirent *entry; r == 0 && (entry = readdir(d));)
        if (!is_kept(entry->d_name) && unlinkat(dirfd(d), entry->d_name, 0) < 0)
            r = -errno;
    closedir(d);
    return r;
}

int cb_media_read_record(int sealed_fd, const char *name, struct cb_evidence *ret)
{
    char path[320];
    CB_AUTO_FREE char *json = malloc(RECORD_BYTES_MAX);
    if (!json)
        return -ENOMEM;
    snprintf(path, sizeof path, "%s/record.json", name);
    CB_AUTO_CLOSE int fd = openat(sealed_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    size_t n = 0;
    for (ssize_t got = 1; got > 0 && n < RECORD_BYTES_MAX; n += (size_t) (got > 0 ? got : 0))
        if ((got = read(fd, json + n, RECORD_BYTES_MAX - n)) < 0)
            return -errno;
    return cb_evidence_parse(json, n, ret, NULL);
}
