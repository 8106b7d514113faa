#include "failing.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    bool is_armed, and_on;
    long fails_at, n;
} state;

/* True when this request is to fail. One thread: what is tested here starts none. */
static bool refuse(void)
{
    if (!state.is_armed)
        return false;
    state.n++;
    bool fails = state.n == state.fails_at || (state.and_on && state.n > state.fails_at);
    if (fails)
        errno = ENOMEM;
    return fails;
}

void failing_arm(long n, bool and_on)
{
    state.fails_at = n;
    state.and_on = and_on;
    state.n = 0;
    state.is_armed = true;
}

long failing_disarm(void)
{
    state.is_armed = false;
    return state.n;
}

/* The names are the linker's: --wrap=malloc leads to __wrap_malloc. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
FILE *__real_open_memstream(char **ret, size_t *ret_n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_asprintf(char **ret, const char *fmt, ...);
FILE *__wrap_open_memstream(char **ret, size_t *ret_n);

void *__wrap_malloc(size_t n)
{
    return refuse() ? NULL : __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return refuse() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    return refuse() ? NULL : __real_realloc(p, n);
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return refuse() ? NULL : __real_aligned_alloc(align, n);
}
char *__wrap_strdup(const char *s)
{
    return refuse() ? NULL : __real_strdup(s);
}
char *__wrap_strndup(const char *s, size_t n)
{
    return refuse() ? NULL : __real_strndup(s, n);
}
int __wrap_asprintf(char **ret, const char *fmt, ...)
{
    if (refuse())
        return -1;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(ret, fmt, ap);
    va_end(ap);
    return n;
}
FILE *__wrap_open_memstream(char **ret, size_t *ret_n)
{
    return refuse() ? NULL : __real_open_memstream(ret, ret_n);
}

static void *json_malloc(size_t n)
{
    return refuse() ? NULL : __real_malloc(n);
}

void failing_install(void)
{
    json_set_alloc_funcs(json_malloc, free);
}
