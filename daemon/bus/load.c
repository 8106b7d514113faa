/* A sealed package from its folder to the wire. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "message.h"

/* Errors that another try could mend; all others are the package's own fault. */
static bool is_passing(int code)
{
    return code == -ENOMEM || code == -EMFILE || code == -ENFILE || code == -EIO ||
           code == -EINTR || code == -EACCES || code == -EPERM;
}

static int fail_at(const char *id, const char *name, int code, struct cb_error *reterr)
{
    return cb_error_set(reterr, is_passing(code) ? code : -EBADMSG, id, "%s: %s", name,
                        strerror(-code));
}

static int read_all(int fd, size_t n, void **ret)
{
    size_t done = 0;
    char *p = malloc(n ? n : 1);
    if (!p)
        return -ENOMEM;
    while (done < n) {
        ssize_t k = read(fd, p + done, n - done);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            int r = k < 0 ? -errno : -EIO;
            free(p);
            return r;
        }
        done += (size_t) k;
    }
    *ret = p;
    return 0;
}

static int read_file(int dir_fd, const char *name, size_t n_max, void **ret, size_t *ret_n)
{
    struct stat st;
    CB_AUTO_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EBADMSG;
    if (st.st_size < 0 || (uint64_t) st.st_size > n_max)
        return -EFBIG;
    int r = read_all(fd, (size_t) st.st_size, ret);
    if (r == 0)
        *ret_n = (size_t) st.st_size;
    return r;
}

static int load_own(int fd, struct cb_bus_loaded *l, struct cb_error *reterr)
{
    struct cb_package *p = &l->package;
    int r = read_file(fd, CB_BUS_RECORD_NAME, CB_BUS_RECORD_BYTES_MAX, &l->bytes[0], &p->n_record);
    if (r < 0)
        return fail_at(l->names.id, CB_BUS_RECORD_NAME, r, reterr);
    r = read_file(fd, CB_BUS_SIGNATURE_NAME, 1024, &l->bytes[1], &p->n_signature);
    if (r < 0)
        return fail_at(l->names.id, CB_BUS_SIGNATURE_NAME, r, reterr);
    p->record = l->bytes[0];
    p->signature = l->bytes[1];
    return 0;
}

static int load_file(int fd, const char *name, struct cb_bus_loaded *l, struct cb_error *reterr)
{
    struct cb_package *p = &l->package;
    size_t i = p->n_files, n = strlen(name), n_bytes = 0;
    if (i == CB_EVIDENCE_FILES_MAX)
        return cb_error_set(reterr, -EBADMSG, l->names.id, "more than %d files",
                            CB_EVIDENCE_FILES_MAX);
    if (!cb_bus_name_is_valid(name, n))
        return cb_error_set(reterr, -EBADMSG, l->names.id,
                            "a file's name is none of [A-Za-z0-9._-]{1,63}");
    int r = read_file(fd, name, CB_BUS_FILE_BYTES_MAX, &l->bytes[2 + i], &n_bytes);
    if (r < 0)
        return fail_at(l->names.id, name, r, reterr);
    memcpy(l->names.file[i], name, n + 1);
    p->file[i] = (struct cb_package_file) {l->names.file[i], l->bytes[2 + i], n_bytes};
    p->n_files++;
    return 0;
}

static int load_files(int dir_fd, struct cb_bus_loaded *l, struct cb_error *reterr)
{
    int r = 0, fd = dup(dir_fd);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return fail_at(l->names.id, "folder", -errno, reterr);
    }
    for (struct dirent *e; r == 0 && (e = readdir(d));) {
        bool is_own = strcmp(e->d_name, CB_BUS_RECORD_NAME) == 0 ||
                      strcmp(e->d_name, CB_BUS_SIGNATURE_NAME) == 0;
        if (e->d_name[0] != '.' && !is_own)
            r = load_file(dir_fd, e->d_name, l, reterr);
    }
    closedir(d);
    return r;
}

int cb_bus_load(const char *id, const char *dir, struct cb_bus_loaded *ret,
                struct cb_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    if (!cb_uuid_is_valid(id))
        return cb_error_set(reterr, -EBADMSG, "package", "its id is no UUID");
    memcpy(ret->names.id, id, CB_UUID_LEN);
    ret->package.id = ret->names.id;
    CB_AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? fail_at(id, "folder", -errno, reterr) : 0;
    if (r == 0 && (r = load_own(fd, ret, reterr)) == 0 && (r = load_files(fd, ret, reterr)) == 0)
        r = cb_bus_package_check(&ret->package, reterr);
    if (r < 0)
        cb_bus_loaded_deinit(ret);
    return r;
}

void cb_bus_loaded_deinit(struct cb_bus_loaded *l)
{
    for (size_t i = 0; i < CB_LEN(l->bytes); i++) {
        free(l->bytes[i]);
        l->bytes[i] = NULL;
    }
}

static void free_bytes(void *data, void *hint)
{
    (void) hint;
    free(data);
}

static int give(void *socket, void **bytes, size_t n, bool more)
{
    zmq_msg_t m;
    if (zmq_msg_init_data(&m, *bytes, n, free_bytes, NULL) != 0)
        return -ENOMEM;
    *bytes = NULL; /* the message's now, sent or not */
    if (zmq_msg_send(&m, socket, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0) {
        int r = -errno;
        zmq_msg_close(&m);
        return r;
    }
    return 0;
}

int cb_bus_loaded_send(void *socket, struct cb_bus_loaded *l)
{
    const struct cb_package *p = &l->package;
    int r;
    if ((r = cb_bus_send_head(socket, CB_BUS_PACKAGE)) < 0 ||
        (r = cb_bus_send(socket, p->id, CB_UUID_LEN - 1, true)) < 0 ||
        (r = give(socket, &l->bytes[0], p->n_record, true)) < 0 ||
        (r = give(socket, &l->bytes[1], p->n_signature, p->n_files > 0)) < 0)
        return r;
    for (size_t i = 0; i < p->n_files; i++) {
        const char *name = p->file[i].name;
        if ((r = cb_bus_send(socket, name, strlen(name), true)) < 0 ||
            (r = give(socket, &l->bytes[2 + i], p->file[i].n_bytes, i + 1 < p->n_files)) < 0)
            return r;
    }
    return 0;
}
