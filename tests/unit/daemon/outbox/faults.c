#include "faults.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
    enum fault fault;
    int at, error, count;
} plan;

void faults_set(enum fault fault, int n, int error)
{
    plan.fault = fault;
    plan.at = n;
    plan.error = error;
    plan.count = 0;
}

int faults_count(void)
{
    return plan.count;
}

static bool is_struck(void)
{
    if (plan.fault == FAULT_NONE || plan.fault == FAULT_SHORT)
        return false;
    bool is_due = ++plan.count == plan.at || (plan.fault == FAULT_FULL && plan.count > plan.at);
    if (!is_due)
        return false;
    if (plan.fault == FAULT_KILLS)
        raise(SIGKILL);
    errno = plan.error;
    return true;
}

ssize_t __real_write(int fd, const void *bytes, size_t n);
int __real_fsync(int fd);
int __real_mkdirat(int fd, const char *path, mode_t mode);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_unlinkat(int fd, const char *path, int flags);

ssize_t __wrap_write(int fd, const void *bytes, size_t n);
int __wrap_fsync(int fd);
int __wrap_mkdirat(int fd, const char *path, mode_t mode);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_unlinkat(int fd, const char *path, int flags);

/* A disk that fills in the middle of a write: half of it goes, the rest is refused. */
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    if (plan.fault == FAULT_SHORT && n > 1 && ++plan.count == plan.at) {
        plan.at += plan.error ? 1 : 0;
        plan.fault = plan.error ? FAULT_FAILS : FAULT_NONE;
        return __real_write(fd, bytes, n / 2);
    }
    return is_struck() ? -1 : __real_write(fd, bytes, n);
}

int __wrap_fsync(int fd)
{
    return is_struck() ? -1 : __real_fsync(fd);
}

int __wrap_mkdirat(int fd, const char *path, mode_t mode)
{
    return is_struck() ? -1 : __real_mkdirat(fd, path, mode);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return is_struck() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_unlinkat(int fd, const char *path, int flags)
{
    return is_struck() ? -1 : __real_unlinkat(fd, path, flags);
}

static struct {
    bool is_on;
    int at, count;
} memory;

void faults_set_memory(int n)
{
    memory.is_on = n > 0;
    memory.at = n;
    memory.count = 0;
}

int faults_count_memory(void)
{
    return memory.count;
}

static bool is_out_of_memory(void)
{
    return memory.is_on && ++memory.count == memory.at;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return is_out_of_memory() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return is_out_of_memory() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return is_out_of_memory() ? NULL : __real_realloc(p, n);
}
