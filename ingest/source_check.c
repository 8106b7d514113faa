#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Text in any of the usual encodings has no control characters but white space and escape. */
static bool is_text(const unsigned char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (b[i] < ' ' && !strchr("\t\n\r\f\x1b", b[i] ? b[i] : 1))
            return false;
    return n > 0;
}

int cb_source_check_file(const char *path, const char *where, struct cb_error *reterr)
{
    unsigned char head[4096];
    struct stat st;
    CB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int code = -errno;
        if (code == -ENOENT)
            return cb_error_set(reterr, code, where, "no such file");
        return cb_error_set(reterr, code, where, "can't be read: %s", strerror(-code));
    }
    if (S_ISDIR(st.st_mode))
        return cb_error_set(reterr, -EISDIR, where, "is a folder, expected a recording");
    if (!S_ISREG(st.st_mode))
        return 0; /* a pipe or a device: reading it here would take its start away */
    if (st.st_size == 0)
        return cb_error_set(reterr, -EINVAL, where, "is empty (0 bytes), expected a recording");
    ssize_t n = read(fd, head, sizeof head);
    if (n < 0)
        return cb_error_set(reterr, -errno, where, "can't be read: %s", strerror(errno));
    if (is_text(head, (size_t) n))
        return cb_error_set(reterr, -EINVAL, where,
                            "is a text file, no picture or sound stream found");
    return 0;
}
