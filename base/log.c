#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static void to_stderr(void *self, enum cb_level level, const char *topic, const char *id,
                      const char *text)
{
    char at[CB_UTC_LEN];
    (void) self;
    cb_utc_print(cb_clock_now_ns(), at);
    if (id)
        fprintf(stderr, "%s %s %s[%s] %s\n", at, level_names[level], topic, id, text);
    else
        fprintf(stderr, "%s %s %s %s\n", at, level_names[level], topic, text);
}

/* The house's only global. */
static struct {
    atomic_int max;
    pthread_mutex_t lock; /* leaf: guards fn, self, and that lines do not interleave */
    cb_log_sink_fn *fn;
    void *self;
} sink = {CB_LOG_INFO, PTHREAD_MUTEX_INITIALIZER, to_stderr, NULL};

void cb_log_set_max(enum cb_level max)
{
    atomic_store(&sink.max, (int) max);
}

void cb_log_set_sink(cb_log_sink_fn *fn, void *self)
{
    pthread_mutex_lock(&sink.lock);
    sink.fn = fn ? fn : to_stderr;
    sink.self = self;
    pthread_mutex_unlock(&sink.lock);
}

/* Part of a text may come from the network: it must not forge a line, nor steer a terminal. */
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char) *text < ' ' || *text == 0x7f)
            *text = ' ';
}

void cb_log_at(const struct cb_log *l, enum cb_level level, const char *fmt, ...)
{
    if ((int) level > atomic_load(&sink.max))
        return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    flatten(text);
    pthread_mutex_lock(&sink.lock);
    sink.fn(sink.self, level, l && l->topic ? l->topic : "citybrain", l ? l->id : NULL, text);
    pthread_mutex_unlock(&sink.lock);
}
